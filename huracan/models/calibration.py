"""From a score to a probability that is met as often as it says, learnt on trades after those of the fit.

Isotonic regression (Zadrozny & Elkan 2002) where there are trades enough for it, else Platt's line (Platt
1999) held near the score itself; by rule, because isotonic steps overfit small samples (Niculescu-Mizil &
Caruana 2005).
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from huracan.evaluation.jackknife import effective_count

Floats = NDArray[np.float64]

ISOTONIC_FROM = 1000.0
"""Trades, in effective number, from which steps are learnt instead of a line."""


@dataclass(frozen=True)
class Calibration:
    """Increasing, in plain numbers. Of `platt`, the log-odds are a line in the score; of `isotonic`, the
    probability is interpolated between knots, and level outside of them."""

    kind: Literal["platt", "isotonic"]
    slope: float
    intercept: float
    knots: tuple[float, ...]
    """Log-odds that the model gave."""
    probabilities: tuple[float, ...]
    """What they mean."""
    effective_trades: float

    def apply(self, log_odds: Floats) -> Floats:
        """[n] probability of a model's log-odds."""
        if self.kind == "isotonic":
            return np.asarray(np.interp(log_odds, self.knots, self.probabilities), dtype=np.float64)
        return chance_of(self.slope * log_odds + self.intercept)

    @staticmethod
    def read(value: dict[str, Any]) -> "Calibration":
        """From its form in JSON."""
        tuples = {name: tuple(value[name]) for name in ("knots", "probabilities")}
        return Calibration(**value | tuples)


def fit_calibration(log_odds: Floats, won: Floats, weight: Floats) -> Calibration:
    """Of scores [n] whose outcomes are `won` [n], counting by `weight` [n]; also of no row, or of one class.

    The line's slope and intercept have a normal prior of deviation 1 around 1 and 0, so few trades change
    little; a slope below 0, which would turn the ranking round, is 0. The ends of the steps keep half a
    trade's distance from 0 and 1.
    """
    effective = effective_count(weight)
    if effective < ISOTONIC_FROM:
        scale = 1.0 if len(weight) == 0 else effective / float(weight.sum())
        slope, intercept = _line(log_odds, won, weight * scale)
        return Calibration("platt", slope, intercept, (), (), effective)
    from sklearn.isotonic import IsotonicRegression

    margin = 0.5 / effective
    steps = IsotonicRegression(y_min=margin, y_max=1.0 - margin, out_of_bounds="clip")
    steps.fit(log_odds, won, sample_weight=weight)
    knots, levels = steps.X_thresholds_.tolist(), steps.y_thresholds_.tolist()
    return Calibration("isotonic", 1.0, 0.0, tuple(knots), tuple(levels), effective)


def chance_of(log_odds: Floats) -> Floats:
    """[n] probability of log-odds, never quite 0 or 1."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(log_odds, -30.0, 30.0))), dtype=np.float64)


def _line(log_odds: Floats, won: Floats, weight: Floats) -> tuple[float, float]:
    """Slope and intercept of the largest posterior."""
    from scipy.optimize import minimize

    def loss(line: Floats) -> tuple[float, Floats]:
        slope, intercept = line
        score = slope * log_odds + intercept
        missed = weight * (chance_of(score) - won)
        likelihood = float((weight * (np.logaddexp(0.0, score) - won * score)).sum())
        prior = 0.5 * ((slope - 1.0) ** 2 + intercept**2)
        gradient = [float((missed * log_odds).sum()) + slope - 1.0, float(missed.sum()) + intercept]
        return likelihood + prior, np.array(gradient)

    found = minimize(
        loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(0.0, None), (None, None)]
    )
    return float(found.x[0]), float(found.x[1])
