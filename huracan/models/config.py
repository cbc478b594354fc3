"""The choices behind the models that learn from the shadow ledger, and the answer of a fit that refused."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelConfig:
    """How the confidence and meta-label models are fitted."""

    trailing_days: int = 30
    """Days of ledger that a fit looks back on, the partition's own day included."""
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


@dataclass(frozen=True)
class Unfit:
    """No model could be made, and why. Whoever asks it must abstain."""

    reason: str
    trades: int
