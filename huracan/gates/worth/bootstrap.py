"""How sure a mean per signal is, where the signals of a day, and days near one another, are alike.

The stationary bootstrap (Politis & Romano 1994) draws blocks of days of random length. Few days make
percentiles too narrow; they are widened as Student's t is wider than the normal distribution (Hesterberg
2015).
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

RESAMPLES = 2_000
LEAST_DAYS = 5
"""Days with signals below which no interval is given."""
_CONFIDENCE = 0.95


def stationary_resamples(days: int, resamples: int, generator: np.random.Generator) -> Integers:
    """[resamples, days] numbers of days: each follows the one before it, or with a chance of one over the
    mean length of a block, the cube root of `days`, begins elsewhere. After the last day comes the first."""
    begins = generator.random((resamples, days)) < 1.0 / _mean_block(days)
    starts = generator.integers(0, days, (resamples, days))
    begun = np.maximum.accumulate(np.where(begins, np.arange(days), 0), axis=1)
    drawn: Integers = (np.take_along_axis(starts, begun, axis=1) + np.arange(days) - begun) % days
    return drawn


def mean_interval(
    night: Integers, value: Floats, weight: Floats, generator: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Weighted mean of each column of `value` [n, c] with `weight` [n, c], and the ends of its interval of 95
    %.

    Days are those in `night` [n] on which the column has weight at all. NaN: no mean without weight, no
    interval with less than LEAST_DAYS such days.
    """
    nights, at = np.unique(night, return_inverse=True)
    sums, weights = np.zeros((nights.size, value.shape[1])), np.zeros((nights.size, value.shape[1]))
    np.add.at(sums, at, value * weight)
    np.add.at(weights, at, weight)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sums.sum(axis=0) / weights.sum(axis=0)
    low, high = np.full(mean.shape, np.nan), np.full(mean.shape, np.nan)
    if nights.size < LEAST_DAYS:
        return mean, low, high
    drawn = stationary_resamples(nights.size, RESAMPLES, generator)
    # How often each day was drawn: a product of matrices then sums every column of every resample.
    flat = (np.arange(RESAMPLES)[:, None] * nights.size + drawn).ravel()
    counts = np.bincount(flat, minlength=RESAMPLES * nights.size).reshape(RESAMPLES, nights.size)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (counts @ sums) / (counts @ weights)
    for column, days in enumerate((weights > 0.0).sum(axis=0).tolist()):
        found = means[np.isfinite(means[:, column]), column]
        if days >= LEAST_DAYS and found.size:
            tail = _tail(days)
            low[column], high[column] = np.quantile(found, [tail, 1.0 - tail])
    return mean, low, high


def _tail(days: int) -> float:
    """The share of resamples beyond each end. What is independent are blocks, and not days."""
    from scipy.special import ndtr, stdtrit

    blocks = days / _mean_block(days)
    quantile = stdtrit(blocks - 1.0, (1.0 - _CONFIDENCE) / 2.0)
    return float(ndtr(np.sqrt(blocks / (blocks - 1.0)) * quantile))


def _mean_block(days: int) -> float:
    return float(days ** (1.0 / 3.0))
