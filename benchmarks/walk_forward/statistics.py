"""What a series of daily results says: a Sharpe ratio and how far chance alone moves it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DAYS_PER_YEAR = 365


@dataclass(frozen=True)
class Sharpe:
    """Annualised, of daily results without a rate of interest."""

    ratio: float
    standard_error: float


def sharpe_of(daily: Floats, generator: np.random.Generator, bootstraps: int) -> Sharpe | None:
    """Mean over standard deviation of `daily` [days], times the root of a year; its error is the spread of
    the same over `bootstraps` samples of days with replacement. None where nothing ever changed."""
    if daily.size < 2 or float(daily.std(ddof=1)) == 0.0:
        return None
    samples = daily[generator.integers(0, daily.size, (bootstraps, daily.size))]
    spread = samples.std(axis=1, ddof=1)
    known = spread > 0
    ratios = samples[known].mean(axis=1) / spread[known]
    year = np.sqrt(DAYS_PER_YEAR)
    return Sharpe(float(year * daily.mean() / daily.std(ddof=1)), float(year * ratios.std(ddof=1)))
