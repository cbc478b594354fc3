"""The market as contiguous arrays [symbol, bar]: what the environment reads, made once from Arrow tables.

No trading happens here and no column is derived beyond volatility and the trailing traded value.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.errors import InvalidInput
from huracan.market.costs import Floats

TRAILING_BARS = 60
"""Closed bars in the trailing mean of traded value, and in the volatility that prices an order."""
PATTERN_CONTEXT = ("win_rate", "net", "reliability")
"""What is known of the nearest pattern: win rate - 0.5, mean net in bps / 100, reliability from 0 to 1."""
EPOCH = date(1970, 1, 1)
MS_PER_DAY, MS_PER_MINUTE = 86_400_000, 60_000
BY_MARKET: dict[str, float | bool] = {
    "taker_fee_bps": 10.0,
    "maker_fee_bps": 10.0,
    "half_spread_bps": 1.0,
    "tick_size": 0.0,
    "step_size": 0.0,
    "minimum_notional_usd": 0.0,
    "borrow_pct_per_year": 0.0,
    "may_short": True,
    "is_perpetual": True,
}
"""What a block holds by symbol and day, and what stands there where it is left out."""
_BY_BAR = (
    "open", "high", "low", "close", "is_tradable", "volatility_bps", "slippage_volatility_bps",
    "traded_value_usd", "value_usd", "funding_rate",
)  # fmt: skip
_BY_ROW = ("features", "is_ready", "regime", "regime_probabilities", "pattern_context")


def _left_out() -> Floats:
    return np.zeros(0)


def _left_out_flags() -> NDArray[np.bool_]:
    return np.zeros(0, np.bool_)


def _left_out_context() -> NDArray[np.float32]:
    return np.zeros(0, np.float32)


@dataclass(frozen=True, eq=False)
class MarketBlock:
    """S symbols x T detail bars of consecutive days, C-contiguous, time in the second axis.

    Orders fill and stops are tested on detail bars. A policy decides at the close of every `decision_bars`-th
    of them: row d of what it sees is of the bars d x decision_bars to (d + 1) x decision_bars - 1, and known
    at the close of the last. Prices are null-free for valuation only: a bar that was not traded carries the
    last close in all four prices (NaN before the first candle), and `is_tradable` says that nothing fills
    there.
    """

    symbols: tuple[str, ...]
    feature_names: tuple[str, ...]
    open_time_ms: NDArray[np.int64]
    """[T] milliseconds since 1970, UTC."""
    features: NDArray[np.float32]
    """[S, T / decision_bars, F] in recipe order; NaN where not defined."""
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    is_tradable: NDArray[np.bool_]
    """[S, T] the candle has trades."""
    is_ready: NDArray[np.bool_]
    """[S, T / decision_bars] the feature row is complete."""
    volatility_bps: Floats
    """[S, T] std of one-bar log returns, last known value; NaN before the first: the unit of distances."""
    traded_value_usd: Floats
    """[S, T] mean traded value of a bar over the last 60 bars, that bar included."""
    regime: NDArray[np.int8]
    """[S, T / decision_bars] index into REGIMES."""
    regime_probabilities: NDArray[np.float32]
    """[S, T / decision_bars, 4]"""
    day_index: NDArray[np.int64]
    """[T] days since 1970."""
    decision_bars: int = 1
    """Detail bars of a decision bar."""
    slippage_volatility_bps: Floats = field(default_factory=_left_out)
    """[S, T] the same over the last 60 bars, which prices orders. Left out, like what follows: the other."""
    value_usd: Floats = field(default_factory=_left_out)
    """[S, T] traded in the bar itself, of which an order gets a share at most; without end where left out."""
    funding_rate: Floats = field(default_factory=_left_out)
    """[S, T] the rate that a long position pays at the bar's open, as a fraction of its value; 0 where none
    settles."""
    taker_fee_bps: Floats = field(default_factory=_left_out)
    """[S, D] by symbol and day of the block, like what follows; one [S] for all days will do."""
    maker_fee_bps: Floats = field(default_factory=_left_out)
    """[S, D] below 0 where the exchange pays for it."""
    half_spread_bps: Floats = field(default_factory=_left_out)
    """[S, D] estimated from the days before."""
    tick_size: Floats = field(default_factory=_left_out)
    """[S, D] step of prices in quote units; 0 where none is known."""
    step_size: Floats = field(default_factory=_left_out)
    """[S, D] step of quantities in base units; 0 where none is known."""
    minimum_notional_usd: Floats = field(default_factory=_left_out)
    """[S, D] least value of an order; 0 where none is known."""
    borrow_pct_per_year: Floats = field(default_factory=_left_out)
    """[S, D] what a short pays for what it sold, of its value."""
    may_short: NDArray[np.bool_] = field(default_factory=_left_out_flags)
    """[S, D] whether it may be sold short: perpetuals, and what can be borrowed."""
    is_perpetual: NDArray[np.bool_] = field(default_factory=_left_out_flags)
    """[S, D] whether leverage is lent there, and maintenance asked for."""
    pattern_context: NDArray[np.float32] = field(default_factory=_left_out_context)
    """[S, T / decision_bars, 3] PATTERN_CONTEXT, by the library that was in force at the bar; 0 where nothing
    is known."""

    def __post_init__(self) -> None:
        if self.decision_bars < 1 or self.bar_count % self.decision_bars:
            raise InvalidInput(
                f"A block of {self.bar_count} bars has no whole number of decisions of {self.decision_bars}.",
                "Give it whole decision bars.",
            )
        whole, seen = (self.symbol_count, self.bar_count), (self.symbol_count, self.decision_count)
        self._fill_in("slippage_volatility_bps", self.volatility_bps)
        self._fill_in("value_usd", np.full(whole, np.inf))
        self._fill_in("funding_rate", np.zeros(whole))
        for name, usual in BY_MARKET.items():
            given = getattr(self, name)
            if given.ndim == 1 and given.size == self.symbol_count:
                by_day = np.repeat(given[:, None], self.day_count, axis=1)
                object.__setattr__(self, name, by_day)
            self._fill_in(name, np.full((self.symbol_count, self.day_count), usual))
        self._fill_in("pattern_context", np.zeros((*seen, len(PATTERN_CONTEXT)), np.float32))

    def _fill_in(self, name: str, neutral: NDArray[Any]) -> None:
        given = getattr(self, name)
        if given.size == 0:
            object.__setattr__(self, name, neutral)
        elif given.shape != neutral.shape or given.dtype != neutral.dtype:
            raise InvalidInput(
                f"{name} of a block is {given.dtype} {given.shape}, not {neutral.dtype} {neutral.shape}.",
                "Give it in the block's order of symbols, bars and days.",
            )

    @property
    def symbol_count(self) -> int:
        return len(self.symbols)

    @property
    def spot_symbols(self) -> frozenset[str]:
        """Those that are no perpetuals on the block's last day: no leverage is lent there."""
        pairs = zip(self.symbols, self.is_perpetual[:, -1], strict=True)
        return frozenset(symbol for symbol, is_perpetual in pairs if not is_perpetual)

    @property
    def bar_count(self) -> int:
        return int(self.open_time_ms.shape[0])

    @property
    def decision_count(self) -> int:
        """Rows of what is seen."""
        return self.bar_count // self.decision_bars

    @property
    def decision_closes(self) -> NDArray[np.int64]:
        """[decisions] the detail bars at whose close is decided."""
        return np.arange(self.decision_bars - 1, self.bar_count, self.decision_bars)

    def row_of(self, bars: NDArray[np.integer]) -> NDArray[np.integer]:
        """The rows of what is seen at the close of `bars`: of the last decision bar that has closed by then;
        -1 before the first."""
        return (bars + 1) // self.decision_bars - 1

    @cached_property
    def bar_ms(self) -> int:
        """Length of a detail bar in milliseconds; of a single one a minute."""
        times = self.open_time_ms
        return int(times[1] - times[0]) if times.size > 1 else MS_PER_MINUTE

    @property
    def bar_minutes(self) -> int:
        return self.bar_ms // MS_PER_MINUTE

    def time_of(self, bars: NDArray[np.integer]) -> NDArray[np.int64]:
        """Opens of `bars` in milliseconds; those before the block have numbers below 0."""
        return np.asarray(self.open_time_ms[0] + np.asarray(bars, np.int64) * self.bar_ms, np.int64)

    @cached_property
    def day_first(self) -> NDArray[np.int64]:
        """[D] first bar of every day of the block."""
        starts = np.flatnonzero(np.diff(self.day_index)) + 1
        return np.concatenate([np.zeros(1, np.int64), starts]).astype(np.int64)

    @property
    def day_count(self) -> int:
        return int(self.day_first.size)

    @cached_property
    def day_of_bar(self) -> NDArray[np.int32]:
        """[T] index of the bar's day in the block."""
        return np.cumsum(np.insert(np.diff(self.day_index) != 0, 0, False)).astype(np.int32)

    @property
    def days(self) -> tuple[date, ...]:
        """The UTC days of the block, in order."""
        return tuple(EPOCH + timedelta(days=int(day)) for day in self.day_index[self.day_first])

    def slice(self, first_bar: int, last_bar: int) -> "MarketBlock":
        """Bars `first_bar` to `last_bar`, both included, as views. InvalidInput where they do not exist or
        are no whole decision bars."""
        if not 0 <= first_bar <= last_bar < self.bar_count:
            raise InvalidInput(
                f"Bars {first_bar} to {last_bar} are not in a block of {self.bar_count}.",
                "Ask for bars that the block has.",
            )
        if first_bar % self.decision_bars or (last_bar + 1) % self.decision_bars:
            raise InvalidInput(
                f"Bars {first_bar} to {last_bar} are no whole decision bars of {self.decision_bars}.",
                "Cut between two decisions.",
            )
        bars = slice(first_bar, last_bar + 1)
        rows = slice(first_bar // self.decision_bars, (last_bar + 1) // self.decision_bars)
        days = slice(int(self.day_of_bar[first_bar]), int(self.day_of_bar[last_bar]) + 1)
        cuts = dict.fromkeys(_BY_BAR, bars) | dict.fromkeys(_BY_ROW, rows) | dict.fromkeys(BY_MARKET, days)
        changed = {name: getattr(self, name)[:, cut] for name, cut in cuts.items()}
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
