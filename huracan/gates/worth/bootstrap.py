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
DOUBT = 0.05
"""The chance that an interval misses what it is of, where none is said."""


def stationary_resamples(days: int, resamples: int, generator: np.random.Generator) -> Integers:
    """[resamples, days] numbers of days: each follows the one before it, or with a chance of one over the
    mean length of a block, the cube root of `days`, begins elsewhere. After the last day comes the first."""
    begins = generator.random((resamples, days)) < 1.0 / _mean_block(days)
    starts = generator.integers(0, days, (resamples, days))
    begun = np.maximum.accumulate(np.where(begins, np.arange(days), 0), axis=1)
    drawn: Integers = (np.take_along_axis(starts, begun, axis=1) + np.arange(days) - begun) % days
    return drawn


def mean_interval(
    night: Integers,
    value: Floats,
    weight: Floats,
    generator: np.random.Generator,
    doubt: float = DOUBT,
) -> tuple[Floats, Floats, Floats]:
    """Weighted mean of each column of `value` [n, c] with `weight` [n, c], and the ends of an interval that
    misses it with the chance `doubt`.

    Days are those in `night` [n] on which the column has weight at all. NaN: no mean without weight, no
    interval with less than LEAST_DAYS such days.
    """
    from scipy.special import ndtr

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
            deviations = _deviations(days, doubt)
            tail = float(ndtr(-deviations))
            low[column], high[column] = np.quantile(found, [tail, 1.0 - tail])
            if doubt < DOUBT:
                # So far out there are no resamples to count: the ends are those of a normal distribution.
                reach = deviations * float(found.std())
                low[column] = min(low[column], float(mean[column]) - reach)
                high[column] = max(high[column], float(mean[column]) + reach)
    return mean, low, high


def _deviations(days: int, doubt: float) -> float:
    """By how many deviations of resamples each end lies off. What is independent are blocks, not days."""
    from scipy.special import stdtrit

    blocks = days / _mean_block(days)
    return float(-np.sqrt(blocks / (blocks - 1.0)) * stdtrit(blocks - 1.0, doubt / 2.0))


def _mean_block(days: int) -> float:
    return float(days ** (1.0 / 3.0))
