"""How good intervals were: how many results they held, and how they score beside one interval for all.

The score is the width, and where the result lies outside, 2 / (1 - coverage) times how far (Winkler 1972;
Gneiting & Raftery 2007): the true quantiles have the lowest mean.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from huracan.evaluation.jackknife import jackknife_error, ratios, sums_by_block

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


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
    score_gain_bps: float | None = None
    """Mean score of the interval for all less that of these; above 0: these are better."""
    score_gain_low_bps: float | None = None
    """What that gain exceeds at 95 % one-sided, by leaving out blocks of time; None where they are too
    few."""

    def hold(self, promised: float, slack: float) -> bool:
        """Whether about the promised share was held, by a score surely better than that of the interval for
        all."""
        if self.coverage is None or self.score_gain_low_bps is None:
            return False
        return abs(self.coverage - promised) <= slack and self.score_gain_low_bps > 0.0


def score_intervals(
    net_bps: Floats,
    bounds: Floats,
    same_for_all: Floats,
    weight: Floats,
    block: Integers,
    coverage: float,
) -> IntervalScores:
    """Scores of the intervals `bounds` [2, n] (low, high), beside those `same_for_all` [2, n], against the
    results [n], which count by `weight` [n].

    `block` [n] is the number of the block of time of each (`split.blocks_of_time`), `coverage` the share that
    the intervals promise to hold.
    """
    if len(net_bps) == 0:
        return IntervalScores(None, None, None, None, 0)

    def of(low: Floats, high: Floats) -> tuple[float, float]:
        within = (net_bps >= low) & (net_bps <= high)
        return float(np.average(within, weights=weight)), float(np.average(high - low, weights=weight))

    def score(low: Floats, high: Floats) -> Floats:
        outside = np.maximum(np.maximum(low - net_bps, net_bps - high), 0.0)
        return (high - low) + 2.0 / (1.0 - coverage) * outside

    gained = weight * (score(*same_for_all) - score(*bounds))
    sums = np.column_stack([sums_by_block(block, each) for each in (weight, gained)])
    gain = float(gained.sum() / weight.sum())
    error = jackknife_error(sums, ratios, sums[:, 0])
    low = None if error is None else gain - error.half_width
    return IntervalScores(*of(*bounds), *of(*same_for_all), len(net_bps), gain, low)


def weighted_quantile(values: Floats, weight: Floats, shares: tuple[float, ...]) -> Floats:
    """[shares] the smallest values that as large a share of the weight does not exceed."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    places = np.searchsorted(reached, np.array(shares) * reached[-1] * (1.0 - 1e-12))
    return np.asarray(values[order[np.minimum(places, len(order) - 1)]], dtype=np.float64)
