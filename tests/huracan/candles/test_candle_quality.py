"""The day's grid, what goes to quarantine and why, and the two verdicts."""

import math
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.candles.limits import CandleLimits
from huracan.candles.quality import assemble_day, judge_day
from huracan.candles.schema import OHLCV_SCHEMA, QUARANTINE_SCHEMA, RAW_SCHEMA, Timeframe
from huracan.errors import InvalidInput

DAY = date(2023, 6, 30)
START = datetime(2023, 6, 30, tzinfo=UTC)
MINUTE, HOUR = Timeframe("1m"), Timeframe("1h")


def candle(minute: float, **changes: Any) -> dict[str, Any]:
    row = {
        "open_time": START + timedelta(minutes=minute),
        "open": 100.0,
        "high": 102.0,
        "low": 99.0,
        "close": 101.0,
        "volume": 5.0,
        "trade_count": 7,
        "taker_buy_volume": 2.0,
    }
    return row | changes


def table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=RAW_SCHEMA)


def whole_day(**by_minute: dict[str, Any]) -> list[dict[str, Any]]:
    return [candle(minute, **by_minute.get(f"m{minute}", {})) for minute in range(1440)]


def test_every_bar_of_the_day_is_a_row_of_every_symbol_in_the_given_order() -> None:
    day = assemble_day({"B/USDT": table(whole_day()), "A/USDT": table([candle(3)])}, DAY, MINUTE)
    assert day.ohlcv.schema == OHLCV_SCHEMA
    assert day.quarantine.schema == QUARANTINE_SCHEMA
    assert day.ohlcv["symbol"].to_pylist() == ["B/USDT"] * 1440 + ["A/USDT"] * 1440
    times = day.ohlcv["open_time"].to_pylist()
    assert times[0] == START and times[1439] == START + timedelta(minutes=1439) and times[1440] == START
    assert day.ohlcv["close_time"][0].as_py() == START + timedelta(minutes=1)
    assert day.ohlcv["status"].to_pylist()[:1440] == ["traded"] * 1440


def test_a_missing_minute_is_a_row_marked_missing_without_a_price() -> None:
    rows = whole_day()
    del rows[700]
    day = assemble_day({"A/USDT": table(rows)}, DAY, MINUTE)
    row = day.ohlcv.slice(700, 1).to_pylist()[0]
    assert row["status"] == "missing"
    assert [row[name] for name in RAW_SCHEMA.names[1:]] == [None] * 7
    assert row["open_time"] == START + timedelta(minutes=700)
    assert day.quarantine.num_rows == 0


def test_a_published_candle_of_zero_volume_is_flat_and_keeps_its_price() -> None:
    still = {"volume": 0.0, "taker_buy_volume": 0.0, "trade_count": 0}
    day = assemble_day({"A/USDT": table(whole_day(m5=still))}, DAY, MINUTE)
    row = day.ohlcv.slice(5, 1).to_pylist()[0]
    assert (row["status"], row["close"], row["volume"]) == ("flat", 101.0, 0.0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"high": 98.0}, "high is below the low"),
        ({"open": 103.0}, "outside low to high"),
        ({"close": 98.5}, "outside low to high"),
        ({"close": math.nan}, "not a finite number"),
        ({"volume": math.inf}, "not a finite number"),
        ({"volume": None}, "not a finite number"),
        ({"low": 0.0}, "zero or negative"),
        ({"low": -1.0}, "zero or negative"),
        ({"volume": -1.0}, "volume is negative"),
        ({"taker_buy_volume": 5.1}, "taker buy volume"),
        ({"taker_buy_volume": -0.1}, "taker buy volume"),
        ({"taker_buy_volume": math.nan}, "taker buy volume"),
        ({"trade_count": -1}, "trade count"),
    ],
)
def test_a_bad_row_is_quarantined_unchanged_with_its_reason(changes: dict[str, Any], words: str) -> None:
    day = assemble_day({"A/USDT": table(whole_day(m9=changes))}, DAY, MINUTE)
    assert day.ohlcv["status"][9].as_py() == "quarantined"
    assert day.ohlcv["close"][9].as_py() is None
    (kept,) = day.quarantine.to_pylist()
    assert words in kept["reason"] and kept["symbol"] == "A/USDT"
    for name, value in changes.items():
        both_nan = value is not None and isinstance(value, float) and math.isnan(value)
        assert math.isnan(kept[name]) if both_nan else kept[name] == value


@pytest.mark.parametrize(
    ("minute", "words"),
    [(0.5, "off the timeframe's grid"), (-1, "outside the day"), (1440, "outside the day")],
)
def test_a_row_at_a_wrong_time_is_quarantined_and_takes_no_bar(minute: float, words: str) -> None:
    day = assemble_day({"A/USDT": table([*whole_day(), candle(minute)])}, DAY, MINUTE)
    assert day.ohlcv["status"].to_pylist() == ["traded"] * 1440
    assert words in day.quarantine["reason"][0].as_py()


def test_of_two_equal_rows_of_one_minute_one_is_kept_and_of_two_that_differ_none() -> None:
    rows = [*whole_day(), candle(4), candle(6, close=100.5), candle(6)]
    day = assemble_day({"A/USDT": table(rows)}, DAY, MINUTE)
    assert day.ohlcv["status"][4].as_py() == "traded"
    assert day.ohlcv["status"][6].as_py() == "quarantined"
    assert day.ohlcv["close"][6].as_py() is None
    kept = [(row["open_time"].minute, row["close"], row["reason"]) for row in day.quarantine.to_pylist()]
    other, equal = (
        "a second row of the same open time with other values",
        "an exact duplicate of an earlier row",
    )
    assert kept == [(6, 101.0, other), (4, 101.0, equal), (6, 100.5, other), (6, 101.0, equal)]


@pytest.mark.parametrize("is_first", [True, False])
def test_of_two_equal_rows_the_one_with_order_flow_is_kept(is_first: bool) -> None:
    bare = candle(4, trade_count=None, taker_buy_volume=None)
    rows = [candle(4), bare] if is_first else [bare, candle(4)]
    day = assemble_day({"A/USDT": table(rows)}, DAY, MINUTE)
    assert day.ohlcv["trade_count"][4].as_py() == 7
    assert day.quarantine["reason"].to_pylist() == ["an exact duplicate of an earlier row"]


def test_a_day_that_is_there_twice_passes_and_its_duplicates_are_counted() -> None:
    day = assemble_day({"A/USDT": table(whole_day() * 2)}, DAY, MINUTE)
    verdict = judge_day(day, MINUTE).verdicts[1]
    assert verdict.passed
    assert (verdict.numbers["exact_duplicates"], verdict.numbers["quarantined_rows"]) == (1440, 0)
    assert "Exact duplicates dropped: A/USDT 1440." in verdict.reason


def test_a_day_of_bad_rows_is_refused_with_the_reason_of_most_of_them() -> None:
    rows = [*[candle(minute, high=1.0) for minute in range(20)], candle(21, volume=-1.0)]
    verdict = judge_day(assemble_day({"A/USDT": table(rows)}, DAY, MINUTE), MINUTE).verdicts[1]
    assert not verdict.passed
    assert "21 (1.5% of the bars), most often because the high is below the low" in verdict.reason


@pytest.mark.parametrize("volume", [math.nan, None, 0.0])
def test_a_row_without_a_price_is_a_missing_minute(volume: float | None) -> None:
    nothing = dict.fromkeys(("open", "high", "low", "close"), math.nan)
    day = assemble_day({"A/USDT": table(whole_day(m9={**nothing, "volume": volume}))}, DAY, MINUTE)
    assert day.ohlcv["status"][9].as_py() == "missing"
    assert day.quarantine.num_rows == 0


def test_a_row_with_volume_but_no_price_is_bad() -> None:
    nothing = dict.fromkeys(("open", "high", "low", "close"), math.nan)
    day = assemble_day({"A/USDT": table(whole_day(m9=nothing))}, DAY, MINUTE)
    assert day.ohlcv["status"][9].as_py() == "quarantined"


def test_a_good_row_fills_the_bar_of_an_earlier_bad_one() -> None:
    day = assemble_day({"A/USDT": table([candle(0, high=1.0), candle(0)])}, DAY, MINUTE)
    assert day.ohlcv["status"][0].as_py() == "traded"
    assert day.quarantine.num_rows == 1


def test_a_source_without_order_flow_is_no_defect() -> None:
    rows = [candle(minute, trade_count=None, taker_buy_volume=None) for minute in range(1440)]
    day = assemble_day({"A/USDT": table(rows)}, DAY, MINUTE)
    assert day.quarantine.num_rows == 0
    assert day.ohlcv["taker_buy_volume"].null_count == 1440


def test_a_table_without_a_column_is_refused_with_its_name() -> None:
    with pytest.raises(InvalidInput, match=r"A/USDT lack the column 'volume'"):
        assemble_day({"A/USDT": table([candle(0)]).drop_columns("volume")}, DAY, MINUTE)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-30, 1500), max_size=60), st.randoms())
def test_every_raw_row_ends_either_in_the_grid_or_in_quarantine(minutes: list[int], random: Any) -> None:
    rows = [candle(minute, volume=random.choice([-1.0, 0.0, 3.0])) for minute in minutes]
    day = assemble_day({"A/USDT": table(rows)}, DAY, MINUTE)
    statuses = day.ohlcv["status"].to_pylist()
    filled = sum(status in ("traded", "flat") for status in statuses)
    assert filled + day.quarantine.num_rows == len(rows)
    assert [value is None for value in day.ohlcv["close"].to_pylist()] == [
        status in ("missing", "quarantined") for status in statuses
    ]


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(24)))
def test_the_order_of_raw_rows_does_not_matter(order: list[int]) -> None:
    rows = [candle(60 * hour, close=100.0 + hour / 24) for hour in range(24)]
    sorted_day = assemble_day({"A/USDT": table(rows)}, DAY, HOUR)
    shuffled = assemble_day({"A/USDT": table([rows[index] for index in order])}, DAY, HOUR)
    assert shuffled.ohlcv.equals(sorted_day.ohlcv)


def test_a_whole_day_passes_both_rules_and_tells_its_largest_move() -> None:
    jump = {"open": 101.0, "close": 106.05, "high": 107.0}
    day = assemble_day({"A/USDT": table(whole_day(m600=jump))}, DAY, MINUTE)
    continuity, sanity, aside = judge_day(day, MINUTE).verdicts
    assert aside.passed and not aside.blocking
    assert continuity.passed and sanity.passed and continuity.blocking and sanity.blocking
    assert (continuity.check, sanity.check) == ("candle_continuity", "candle_sanity")
    assert sanity.numbers["largest_move_pct"] == pytest.approx(5.0)
    assert sanity.numbers["largest_move_at"] == "10:00"


def test_a_symbol_without_any_candle_is_set_aside_and_the_others_go_on() -> None:
    day = assemble_day({"A/USDT": table(whole_day()), "B/USDT": table([])}, DAY, MINUTE)
    continuity, sanity, aside = judge_day(day, MINUTE).verdicts
    assert continuity.passed and sanity.passed
    assert not aside.passed
    assert aside.reason == ("1 of 2 symbols are set aside for the day. B/USDT: there is no candle at all.")


def test_a_day_without_any_candle_fails_continuity() -> None:
    day = assemble_day({"A/USDT": table([]), "B/USDT": table([])}, DAY, MINUTE)
    continuity, sanity, _ = judge_day(day, MINUTE).verdicts
    assert not continuity.passed and sanity.passed
    assert continuity.reason == "A/USDT: there is no candle at all; B/USDT: there is no candle at all"


def test_the_limit_of_absent_bars_counts_for_a_symbol_without_any_candle_too() -> None:
    day = assemble_day({"A/USDT": table(whole_day()), "B/USDT": table([])}, DAY, MINUTE)
    judged = judge_day(day, MINUTE, CandleLimits(maximum_absent_share=1.0))
    assert all(verdict.passed for verdict in judged.verdicts)
    assert judged.set_aside.num_rows == 0


def test_more_than_the_allowed_share_of_absent_bars_fails_continuity() -> None:
    allowed = assemble_day({"A/USDT": table(whole_day()[216:])}, DAY, MINUTE)
    one_more = assemble_day({"A/USDT": table(whole_day()[217:])}, DAY, MINUTE)
    assert judge_day(allowed, MINUTE).verdicts[0].passed
    assert not judge_day(one_more, MINUTE).verdicts[0].passed
    assert not judge_day(allowed, MINUTE, CandleLimits(maximum_absent_share=0.1)).verdicts[0].passed


def test_more_than_one_percent_in_quarantine_fails_sanity() -> None:
    rows = whole_day()
    for minute in range(14):
        rows[minute]["high"] = 1.0
    assert judge_day(assemble_day({"A/USDT": table(rows)}, DAY, MINUTE), MINUTE).verdicts[1].passed
    rows[14]["high"] = 1.0
    verdict = judge_day(assemble_day({"A/USDT": table(rows)}, DAY, MINUTE), MINUTE).verdicts[1]
    assert not verdict.passed
    assert verdict.numbers["quarantined_rows"] == 15


def test_a_close_that_moves_beyond_the_limit_fails_sanity() -> None:
    leap = {"open": 101.0, "high": 180.0, "close": 177.0}
    verdict = judge_day(assemble_day({"A/USDT": table(whole_day(m61=leap))}, DAY, MINUTE), MINUTE).verdicts[1]
    assert not verdict.passed
    assert "01:01" in verdict.reason and "75.2 %" in verdict.reason


def test_the_outage_of_march_2023_passes_and_is_told_as_what_it_was(real_data: Path) -> None:
    columns = {"timestamp": "open_time"}
    raw = {}
    for base in ("BTC", "ETH", "SOL"):
        start = datetime(2023, 3, 24, tzinfo=UTC)
        window = [("timestamp", ">=", start), ("timestamp", "<", start + timedelta(days=1))]
        rows = pq.read_table(real_data / f"binance_{base}-USDT_1m.parquet", filters=window)
        rows = rows.rename_columns([columns.get(name, name) for name in rows.column_names])
        for name in ("trade_count", "taker_buy_volume"):
            rows = rows.append_column(name, pa.nulls(rows.num_rows, RAW_SCHEMA.field(name).type))
        raw[f"{base}/USDT"] = rows.cast(RAW_SCHEMA)
    day = assemble_day(raw, date(2023, 3, 24), MINUTE)
    continuity, sanity, aside = judge_day(day, MINUTE).verdicts
    assert continuity.passed and sanity.passed and aside.passed
    assert "BTC/USDT: 80 minutes missing from 12:40, 72 flat from 11:28" in continuity.reason
    assert continuity.numbers["missing_bars"] == 240 and continuity.numbers["flat_bars"] == 216
    statuses = np.asarray(day.ohlcv["status"].to_numpy(), dtype=object)[:1440]
    assert set(statuses[760:840]) == {"missing"} and set(statuses[688:760]) == {"flat"}


def test_a_day_of_three_symbols_is_assembled_in_milliseconds() -> None:
    raw = {f"{name}/USDT": table(whole_day()) for name in "ABC"}
    assemble_day(raw, DAY, MINUTE)
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        assemble_day(raw, DAY, MINUTE)
        times.append(time.perf_counter() - begin)
    assert min(times) < 0.03
