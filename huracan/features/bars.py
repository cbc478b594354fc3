"""What the formulas see: the observed bars of one symbol, and what several formulas share of them.

No column of the recipe is defined here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from huracan.features.rolling import (
    FloatArray,
    deviation_from_mean,
    lag,
    ratio,
    rolling_max,
    rolling_min,
    rolling_std,
    rolling_sum,
    ta_lib,
)

if TYPE_CHECKING:
    from huracan.features.hours import SymbolWeeks

Made = TypeVar("Made")

STILL_BARS = 200
"""After so many bars without any movement Wilder's averages are rounding, and mean nothing."""


@dataclass(frozen=True)
class Bars:
    """Observed bars (traded or flat) of one symbol in time order: 1-D arrays of one length.

    Prices are in units of the first observed close / 10,000 (which keeps the fixed epsilons inside TA-Lib
    harmless for a coin of 1e-6 USDT), volumes in units of the source; only flow may be NaN.
    `slots` are the bars' indices on the window's time grid, so that another symbol can be laid beside them;
    `minutes`, of their opens, counts from 1970-01-01 UTC; `bar_minutes` is the length of one. `weeks` is what
    hourly summaries say beside the last of them, those of the day; None where there are none.
    """

    slots: npt.NDArray[np.int64]
    minutes: npt.NDArray[np.int64]
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    trade_count: FloatArray
    taker_buy_volume: FloatArray
    bar_minutes: int = 1
    weeks: "SymbolWeeks | None" = None
    leaders: Mapping[str, "Bars"] = field(default_factory=dict)
    _memo: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.close)

    def once(self, key: str, make: Callable[[], Made]) -> Made:
        """`make()`, computed for the first formula that asks and kept for the others."""
        if key not in self._memo:
            self._memo[key] = make()
        made: Made = self._memo[key]
        return made

    def log_return(self, bars: int) -> FloatArray:
        """ln(close / close `bars` observed bars ago)."""
        return self.once(f"log_return_{bars}", lambda: np.log(self.close / lag(self.close, bars)))

    def volatility(self, window: int) -> FloatArray:
        """Population standard deviation of the last `window` one-bar log returns."""
        return self.once(f"volatility_{window}", lambda: rolling_std(self.log_return(1), window))

    def ema(self, span: int) -> FloatArray:
        """TA-Lib's exponential moving average of the close (2 / (span + 1), seeded by a simple mean)."""
        return self.once(f"ema_{span}", lambda: ta_lib("EMA", self.close, span))

    def atr(self) -> FloatArray:
        """Wilder's average true range over 14 bars; 0 after `STILL_BARS` bars without movement."""
        return self.once("atr", lambda: self.unless_still(ta_lib("ATR", self.high, self.low, self.close, 14)))

    def highest(self, window: int) -> FloatArray:
        """Highest high of the last `window` bars."""
        return self.once(f"highest_{window}", lambda: rolling_max(self.high, window))

    def lowest(self, window: int) -> FloatArray:
        """Lowest low of the last `window` bars."""
        return self.once(f"lowest_{window}", lambda: rolling_min(self.low, window))

    def deviation(self) -> tuple[FloatArray, FloatArray]:
        """The close less the mean of 20 closes, and their population standard deviation."""
        return self.once("deviation", lambda: deviation_from_mean(self.close, 20))

    def volume_surge(self) -> FloatArray:
        """Volume over the mean volume of the 20 bars before, at most 10; 1 where those traded nothing."""
        return self.once(
            "volume_surge",
            lambda: np.minimum(
                ratio(self.volume, lag(rolling_sum(self.volume, 20) / 20.0, 1), neutral=1.0), 10.0
            ),
        )

    def unless_still(self, values: FloatArray) -> FloatArray:
        """`values`, but 0 where the last `STILL_BARS` bars show one single price."""
        return np.asarray(np.where(self.once("is_still", self._is_still) == 1.0, 0.0, values))

    def _is_still(self) -> FloatArray:
        return np.asarray(self.highest(STILL_BARS) == self.lowest(STILL_BARS), dtype=np.float64)
