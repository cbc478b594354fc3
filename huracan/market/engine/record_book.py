"""Where an environment writes its fills and closed positions; it grows between steps, never inside one."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from huracan.market.engine.records import CLOSED, FILL

FillRecord = Any
ClosedRecord = Any
"""One record of FILL and of CLOSED inside compiled code."""


class Scratch(NamedTuple):
    """The records of one step of one lane, which the next step overwrites."""

    at_open: FillRecord
    at_exit: FillRecord
    closed: ClosedRecord


class Records(NamedTuple):
    """What compiled code writes into. `counts` are the rows used of `fills` and `closed`."""

    is_kept: bool
    fills: NDArray[np.void]
    closed: NDArray[np.void]
    counts: NDArray[np.int64]
    scratch_fills: NDArray[np.void]
    """FILL [2]: of one step, what was filled at the open and at the exit."""
    scratch_closed: NDArray[np.void]
    """CLOSED [1]"""


class RecordBook:
    """The records of one environment; empty for ever where `is_kept` is False."""

    def __init__(self, is_kept: bool, rows: int = 0) -> None:
        first = max(rows, 64) if is_kept else 0
        self._records = Records(
            is_kept, np.zeros(first, FILL), np.zeros(first, CLOSED), np.zeros(2, np.int64),
            np.zeros(2, FILL), np.zeros(1, CLOSED),
        )  # fmt: skip

    def with_room(self, fills: int, closed: int) -> Records:
        """The records, with room for so many more."""
        known = self._records
        if known.is_kept:
            with_fills = _grown(known.fills, int(known.counts[0]) + fills)
            with_closed = _grown(known.closed, int(known.counts[1]) + closed)
            self._records = known._replace(fills=with_fills, closed=with_closed)
        return self._records

    def counts(self) -> tuple[int, int]:
        """How many fills and closed positions are written."""
        fills, closed = self._records.counts.tolist()
        return fills, closed

    def name_lanes(self, since: tuple[int, int], lanes: NDArray[np.integer]) -> None:
        """What was written since those counts, by lanes 0, 1, ..., is of `lanes`."""
        both = self._records.fills, self._records.closed
        for records, first, end in zip(both, since, self.counts(), strict=True):
            lane = records["lane"][first:end]
            lane[:] = lanes[lane]

    def fills(self) -> NDArray[np.void]:
        """FILL records [fills] by lane, in the order of time within a lane."""
        return _by_lane(self._records.fills[: self._records.counts[0]])

    def closed(self) -> NDArray[np.void]:
        """CLOSED records [positions] by lane and trade."""
        return _by_lane(self._records.closed[: self._records.counts[1]])


def _by_lane(found: NDArray[np.void]) -> NDArray[np.void]:
    """In the order written within a lane, which is that of time."""
    lanes = found["lane"]
    return found if (lanes[1:] >= lanes[:-1]).all() else found[np.argsort(lanes, kind="stable")]


def _grown(values: NDArray[np.void], rows: int) -> NDArray[np.void]:
    if values.size >= rows:
        return values
    larger = np.zeros(max(rows, 2 * values.size), values.dtype)
    larger[: values.size] = values
    return larger
