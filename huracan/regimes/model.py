"""The four regimes, and what a fit leaves behind: thresholds, emissions and transitions, as plain JSON.

Neither the fitting nor the filtering is done here.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date
from typing import Self

import numpy as np
import numpy.typing as npt

from huracan.errors import InputRefused

REGIMES = ("trend", "range", "high_volatility", "panic")
"""Order of every array with one entry per regime, and of the probability columns."""
PROBABILITIES = tuple(f"probability_{name}" for name in REGIMES)
"""Those columns."""

OBSERVATIONS = ("log_volatility", "volatility_change", "trend", "direction", "shock")
"""Order of the observation vector; `observations` says what each is made of."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RegimeConfig:
    """How regimes are fitted."""

    fit_days: int = 14
    """Days before D that the parameters are fitted on; older rows are ignored."""
    minimum_days: int = 3
    """Days' worth of ready bars below which there is nothing to fit."""
    stride_bars: int = 5
    """Every so many bars enter the fit: neighbours share 59 of their 60 bars and say almost the same."""
    volatile_share: float = 0.25
    """Share of the fit window that seeds the two volatile regimes: the bars of highest volatility."""
    panic_share: float = 0.25
    """Share of those that seeds panic: the ones with the deepest falls."""
    trend_share: float = 0.40
    """Share of the calm rest that seeds trend: the ones with the strongest direction."""
    shrinkage: float = 0.2
    """Weight of the diagonal in the covariance of the observations."""
    emission_weight: float = 0.1
    """Exponent of one bar's likelihood. Observations look 15 to 60 bars back; at weight 1 the same
    evidence would be counted at every bar and the probabilities would always be 0 or 1."""
    clip_quantile: float = 0.005
    """Observations are clipped to this quantile of the fit window and its mirror image."""


@dataclass(frozen=True)
class RegimeParameters:
    """All that the filter needs. Matrices are nested tuples: rows are regimes in the order of REGIMES."""

    version: str
    first_fit_day: date
    last_fit_day: date
    fit_bars: int
    usual_volatility_bps: dict[str, float]
    """Median `return_std_60_bps` of each symbol in the fit window."""
    pooled_volatility_bps: float
    """The same over all symbols, for one that the fit window did not have."""
    thresholds: dict[str, float]
    """The quantiles that seeded the regimes."""
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    means: tuple[tuple[float, ...], ...]
    covariances: tuple[tuple[tuple[float, ...], ...], ...]
    transitions: tuple[tuple[float, ...], ...]
    """Probability of the row's regime being followed by the column's at the next bar."""
    initial: tuple[float, ...]
    emission_weight: float
    fit_shares: dict[str, float]
    """Share of the fit window's bars that the filter gives to each regime."""

    def to_json(self) -> str:
        """Stable text: sorted keys, days as ISO dates, floats to the last bit."""
        return json.dumps(asdict(self), sort_keys=True, default=str)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `to_json`. Raises InputRefused when the text is not such parameters."""
        try:
            values = json.loads(text)
            for name in ("first_fit_day", "last_fit_day"):
                values[name] = date.fromisoformat(values[name])
            for name in ("lower", "upper", "means", "covariances", "transitions", "initial"):
                values[name] = _tuples(values[name])
            return cls(**values)
        except (ValueError, TypeError, KeyError) as error:
            raise InputRefused(
                f"The regime parameters cannot be read ({error}).", "Fit the regimes of that day again."
            ) from error

    @property
    def digest(self) -> str:
        """SHA-256 of the JSON."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def _tuples(values: object) -> object:
    return tuple(_tuples(value) for value in values) if isinstance(values, list) else values
