"""How many positions were open at a moment."""

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


def positions_open_at(moments_ms: Integers, entries_ms: Integers, exits_ms: Integers) -> Integers:
    """[n] positions that were open at `moments_ms`, closes of bars: entered in a bar that opened before, and
    left in one that opened then or later.

    `entries_ms` and `exits_ms` [positions] are the opens of those bars; of one that is still open the exit
    lies after all moments.
    """
    entered = np.searchsorted(np.sort(entries_ms), moments_ms, side="left")
    left = np.searchsorted(np.sort(exits_ms), moments_ms, side="left")
    return np.asarray(entered - left, dtype=np.int64)
