"""How good intervals were: how many results they held, and how wide they were beside one for all."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class IntervalScores:
    """On trades later than all that the intervals rest on; None where not measurable."""

    coverage: float | None
    """Share of results within, by weight."""
    width_bps: float | None
    """Mean width."""
    same_coverage: float | None
    """Share within an interval that is the same for all signals of a night: the quantiles of the earlier
    results, widened from night to night by the same rule."""
    same_width_bps: float | None
    trades: int

    def hold(self, promised: float, slack: float) -> bool:
        """Whether about the promised share was held, by less width than that of the interval for all."""
        if self.coverage is None or self.width_bps is None or self.same_width_bps is None:
            return False
        return abs(self.coverage - promised) <= slack and self.width_bps < self.same_width_bps


def score_intervals(net_bps: Floats, bounds: Floats, same_for_all: Floats, weight: Floats) -> IntervalScores:
    """Scores of the intervals `bounds` [2, n] (low, high), beside those `same_for_all` [2, n], against the
    results [n], which count by `weight` [n]."""
    if len(net_bps) == 0:
        return IntervalScores(None, None, None, None, 0)

    def of(low: Floats, high: Floats) -> tuple[float, float]:
        within = (net_bps >= low) & (net_bps <= high)
        return float(np.average(within, weights=weight)), float(np.average(high - low, weights=weight))

    return IntervalScores(*of(*bounds), *of(*same_for_all), len(net_bps))


def weighted_quantile(values: Floats, weight: Floats, shares: tuple[float, ...]) -> Floats:
    """[shares] the smallest values that as large a share of the weight does not exceed."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    places = np.searchsorted(reached, np.array(shares) * reached[-1] * (1.0 - 1e-12))
    return np.asarray(values[order[np.minimum(places, len(order) - 1)]], dtype=np.float64)
