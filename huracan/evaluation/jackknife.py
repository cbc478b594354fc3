"""The error of a figure made of sums over blocks of days, by leaving out one block at a time.

Net results of near moments and of symbols at one moment hang together, so days count, not trades. Ratios of
sums are bent: leaving out is nearer to their error than a linear formula (Quenouille 1956; Künsch 1989 for
blocks of a series; as a cluster-robust error it is the CR3 of Bell & McCaffrey 2002).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

COVERAGE = 0.90
LEAST_EFFECTIVE_BLOCKS = 5.0
"""With fewer nobody can tell how blocks differ."""


@dataclass(frozen=True)
class JackknifeError:
    """Standard error and half the width of the interval; both in the unit of the figure."""

    standard_error: float
    half_width: float


def effective_count(weight: Floats) -> float:
    """So many of equal weight would say as much: (sum w)^2 / sum w^2 (Kish 1965); 0 of nothing."""
    squares = float((weight**2).sum())
    return float(weight.sum()) ** 2 / squares if squares > 0.0 else 0.0


def jackknife_error(
    sums: Floats, figure: Callable[[Floats], Floats], block_weight: Floats
) -> JackknifeError | None:
    """The error of `figure(sums.sum(axis=0)[None])[0]`, of an interval of 90 %.

    `sums` [blocks, k]; `figure` makes [m] figures of [m, k] sums; `block_weight` [blocks] is how much the
    observations of each block count. Student's t has the degrees of freedom of as many blocks as would say as
    much if they weighed alike (Carter, Schnepel & Steigerwald 2017). None below LEAST_EFFECTIVE_BLOCKS, or
    where without some block there is no figure.
    """
    from scipy.stats import t as student

    carries = (sums != 0.0).any(axis=1)
    count, effective = int(carries.sum()), effective_count(block_weight)
    if effective < LEAST_EFFECTIVE_BLOCKS:
        return None
    without = figure(sums.sum(axis=0) - sums[carries])
    if not np.isfinite(without).all():
        return None
    variance = (count - 1) / count * float(((without - without.mean()) ** 2).sum())
    error = float(np.sqrt(variance))
    quantile = float(student.ppf(0.5 + COVERAGE / 2.0, effective - 1.0))
    return JackknifeError(error, quantile * error)


def sums_by_block(block: NDArray[np.int64], values: Floats) -> Floats:
    """[blocks] of `values` [n] by the number of the block [n] that each is in."""
    return np.asarray(np.bincount(block, values), dtype=np.float64)


def ratios(sums: Floats) -> Floats:
    """[m] the second of the sums [m, 2] over the first; NaN where the first is not above 0."""
    found: Floats = np.divide(sums[:, 1], sums[:, 0], out=np.full(len(sums), np.nan), where=sums[:, 0] > 0.0)
    return found


def blocks_of(moment: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """[n] the number of the block of time, from 0 in its order, that each `moment` [n] is in; blocks are of
    `length`, in the unit of the moments. Where nothing is there is no empty block."""
    if moment.size == 0:
        return moment
    return np.unique((moment - moment.min()) // length, return_inverse=True)[1].astype(np.int64)
