"""Windows over a sequence of bars, as plain NumPy. No candle and no feature is known here.

Every function maps a 1-D float64 array to one of the same length, NaN until the window is full, and the
value at t is the same to the bit whatever follows t. Running totals are avoided: they carry rounding from
the first bar to the last, which makes the start of the window visible and ruins variances of quiet bars.
"""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_NEGLIGIBLE_VARIANCE = 1e-12
"""Below this share of the mean square a variance is rounding, not movement."""


def ta_lib(function: str, *arguments: FloatArray | int) -> FloatArray:
    """The answer of one of TA-Lib's functions; of several outputs a row each.

    TA-Lib imports pandas wherever that is installed, so it is not imported before it is needed.
    """
    import talib

    return np.asarray(getattr(talib, function)(*arguments), dtype=np.float64)


def lag(values: FloatArray, bars: int) -> FloatArray:
    """The value `bars` ago; NaN for the first `bars` bars."""
    shifted = np.full_like(values, np.nan)
    if bars < len(values):
        shifted[bars:] = values[: len(values) - bars]
    return shifted


def rolling_sum(values: FloatArray, window: int) -> FloatArray:
    """Sum of the last `window` values, by doubling: log2(window) additions, each sum built afresh."""
    block, block_length, offset = values, 1, 0
    total = np.zeros_like(values)
    remaining = window
    while remaining:
        if remaining & 1:
            total = total + lag(block, offset)
            offset += block_length
        remaining >>= 1
        if remaining:
            block = block + lag(block, block_length)
            block_length *= 2
    return total


def rolling_mean(values: FloatArray, window: int) -> FloatArray:
    """Mean of the last `window` values."""
    return rolling_sum(values, window) / window


def rolling_variance(values: FloatArray, window: int) -> FloatArray:
    """Population variance of the last `window` values; exactly 0 where they do not vary.

    Meant for values whose mean is not far above their spread (returns, volumes), never for price levels.
    """
    mean = rolling_mean(values, window)
    mean_square = rolling_mean(values * values, window)
    variance = mean_square - mean * mean
    return np.where(variance > _NEGLIGIBLE_VARIANCE * mean_square, variance, 0.0 * variance)


def rolling_std(values: FloatArray, window: int) -> FloatArray:
    """Population standard deviation of the last `window` values."""
    return np.sqrt(rolling_variance(values, window))


def rolling_z(values: FloatArray, window: int) -> FloatArray:
    """How many standard deviations the value lies above the mean of its window; 0 where nothing varies."""
    return ratio(values - rolling_mean(values, window), rolling_std(values, window), neutral=0.0)


def rolling_max(values: FloatArray, window: int) -> FloatArray:
    """Highest of the last `window` values (which hold no NaN)."""
    return ta_lib("MAX", values, window)


def rolling_min(values: FloatArray, window: int) -> FloatArray:
    """Lowest of the last `window` values (which hold no NaN)."""
    return ta_lib("MIN", values, window)


def rolling_median(values: FloatArray, window: int) -> FloatArray:
    """Median of the last `window` values; NaN where one of them is NaN. `window` is even."""
    medians = np.full_like(values, np.nan)
    if len(values) >= window:
        windows = np.lib.stride_tricks.sliding_window_view(values, window)
        half = window // 2
        ordered = np.partition(windows, (half - 1, half), axis=1)
        middle = 0.5 * (ordered[:, half - 1] + ordered[:, half])
        medians[window - 1 :] = middle + 0.0 * rolling_sum(values, window)[window - 1 :]
    return medians


def deviation_from_mean(prices: FloatArray, window: int) -> tuple[FloatArray, FloatArray]:
    """Price minus its window's mean, and the window's population standard deviation.

    Both are made of differences to the newest price, which stay exact where squares of price levels
    would lose every digit that matters.
    """
    total, total_square = np.zeros_like(prices), np.zeros_like(prices)
    for bars in range(1, window):
        difference = lag(prices, bars) - prices
        total = total + difference
        total_square = total_square + difference * difference
    mean = total / window
    variance = total_square / window - mean * mean
    variance = np.where(variance > _NEGLIGIBLE_VARIANCE * total_square, variance, 0.0 * variance)
    return -mean, np.sqrt(variance)


def standardised_moment(values: FloatArray, window: int, order: int) -> FloatArray:
    """Third (skewness) or fourth (excess kurtosis) standardised moment; 0 where nothing varies."""
    mean = rolling_mean(values, window)
    square = rolling_mean(values**2, window)
    cube = rolling_mean(values**3, window)
    variance = rolling_variance(values, window)
    third = cube - 3.0 * mean * square + 2.0 * mean**3
    if order == 3:
        return ratio(third, variance**1.5, neutral=0.0)
    fourth = rolling_mean(values**4, window) - 4.0 * mean * cube + 6.0 * mean**2 * square - 3.0 * mean**4
    return ratio(fourth - 3.0 * variance**2, variance**2, neutral=0.0)


def ratio(numerator: FloatArray, denominator: FloatArray, *, neutral: float) -> FloatArray:
    """numerator / denominator, `neutral` where the denominator is 0, NaN where either is NaN."""
    is_zero = denominator == 0.0
    quotient = numerator / np.where(is_zero, 1.0, denominator)
    return np.where(is_zero & ~np.isnan(numerator), neutral, quotient)
