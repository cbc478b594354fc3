"""What an entry is sent as, where that is not as the rules have it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from huracan.errors import InvalidInput

BY_THE_RULES, RESTS, TAKES = 0, 1, -1
"""How an entry meets the open that it is for: as `entries_are_maker` says, resting there, or taking."""


class OrderTerms(NamedTuple):
    """Of the entries that lanes decide at one close, arrays [lanes], or at many, [lanes, decisions]; of any
    other action they mean nothing."""

    factor: NDArray[np.float64]
    """By which the entry's size is multiplied."""
    rests: NDArray[np.int8]
    """BY_THE_RULES, RESTS or TAKES."""

    @staticmethod
    def of_the_rules(shape: tuple[int, ...]) -> "OrderTerms":
        """Nothing is changed."""
        return OrderTerms(np.ones(shape), np.full(shape, BY_THE_RULES, np.int8))

    def checked(self) -> "OrderTerms":
        """These; InvalidInput where a factor is no size."""
        if not (np.isfinite(self.factor) & (self.factor > 0.0)).all():
            raise InvalidInput(
                "The size of an entry was multiplied by nothing, or by no number.",
                "Give factors above 0, and WAIT where nothing is to be entered.",
            )
        return self


class Played(NamedTuple):
    """Whole action lists, and what the entries among them are sent as; arrays [lanes, decisions]."""

    actions: NDArray[np.int8]
    terms: OrderTerms
