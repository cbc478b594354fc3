"""The ordered lists of what a policy may do. `kernel_masks` decides when, `kernel_step` what comes of it.

To add an action, append it here with its rule in words, and teach both kernels. The order is part of every
checkpoint.
"""

from collections.abc import Sequence
from dataclasses import dataclass

ACTION_VERSION = 2


@dataclass(frozen=True)
class Action:
    """One entry of the action list. `size_slot` is an entry's index in `TradingRules.size_multipliers`."""

    name: str
    rule: str
    """In words, when it is legal; part of a published brain."""
    size_slot: int | None = None
    side: int = 0
    """+1 where it opens a long position, -1 where a short one."""
    kind: str = ""
    """What several actions do alike; empty where it is a kind by itself. See `choice`."""


_FLAT = (
    "flat; the bar is ready and traded, the order is worth the minimum notional and the account can pay it"
)
_FLAT_SHORT = f"{_FLAT}; the market may be sold short"
_FREE = "holding, and no order is on its way"
_LONG, _SHORT, _LEAVE = "LONG", "SHORT", "LEAVE"

WAIT = Action("WAIT", "flat")
"""Do nothing."""
ENTER_HALF = Action("ENTER_HALF", _FLAT, 0, 1, _LONG)
ENTER_FULL = Action("ENTER_FULL", _FLAT, 1, 1, _LONG)
ENTER_ONE_AND_HALF = Action("ENTER_ONE_AND_HALF", _FLAT, 2, 1, _LONG)
EXIT = Action("EXIT", _FREE, kind=_LEAVE)
"""Leave at the next tradable open."""
HOLD = Action("HOLD", "holding")
SCRATCH = Action(
    "SCRATCH", f"{_FREE}; young, and losing no more than a small part of a volatility unit", kind=_LEAVE
)
"""Leave at the next tradable open, because the trade did not start as it should have."""
ADD = Action(
    "ADD",
    f"{_FREE}; fewer adds than its rules allow, the order is worth the minimum notional, the account can pay"
    " it and, short, the market may be sold short",
)
"""Buy (or sell) more at the next open; stop and target stay where they are.

The distances of a trailing stop are shares of the mean entry: from then on of the new one."""
SCALE_OUT = Action("SCALE_OUT", f"{_FREE}; both halves are worth the minimum notional")
"""Close half of the position at the next open."""
TRAIL = Action("TRAIL", f"{_FREE}; the stop does not follow yet")
"""From now on the stop follows the best price met, at a fixed share of the mean entry; never back."""

ACTIONS = (
    WAIT, ENTER_HALF, ENTER_FULL, ENTER_ONE_AND_HALF, EXIT, HOLD, SCRATCH, ADD, SCALE_OUT, TRAIL,
)  # fmt: skip
"""The ten of a long-only market."""
SHORT_ENTRIES = (
    Action("ENTER_SHORT_HALF", _FLAT_SHORT, 0, -1, _SHORT),
    Action("ENTER_SHORT_FULL", _FLAT_SHORT, 1, -1, _SHORT),
    Action("ENTER_SHORT_ONE_AND_HALF", _FLAT_SHORT, 2, -1, _SHORT),
)
"""What `allow_short` appends: the mirrored entries."""

(
    WAIT_INDEX, ENTER_HALF_INDEX, ENTER_FULL_INDEX, ENTER_ONE_AND_HALF_INDEX, EXIT_INDEX, HOLD_INDEX,
    SCRATCH_INDEX, ADD_INDEX, SCALE_OUT_INDEX, TRAIL_INDEX,
) = range(len(ACTIONS))  # fmt: skip
ENTER_SHORT_HALF_INDEX, ENTER_SHORT_FULL_INDEX, ENTER_SHORT_ONE_AND_HALF_INDEX = range(
    len(ACTIONS), len(ACTIONS) + len(SHORT_ENTRIES)
)


def actions_of(allow_short: bool) -> tuple[Action, ...]:
    """The action list of a market: ten, and three more where it may be sold short."""
    return ACTIONS + SHORT_ENTRIES if allow_short else ACTIONS


def action_names(allow_short: bool) -> tuple[str, ...]:
    """Their names, in order."""
    return tuple(action.name for action in actions_of(allow_short))


def action_kinds(names: Sequence[str]) -> tuple[str, ...]:
    """The kind of each of the actions named; KeyError where there is no such action."""
    known = {action.name: action.kind or action.name for action in actions_of(True)}
    return tuple(known[name] for name in names)


def entry_indices(allow_short: bool) -> tuple[int, ...]:
    """The indices of the actions that open a position."""
    return tuple(index for index, action in enumerate(actions_of(allow_short)) if action.side)


def mask_rules(allow_short: bool) -> dict[str, str]:
    """For every action, in words, when it is legal."""
    return {action.name: action.rule for action in actions_of(allow_short)}
