"""Sums of many numbers in an order that no compiler and no processor chooses. In compiled code."""

import numpy as np
from numpy.typing import NDArray

from huracan.compiled import compiled

PARTS = 16
"""Partial sums side by side, four vectors of four float64; the n-th number belongs to part n modulo PARTS.
One sum alone would wait for every addition before the next."""


@compiled
def sum_of_parts(parts: NDArray[np.float64]) -> float:
    """The four vectors one after the other, then the upper half of the sum to its lower."""
    four = parts[0:4] + parts[4:8] + parts[8:12] + parts[12:16]
    return float((four[0] + four[2]) + (four[1] + four[3]))
