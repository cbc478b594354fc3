"""The gates of a night: what they are fitted on, and what is kept for those of later nights."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from huracan.analysis.patterns.table import PATTERNS_SCHEMA
from huracan.gates.roster import gate_kinds
from huracan.market.facts.signal_facts import signal_facts
from huracan.models.config import Unfit
from huracan_assets.gates.gate_decisions import gate_decisions
from huracan_assets.inputs.gate_context import PAST_MARKET, gate_context
from huracan_assets.inputs.in_force import models_in_force
from huracan_assets.inputs.past_trades import BOTH_BOOKS, TRAILING_EXPLORED, TRAILING_TRADES
from huracan_assets.reads import Read, resolve_all
from huracan_assets.shadow.explored_trades import explored_trades
from huracan_assets.stage import Outcome, StageContext
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.huracan.conftest import hourly_ledger
from tests.huracan.gates.columns import facts
from tests.huracan_assets.shadow.paper_home import BEFORE, DAY, FIRST, HOURS, Paper

BEGIN, LAST = date(2025, 5, 1), date(2025, 5, 10)
MODELS = ("confidence_model", "meta_label_model", "conformal_model", "pattern_library")


def _made(home: Paper, day: date, **said: str) -> Outcome:
    settings = home.resources.settings
    if said:
        told = {key.replace("__", "."): value for key, value in said.items()}
        settings = load_settings({**HOURS, **told}, {"HURACAN_HOME": "/nowhere"})
    inputs = resolve_all(home.resources.lake, gate_decisions.reads, day, settings)
    return gate_decisions.body(inputs, StageContext("gate_decisions", day, settings, home.resources, ""))


@pytest.fixture
def traded(paper: Paper) -> dict[date, pa.Table]:
    paper.train(*(DAY - timedelta(days=back) for back in (3, 2, 1)))
    return {day: paper.trade(day).tables["data"] for day in (FIRST, BEFORE, DAY)}


def test_the_market_at_each_signal_is_kept_beside_the_decisions(
    paper: Paper, traded: dict[date, pa.Table]
) -> None:
    made = _made(paper, DAY)
    kept, trades = made.tables["facts"], traded[DAY]
    assert kept["trade_id"].equals(trades["trade_id"]) and kept.num_rows > 3
    lake = paper.resources.lake
    days = [DAY - timedelta(days=back) for back in range(8, -1, -1)]
    held = [manifest for day in days if (manifest := lake.manifest("ohlcv", day)) is not None]
    candles = lake.read_manifests(held)
    assert kept.equals(signal_facts(trades, candles))
    assert kept["toxicity"].null_count == 0 and set(kept["bar_minutes"].to_pylist()) == {60.0}
    decisions = made.tables["data"]
    assert set(decisions["book"].to_pylist()) == {"policy"}
    assert set(decisions["mode"].to_pylist()) == {"advisory"}
    assert decisions.num_rows == trades.num_rows * (len(gate_kinds()) + 1)


def test_explored_entries_are_judged_beside_the_signals_of_the_policy(
    paper: Paper, traded: dict[date, pa.Table]
) -> None:
    alone = _made(paper, DAY).tables["data"]
    for day in (FIRST, BEFORE, DAY):
        paper.trade(day, stage=explored_trades)
    made, lake = _made(paper, DAY), paper.resources.lake
    decisions = made.tables["data"]
    explored = lake.read_manifests([lake.require("explored_trades", DAY)])
    assert explored.num_rows > 3
    own = decisions.filter(pc.equal(decisions["book"], "policy"))
    others = decisions.filter(pc.equal(decisions["book"], "explored"))
    assert own.num_rows == alone.num_rows
    assert set(others["trade_id"].to_pylist()) == set(explored["trade_id"].to_pylist())
    assert [verdict.passed for verdict in made.verdicts] == [True]
    assert made.tables["facts"].num_rows == traded[DAY].num_rows + explored.num_rows


def test_a_gate_that_is_off_gives_no_answer_and_is_not_missed(
    paper: Paper, traded: dict[date, pa.Table]
) -> None:
    made = _made(paper, DAY, gates__cost__mode="off")
    assert set(made.tables["data"]["gate"].to_pylist()) == {*gate_kinds(), "combined"} - {"cost"}
    assert [verdict.passed for verdict in made.verdicts] == [True]


@pytest.fixture
def resources(tmp_path: Path) -> Resources:
    """Ten days of 24 trades, of whose signals facts were kept on all but the third."""
    made = Resources(load_settings({"models.trailing_days": 10}, {"HURACAN_HOME": str(tmp_path)}))
    ledger = hourly_ledger(240)
    kept = facts(ledger, imbalance=np.arange(240.0))
    for number in range(10):
        day, rows = BEGIN + timedelta(days=number), slice(24 * number, 24 * number + 24)
        made.lake.write("shadow_trades", day, {"data.parquet": encode_table(ledger.slice(rows.start, 24))})
        files = {} if number == 2 else {"facts.parquet": encode_table(kept.slice(rows.start, 24))}
        made.lake.write("gate_decisions", day, {"data.parquet": encode_table(ledger.slice(0, 0)), **files})
    for model in MODELS:
        made.lake.write(model, LAST, {}, note="too few trades")
    return made


def test_past_trades_meet_the_market_at_their_signals_wherever_it_was_kept(resources: Resources) -> None:
    reads = [*BOTH_BOOKS, *PAST_MARKET, *(Read(model) for model in MODELS)]
    inputs = resolve_all(resources.lake, reads, LAST, resources.settings)
    told = gate_context(inputs, StageContext("baseline_brain", LAST, resources.settings, resources, ""))
    # The last two hours wait for what is still open.
    assert told.past.trades.num_rows == 238
    assert told.facts["trade_id"].equals(told.past.trades["trade_id"])
    expected = [None if 48 <= row < 72 else float(row) for row in range(238)]
    assert told.facts["imbalance"].to_pylist() == expected
    assert isinstance(told.conformal, Unfit) and told.conformal.reason == "too few trades"
    assert told.patterns.schema == PATTERNS_SCHEMA and told.patterns.num_rows == 0


def test_each_night_has_its_own_library_and_knows_no_later_trade(resources: Resources) -> None:
    library = {"pattern_id": "one", "state": "reliable", "centroid": [1.0], "feature_means": [0.0]}
    older = LAST - timedelta(days=2)
    for model in MODELS:
        resources.lake.write(model, older, {}, note="too few trades")
        resources.lake.write(model, LAST - timedelta(days=1), {}, note="too few trades")
    table = pa.Table.from_pylist([library], schema=PATTERNS_SCHEMA)
    resources.lake.write("pattern_library", older, {"data.parquet": encode_table(table)})
    past = replace(TRAILING_TRADES, key="past", days=11, ends=-1, optional=True)
    explored = replace(TRAILING_EXPLORED, key="past_explored", days=11, ends=-1)
    reads = [past, explored, *(replace(each, days=11, ends=-1) for each in PAST_MARKET)]
    reads += [read for model in MODELS for read in models_in_force(model)]
    reads.append(Read("shadow_trades"))
    inputs = resolve_all(resources.lake, reads, LAST, resources.settings)
    context = StageContext("gate_decisions", LAST, resources.settings, resources, "")
    then, now = (gate_context(inputs, context, night, "past") for night in (older, LAST - timedelta(days=1)))
    assert then.patterns["pattern_id"].to_pylist() == ["one"] and now.patterns.num_rows == 0
    ends = [pc.max(each.past.trades["exit_time"]).as_py().date() for each in (then, now)]
    assert ends == [older, LAST - timedelta(days=1)]
