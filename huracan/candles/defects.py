"""What makes a single raw candle unfit, one reason per row; and which row of a bar is the one to keep.

Nothing about shares or limits of a day lives here; see `quality`.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huracan.candles.schema import RAW_SCHEMA

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

GOOD = 0
REASONS = (
    "",
    "the open time is missing",
    "the open time lies outside the day",
    "the open time is off the timeframe's grid",
    "a price or the volume is not a finite number",
    "a price is zero or negative",
    "the volume is negative",
    "the high is below the low",
    "the open or the close lies outside low to high",
    "the taker buy volume is negative, not finite or above the volume",
    "the trade count is negative",
    "an exact duplicate of an earlier row",
    "a second row of the same open time with other values",
)
"""Why a row is kept out of the grid; the first that applies is given. Position 0 is a good row."""

_EXACT_DUPLICATE, _OTHER_DUPLICATE = 11, 12
DROPPED_DUPLICATE = REASONS[_EXACT_DUPLICATE]
"""of a row that says nothing new: it is counted, and speaks against no day"""
_FLOW = ("trade_count", "taker_buy_volume")
# Flow is summed from trades by the exchange in decimals: a last-digit difference is no defect.
_FLOW_TOLERANCE = 1e-9
MISSING_TIME = np.iinfo(np.int64).min
"""stands for a null open time"""


def floats(table: pa.Table, name: str) -> FloatArray:
    """The column as float64, NaN where null."""
    return np.asarray(table.column(name).to_numpy(), dtype=np.float64)


def open_times_ms(table: pa.Table) -> IntArray:
    """Open times in milliseconds since 1970, the least int64 where null."""
    column = table.column("open_time").cast(pa.int64())
    return np.asarray(column.fill_null(MISSING_TIME).to_numpy(), dtype=np.int64)


def without_untraded(raw: pa.Table) -> pa.Table:
    """`raw` without the rows that have no price and no volume: tools write them for minutes without a trade
    (NaN, or a volume of 0 where they sum up nothing). Such a minute is missing, not bad."""
    has_price = np.zeros(raw.num_rows, dtype=np.bool_)
    for name in ("open", "high", "low", "close"):
        has_price |= ~np.isnan(floats(raw, name))
    if has_price.all():
        return raw
    return raw.filter(pa.array(has_price | (np.nan_to_num(floats(raw, "volume")) != 0)))


def find_defects(raw: pa.Table, start_ms: int, end_ms: int, step_ms: int) -> npt.NDArray[np.int8]:
    """For every row of `raw` (RAW_SCHEMA) the position in REASONS of its defect, GOOD where it has none.

    The day is [start_ms, end_ms), its grid starts at start_ms with steps of step_ms. Of equal rows with one
    open time the first is kept, or one that has order flow where the others lack it; of rows that contradict
    each other none is: nothing tells which was the final one.
    """
    times = open_times_ms(raw)
    first, high, low, last = (floats(raw, name) for name in ("open", "high", "low", "close"))
    volume, taker = floats(raw, "volume"), floats(raw, "taker_buy_volume")
    has_flow = np.asarray(raw.column("taker_buy_volume").is_valid().to_numpy(), dtype=np.bool_)
    finite = np.isfinite(first) & np.isfinite(high) & np.isfinite(low) & np.isfinite(last)
    finite &= np.isfinite(volume)
    flow_fits = (taker >= 0) & (taker <= volume * (1 + _FLOW_TOLERANCE))
    conditions = [
        times == MISSING_TIME,
        (times < start_ms) | (times >= end_ms),
        (times - start_ms) % step_ms != 0,
        ~finite,
        np.minimum(np.minimum(first, last), np.minimum(high, low)) <= 0,
        volume < 0,
        high < low,
        (first < low) | (first > high) | (last < low) | (last > high),
        has_flow & ~flow_fits,
        floats(raw, "trade_count") < 0,
    ]
    codes = np.select(conditions, list(range(1, len(conditions) + 1)), GOOD).astype(np.int8)
    _mark_duplicates(raw, times, codes)
    return codes


def _mark_duplicates(raw: pa.Table, times: IntArray, codes: npt.NDArray[np.int8]) -> None:
    rows = np.flatnonzero(codes == GOOD)
    lacking = np.sum([np.isnan(floats(raw, name)[rows]) for name in _FLOW], axis=0)
    order = rows[np.lexsort((lacking, times[rows]))]
    ordered = times[order]
    is_repeat = np.zeros(len(order), dtype=np.bool_)
    is_repeat[1:] = ordered[1:] == ordered[:-1]
    if not is_repeat.any():
        return
    first_of_bar = order[np.maximum.accumulate(np.where(is_repeat, 0, np.arange(len(order))))]
    repeats, originals = order[is_repeat], first_of_bar[is_repeat]
    same = np.ones(len(repeats), dtype=np.bool_)
    for name in RAW_SCHEMA.names[1:]:
        values = floats(raw, name)
        same &= (values[repeats] == values[originals]) | (np.isnan(values[repeats]) & (name in _FLOW))
    codes[repeats] = np.where(same, _EXACT_DUPLICATE, _OTHER_DUPLICATE)
    codes[originals[~same]] = _OTHER_DUPLICATE
