"""A home that an earlier version wrote is opened by this one: data are kept, and finished nights are records.

`homes/version_0_1.tar.xz` holds four nights of one coin at 15 minutes as that version left them, its tables
as SQL, and the marks of what aged out (features sooner than the settings allow, for its size).
"""

import json
import tarfile
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest

from huracan_assets.registry import stages
from huracan_resources.database.embedded_postgres import embedded_url
from huracan_resources.lake.manifest import Manifest
from tests.end_to_end.command import Answer, Home
from tests.end_to_end.conftest import MakeHome

ARCHIVE = Path(__file__).parent / "homes" / "version_0_1.tar.xz"
FIRST, LAST = date(2025, 1, 2), date(2025, 2, 8)
NEXT, SECOND = LAST + timedelta(days=1), LAST + timedelta(days=2)
NOW = {
    "gates.minimum_past_trades": {
        f"gates.{gate}.minimum_past_trades": "10" for gate in ("cost", "meta_label", "confidence")
    },
    "market.rules.entry_margin_bars": {},
    "promotion.minimum_active_periods": {},
    "promotion.minimum_random_percentile": {},
    "promotion.tolerance_to_last_brain_usd": {},
    "promotion.maximum_trailing_drawdown_pct": {},
    "market.rules.maximum_holding_bars": {"market.rules.maximum_holding": "2h"},
    "market.rules.volatility_horizon_bars": {"market.rules.volatility_horizon": "1h"},
    "market.rules.scratch_bars": {"market.rules.scratch_age": "30m"},
}
"""Settings of that version, and what is said instead of them now."""
RECORDS = [stage.name for stage in stages() if stage.is_record]

Manifests = Mapping[tuple[str, date], Manifest]


@pytest.fixture(scope="module")
def old(make_home: MakeHome) -> Home:
    home = make_home()
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(home.path, filter="data")
    with psycopg.connect(embedded_url(home.path)) as connection:
        connection.execute((home.path / "database.sql").read_bytes())
    said = json.loads((home.path / "settings.json").read_text())["set"]
    settings = {key: value for old, was in said.items() for key, value in NOW.get(old, {old: was}).items()}
    home.variables = _variables(settings)
    return home


def _variables(settings: Mapping[str, str]) -> dict[str, str]:
    return {f"HURACAN__{key.upper().replace('.', '__')}": value for key, value in settings.items()}


@pytest.fixture(scope="module")
def written(old: Home) -> Manifests:
    """Every manifest as the earlier version left it."""
    return _manifests(old)


@pytest.fixture(scope="module")
def history(old: Home, written: Manifests) -> Answer:
    """The first command after the upgrade: the market of all days."""
    answer = old.call("backfill", "--from", FIRST.isoformat(), "--to", LAST.isoformat())
    assert answer.code == 0, answer.out + answer.err
    return answer


@pytest.fixture(scope="module")
def next_night(old: Home, history: Answer) -> Answer:
    answer = old.run("nightly", "--date", NEXT.isoformat())
    assert answer.code == 0, answer.out + answer.err
    return answer


@pytest.fixture(scope="module")
def second_night(old: Home, next_night: Answer) -> Answer:
    answer = old.run("nightly", "--date", SECOND.isoformat())
    assert answer.code == 0, answer.out + answer.err
    return answer


def _manifests(home: Home) -> Manifests:
    found = {}
    for asset in [stage.name for stage in stages()]:
        for day in home.lake.days(asset):
            manifest = home.lake.manifest(asset, day)
            assert manifest is not None
            found[asset, day] = manifest
    return found


def test_what_is_made_again_is_said_in_one_line_before_it_is_done(history: Answer) -> None:
    told, *_ = history.err.splitlines()
    assert told == (
        "Made by another version or with other settings, and made again: 38 days of market."
        " Finished nights keep their policies, trades and decisions."
    )


def test_a_night_after_that_has_nothing_to_make_again_and_finds_its_history(next_night: Answer) -> None:
    assert "made again" not in next_night.err and "history:" not in next_night.err


def test_the_next_night_enters_nothing_as_the_policy_of_before_knows_other_columns(
    old: Home, written: Manifests, next_night: Answer
) -> None:
    left = written["ppo_checkpoint", LAST]
    assert old.lake.manifest("ppo_checkpoint", LAST) == left
    ledger = old.lake.require("shadow_trades", NEXT)
    assert ledger.inputs[left.key] == left.content_hash
    assert ledger.note.startswith(f"No policy of the day before {NEXT}") and "observation" in ledger.note


def test_the_night_after_it_is_traded_by_a_policy_of_this_version_and_begins_flat(
    old: Home, second_night: Answer
) -> None:
    policy, ledger = old.lake.require("ppo_checkpoint", NEXT), old.lake.require("shadow_trades", SECOND)
    assert ledger.inputs[policy.key] == policy.content_hash and ledger.files["decisions.parquet"].rows
    assert not [key for key in ledger.inputs if "#open_positions" in key]
    accounts = old.lake.read_manifests([ledger], name="open_positions").to_pylist()
    assert [account["symbol"] for account in accounts] == ["BTC/USDT"]


def test_finished_nights_are_of_the_earlier_version_and_new_days_of_this_one(
    old: Home, written: Manifests, next_night: Answer
) -> None:
    by_name = {stage.name: stage for stage in stages()}
    for (asset, day), before in written.items():
        now = old.lake.manifest(asset, day)
        if asset in RECORDS and before.files:
            assert now == before, (asset, day)
    for asset in ("confidence_model", "gate_decisions"):
        old_version = written[asset, LAST].code_version
        assert old.lake.require(asset, LAST).code_version == old_version != by_name[asset].code_version
        assert old.lake.require(asset, NEXT).code_version == by_name[asset].code_version


def test_what_is_made_again_has_the_candles_that_it_had(
    old: Home, written: Manifests, next_night: Answer
) -> None:
    again = 0
    for (asset, day), before in written.items():
        now = old.lake.manifest(asset, day)
        assert now is not None and now.files.keys() >= before.files.keys(), (asset, day)
        if asset == "ohlcv":
            assert now.files["data.parquet"] == before.files["data.parquet"], day
        again += now.code_version != before.code_version
    assert again, "nothing was made again: the archive is of this version"
    for manifest in _manifests(old).values():
        assert old.lake.is_whole(manifest), manifest.key


def test_its_rows_its_brains_and_its_aged_out_files_are_known(old: Home, second_night: Answer) -> None:
    answer = old.call("sql", "--database", "--json", "SELECT count(*) AS trades FROM shadow_trades")
    assert json.loads(answer.out)[0]["trades"] > 60
    brains = old.call("sql", "--database", "--json", "SELECT day, verdict FROM brain_registry ORDER BY day")
    published = [row["day"] for row in json.loads(brains.out)]
    assert published[-3:] == [day.isoformat() for day in (LAST, NEXT, SECOND)]
    assert old.lake.require("shadow_trades", date(2025, 2, 5)).aged_out
    trades = json.loads(old.call("trades", "--date", LAST.isoformat(), "--json", "--limit", "0").out)
    assert trades and all(trade["trade_id"] for trade in trades)


def test_a_backfill_resumes_and_leaves_the_records(old: Home, written: Manifests, next_night: Answer) -> None:
    words = ("backfill", "--from", LAST.isoformat(), "--to", LAST.isoformat(), "--jobs", "all", "--json")
    answer = old.call(*words)
    assert answer.code == 0 and answer.summary["runs"] > 0, answer.out + answer.err
    known = [asset for asset in RECORDS if (asset, LAST) in written]
    new = {"champion_trades", "controls", "ensemble", "explored_trades", "gated_trades"}
    assert set(RECORDS) - set(known) == new, "records that the earlier version did not have"
    for asset in known:
        assert old.lake.manifest(asset, LAST) == written[asset, LAST], asset
    again = old.call(*words)
    assert again.code == 0 and again.summary["runs"] == 0, again.out


def test_a_remake_with_other_costs_is_marked_and_is_no_evidence(old: Home, second_night: Answer) -> None:
    made = old.lake.require("shadow_trades", SECOND)
    learned = old.lake.require("ppo_checkpoint", SECOND)
    words = ("--from", SECOND.isoformat(), "--to", SECOND.isoformat(), "--jobs", "trade")
    costs = ("--set", "market.costs.taker_fee_bps=3")
    assert old.call("backfill", *words, *costs).code == 0
    assert not old.lake.require("shadow_trades", SECOND).remade
    answer = old.call("backfill", *words, *costs, "--remake")
    assert answer.code == 0, answer.out + answer.err
    assert "made again: 1 days of trade" in answer.err and "keep their policies" not in answer.err
    remade = old.lake.require("shadow_trades", SECOND)
    assert remade.remade and remade.content_hash != made.content_hash
    assert "no pattern is judged by them" in old.lake.require("pattern_library", SECOND).note
    assert old.lake.require("ppo_checkpoint", SECOND) == learned
