"""Prices of the bars around each trade, as one window per trade. What they mean is not judged here."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.outcome import Floats, Integers, as_milliseconds, floats, milliseconds
from huracan.candles.schema import Timeframe


@dataclass(frozen=True, eq=False)
class PricePaths:
    """Arrays float64 [trades, bars]: column 0 is the window's first bar; NaN where no candle."""

    high: Floats
    low: Floats
    close: Floats


def paths_after_exit(
    trades: pa.Table, ohlcv: pa.Table, bars: int, timeframe: Timeframe, until: datetime
) -> PricePaths:
    """The `bars` bars after each exit bar; see `paths_from`."""
    first = milliseconds(trades, "exit_time") + timeframe.minutes * 60_000
    return paths_from(first, trades, ohlcv, bars, timeframe, until)


def paths_from(
    first: Integers, trades: pa.Table, ohlcv: pa.Table, bars: int, timeframe: Timeframe, until: datetime
) -> PricePaths:
    """The `bars` bars from each trade's `first` [trades] on, from rows of `ohlcv` that opened before `until`.

    `first` in milliseconds. `ohlcv`: OHLCV_SCHEMA, one or several days, any order of symbols. A missing or
    quarantined bar, a bar at or after `until`, and a symbol without candles are NaN.
    """
    step = timeframe.minutes * 60_000
    known = ohlcv.filter(pa.array(milliseconds(ohlcv, "open_time") < as_milliseconds(until)))
    windows = {name: np.full((len(trades), bars), np.nan) for name in ("high", "low", "close")}
    symbols = trades.column("symbol")
    for symbol in sorted(pc.unique(symbols).to_pylist()):
        candles = known.filter(pc.equal(known.column("symbol"), symbol))
        rows = np.flatnonzero(pc.equal(symbols, symbol).to_numpy(zero_copy_only=False))
        if candles.num_rows == 0:
            continue
        opened = milliseconds(candles, "open_time")
        grid, origin = (opened - opened.min()) // step, int(opened.min())
        start = (first[rows] - origin) // step
        for name, window in windows.items():
            window[rows] = _gather(grid, floats(candles, name), start, bars)
    return PricePaths(**windows)


def _gather(grid: Integers, values: Floats, start: Integers, bars: int) -> Floats:
    """Windows [trades, bars] of the values laid on their grid, NaN outside of it."""
    length = int(grid.max()) + 1
    line = np.full(length + 1, np.nan)
    line[grid] = values
    indices = start[:, None] + np.arange(bars)[None, :]
    # The last index of the line stays NaN and stands for everything outside.
    outside = (indices < 0) | (indices >= length)
    return np.asarray(line[np.where(outside, length, indices)], dtype=np.float64)
