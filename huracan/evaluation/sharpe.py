"""Sharpe-ratio statistics: how sure a Sharpe ratio is, and what many tries do to it.

Every ratio in here is PER OBSERVATION (never annualised), kurtosis is Pearson's (normal = 3), the variance
of returns has n - 1 below. What counts as good enough lives in `promotion`.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from huracan.errors import InvalidInput

_NORMAL = NormalDist()


@dataclass(frozen=True)
class ReturnMoments:
    """What the Sharpe statistics need of a series of returns."""

    observations: int
    sharpe: float
    """Mean over standard deviation (n - 1), per observation."""
    skewness: float
    kurtosis: float
    """Pearson's: 3 for the normal distribution."""


def measure_returns(returns: NDArray[np.float64]) -> ReturnMoments:
    """The moments of `returns` [n], any unit; the ratio is 0 where the returns do not vary.

    Raises InvalidInput on fewer than two returns or on one that is not finite.
    """
    values = np.asarray(returns, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise InvalidInput(
            f"A Sharpe ratio was asked of an array of shape {values.shape}.", "Give at least two returns."
        )
    if not np.isfinite(values).all():
        raise InvalidInput("A return is not a finite number.", "Drop periods without a known equity.")
    mean = float(values.mean())
    centred = values - mean
    second = float(np.mean(centred**2))
    if not do_vary(values):
        return ReturnMoments(len(values), 0.0, 0.0, 3.0)
    deviation = math.sqrt(second * len(values) / (len(values) - 1))
    return ReturnMoments(
        observations=len(values),
        sharpe=mean / deviation,
        skewness=float(np.mean(centred**3)) / second**1.5,
        kurtosis=float(np.mean(centred**4)) / second**2,
    )


def do_vary(returns: NDArray[np.float64]) -> bool:
    """Whether the returns [n] differ by more than rounding does: else no ratio of them is defined."""
    return float(returns.std()) > 1e-12 * max(abs(float(returns.mean())), 1e-300)


def sharpe_standard_error(moments: ReturnMoments) -> float:
    """Standard error of the estimated ratio under fat tails and skew (Mertens 2002; Lo 2002).

    sqrt((1 - skew SR + (kurt - 1)/4 SR^2) / (n - 1)), all at the ESTIMATED ratio, never at a benchmark.
    """
    ratio = moments.sharpe
    # The sum of two squares, so that rounding cannot turn it negative: skewness^2 <= kurtosis - 1.
    beyond = moments.kurtosis - 1.0 - moments.skewness**2
    spread = (1.0 - moments.skewness * ratio / 2.0) ** 2 + max(beyond, 0.0) / 4.0 * ratio**2
    if beyond < -1e-6 * moments.kurtosis or spread <= 0.0:
        raise InvalidInput(
            f"No distribution has skewness {moments.skewness}, kurtosis {moments.kurtosis}.",
            "Pass Pearson's kurtosis (normal = 3), not the excess.",
        )
    return math.sqrt(spread / (moments.observations - 1))


def probabilistic_sharpe(moments: ReturnMoments, benchmark: float = 0.0) -> float:
    """Probability that the true ratio exceeds `benchmark` (Bailey & Lopez de Prado 2012)."""
    return float(_NORMAL.cdf((moments.sharpe - benchmark) / sharpe_standard_error(moments)))


def expected_maximum_sharpe(trials: int, trial_variance: float = 1.0) -> float:
    """The best ratio that `trials` independent tries without any skill are expected to show.

    sqrt(V) ((1 - g) z(1 - 1/N) + g z(1 - 1/(N e))), g = Euler-Mascheroni (Bailey et al. 2014). One try
    expects 0. `trial_variance` is the variance of the tries' ratios, per observation.
    """
    if trials < 1 or trial_variance < 0.0:
        raise InvalidInput(
            f"{trials} trials with variance {trial_variance} were given.", "Count at least one trial."
        )
    if trials == 1:
        return 0.0
    low, high = _NORMAL.inv_cdf(1.0 - 1.0 / trials), _NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(trial_variance) * float((1.0 - np.euler_gamma) * low + np.euler_gamma * high)


def deflated_sharpe(moments: ReturnMoments, trials: int, trial_variance: float) -> float:
    """Probability that the true ratio is above what luck alone shows after `trials` tries."""
    return probabilistic_sharpe(moments, expected_maximum_sharpe(trials, trial_variance))


def minimum_track_record(moments: ReturnMoments, benchmark: float = 0.0, confidence: float = 0.95) -> float:
    """Observations needed before the ratio exceeds `benchmark` at `confidence`; inf where it is not above."""
    if moments.sharpe <= benchmark:
        return math.inf
    ratio = moments.sharpe
    spread = 1.0 - moments.skewness * ratio + (moments.kurtosis - 1.0) / 4.0 * ratio**2
    return 1.0 + spread * (float(_NORMAL.inv_cdf(confidence)) / (ratio - benchmark)) ** 2


def minimum_backtest_years(trials: int, target_annual_sharpe: float = 1.0) -> float:
    """Years of history below which `trials` tries without skill show `target_annual_sharpe` (eq. 6)."""
    if target_annual_sharpe <= 0.0:
        raise InvalidInput(
            f"The target Sharpe ratio {target_annual_sharpe} is not positive.", "Give one above 0."
        )
    return (expected_maximum_sharpe(trials) / target_annual_sharpe) ** 2
