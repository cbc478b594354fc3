"""The ordered list of what a policy may do, and which of it a lane's state allows.

To add an action, append it here with its kind, say when it is legal in `legal_actions`, and give the
environment its effect. The order is part of every checkpoint.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ACTION_VERSION = 1


@dataclass(frozen=True)
class Action:
    """One entry of the action list. `size_slot` is the entry's place in `TradingRules.size_multipliers`."""

    name: str
    size_slot: int | None = None


WAIT = Action("WAIT")
"""Do nothing: stay flat, or hold what is open."""
ENTER_HALF, ENTER_FULL, ENTER_ONE_AND_HALF = (
    Action("ENTER_HALF", 0),
    Action("ENTER_FULL", 1),
    Action("ENTER_ONE_AND_HALF", 2),
)
EXIT = Action("EXIT")
"""Leave at the next tradable open."""

ACTIONS = (WAIT, ENTER_HALF, ENTER_FULL, ENTER_ONE_AND_HALF, EXIT)
ACTION_NAMES = tuple(action.name for action in ACTIONS)
ENTRIES = tuple(action for action in ACTIONS if action.size_slot is not None)
WAIT_INDEX = ACTIONS.index(WAIT)
EXIT_INDEX = ACTIONS.index(EXIT)
ENTRY_INDICES = tuple(ACTIONS.index(action) for action in ENTRIES)


def entry_multipliers(size_multipliers: tuple[float, ...]) -> NDArray[np.float64]:
    """For every action of the list, the size that it opens; 0 where it opens nothing."""
    return np.array(
        [0.0 if action.size_slot is None else size_multipliers[action.size_slot] for action in ACTIONS]
    )


def legal_actions(may_enter: NDArray[np.bool_], may_exit: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Masks bool [lanes, actions]. `may_enter` bool [lanes, entries]; `may_exit` bool [lanes].

    WAIT is always legal, so no row is ever empty.
    """
    masks = np.zeros((may_exit.shape[0], len(ACTIONS)), dtype=bool)
    masks[:, WAIT_INDEX] = True
    masks[:, ENTRY_INDICES] = may_enter
    masks[:, EXIT_INDEX] = may_exit
    return masks


MASK_RULES = {
    **{
        action.name: "flat; the bar is ready and traded, and the session has room for a trade"
        for action in ENTRIES
    },
    WAIT.name: "always",
    EXIT.name: "holding, and no exit is on its way",
}
"""For every action, in words, when `legal_actions` allows it; part of a published brain."""
