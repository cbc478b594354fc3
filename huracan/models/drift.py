"""Whether an input is distributed as it was: the population stability index, with what it is by chance.

A fixed limit such as 0.2 is met by chance in small samples and by nothing in large ones; without drift the
index is about (1/n + 1/m) times a chi-square of one degree less than classes (Yurdakul & Naranjo 2020).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from huracan.evaluation.jackknife import effective_count

Floats = NDArray[np.float64]

CLASSES = 10
_ENOUGH = 0.95


@dataclass(frozen=True)
class Drift:
    """Of one input."""

    psi: float | None
    trades: float
    """Of the newer sample, in effective number."""
    psi_by_chance: float | None
    """Exceeded in one of 20 cases without drift; None where there is but one class."""


def population_stability(before: Floats, before_weight: Floats, now: Floats, now_weight: Floats) -> Drift:
    """Sum over classes of (q - p) ln(q / p), p of the values `before` and q of those `now`, by weight.

    Classes are the tenths of `before` and one for what is not finite. Each has half a trade added on both
    sides, so that an empty one is no infinity.
    """
    old, new = effective_count(before_weight), effective_count(now_weight)
    known = before[np.isfinite(before)]
    if old == 0.0 or new == 0.0 or len(known) == 0:
        return Drift(None, new, None)
    edges = np.unique(np.quantile(known, np.linspace(0.0, 1.0, CLASSES + 1)[1:-1]))

    def shares(values: Floats, weight: Floats, count: float) -> Floats:
        place = np.where(np.isfinite(values), np.searchsorted(edges, values, side="right"), len(edges) + 1)
        found: Floats = np.bincount(place, weight, len(edges) + 2) / weight.sum() * count + 0.5
        return np.asarray(found / found.sum(), dtype=np.float64)

    was, are = shares(before, before_weight, old), shares(now, now_weight, new)
    classes = int(((was * old > 1.0) | (are * new > 1.0)).sum())
    psi = float(((are - was) * np.log(are / was)).sum())
    return Drift(psi, new, _by_chance(classes - 1, 1.0 / old + 1.0 / new) if classes > 1 else None)


def _by_chance(freedom: int, scale: float) -> float:
    from scipy.stats import chi2

    return float(chi2.ppf(_ENOUGH, freedom)) * scale
