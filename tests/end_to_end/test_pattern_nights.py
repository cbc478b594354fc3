"""Two nights: the second one's trades judge the patterns that the first one named."""

from datetime import date, timedelta

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from huracan.analysis.memory.rows import drawn_from_anywhere
from huracan.analysis.patterns.table import NO_PATTERN
from huracan.candles.schema import TIME, day_start
from tests.end_to_end.command import DAY, Answer, Home

NEXT_DAY = DAY + timedelta(days=1)


def _at(day: date, hours: int) -> pa.Scalar:
    return pa.scalar(day_start(day) + timedelta(hours=hours), TIME)


def _judging(home: Home) -> pa.Table:
    """The closed trades whose signal became two hours old, the longest holding, on the second day: the
    policy's, and the sample of explored ones at uniform moments."""
    early, late = (_remembered(home, day) for day in (DAY, NEXT_DAY))
    return pa.concat_tables(
        [
            early.filter(pc.greater(early["signal_time"], _at(DAY, 22))),
            late.filter(pc.less_equal(late["signal_time"], _at(NEXT_DAY, 22))),
        ]
    )


def _remembered(home: Home, day: date) -> pa.Table:
    counted = drawn_from_anywhere(home.lake.read_table("trade_memory", day))["trade_id"]
    names = ("trade_id", "signal_time", "net_usd", "nearest_patterns")
    books = (home.lake.read_table(asset, day).select(names) for asset in ("shadow_trades", "explored_trades"))
    both = pa.concat_tables(list(books))
    return both.filter(pc.is_in(both["trade_id"], value_set=counted.combine_chunks()))


def test_the_second_nights_trades_each_judge_one_pattern_of_the_first(
    home: Home, first_night: Answer, second_night: Answer
) -> None:
    named = home.lake.read_table("pattern_library", DAY)
    assert set(named["state"].to_pylist()) == {"candidate"} and pc.sum(named["forward_trades"]).as_py() == 0
    nights = home.lake.read_table("pattern_library", NEXT_DAY, "nights")
    trades = _judging(home)
    assert pc.sum(nights["trades"]).as_py() == trades.num_rows > 0
    told, made = (pc.sum(table["net_usd"]).as_py() for table in (nights, trades))
    assert told == pytest.approx(made, abs=0.005)
    assert set(nights["pattern_id"].to_pylist()) <= {*named["pattern_id"].to_pylist(), NO_PATTERN}
    library = {
        row["pattern_id"]: row for row in home.lake.read_table("pattern_library", NEXT_DAY).to_pylist()
    }
    for row in nights.to_pylist():
        if row["pattern_id"] != NO_PATTERN:
            after = library[row["pattern_id"]]
            assert (after["forward_trades"], after["forward_nights"]) == (row["trades"], 1)
            assert 0 < after["trial_trades"] <= row["trades"]


def test_the_pattern_that_an_entry_resembled_from_the_handover_on_is_the_one_that_it_judges(
    home: Home, second_night: Answer
) -> None:
    nights = home.lake.read_table("pattern_library", NEXT_DAY, "nights")
    trades = _judging(home)
    is_handed_over = pc.greater_equal(trades["signal_time"], _at(NEXT_DAY, 4))
    named = trades.filter(is_handed_over)["nearest_patterns"].to_pylist()
    first = [patterns[0] if patterns else NO_PATTERN for patterns in named]
    # The library of the night before knew no pattern yet when the others were signalled.
    others = trades.filter(pc.invert(is_handed_over))
    assert not any(others["nearest_patterns"].to_pylist())
    counted = dict(zip(nights["pattern_id"].to_pylist(), nights["trades"].to_pylist(), strict=True))
    assert all(0 < first.count(name) <= counted[name] for name in set(first))
    assert sum(counted.values()) - len(first) == others.num_rows


def test_the_rows_of_patterns_are_in_the_database_and_their_picture_beside_the_partition(
    home: Home, second_night: Answer
) -> None:
    told = {v.check: v for v in home.lake.manifest("pattern_library", NEXT_DAY).verdicts}["pattern_accounts"]
    assert told.passed
    with home.database.connect() as connection:
        row = connection.execute(
            "SELECT count(*), sum(n.trades) FROM pattern_nights n WHERE day = %s", (NEXT_DAY,)
        ).fetchone()
    assert row is not None and row[0] > 0 and row[1] == told.numbers["new_trades"]
    with home.instance() as instance:
        wanted = dg.AssetRecordsFilter(
            dg.AssetKey("pattern_library"), asset_partitions=[NEXT_DAY.isoformat()]
        )
        metadata = instance.fetch_materializations(wanted, limit=1).records[0].asset_materialization.metadata
        assert str(metadata["patterns by later trades"].value).startswith("![")
