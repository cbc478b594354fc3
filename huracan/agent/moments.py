"""Count, mean, variance and range of columns, one pass after another, without what is not defined.

Compiled, because a night's features are a thousand megabytes. What the numbers are for is not known here.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from huracan.compiled import compiled

Floats = NDArray[np.float64]


@compiled
def merge_rows(
    rows: NDArray[Any],
    mean: Floats,
    variance: Floats,
    count: Floats,
    lowest: Floats,
    highest: Floats,
) -> None:
    """Merges `rows` [n, columns] into the statistics [columns] in place, leaving out what is not finite.

    Parallel variance of Chan, Golub and LeVeque (1979): whatever the batches were, the same but for rounding.
    """
    columns = mean.size
    fresh, shift, spread = np.zeros(columns), np.zeros(columns), np.zeros(columns)
    for row in range(rows.shape[0]):
        for column in range(columns):
            value = np.float64(rows[row, column])
            if np.isfinite(value):
                fresh[column] += 1.0
                shift[column] += value
                lowest[column] = min(lowest[column], value)
                highest[column] = max(highest[column], value)
    for column in range(columns):
        shift[column] /= max(fresh[column], 1.0)
    for row in range(rows.shape[0]):
        for column in range(columns):
            value = np.float64(rows[row, column])
            if np.isfinite(value):
                spread[column] += (value - shift[column]) ** 2
    for column in range(columns):
        if fresh[column] > 0.0:
            total = count[column] + fresh[column]
            distance = shift[column] - mean[column]
            summed = variance[column] * count[column] + spread[column]
            summed += distance * distance * count[column] * fresh[column] / total
            mean[column] += distance * fresh[column] / total
            variance[column] = summed / total
            count[column] = total


class Scaling(NamedTuple):
    """What becomes of rows; arrays [columns of the rows] but for `columns` [wanted]."""

    shift: NDArray[np.float32]
    scale: NDArray[np.float32]
    clip: np.float32
    may_lack: NDArray[np.bool_]
    """Where NaN is no fault."""
    columns: NDArray[np.uintp]
    """Those that are wanted, in rising order."""


@compiled
def scale_rows(rows: NDArray[np.float32], scaling: Scaling, scaled: NDArray[np.float32]) -> int:
    """scaled = clip((rows - shift) * scale, -clip, clip) of the wanted columns, where NaN becomes 0.

    Returns the index (row x columns + column) of the last value that must not be: an infinity, or NaN in a
    column that may not lack one; -1 where there is none.
    """
    fault, shift, scale, clip = -1, scaling.shift, scaling.scale, scaling.clip
    may_lack, columns = scaling.may_lack, scaling.columns
    takes_all = columns.size == rows.shape[1]
    spare = np.empty(rows.shape[1], np.float32)
    for row in range(rows.shape[0]):
        # First all of them: in their order they are scaled many at a time.
        whole = scaled[row] if takes_all else spare
        for column in range(rows.shape[1]):
            value = rows[row, column]
            moved = min(max((value - shift[column]) * scale[column], -clip), clip)
            whole[column] = moved if value == value else np.float32(0.0)
        if not takes_all:
            for at in range(columns.size):
                scaled[row, at] = whole[columns[at]]
        broken = False
        for column in range(rows.shape[1]):
            value = rows[row, column]
            # inf - inf and NaN - NaN are no numbers; every finite value less itself is 0.
            broken |= (value - value != np.float32(0.0)) & ((value == value) | (not may_lack[column]))
        if broken:
            for column in range(rows.shape[1]):
                value = rows[row, column]
                if np.isinf(value) or (np.isnan(value) and not may_lack[column]):
                    fault = row * rows.shape[1] + column
    return fault
