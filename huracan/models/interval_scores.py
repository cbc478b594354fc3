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
    """Share within the interval that is the same for all: the quantiles of the earlier results."""
    same_width_bps: float | None
    trades: int

    def hold(self, promised: float, slack: float) -> bool:
        """Whether about the promised share was held, by less width than that of the interval for all."""
        if self.coverage is None or self.width_bps is None or self.same_width_bps is None:
            return False
        return abs(self.coverage - promised) <= slack and self.width_bps < self.same_width_bps


def score_intervals(
    net_bps: Floats, bounds: tuple[Floats, Floats], same_for_all: Floats, weight: Floats
) -> IntervalScores:
    """Scores of the intervals `bounds` [n] low and high, beside `same_for_all` [2], against results [n]."""
    if len(net_bps) == 0:
        return IntervalScores(None, None, None, None, 0)
    low, high = bounds

    def share(within: NDArray[np.bool_]) -> float:
        return float(np.average(within, weights=weight))

    return IntervalScores(
        share((net_bps >= low) & (net_bps <= high)),
        float(np.average(high - low, weights=weight)),
        share((net_bps >= same_for_all[0]) & (net_bps <= same_for_all[1])),
        float(same_for_all[1] - same_for_all[0]),
        len(net_bps),
    )


def weighted_quantile(values: Floats, weight: Floats, shares: tuple[float, ...]) -> Floats:
    """[shares] the smallest values that as large a share of the weight does not exceed."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    places = np.searchsorted(reached, np.array(shares) * reached[-1] * (1.0 - 1e-12))
    return np.asarray(values[order[np.minimum(places, len(order) - 1)]], dtype=np.float64)
