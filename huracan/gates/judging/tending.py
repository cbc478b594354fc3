"""What gates say of open positions, checked, and put together of several parts."""

from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.errors import InvalidInput
from huracan.gates.contract import Gate, PositionGate, SignalGate, Tended
from huracan.market.actions import HOLD_INDEX, WAIT_INDEX, actions_of

_NAMES = [action.name for action in actions_of(True)]
_ALWAYS = {_NAMES[WAIT_INDEX], _NAMES[HOLD_INDEX]}


def rows_by_night(nights: NDArray[np.int64], gates: Collection[int]) -> list[tuple[int, NDArray[np.int64]]]:
    """Each night of `nights` with its rows. InvalidInput where the gates of one are not among `gates`, the
    nights whose gates are known."""
    groups = [(night, np.flatnonzero(nights == night)) for night in np.unique(nights).tolist()]
    if missing := [night for night, _ in groups if night not in gates]:
        raise InvalidInput(
            f"The gates of {len(missing)} nights that were in force are not given.",
            "Give those of all nights up to the day's own.",
        )
    return groups


def judges_positions(gate: Gate) -> bool:
    """Whether it has positions left. One that judges signals too may only forbid actions."""
    return isinstance(gate, PositionGate) and not isinstance(gate, SignalGate)


def checked_tended(gate: Gate, name: str, positions: pa.Table) -> Tended:
    """What the gate `name` says of POSITIONS_SCHEMA; InvalidInput where that is not one answer for each,
    forbids what there is not or what must be left to do, or where a gate of signals has a position left."""
    assert isinstance(gate, PositionGate)
    said, count = gate.tend(positions), positions.num_rows
    lengths = {len(said.closes), len(said.speaks), len(said.value), len(said.threshold), len(said.reason)}
    if lengths != {count} or len(said.forbids) not in (0, count):
        raise InvalidInput(f"The gate {name} did not answer {count} positions properly.", "Correct the gate.")
    wrong = {action for row in said.forbids for action in row} - (set(_NAMES) - _ALWAYS)
    if wrong:
        raise InvalidInput(
            f"The gate {name} forbids {min(wrong)!r}.", f"Name actions of {', '.join(sorted(_NAMES))}."
        )
    if not judges_positions(gate) and np.any(said.closes):
        raise InvalidInput(
            f"The gate {name} judges signals and has a position left.", "Make two gates of it."
        )
    return said


def joined(parts: Sequence[tuple[NDArray[np.int64], Tended]], count: int) -> Tended:
    """Of `count` positions what `parts` say of theirs, each with its rows."""
    closes, speaks = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    value, threshold = np.full(count, np.nan), np.full(count, np.nan)
    reason = [""] * count
    forbids: list[tuple[str, ...]] = [()] * count if any(part.forbids for _, part in parts) else []
    for rows, part in parts:
        closes[rows], speaks[rows] = part.closes & part.speaks, part.speaks
        value[rows], threshold[rows] = part.value, part.threshold
        for place, row in enumerate(rows.tolist()):
            reason[row] = part.reason[place]
            if part.forbids:
                forbids[row] = part.forbids[place]
    return Tended(closes, speaks, value, threshold, tuple(reason), tuple(forbids))


def rows_of(tended: Tended, rows: NDArray[np.int64]) -> Tended:
    """What is said of these rows."""
    places = rows.tolist()
    return Tended(
        tended.closes[rows],
        tended.speaks[rows],
        tended.value[rows],
        tended.threshold[rows],
        tuple(tended.reason[row] for row in places),
        tuple(tended.forbids[row] for row in places) if tended.forbids else (),
    )
