"""Estimators of a half-spread from candles, beside the one that nights use (`huracan.candles.spread`).

Each takes the bars of one day, in order and without holes, and gives basis points, never below 0.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from huracan.candles.spread import half_spread_moments
from huracan.units import WHOLE_BPS

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Bars:
    """Traded bars in a row; all arrays are [bars], prices in quote units."""

    open_time_ms: npt.NDArray[np.int64]
    open: Floats
    high: Floats
    low: Floats
    close: Floats

    def __len__(self) -> int:
        return len(self.close)

    def chosen(self, which: npt.NDArray[np.bool_] | slice) -> "Bars":
        return Bars(*(values[which] for values in vars(self).values()))

    def joined(self, count: int) -> "Bars":
        """Bars `count` times as long; what fills no whole one at the end is left out."""
        whole = len(self) // count * count
        rows = {name: values[:whole].reshape(-1, count) for name, values in vars(self).items()}
        ends = {"open_time_ms": rows["open_time_ms"][:, 0], "open": rows["open"][:, 0]}
        return Bars(
            **ends, high=rows["high"].max(axis=1), low=rows["low"].min(axis=1), close=rows["close"][:, -1]
        )

    def with_bounce(self, half_spread_bps: float, generator: np.random.Generator) -> "Bars":
        """As if open and close were traded at bid or ask, the highest at the ask, the lowest at the bid."""
        share = half_spread_bps / WHOLE_BPS
        sides = generator.choice([-share, share], (2, len(self)))
        return Bars(
            self.open_time_ms,
            self.open * (1 + sides[0]),
            self.high * (1 + share),
            self.low * (1 - share),
            self.close * (1 + sides[1]),
        )


def roll(bars: Bars) -> float:
    """Root of the negative covariance of one return with the next (Roll 1984), 0 where that is positive."""
    returns = np.diff(np.log(bars.close)) * WHOLE_BPS
    return float(np.sqrt(max(-(returns[1:] * returns[:-1]).mean(), 0.0)))


def corwin_schultz(bars: Bars) -> float:
    """From the ranges of one bar, of the next, and of both (Corwin and Schultz 2012); pairs below 0 are 0.

    Without their correction for nights: there is no pause between bars.
    """
    high, low = np.log(bars.high), np.log(bars.low)
    single = (high[1:] - low[1:]) ** 2 + (high[:-1] - low[:-1]) ** 2
    double = (np.maximum(high[1:], high[:-1]) - np.minimum(low[1:], low[:-1])) ** 2
    scale = 3 - 2 * np.sqrt(2)
    alpha = (np.sqrt(2 * single) - np.sqrt(single)) / scale - np.sqrt(double / scale)
    spread = 2 * (np.exp(alpha) - 1) / (1 + np.exp(alpha))
    return float(np.maximum(spread, 0).mean() / 2 * WHOLE_BPS)


def abdi_ranaldo_by_pair(bars: Bars) -> float:
    """Abdi and Ranaldo (2017), their two-day correction: the root of every pair, 0 where it is negative."""
    return float(np.sqrt(np.maximum(half_spread_moments(bars.high, bars.low, bars.close), 0)).mean())


def abdi_ranaldo(bars: Bars) -> float:
    """The same, the pairs averaged before the root: what nights use."""
    return float(np.sqrt(max(half_spread_moments(bars.high, bars.low, bars.close).mean(), 0.0)))


ESTIMATORS: dict[str, Callable[[Bars], float]] = {
    "Roll": roll,
    "Corwin-Schultz": corwin_schultz,
    "Abdi-Ranaldo by pair": abdi_ranaldo_by_pair,
    "Abdi-Ranaldo by day": abdi_ranaldo,
}
