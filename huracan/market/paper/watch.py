"""Who decides from when on: the policy of one night until the handover, that of the next from then on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.market.policy import Policy

NOBODY = -1
BEFORE_ALL = -(2**62)


class KnowsPatterns(Protocol):
    """Who can say which known patterns an entry resembles."""

    def nearest(self, rows: NDArray[np.float32], sides: NDArray[np.object_]) -> tuple[pa.Array, pa.Array]:
        """Per feature row of [n, features] and side [n] a list of identities, nearest first, and a list of
        cosines."""
        ...


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


def watch_of(watches: Sequence[Watch], closes_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """[closes] the index of who decides at each; NOBODY before the first, and where it has no policy.

    `watches` are in the order of their beginnings.
    """
    begins = np.array([each.from_ms for each in watches], np.int64)
    found = np.searchsorted(begins, closes_ms, side="right") - 1
    idle = np.array([each.policy is None for each in watches] + [True])
    return np.where(idle[found], NOBODY, found)
