"""What other rules would have brought, as the assets read the exploration book from a lake."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from huracan.candles.schema import TIME, day_end, day_start
from huracan.market.paper.exploring.columns import EXPLORED_SCHEMA, MOMENTS_SCHEMA
from huracan.tables import arrow_schema
from huracan_assets.reads import resolve_all
from huracan_assets.shadow.entry_alternatives import entry_alternatives
from huracan_assets.shadow.exit_alternatives import exit_alternatives
from huracan_assets.stage import Outcome, Stage, StageContext
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from off_policy import FIRST_DAY, HOLDING_MINUTES, plant_book, plant_contexts
from tests.huracan_assets.shadow.paper_home import DAY, HOURS, Paper

DAYS = 14
LAST = FIRST_DAY + timedelta(days=DAYS - 1)


def _filled_up(table: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = [
        table[each.name].cast(each.type)
        if each.name in table.column_names
        else pa.nulls(len(table), each.type)
        for each in schema
    ]
    return pa.table(columns, schema=schema)


def _of_day(table: pa.Table, column: str, day: date) -> pa.Table:
    first, last = (pa.scalar(each, TIME) for each in (day_start(day), day_end(day)))
    times = table[column]
    return table.filter(pc.and_(pc.greater_equal(times, first), pc.less(times, last)))


@pytest.fixture
def home(tmp_path: Path) -> Resources:
    """Two weeks of a planted book; a trade lies in the day on which it was closed."""
    resources = Resources(load_settings({}, {"HURACAN_HOME": str(tmp_path)}))
    generator = np.random.default_rng(3)
    moments, trades = plant_book(plant_contexts(DAYS, generator), generator, is_hidden=False)
    signals = moments.filter(moments["trade_id"].is_valid()).select(["trade_id", "signal_time"])
    joined = trades.join(signals, "trade_id")
    held = pa.scalar(HOLDING_MINUTES * 60_000, pa.duration("ms"))
    joined = joined.append_column("exit_time", pc.add(joined["signal_time"], held).cast(TIME)).sort_by(
        "trade_id"
    )
    for back in range(DAYS):
        day = LAST - timedelta(days=back)
        tables = {
            "data": _filled_up(_of_day(joined, "exit_time", day), EXPLORED_SCHEMA),
            "moments": _filled_up(_of_day(moments, "signal_time", day), MOMENTS_SCHEMA),
        }
        resources.lake.write(
            "explored_trades", day, {f"{name}.parquet": encode_table(table) for name, table in tables.items()}
        )
    return resources


def _made(home: Resources, day: date, asset: Stage = entry_alternatives) -> Outcome:
    inputs = resolve_all(home.lake, asset.reads, day, home.settings)
    return asset.body(inputs, StageContext(asset.name, day, home.settings, home, ""))


def test_the_trailing_days_are_estimated_and_shown(home: Resources) -> None:
    outcome = _made(home, LAST)
    table = outcome.tables["data"]
    assert table.schema == arrow_schema(entry_alternatives.tables["data"].columns)
    rows = {(row["scope"], row["value"], row["estimator"]): row for row in table.to_pylist()}
    of_all = rows["all", "all", "doubly_robust"]
    assert of_all["low_bps"] < of_all["mean_net_bps"] < of_all["high_bps"]
    assert of_all["moments"] == 3 * (DAYS * 96 - 8)
    assert 0.8 < of_all["entries"] / (DAYS * 3 * 24) < 1.2
    assert "at every moment nets" in outcome.metadata["picture"].told
    assert len(outcome.metadata["alternatives"].records) == table.num_rows


def test_a_later_day_changes_nothing_of_an_earlier_partition(home: Resources) -> None:
    before = _made(home, LAST - timedelta(days=3)).tables["data"]
    for back in range(3):
        home.lake.write("explored_trades", LAST - timedelta(days=back), {}, note="Nothing.")
    assert _made(home, LAST - timedelta(days=3)).tables["data"].equals(before)


def test_a_day_on_which_nothing_was_explored_is_no_day_on_which_trades_were_closed(home: Resources) -> None:
    gone = LAST - timedelta(days=5)
    home.lake.write("explored_trades", gone, {}, note="exploration.entries_per_day is 0.")
    moments = _made(home, LAST).tables["data"]["moments"][0].as_py()
    # Its own moments are gone, and those of the two hours before it and before the end.
    assert moments == 3 * ((DAYS - 1) * 96 - 8 - 8)


def test_without_exploration_the_partition_says_so(home: Resources) -> None:
    outcome = _made(home, FIRST_DAY - timedelta(days=1))
    assert outcome.note == f"Nothing was explored in the days up to {FIRST_DAY - timedelta(days=1)}."
    held = home.lake.read_table("explored_trades", FIRST_DAY, "moments")
    late = held.filter(pc.greater_equal(held["hour"], 22))
    trades = home.lake.read_table("explored_trades", FIRST_DAY)
    files = {"data.parquet": encode_table(trades), "moments.parquet": encode_table(late)}
    home.lake.write("explored_trades", FIRST_DAY, files)
    told = _made(home, FIRST_DAY)
    assert not told.tables and told.note.startswith("No explored entry up to 2025-01-01 is older than")


def _explored(day: date, hours: tuple[int, ...]) -> pa.Table:
    rows = [
        {
            "trade_id": f"{day} {hour}",
            "symbol": "BTC/USDT",
            "signal_time": datetime(day.year, day.month, day.day, hour, tzinfo=UTC),
            "propensity": 0.1,
            "action": "ENTER_HALF" if hour % 2 else "ENTER_FULL",
        }
        for hour in hours
    ]
    return _filled_up(pa.Table.from_pylist(rows), EXPLORED_SCHEMA)


def test_each_entry_is_replayed_once_when_its_longest_holding_has_passed(tmp_path: Path) -> None:
    settings = load_settings(HOURS | {"market.rules.maximum_holding": "4h"}, {"HURACAN_HOME": str(tmp_path)})
    paper = Paper(Resources(settings))
    days = [DAY + timedelta(days=each) for each in (-2, -1, 0, 1)]
    paper.market(DAY - timedelta(days=4), DAY - timedelta(days=3), *days)
    nothing = _made(paper.resources, days[0], exit_alternatives)
    assert nothing.note.startswith(f"No explored entry up to {days[0]} is older") and not nothing.tables
    replayed, counted = [], []
    for day in days:
        # Of 15:00 the replay of eight hours ends on the day, of 16:00 and 21:00 on the next one.
        paper.write("explored_trades", day, _explored(day, (9, 15, 16, 21)))
        outcome = _made(paper.resources, day, exit_alternatives)
        files = {f"{name}.parquet": encode_table(table) for name, table in outcome.tables.items()}
        paper.resources.lake.write("exit_alternatives", day, files)
        replayed.append(outcome.tables["replayed"]["trade_id"].to_pylist())
        counted.append(outcome.tables["data"]["entries"][0].as_py())
        assert outcome.tables["data"].schema == arrow_schema(exit_alternatives.tables["data"].columns)
    first, second = days[:2]
    assert replayed[0] == [f"{first} 9", f"{first} 15"]
    assert replayed[1] == [f"{first} 16", f"{first} 21", f"{second} 9", f"{second} 15"]
    assert counted == [2, 6, 10, 14]
    gains = outcome.tables["data"]["gain_bps"].to_pylist()
    assert gains[0] == 0.0 and len(set(gains)) >= 5
    assert outcome.metadata["not_replayed"] == outcome.metadata["replayed_under_other_rules"] == 0
    _what_cannot_be_pooled_is_counted(paper, days, outcome)


def _what_cannot_be_pooled_is_counted(paper: Paper, days: list[date], outcome: Outcome) -> None:
    """Nights before had other rules; then a symbol is gone, and a day of the book is missing."""
    of_before = _made(paper.resources, days[2], exit_alternatives).tables["replayed"]
    other = of_before.set_column(
        of_before.num_columns - 1, "replayed_under", pa.array(["of other rules"] * len(of_before))
    )
    paper.resources.lake.write("exit_alternatives", days[2], {"replayed.parquet": encode_table(other)})
    again = _made(paper.resources, days[3], exit_alternatives)
    assert again.metadata["replayed_under_other_rules"] == 4
    assert again.tables["data"]["entries"][0].as_py() == 10
    gone = _explored(days[3], (9, 15))
    gone = gone.set_column(
        gone.schema.get_field_index("symbol"), "symbol", pa.array(["BTC/USDT", "GONE/USDT"])
    )
    paper.write("explored_trades", days[3], gone)
    assert _made(paper.resources, days[3], exit_alternatives).metadata["not_replayed"] == 1
    paper.resources.lake.write("explored_trades", days[3], {}, note="Nothing.")
    assert _made(paper.resources, days[3], exit_alternatives).metadata["not_replayed"] == 2
