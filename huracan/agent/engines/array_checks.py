"""Refuses arrays that compiled code, which checks no bounds, would read past. No arithmetic here."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.errors import InvalidInput


def checked(array: NDArray[Any], name: str, kind: Any, *shape: int) -> NDArray[Any]:
    """`array`, which must have that shape, C-contiguous and of that dtype; copied only where it is not."""
    check(array, name, *shape)
    return np.ascontiguousarray(array, kind)


def check(array: NDArray[Any], name: str, *shape: int) -> None:
    """InvalidInput unless `array` has that shape."""
    if array.shape != shape:
        raise InvalidInput(
            f"The network's {name} were of shape {array.shape}; it takes {shape}.",
            "Give it those of its own observations and actions.",
        )


def check_indices(indices: NDArray[np.int64], name: str, end: int) -> None:
    """InvalidInput unless every index is at least 0 and below `end`."""
    if indices.size and not (indices.min() >= 0 and indices.max() < end):
        raise InvalidInput(f"The {name} reached past {end - 1}.", "Give indices from 0 up to it.")
