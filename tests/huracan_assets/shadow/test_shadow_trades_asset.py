"""The day on paper as an asset: what it reads of the days before, who decides, and what it hands on."""

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from huracan.candles.schema import day_start
from huracan.errors import InputRefused
from huracan.features.recipe import EVERY_COLUMN
from huracan.verdict import Verdict
from huracan_assets.reads import resolve_all
from huracan_assets.shadow.shadow_trades import shadow_trades
from huracan_assets.stage import StageContext
from huracan_resources.lake.manifest import Origin
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.huracan_assets.shadow.paper_home import BEFORE, DAY, FIRST, Paper, checkpoint


def _hour(moment: object) -> int:
    return moment.hour  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("columns", "settings", "why"),
    [
        (EVERY_COLUMN.names[1:], {}, "The checkpoint was trained on other columns"),
        (
            EVERY_COLUMN.names,
            {"market.rules.allow_short": True},
            "The checkpoint has another list of actions than the rules",
        ),
    ],
    ids=["new feature", "short sales"],
)
def test_a_day_whose_policy_knows_other_columns_or_actions_stays_untraded_and_says_why(
    tmp_path: Path, columns: tuple[str, ...], settings: dict[str, object], why: str
) -> None:
    resources = Resources(load_settings(settings, {"HURACAN_HOME": str(tmp_path)}))
    resources.lake.write("ppo_checkpoint", BEFORE, {"policy.safetensors": checkpoint(columns)})
    for asset in ("features", "regimes", "ohlcv", "market_costs"):
        resources.lake.write(asset, DAY, {"data.parquet": encode_table(pa.table({"value": [1]}))})
    inputs = resolve_all(resources.lake, shadow_trades.reads, DAY, resources.settings)
    context = StageContext("shadow_trades", DAY, resources.settings, resources, "")
    outcome = shadow_trades.body(inputs, context)
    assert not outcome.tables and not outcome.verdicts
    assert outcome.note.startswith(f"No policy of the day before {DAY}: {why}")


def test_the_first_day_of_a_home_begins_flat_and_nobody_decides_before_the_handover(paper: Paper) -> None:
    paper.train(FIRST - timedelta(days=1))
    outcome = paper.trade(FIRST)
    session, decisions = outcome.tables["session"], outcome.tables["decisions"]
    assert session.num_rows == 48 and session["open_time"][0].as_py() == day_start(FIRST)
    early = [row for row in session.to_pylist() if _hour(row["open_time"]) < 4]
    assert {row["action"] for row in early} == {"WAIT"} and {row["cash_usd"] for row in early} == {10_000.0}
    assert {_hour(each) for each in decisions["open_time"].to_pylist()} == set(range(4, 24))
    told = str(outcome.metadata["model_id_before_04:00"])
    assert told.startswith("none: no usable checkpoint of that night")


def test_a_day_goes_on_from_the_accounts_of_the_day_before_and_records_their_table_alone(
    paper: Paper,
) -> None:
    paper.train(FIRST - timedelta(days=1), FIRST, BEFORE)
    first = paper.trade(FIRST)
    second = paper.trade(BEFORE)
    third = paper.trade(DAY)
    for before, after in ((first, second), (second, third)):
        left = dict(
            zip(
                *(before.tables["open_positions"][name].to_pylist() for name in ("symbol", "equity_usd")),
                strict=True,
            )
        )
        opened = [row for row in after.tables["session"].to_pylist() if _hour(row["open_time"]) == 0]
        assert {row["symbol"]: row["equity_usd"] - row["result_usd"] for row in opened} == pytest.approx(left)
    assert any(outcome.tables["open_positions"]["side"].null_count < 2 for outcome in (first, second))
    over_midnight = [
        row
        for row in [*second.tables["data"].to_pylist(), *third.tables["data"].to_pylist()]
        if row["entry_time"].date() < row["exit_time"].date()
    ]
    assert over_midnight, "some trade outlived a midnight"
    manifest = paper.resources.lake.require("shadow_trades", DAY)
    keys = [key for key in manifest.inputs if key.startswith("shadow_trades/")]
    assert keys == [f"shadow_trades/{BEFORE}#open_positions"]
    models = third.tables["decisions"].to_pylist()
    by_hour = {_hour(row["open_time"]): row["model_id"] for row in models}
    assert by_hour[0] == by_hour[3] != by_hour[4] == by_hour[23]
    assert by_hour[4] == third.metadata["model_id_from_04:00"]


def test_a_remake_stops_where_the_accounts_agree_again(paper: Paper) -> None:
    paper.train(FIRST - timedelta(days=1), FIRST)
    made = paper.trade(FIRST)
    paper.trade(BEFORE)
    assert paper.is_current(BEFORE)
    lake = paper.resources.lake
    files = {f"{name}.parquet": encode_table(table) for name, table in made.tables.items()}
    lake.write(
        "shadow_trades", FIRST, {**files, "signals.parquet": encode_table(made.tables["signals"].slice(1))}
    )
    assert paper.is_current(BEFORE), "only the accounts count"
    accounts = made.tables["open_positions"]
    place = accounts.column_names.index("cash_usd")
    other = accounts.set_column(place, "cash_usd", pc.add(accounts["cash_usd"], 1.0))
    lake.write("shadow_trades", FIRST, {**files, "open_positions.parquet": encode_table(other)})
    assert not paper.is_current(BEFORE)


def test_without_a_policy_the_accounts_go_on_and_nothing_is_entered(paper: Paper) -> None:
    paper.train(FIRST - timedelta(days=1), FIRST)
    paper.trade(FIRST)
    paper.trade(BEFORE)
    lake = paper.resources.lake
    for day in (FIRST, BEFORE):
        lake.write("ppo_checkpoint", day, {}, note="Nothing was trained.")
    outcome = paper.trade(DAY)
    assert outcome.tables["decisions"].num_rows == outcome.tables["signals"].num_rows == 0
    assert set(outcome.tables["session"]["action"].to_pylist()) <= {"WAIT", "HOLD"}
    assert outcome.tables["open_positions"].num_rows == 2 and not outcome.note
    assert outcome.metadata["model_id_from_04:00"] == "none: Nothing was trained."
    assert {row["entry_time"].date() for row in outcome.tables["data"].to_pylist()} <= {FIRST, BEFORE}


@pytest.mark.parametrize("is_bad", [False, True])
def test_a_day_before_that_is_missing_or_bad_is_refused_with_what_hangs_on_it(
    paper: Paper, is_bad: bool
) -> None:
    paper.train(FIRST - timedelta(days=1), FIRST, BEFORE)
    paper.trade(FIRST)
    if is_bad:
        paper.trade(BEFORE, verdicts=(Verdict("ledger_conservation", False, "A cent is missing."),))
    with pytest.raises(InputRefused) as refused:
        paper.trade(DAY)
    assert "The day after it goes on from what was open at its end." in str(refused.value)
    assert f"shadow_trades/{BEFORE}" in refused.value.what


def test_after_a_version_that_ended_its_days_flat_the_first_day_begins_flat(paper: Paper) -> None:
    paper.train(FIRST - timedelta(days=1), FIRST)
    made = paper.trade(FIRST)
    old = {f"{name}.parquet": encode_table(made.tables[name]) for name in ("data", "fills", "session")}
    paper.resources.lake.write("shadow_trades", FIRST, old, origin=Origin(source="test"))
    outcome = paper.trade(BEFORE)
    opened = [row for row in outcome.tables["session"].to_pylist() if _hour(row["open_time"]) == 0]
    assert {row["equity_usd"] - row["result_usd"] for row in opened} == {10_000.0}
    manifest = paper.resources.lake.require("shadow_trades", BEFORE)
    assert not any(key.startswith("shadow_trades/") for key in manifest.inputs)


def test_accounts_that_begin_flat_after_more_than_a_week_say_what_nobody_goes_on_from(paper: Paper) -> None:
    paper.train(FIRST - timedelta(days=1), FIRST, BEFORE)
    first = paper.trade(FIRST)
    assert "accounts" not in first.metadata and "accounts" not in paper.trade(BEFORE).metadata
    held = [row["side"] is not None for row in paper.trade(DAY).tables["open_positions"].to_pylist()]
    later = DAY + timedelta(days=9)
    paper.market(*(later - timedelta(days=back) for back in range(4, -1, -1)))
    paper.train(later - timedelta(days=1))
    assert paper.trade(later).metadata["accounts"] == (
        f"They begin flat: more than a week without a day on paper followed, so the {sum(held)} positions"
        f" that were open at the end of {DAY} and that day's money are carried by none."
    )


def test_accounts_that_wait_for_regimes_are_not_dropped(paper: Paper) -> None:
    paper.train(FIRST - timedelta(days=1), FIRST, BEFORE)
    paper.trade(FIRST)
    paper.resources.lake.write("regimes", BEFORE, {}, note="Too little history.")
    with pytest.raises(InputRefused, match="the accounts of the day before wait for them"):
        paper.trade(BEFORE)
