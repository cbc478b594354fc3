"""Who decides from when on: the policy of one night until the handover, that of the next from then on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from huracan.market.facts.signal_facts import MarketFacts
from huracan.market.guard import Guard
from huracan.market.policy import Policy
from huracan.market.surroundings import KnowsPatterns

NOBODY = -1
BEFORE_ALL = -(2**62)


@dataclass(frozen=True, eq=False)
class Watch:
    """One who decides at the closes from a moment on, until the next one does."""

    policy: Policy | None
    """None: nobody decides, and nothing is entered."""
    model_id: str | None
    from_ms: int = BEFORE_ALL
    """UTC, since 1970; a decision bar that closes at this moment is the first."""
    patterns: KnowsPatterns | None = None
    """Those that were known to it."""
    guard: Guard | None = None
    """What stands between the policy and its orders; None: nothing does."""
    facts: MarketFacts | None = None
    """The market that a guard is told of."""


def watch_of(watches: Sequence[Watch], closes_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """[closes] the index of who decides at each; NOBODY before the first, and where it has no policy.

    `watches` are in the order of their beginnings.
    """
    begins = np.array([each.from_ms for each in watches], np.int64)
    found = np.searchsorted(begins, closes_ms, side="right") - 1
    idle = np.array([each.policy is None for each in watches] + [True])
    return np.where(idle[found], NOBODY, found)
