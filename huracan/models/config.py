"""The choices behind the models of past trades, and the answer of a fit that refused."""

import math
from dataclasses import dataclass

from huracan.errors import InvalidInput

_AT_LEAST = {
    "trailing_days": 1, "minimum_trades": 2, "minimum_own_trades": 1, "embargo_minutes": 0,
    "maximum_rounds": 1, "patience_rounds": 1, "leaves": 2, "minimum_leaf_trades": 1, "adaptation_step": 0,
    "permutations": 1, "seed": 0,
}  # fmt: skip
_SHARES = ("tail_fraction", "validation_fraction", "calibration_fraction", "interval_coverage")
_ABOVE_ZERO = ("learning_rate", "logistic_strength")


@dataclass(frozen=True)
class ModelConfig:
    """How the confidence, meta-label and conformal models are fitted. InvalidInput names what cannot be."""

    trailing_days: int = 30
    """Days of trades that a fit looks back on, the partition's own day included."""
    minimum_trades: int = 60
    """Closed trades, in effective number, below which no model is fitted."""
    minimum_own_trades: int = 30
    """Later signals of the policy itself below which a model's skill on them is not told apart."""
    tail_fraction: float = 0.2
    """The latest trades, kept out of the fit to measure the model."""
    validation_fraction: float = 0.2
    """The latest of the trades before the calibration part, where boosting stops."""
    calibration_fraction: float = 0.2
    """The latest of the trades before the tail: what turns a score into a probability and widens an
    interval."""
    embargo_minutes: int = 60
    """Time between the last moment at which a trade of a signal trained on may have been open, its longest
    holding after it, and the first trade tested."""
    maximum_rounds: int = 300
    patience_rounds: int = 30
    learning_rate: float = 0.05
    leaves: int = 7
    minimum_leaf_trades: int = 10
    logistic_strength: float = 0.1
    """Inverse L2 penalty of the meta-label model: few trades, so a strong one."""
    interval_coverage: float = 0.9
    """Share of later results that the interval of the conformal model is to hold."""
    adaptation_step: float = 0.2
    """By how much of a night's excess of misses the level of that interval gives way."""
    permutations: int = 10
    seed: int = 7

    def __post_init__(self) -> None:
        for name, least in _AT_LEAST.items():
            self._refuse_unless(self._number(name) >= least, name, f"{least} or more")
        for name in _SHARES:
            self._refuse_unless(0.0 < self._number(name) < 1.0, name, "a share above 0 and below 1")
        for name in _ABOVE_ZERO:
            self._refuse_unless(self._number(name) > 0.0, name, "a number above 0")

    def _number(self, name: str) -> float:
        """NaN, which no bound admits, where it is not finite."""
        value = float(getattr(self, name))
        return value if math.isfinite(value) else math.nan

    def _refuse_unless(self, is_right: bool, name: str, wanted: str) -> None:
        if not is_right:
            raise InvalidInput(f"models.{name} was {getattr(self, name)}.", f"Give {wanted}.")


@dataclass(frozen=True)
class Unfit:
    """No model could be made, and why. Whoever asks it must abstain."""

    reason: str
    trades: int
