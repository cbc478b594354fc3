"""What past trades of a kind came to in the mean, pulled towards all trades, and how sure that is.

The mean of a kind is (n m + k M) / (n + k) with n its effective number of trades (Kish 1965), m its weighted
mean, M that of all and k the weight of all: the posterior mean of a normal prior around M (Efron and Morris
1975). Trades of one day are alike, so that many say less than their number: the standard error counts, by the
variance of the sums of days, so many as say the same independently (Moulton 1986).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.analysis.outcome import floats, milliseconds
from huracan.evaluation.jackknife import effective_count
from huracan.market.block import MS_PER_DAY
from huracan.models.past import PastTrades

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class KindMean:
    """The mean of one kind, its standard error, and so many equally weighted trades that it rests on."""

    mean: float
    error: float
    trades: float


@dataclass(frozen=True)
class ClassMeans:
    """The kinds that the past knew, by name."""

    by_class: tuple[tuple[str, KindMean], ...]
    usual: KindMean
    """Of all trades."""
    unseen: KindMean
    """Of a kind that the past did not know: the mean of all, as unsure as one kind may be off it."""

    def of(self, name: str | None) -> KindMean:
        """What is known of the kind."""
        return dict(self.by_class).get(name or "", self.unseen)

    def arrays(self, names: Sequence[str | None]) -> tuple[Floats, Floats]:
        """[n] means and [n] standard errors of the kinds."""
        known = dict(self.by_class)
        rows = [known.get(name or "", self.unseen) for name in names]
        return np.array([row.mean for row in rows]), np.array([row.error for row in rows])

    def upper(self, names: Sequence[str | None], certainty: float) -> Floats:
        """[n] what the mean is below with the probability `certainty`."""
        mean, error = self.arrays(names)
        return np.asarray(mean + NormalDist().inv_cdf(certainty) * error, dtype=np.float64)

    def describe(self) -> dict[str, object]:
        """Plain JSON values."""
        known = {"all": self.usual} | dict(self.by_class)
        return {name: asdict(kind) for name, kind in known.items() if kind.trades > 0.0}


def fit_class_means(
    values: Floats,
    weight: Floats,
    classes: Sequence[str | None],
    shrinkage_trades: float,
    days: NDArray[np.int64] | None = None,
) -> ClassMeans:
    """Of trades with `values` [n], each of one of `classes` (None: of no kind) and of one of `days`.

    Trades of weight 0 are left out; without any, everything is 0 and the errors are infinite. Without `days`
    trades count as independent.
    """
    nothing = KindMean(0.0, float("inf"), 0.0)
    if not weight.sum() > 0.0:
        return ClassMeans((), nothing, nothing)
    overall = float(np.average(values, weights=weight))
    spread = float(np.sqrt(np.average((values - overall) ** 2, weights=weight)))
    repeated = 1.0 if days is None else repetition(values - overall, weight, days)

    def error(trades: float) -> float:
        return spread * float(np.sqrt(repeated / trades))

    count = effective_count(weight)
    kinds, named = [], np.array([name or "" for name in classes], dtype=object)
    for name in sorted(set(named[weight > 0.0]) - {""}):
        own = named == name
        trades = effective_count(weight[own])
        mean = float(np.average(values[own], weights=weight[own]))
        pulled = (trades * mean + shrinkage_trades * overall) / (trades + shrinkage_trades)
        kinds.append((name, KindMean(pulled, error(trades + shrinkage_trades), trades)))
    usual, unseen = KindMean(overall, error(count), count), KindMean(overall, error(shrinkage_trades), 0.0)
    return ClassMeans(tuple(kinds), usual, unseen)


def gross_by_regime(past: PastTrades, shrinkage_trades: float) -> ClassMeans:
    """The gross results in bps of past trades by regime: the edge that is expected of a signal."""
    gross, regimes = floats(past.trades, "gross_bps"), past.trades["regime"].to_pylist()
    return fit_class_means(gross, past.weight, regimes, shrinkage_trades)


def repetition(off: Floats, weight: Floats, days: NDArray[np.int64]) -> float:
    """How many trades say what one would if days were independent: at least 1.

    The variance of the mean of `off` (values less their mean) by sums of days, over that of independent
    trades. 1 where fewer than two days are known.
    """
    _, day = np.unique(days, return_inverse=True)
    sums = np.bincount(day, weight * off)
    independent = float(((weight * off) ** 2).sum())
    if len(sums) < 2 or not independent > 0.0:
        return 1.0
    return max(1.0, float((sums**2).sum()) * len(sums) / (len(sums) - 1) / independent)


def sides_of_regimes(signals: pa.Table) -> list[str | None]:
    """`regime, side` of each signal; None without a regime."""
    pairs = zip(signals["regime"].to_pylist(), signals["side"].to_pylist(), strict=True)
    return [f"{regime}, {side}" if regime else None for regime, side in pairs]


def days_of(past: PastTrades) -> NDArray[np.int64]:
    """[n] UTC days of the signals, since 1970."""
    return np.asarray(milliseconds(past.trades, "signal_time") // MS_PER_DAY, dtype=np.int64)
