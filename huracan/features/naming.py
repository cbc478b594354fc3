"""What the values of a stored feature row are called: by the partition that wrote them, never by today.

Where the names are stored belongs to whoever stores the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from huracan.errors import InvalidInput


@dataclass(frozen=True)
class Unnamed:
    """Nobody knows any more what the values of a partition were called, and why."""

    why: str


def named_values(names: Sequence[str], values: Sequence[Any], row: str) -> dict[str, Any]:
    """The values by their names; InvalidInput naming the `row` where there are not as many of both."""
    if len(names) != len(values):
        raise InvalidInput(
            f"{row} has {len(values)} values, and its partition names {len(names)}.",
            "The partition is damaged: make that day again.",
        )
    return dict(zip(names, values, strict=True))


def reordered(
    rows: npt.NDArray[np.float64], before: Sequence[str], after: Sequence[str]
) -> npt.NDArray[np.float64]:
    """Rows [n, before] as [n, after]: each value under its own name, NaN under a name that was not known."""
    known = {name: index for index, name in enumerate(before)}
    found = np.full((len(rows), len(after)), np.nan)
    for index, name in enumerate(after):
        if name in known:
            found[:, index] = rows[:, known[name]]
    return found
