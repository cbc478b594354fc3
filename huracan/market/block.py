"""The market as contiguous arrays [symbol, bar]: what the environment reads, made once from Arrow tables.

No trading happens here and no column is derived beyond the unit of volatility and the trailing traded value.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from huracan.errors import InvalidInput
from huracan.market.costs import Floats

VOLATILITY_COLUMN = "return_std_60_bps"
TRAILING_BARS = 60
"""Closed bars in the trailing mean of traded value."""
PATTERN_CONTEXT = ("win_rate", "net", "reliability")
"""What is known of the nearest pattern: win rate - 0.5, mean net in bps / 100, reliability from 0 to 1."""
EPOCH = date(1970, 1, 1)
MS_PER_DAY = 86_400_000


def _left_out() -> Floats:
    return np.zeros(0)


def _left_out_context() -> NDArray[np.float32]:
    return np.zeros(0, np.float32)


@dataclass(frozen=True, eq=False)
class MarketBlock:
    """S symbols x T bars of consecutive whole days, C-contiguous, time in the second axis.

    Prices are null-free for valuation only: a bar that was not traded carries the last close in all four
    prices (NaN before the first candle), and `is_tradable` says that nothing fills there.
    """

    symbols: tuple[str, ...]
    feature_names: tuple[str, ...]
    open_time_ms: NDArray[np.int64]
    """[T] milliseconds since 1970, UTC."""
    features: NDArray[np.float32]
    """[S, T, F] in recipe order; NaN where not defined."""
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    is_tradable: NDArray[np.bool_]
    """[S, T] the candle has trades."""
    is_ready: NDArray[np.bool_]
    """[S, T] the feature row is complete."""
    volatility_bps: Floats
    """[S, T] std of one-bar log returns over 60 bars, last known value; NaN before the first."""
    traded_value_usd: Floats
    """[S, T] mean traded value of a bar over the last 60 bars, that bar included."""
    regime: NDArray[np.int8]
    """[S, T] index into REGIMES."""
    regime_probabilities: NDArray[np.float32]
    """[S, T, 4]"""
    day_index: NDArray[np.int64]
    """[T] days since 1970."""
    funding_rate: Floats = field(default_factory=_left_out)
    """[S, T] the rate that a long position pays at the bar's open, as a fraction of its value; 0 where none
    settles. Left out, like what follows: none."""
    tick_size: Floats = field(default_factory=_left_out)
    """[S] step of prices in quote units; 0 where none is known."""
    step_size: Floats = field(default_factory=_left_out)
    """[S] step of quantities in base units; 0 where none is known."""
    minimum_notional_usd: Floats = field(default_factory=_left_out)
    """[S] least value of an order; 0 where none is known."""
    pattern_context: NDArray[np.float32] = field(default_factory=_left_out_context)
    """[S, T, 3] PATTERN_CONTEXT, by the library of the day before the bar's; 0 where nothing is known."""

    def __post_init__(self) -> None:
        whole, kinds = (self.symbol_count, self.bar_count), len(PATTERN_CONTEXT)
        self._fill_in("funding_rate", np.zeros(whole))
        for name in ("tick_size", "step_size", "minimum_notional_usd"):
            self._fill_in(name, np.zeros(self.symbol_count))
        self._fill_in("pattern_context", np.zeros((*whole, kinds), np.float32))

    def _fill_in(self, name: str, neutral: NDArray[np.floating]) -> None:
        given = getattr(self, name)
        if given.size == 0:
            object.__setattr__(self, name, neutral)
        elif given.shape != neutral.shape or given.dtype != neutral.dtype:
            raise InvalidInput(
                f"{name} of a block is {given.dtype} {given.shape}, not {neutral.dtype} {neutral.shape}.",
                "Give it in the block's order of symbols and bars.",
            )

    @property
    def symbol_count(self) -> int:
        return len(self.symbols)

    @property
    def bar_count(self) -> int:
        return int(self.open_time_ms.shape[0])

    @cached_property
    def session_first(self) -> NDArray[np.int64]:
        """[D] first bar of every day of the block."""
        starts = np.flatnonzero(np.diff(self.day_index)) + 1
        return np.concatenate([np.zeros(1, np.int64), starts]).astype(np.int64)

    @cached_property
    def session_last(self) -> NDArray[np.int64]:
        """[T] the last bar of the day that a bar belongs to."""
        ends = np.append(self.session_first[1:], self.bar_count) - 1
        days = np.cumsum(np.insert(np.diff(self.day_index) != 0, 0, False))
        return np.asarray(ends[days], dtype=np.int64)

    @property
    def days(self) -> tuple[date, ...]:
        """The UTC days of the block, in order."""
        return tuple(EPOCH + timedelta(days=int(day)) for day in self.day_index[self.session_first])

    def slice(self, first_bar: int, last_bar: int) -> "MarketBlock":
        """Bars `first_bar` to `last_bar`, both included, as views. InvalidInput where they do not exist."""
        if not 0 <= first_bar <= last_bar < self.bar_count:
            raise InvalidInput(
                f"Bars {first_bar} to {last_bar} are not in a block of {self.bar_count}.",
                "Ask for bars that the block has.",
            )
        bars = slice(first_bar, last_bar + 1)
        by_symbol = [
            "features",
            "open",
            "high",
            "low",
            "close",
            "is_tradable",
            "is_ready",
            "volatility_bps",
            "traded_value_usd",
            "regime",
            "regime_probabilities",
            "funding_rate",
            "pattern_context",
        ]
        changed = {name: getattr(self, name)[:, bars] for name in by_symbol}
        return replace(self, open_time_ms=self.open_time_ms[bars], day_index=self.day_index[bars], **changed)

    def slice_days(self, first: date, last: date) -> "MarketBlock":
        """The days `first` to `last`, both included."""
        low, high = (first - EPOCH).days, (last - EPOCH).days
        bars = np.flatnonzero((self.day_index >= low) & (self.day_index <= high))
        if bars.size == 0:
            raise InvalidInput(f"The block has no bar from {first} to {last}.", "Ask for days that it has.")
        return self.slice(int(bars[0]), int(bars[-1]))


def carry_last(values: Floats) -> Floats:
    """Along the last axis, NaN takes the last value that was known; NaN stays before the first."""
    known = np.isfinite(values)
    last = np.where(known, np.arange(values.shape[-1]), 0)
    np.maximum.accumulate(last, axis=-1, out=last)
    return np.take_along_axis(values, last, axis=-1)


def trailing_mean(values: Floats, bars: int) -> Floats:
    """Mean of the last `bars` values along the last axis, that bar included; fewer at the start.

    Summed window by window, not as a difference of running totals: a later or a huge earlier bar must not
    move a value by rounding.
    """
    padded = np.concatenate([np.zeros((*values.shape[:-1], bars - 1)), values], axis=-1)
    total = np.zeros_like(values)
    for shift in range(bars):
        total += padded[..., shift : shift + values.shape[-1]]
    count = np.minimum(np.arange(values.shape[-1]) + 1, bars)
    return np.asarray(total / count, dtype=np.float64)
