"""What the market asks of whoever stands between a policy and its orders. Gates live elsewhere; here is only
the agreement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from huracan.market.engine.order_terms import OrderTerms
from huracan.market.policy import Decision, Policy
from huracan.market.surroundings import Surroundings


class Intervention(NamedTuple):
    """What was changed of one row's decision."""

    row: int
    wanted: int
    """Index of the action that the policy would have taken with nothing forbidden."""
    taken: int
    factor: float
    rests: int
    """RESTS, TAKES or BY_THE_RULES."""
    forbidden: tuple[int, ...]
    """Indices of actions that were legal and forbidden."""
    gates: tuple[str, ...]
    """Those that changed something, in their order."""
    abstained: int
    reason: str


@dataclass(frozen=True, eq=False)
class Guarded:
    """A decision as it is sent; arrays [rows, ...]."""

    decision: Decision
    """The policy's, with what is forbidden left out."""
    masks: NDArray[np.bool_]
    """What was legal, less what is forbidden."""
    actions: NDArray[np.int64]
    """[rows] what is done."""
    terms: OrderTerms
    interventions: tuple[Intervention, ...]


class Guard(Protocol):
    """Decides for all rows at once with a policy, without remembering anything."""

    def decide(
        self,
        policy: Policy,
        observations: NDArray[np.float32],
        masks: NDArray[np.bool_],
        observed: Sequence[str],
        known: Surroundings,
    ) -> Guarded:
        """`observed` names the columns of the raw observations; `known` is of the same rows."""
        ...
