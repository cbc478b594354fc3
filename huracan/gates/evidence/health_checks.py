"""Whether recent trades are still like those before them: tests, each with its own threshold.

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
_FEWEST_WINDOWS = 8
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
    recent_days: int
    """Days that recent trades are of."""

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
        chance, (1/n + 1/m) chi^2 of 4 degrees (Yurdakul 2018), and beyond what earlier windows as long showed
        of what was outside them: what persists moves without anything being broken.

        With less than 8 such windows nobody knows how far it usually moves, and it never alarms.
        """
        from scipy.special import chdtri

        recent, before = self.counts(values)
        chance = (1.0 / recent + 1.0 / before) * float(chdtri(_BINS - 1, 1.0 - certainty))
        windows = [window._index(values[~self.is_recent]) for window in self._earlier_windows()]
        usual = float(np.quantile(windows, certainty)) if len(windows) >= _FEWEST_WINDOWS else float("inf")
        return HealthCheck(name, self._index(values), max(chance, usual, _LARGE_PSI))

    def _earlier_windows(self) -> list["Sample"]:
        """The trades before the recent ones, one time for each day at which as many days end that lie among
        them and hold a half as many trades as the recent ones at least."""
        days, weight = self.days[~self.is_recent], self.weight[~self.is_recent]
        length, first = self.recent_days, int(days.min())
        needed = effective_count(self.weight[self.is_recent]) / 2.0
        found = []
        for end in range(first + length, int(days.max()) + 2):
            is_within = (days >= end - length) & (days < end)
            if not is_within.all() and effective_count(weight[is_within]) >= needed:
                found.append(Sample(weight, days, is_within, length))
        return found

    def _index(self, values: Floats) -> float:
        """The index; half a trade is added to each fifth."""
        recent, before = self.counts(values)
        edges = np.quantile(values[~self.is_recent], np.arange(1, _BINS) / _BINS)
        fifth = np.searchsorted(edges, values, side="left")
        shares = []
        for own, count in ((self.is_recent, recent), (~self.is_recent, before)):
            share = np.bincount(fifth[own], self.weight[own], _BINS) / self.weight[own].sum()
            shares.append((share * count + 0.5) / (count + _BINS / 2))
        return float(((shares[0] - shares[1]) * np.log(shares[0] / shares[1])).sum())
