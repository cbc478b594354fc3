"""What a learner is told beside the money: optional penalties, and shaping by a potential."""

import math
from dataclasses import dataclass

from huracan.errors import InvalidInput


@dataclass(frozen=True)
class RewardTerms:
    """Weights on top of the change of equity; with all at 0 the rewards of a trade sum to its net_usd.

    Every term is in USD / (notional_usd x unit), as the change of equity is.
    """

    drawdown_weight: float = 0.0
    """Charged on every USD by which equity falls further below its peak."""
    turnover_weight: float = 0.0
    """Charged on every USD filled: 1e-4 is one more basis point of costs."""
    liquidation_weight: float = 0.0
    """Of a potential, discount x Phi(after) - Phi(before), Phi = -(cost of leaving now), 0 where flat.
    Potential-based shaping (Ng, Harada and Russell 1999): the best policy stays the best."""
    discount: float = 0.99
    """The learner's."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (math.isfinite(value) and value >= 0.0):
                raise InvalidInput(f"The reward term {name} was {value}.", "Give a finite number >= 0.")
        if self.discount > 1.0:
            raise InvalidInput(f"The discount was {self.discount}.", "Give a number from 0 to 1.")
