"""By how much intervals must be widened so that they hold as many results as they say, from night to night.

Split conformal prediction takes a quantile of past misses (Vovk et al. 2005), weighted where the past is
(Tibshirani et al. 2019); its level follows what was missed of late, so that coverage holds where markets
change (adaptive conformal inference, Gibbs & Candes 2021).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from huracan.evaluation.jackknife import effective_count

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

DAY_MS = 86_400_000


@dataclass(frozen=True, eq=False)
class Walk:
    """Nights over the held-out trades, each with what was known at its beginning."""

    margin: Floats
    """[n] by how much the interval of each was widened; NaN where too few outcomes were known yet."""
    level: float
    """Share of misses that the next night aims at; may leave 0 to 1, as in the paper."""
    next_margin: float
    """By how much intervals are widened after the last night; NaN where too few outcomes are known."""


def walk_nights(
    score: Floats, weight: Floats, lifetimes: tuple[Integers, Integers], coverage: float, step: float
) -> Walk:
    """`score` [n] by how much each result lay outside its interval (below 0: inside), `weight` [n],
    `lifetimes` from when to when [n] in milliseconds since 1970.

    A day's intervals rest on the outcomes known at its 00:00 UTC. Then level += step * (aim - share missed),
    over the outcomes that became known during the day before. Mean coverage over T nights is within
    (1 + step) / (step T) of the aim wherever the quantile is defined (proposition 4.1 of the paper).
    """
    start, end = lifetimes
    aim = 1.0 - coverage
    level, before, margin = aim, int(start.min(initial=0)) // DAY_MS * DAY_MS, np.full(len(score), np.nan)
    for day in np.unique(start // DAY_MS):
        now = int(day) * DAY_MS
        level += step * _excess(score, weight, margin, (end > before) & (end <= now), aim)
        known = end <= now
        margin[start // DAY_MS == day] = margin_of(score[known], weight[known], level)
        before = now
    level += step * _excess(score, weight, margin, end > before, aim)
    return Walk(margin, level, margin_of(score, weight, level))


def margin_of(score: Floats, weight: Floats, level: float) -> float:
    """The weighted quantile of the scores that a share `level` of later ones is expected to exceed.

    Enlarged by one more trade than there are (in effective number), as exchangeability asks; the largest
    score where that is more than all. NaN with too few to say, fewer than 10 in effective number.
    """
    effective = effective_count(weight)
    if effective < 10.0:
        return float("nan")
    share = min(max((1.0 - level) * (1.0 + 1.0 / effective), 0.0), 1.0)
    order = np.argsort(score, kind="stable")
    reached = np.cumsum(weight[order])
    place = int(np.searchsorted(reached, share * reached[-1] * (1.0 - 1e-12)))
    return float(score[order[min(place, len(order) - 1)]])


def _excess(score: Floats, weight: Floats, margin: Floats, rows: NDArray[np.bool_], aim: float) -> float:
    """The share that may be missed less the share of `rows` that was; 0 where none had an interval."""
    judged = rows & np.isfinite(margin) & (weight > 0.0)
    if not judged.any():
        return 0.0
    missed = score[judged] > margin[judged]
    return aim - float(np.average(missed, weights=weight[judged]))
