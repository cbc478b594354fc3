"""The weeks before a bar, from hourly summaries: what lies in windows of the calendar that end with the last
whole hour closed at or before the bar's close.

Which columns are made of them is decided in `horizons`. Windows lie on one grid of 31 days, whatever of it
is known, so that what follows a bar changes no bit of what is said of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.hourly import MINUTES_PER_DAY, period_minutes
from huracan.candles.schema import Timeframe, day_start
from huracan.features.rolling import FloatArray
from huracan.units import WHOLE_BPS

HOURLY_DAYS = 31
"""Days of summaries, the day's own included, that the longest window of any of its bars reaches over."""

LEAST_SHARE = 0.5
"""Share of a window's bars that must be known for its columns to be made: a new coin, or one with a day set
aside, goes on with what there is."""

_NUMBERS = (
    "open",
    "high",
    "low",
    "close",
    "traded_value",
    "realised_variance",
    "observed_bars",
    "funding_rate",
)


@dataclass(frozen=True)
class HourGrid:
    """Hourly summaries laid on the grid of 31 days that ends with the day, for each symbol.

    `values[symbol][name]` [periods of 31 days], NaN where there is no row. A period is an hour, or a bar
    where that is longer.
    """

    detail: Timeframe
    values: Mapping[str, Mapping[str, FloatArray]]

    @property
    def period_minutes(self) -> int:
        return period_minutes(self.detail)

    @property
    def periods_per_day(self) -> int:
        return MINUTES_PER_DAY // self.period_minutes


@dataclass(frozen=True)
class Window:
    """What lies in the window of one length that ends at each whole hour of the day: [periods of a day + 1].

    `open` is of its first hour with a candle, `close` of its last; of an empty window they are NaN.
    """

    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    traded_value: FloatArray
    realised_variance: FloatArray
    bars: FloatArray
    share: FloatArray
    """bars that have a candle, of those that the window has"""

    @property
    def is_known(self) -> npt.NDArray[np.bool_]:
        return self.share >= LEAST_SHARE


@dataclass(frozen=True)
class Weeks:
    """The windows of all symbols of a day, and the day's closes at which they are looked at.

    `closes[symbol]` [decision bars of the day], in quote currency, NaN without a candle.
    """

    hours: HourGrid
    decision: Timeframe
    closes: Mapping[str, FloatArray]
    _memo: dict[tuple[str, int], FloatArray] = field(default_factory=dict)
    _windows: dict[tuple[str, int], Window] = field(default_factory=dict)

    @cached_property
    def ends(self) -> npt.NDArray[np.int64]:
        """Of every decision bar of the day, how many of the day's hours had closed at its close."""
        closed = (np.arange(self.decision.bars_per_day) + 1) * self.decision.minutes
        return np.asarray(closed // self.hours.period_minutes, dtype=np.int64)

    def window(self, symbol: str, minutes: int) -> Window:
        """Of one symbol and length, computed once."""
        key = symbol, minutes
        if key not in self._windows:
            self._windows[key] = self._window(symbol, minutes)
        return self._windows[key]

    def last(self, symbol: str, name: str, minutes: int) -> FloatArray:
        """One number of each hour, NaN where unknown: [periods of a day + 1, periods of the window]."""
        periods, per_day = minutes // self.hours.period_minutes, self.hours.periods_per_day
        values = self.hours.values[symbol][name]
        windows = np.lib.stride_tricks.sliding_window_view(values, periods)
        first = (HOURLY_DAYS - 1) * per_day - periods
        return np.asarray(windows[first : first + per_day + 1], dtype=np.float64)

    def log_return(self, symbol: str, minutes: int) -> FloatArray:
        """[decision bars] ln(close / open of the window); NaN where either is unknown."""
        key = symbol, minutes
        if key not in self._memo:
            window = self.window(*key)
            opened = np.where(window.is_known, window.open, np.nan)
            self._memo[key] = np.log(self.closes[symbol] / opened[self.ends])
        return self._memo[key]

    def mean_return(self, minutes: int) -> FloatArray:
        """The same, on average over the day's symbols that have one."""
        key = "", minutes
        if key not in self._memo:
            every = np.stack([self.log_return(symbol, minutes) for symbol in self.closes])
            known = np.sum(~np.isnan(every), axis=0)
            total = np.sum(np.nan_to_num(every), axis=0)
            self._memo[key] = np.where(known > 0, total / np.maximum(known, 1), np.nan)
        return self._memo[key]

    def _window(self, symbol: str, minutes: int) -> Window:
        def every(name: str) -> FloatArray:
            return self.last(symbol, name, minutes)

        bars = np.nansum(every("observed_bars"), axis=1)
        return Window(
            open=_first_known(every("open")),
            high=np.fmax.reduce(every("high"), axis=1),
            low=np.fmin.reduce(every("low"), axis=1),
            close=_first_known(every("close")[:, ::-1]),
            traded_value=np.nansum(every("traded_value"), axis=1),
            realised_variance=np.nansum(every("realised_variance"), axis=1),
            bars=bars,
            share=bars / (minutes / self.hours.detail.minutes),
        )


@dataclass(frozen=True)
class SymbolWeeks:
    """The weeks of one symbol, as its own bars of the day see them: `rows` are their places in the day."""

    weeks: Weeks
    symbol: str
    rows: npt.NDArray[np.int64]

    def at_bars(self, by_hour: FloatArray) -> FloatArray:
        """[bars] what is said for each whole hour of the day, by the last one that had closed."""
        return np.asarray(by_hour[self.weeks.ends[self.rows]], dtype=np.float64)

    @property
    def close(self) -> FloatArray:
        return self.weeks.closes[self.symbol][self.rows]

    def window(self, minutes: int) -> Window:
        return self.weeks.window(self.symbol, minutes)

    def of_window(self, minutes: int, value: Callable[[Window], FloatArray]) -> FloatArray:
        """[bars] a value of the window, NaN where too little of the window is known."""
        window = self.window(minutes)
        return self.at_bars(np.where(window.is_known, value(window), np.nan))

    def log_return(self, minutes: int) -> FloatArray:
        return self.weeks.log_return(self.symbol, minutes)[self.rows]

    def mean_return(self, minutes: int) -> FloatArray:
        return self.weeks.mean_return(minutes)[self.rows]

    def hours(self, name: str, minutes: int) -> FloatArray:
        return self.weeks.last(self.symbol, name, minutes)


def lay_hours(hourly: pa.Table | None, day: date, detail: Timeframe, symbols: tuple[str, ...]) -> HourGrid:
    """The summaries (HOURLY_SCHEMA) of the days up to `day` on their grid; what is older or later is left
    out, and what is not there is NaN. None: nothing is known."""
    period = period_minutes(detail)
    length = HOURLY_DAYS * MINUTES_PER_DAY // period
    laid = {symbol: {name: np.full(length, np.nan) for name in _NUMBERS} for symbol in symbols}
    if hourly is None or not hourly.num_rows:
        return HourGrid(detail, laid)
    opened = hourly["open_time"].cast(pa.int64()).to_numpy() // 60_000
    first = int(day_start(day).timestamp()) // 60 - (HOURLY_DAYS - 1) * MINUTES_PER_DAY
    slots = (opened - first) // period
    is_inside = (opened >= first) & (slots < length) & ((opened - first) % period == 0)
    names = hourly["symbol"].combine_chunks().dictionary_encode()
    codes, known = names.indices.to_numpy(), names.dictionary.to_pylist()
    numbers = {name: _floats(hourly, name) for name in _NUMBERS}
    for symbol in symbols:
        if symbol in known:
            rows = np.flatnonzero(is_inside & (codes == known.index(symbol)))
            for name, values in numbers.items():
                laid[symbol][name][slots[rows]] = values[rows]
    return HourGrid(detail, laid)


def volatility_bps(window: Window, bars_per_hour: float) -> FloatArray:
    """Realised volatility of one hour, in bps: root of the mean squared one-bar return times bars an hour."""
    mean = window.realised_variance / np.maximum(window.bars, 1.0)
    return np.sqrt(mean * bars_per_hour) * WHOLE_BPS


def _first_known(windows: FloatArray) -> FloatArray:
    """The first value of each row that is not NaN."""
    known = np.argmax(~np.isnan(windows), axis=1)
    return np.asarray(windows[np.arange(len(windows)), known], dtype=np.float64)


def _floats(table: pa.Table, name: str) -> FloatArray:
    column = pc.fill_null(table[name].cast(pa.float64()), float("nan")).combine_chunks()
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)
