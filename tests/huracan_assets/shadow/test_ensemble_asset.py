"""Nights of the ensemble in a lake: who sleeps at first, what is learnt, what no later signal changes."""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from huracan.ensemble.columns import COMBINED
from huracan.market.actions import WAIT_INDEX, entry_indices
from huracan_assets.analysis.pattern_library import pattern_library
from huracan_assets.analysis.trade_memory import trade_memory
from huracan_assets.inputs.file_names import HEDGE_FILE
from huracan_assets.learning.confidence_model import confidence_model
from huracan_assets.learning.ensemble import ensemble
from huracan_assets.shadow.explored_trades import explored_trades
from huracan_assets.shadow.shadow_trades import shadow_trades
from huracan_assets.shown import Picture
from huracan_assets.stage import Outcome, StageContext
from huracan_resources.lake.entry_features import TRACE_FILE
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.huracan_assets.shadow.paper_home import FIRST, HOURS, Paper

NIGHTS = 9
NEAR_EXITS = {
    "market.rules.maximum_holding": "12h",
    "market.rules.stop_volatilities": 0.7,
    "market.rules.target_volatilities": 1.0,
}
STAGES = (shadow_trades, explored_trades, trade_memory, pattern_library, confidence_model, ensemble)
DAYS = [FIRST + timedelta(days=number) for number in range(NIGHTS)]
MEMBERS = ["confidence", "pattern_evidence", "regime_prior", "seed_0", "seed_1"]

pytestmark = pytest.mark.slow


@dataclass
class Home:
    paper: Paper
    nights: list[Outcome]

    def again(self, day: date) -> Outcome:
        """What the asset makes of the night as it lies in the lake."""
        resources = self.paper.resources
        inputs = ensemble.inputs(resources.lake, day, resources.settings)
        return ensemble.body(inputs, StageContext("ensemble", day, resources.settings, resources, ""))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    settings = load_settings(HOURS | NEAR_EXITS, {"HURACAN_HOME": str(tmp_path_factory.mktemp("ensemble"))})
    paper, nights = Paper(Resources(settings)), []
    paper.market(*(FIRST - timedelta(days=back) for back in range(12, 0, -1)), *DAYS)
    for day in DAYS:
        nights.append([paper.trade(day, stage=stage) for stage in STAGES][-1])
        paper.train(day)
    return Home(paper, nights)


def _weights(outcome: Outcome) -> dict[str, dict[str, Any]]:
    return {row["member"]: row for row in outcome.tables["weights"].to_pylist()}


def test_on_the_first_night_everybody_sleeps_and_it_says_so(home: Home) -> None:
    first = home.nights[0]
    table = first.tables["data"]
    assert table.num_rows > 0 and table["probability"].null_count == table.num_rows
    assert set(table["member"].to_pylist()) == {"confidence", "pattern_evidence", "regime_prior", COMBINED}
    assert first.tables["weights"].num_rows == 0 and "weights" not in first.metadata
    (verdict,) = first.verdicts
    assert verdict.passed and verdict.reason == "No signal has ended yet of which members spoke."


def test_members_wake_as_they_get_a_past_and_the_weights_stay_within_the_bound(home: Home) -> None:
    awake = [sorted(_weights(night)) for night in home.nights]
    assert all(set(before) <= set(after) for before, after in pairwise(awake))
    assert awake[-1] == MEMBERS and awake[2] != MEMBERS
    for night in home.nights:
        rows = _weights(night)
        assert all(row["regret"] <= row["bound"] for row in rows.values())
        assert not rows or sum(row["weight"] for row in rows.values()) == pytest.approx(1.0)
    last = home.nights[-1]
    assert (
        isinstance(last.metadata["weights"], Picture) and "is ahead of all" in last.metadata["weights"].told
    )


def test_what_is_told_of_a_member_is_what_its_rows_and_the_trades_come_to(home: Home) -> None:
    lake = home.paper.resources.lake
    net = {
        row["trade_id"]: row["net_bps"]
        for asset in ("shadow_trades", "explored_trades")
        for day in DAYS
        if "data.parquet" in (lake.manifest(asset, day) or pytest.fail()).files
        for row in lake.read_table(asset, day).to_pylist()
    }
    rows = pa.concat_tables([night.tables["data"] for night in home.nights]).to_pylist()
    together = {row["trade_id"]: row["probability"] for row in rows if row["member"] == COMBINED}
    for name, told in _weights(home.nights[-1]).items():
        own = [
            (row["signal_weight"], row["probability"], together[row["trade_id"]], net[row["trade_id"]] > 0.0)
            for row in rows
            if row["member"] == name and row["weight"] is not None and row["trade_id"] in net
        ]
        weight, said, combined, won = (np.array(each, dtype=np.float64) for each in zip(*own, strict=True))
        assert told["signals"] == len(own)
        assert told["loss"] == pytest.approx((weight * (said - won) ** 2).sum())
        assert told["ensemble_loss"] == pytest.approx((weight * (combined - won) ** 2).sum())


def test_the_seed_that_is_published_said_what_its_policy_wrote_down(home: Home) -> None:
    table = home.nights[-1].tables["data"]
    seed = {row["trade_id"]: row["said"] for row in table.to_pylist() if row["member"] == "seed_0"}
    trades = home.paper.resources.lake.read_table("explored_trades", DAYS[-1]).to_pylist()
    known = [row for row in trades if row["trade_id"] in seed]
    assert len(known) > 5
    for row in known:
        chances = np.array(row["action_probabilities"])
        enters = chances[list(entry_indices(False))].sum()
        assert seed[row["trade_id"]] == pytest.approx(enters / (enters + chances[WAIT_INDEX]), rel=1e-5)


def test_a_night_made_again_is_the_same_to_the_byte(home: Home) -> None:
    for place in (4, NIGHTS - 1):
        again, first = home.again(DAYS[place]), home.nights[place]
        assert again.files == first.files
        assert all(
            encode_table(again.tables[name]) == encode_table(first.tables[name]) for name in first.tables
        )


def test_signals_of_the_afternoon_change_no_answer_of_the_morning(home: Home) -> None:
    day, lake = DAYS[-1], home.paper.resources.lake
    noon = pa.scalar(DAYS[-1], pa.date32()).cast(pa.timestamp("ms", "UTC")).as_py() + timedelta(hours=12)
    kept = {}
    for asset in ("shadow_trades", "explored_trades"):
        manifest = lake.manifest(asset, day)
        assert manifest is not None
        files = {name: lake.read_file(asset, day, name) for name in manifest.files}
        kept[asset] = files
        cut = dict(files)
        for name in ("data", "open_positions"):
            table = lake.read_manifests([manifest], None, name)
            signal = table["signal_time"]
            early = pc.fill_null(pc.less(signal, pa.scalar(noon, pa.timestamp("ms", "UTC"))), True)
            cut[f"{name}.parquet"] = encode_table(table.filter(early))
        lake.write(asset, day, cut)
    found = home.again(day).tables["data"]
    for asset, files in kept.items():
        lake.write(asset, day, files)
    whole = home.nights[-1].tables["data"]
    early = whole.filter(pc.less(whole["signal_time"], pa.scalar(noon, pa.timestamp("ms", "UTC"))))
    assert 0 < early.num_rows < whole.num_rows and found.equals(early)


def test_a_night_whose_checkpoint_has_no_seeds_lets_them_sleep(home: Home) -> None:
    day, lake = DAYS[-1], home.paper.resources.lake
    names = ("policy.safetensors", "seed_0.safetensors", "seed_1.safetensors")
    whole = {
        each: {name: lake.read_file("ppo_checkpoint", each, name) for name in names} for each in DAYS[-3:-1]
    }
    for each, files in whole.items():
        lake.write("ppo_checkpoint", each, {names[0]: files[names[0]]})
    found = home.again(day).tables["data"]
    for each, files in whole.items():
        lake.write("ppo_checkpoint", each, files)
    assert set(found["member"].to_pylist()) == {"confidence", "pattern_evidence", "regime_prior", COMBINED}
    together = found.filter(pc.equal(found["member"], COMBINED))
    assert together["probability"].null_count < together.num_rows


def test_a_book_with_other_entry_features_than_the_model_knows_lets_the_model_sleep(home: Home) -> None:
    """As of a night of an earlier version of which one book is made today."""
    day, lake = DAYS[-1], home.paper.resources.lake
    manifest = lake.manifest("explored_trades", day)
    assert manifest is not None
    files = {name: lake.read_file("explored_trades", day, name) for name in manifest.files}
    shorter = {}
    for name in ("data", "open_positions"):
        table = lake.read_manifests([manifest], None, name)
        place = table.schema.get_field_index("entry_features")
        lists = [None if each is None else each[:-1] for each in table["entry_features"].to_pylist()]
        shorter[f"{name}.parquet"] = encode_table(
            table.set_column(
                place, table.schema.field(place), pa.array(lists, table.schema.field(place).type)
            )
        )
    trace = json.loads(files[TRACE_FILE])
    trace["entry_features"] = trace["entry_features"][:-1]
    lake.write("explored_trades", day, files | shorter | {TRACE_FILE: json.dumps(trace).encode()})
    table = home.again(day).tables["data"]
    lake.write("explored_trades", day, files)
    own = table.filter(pc.equal(table["member"], "confidence"))
    awake = {book: own.filter(pc.equal(own["book"], book))["probability"] for book in ("policy", "explored")}
    assert awake["explored"].null_count == len(awake["explored"]) > 0
    assert awake["policy"].null_count < len(awake["policy"])


def test_without_the_night_before_a_history_begins_anew(home: Home, tmp_path: Path) -> None:
    content = json.loads(home.nights[-1].files[HEDGE_FILE])
    assert set(content) == {"forecasters", "waiting", "tallies"} and content["tallies"]
    settings = load_settings(HOURS, {"HURACAN_HOME": str(tmp_path)})
    paper = Paper(Resources(settings))
    paper.market(*(FIRST - timedelta(days=back) for back in range(3, -1, -1)))
    for asset in ("shadow_trades", "explored_trades"):
        paper.resources.lake.write(asset, FIRST, {}, note="No policy.")
    assert paper.trade(FIRST, stage=ensemble).note == f"No signal became a trade up to {FIRST}."
