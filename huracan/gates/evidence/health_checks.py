"""Whether recent trades are still like those before them: three tests, each with its own threshold.

Results of one day are alike; every test counts so many trades as say the same independently
(`class_means.repetition`). `kolmogorov` and `stability` compare distributions, `drop` means; what the engine
is worth then is decided in `engine_health`.
"""

from dataclasses import dataclass
from math import log, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from huracan.evaluation.jackknife import effective_count
from huracan.gates.evidence.class_means import repetition

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_BINS = 5
_LARGE_PSI = 0.25
"""A smaller index is called no large shift, however sure (Siddiqi 2006)."""


@dataclass(frozen=True)
class HealthCheck:
    """One test: what was measured, and above what it alarms."""

    name: str
    value: float
    threshold: float

    @property
    def alarms(self) -> bool:
        """Whether recent trades are no longer like those before."""
        return self.value > self.threshold

    @property
    def text(self) -> str:
        """In a few words."""
        return (
            f"{self.name} {self.value:.2f} ({'above' if self.alarms else 'not above'} {self.threshold:.2f})"
        )


@dataclass(frozen=True, eq=False)
class Sample:
    """Trades with their weight and UTC day, and which of them are recent; some are, and some are not."""

    weight: Floats
    days: NDArray[np.int64]
    is_recent: Bools

    def counts(self, values: Floats) -> tuple[float, float]:
        """So many independent trades the recent ones are worth, and those before, for what `values` [n]
        say."""
        off = np.where(self.is_recent, values - self._mean(values, True), values - self._mean(values, False))
        alike = repetition(off, self.weight, self.days)
        recent, before = (
            effective_count(self.weight[each]) / alike for each in (self.is_recent, ~self.is_recent)
        )
        return recent, before

    def _mean(self, values: Floats, recent: bool) -> float:
        own = self.is_recent == recent
        return float(np.average(values[own], weights=self.weight[own]))

    def drop(self, name: str, values: Floats, certainty: float) -> HealthCheck:
        """By how many standard errors the recent mean lies below the one before (Welch 1947, variances
        pooled)."""
        recent, before = self.counts(values)
        spread = float(
            np.sqrt(np.average((values - np.average(values, weights=self.weight)) ** 2, weights=self.weight))
        )
        error = spread * sqrt(1.0 / recent + 1.0 / before)
        fall = self._mean(values, False) - self._mean(values, True)
        return HealthCheck(name, fall / error if error > 0.0 else 0.0, NormalDist().inv_cdf(certainty))

    def kolmogorov(self, name: str, values: Floats, certainty: float) -> HealthCheck:
        """Largest excess of the recent distribution function over the one before: recent values are lower
        (Kolmogorov and Smirnov, one-sided, its asymptotic threshold)."""
        recent, before = self.counts(values)
        order = np.argsort(values, kind="stable")
        shares = [
            np.cumsum(np.where(own, self.weight, 0.0)[order]) / self.weight[own].sum()
            for own in (self.is_recent, ~self.is_recent)
        ]
        ends = np.append(np.flatnonzero(np.diff(values[order])), len(order) - 1)
        excess = float((shares[0] - shares[1])[ends].max())
        return HealthCheck(name, excess, sqrt(-log(1.0 - certainty) / 2.0 * (1.0 / recent + 1.0 / before)))

    def stability(self, name: str, values: Floats, certainty: float) -> HealthCheck:
        """Population stability index over fifths of the time before, beyond what samples of this size show by
        chance: (1/n + 1/m) chi^2 of 4 degrees (Yurdakul 2018). Half a trade is added to each fifth."""
        from scipy.special import chdtri

        recent, before = self.counts(values)
        edges = np.quantile(values[~self.is_recent], np.arange(1, _BINS) / _BINS)
        fifth = np.searchsorted(edges, values, side="left")
        shares = []
        for own, count in ((self.is_recent, recent), (~self.is_recent, before)):
            share = np.bincount(fifth[own], self.weight[own], _BINS) / self.weight[own].sum()
            shares.append((share * count + 0.5) / (count + _BINS / 2))
        index = float(((shares[0] - shares[1]) * np.log(shares[0] / shares[1])).sum())
        chance = (1.0 / recent + 1.0 / before) * float(chdtri(_BINS - 1, 1.0 - certainty))
        return HealthCheck(name, index, max(chance, _LARGE_PSI))
