"""What the market asks of whoever trades it. Networks live in the agent; here is only the agreement."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from huracan.market.actions import ACTION_NAMES, WAIT_INDEX


@dataclass(frozen=True)
class Decision:
    """One action per lane, and what led to it."""

    actions: NDArray[np.int64]
    """[lanes]"""
    logits: NDArray[np.float32]
    """[lanes, actions] before the masks."""
    probabilities: NDArray[np.float32]
    """[lanes, actions] after the masks."""
    values: NDArray[np.float32]
    """[lanes] expected sum of discounted rewards."""


class Policy(Protocol):
    """Decides for all lanes at once, from raw observations, without remembering anything."""

    def decide(self, observations: NDArray[np.float32], masks: NDArray[np.bool_]) -> Decision: ...


class ScriptedPolicy:
    """Replays fixed actions bar by bar: for replay of a ledger and for tests.

    `script` int [bars, lanes]; an action that its mask forbids becomes WAIT when `is_lenient`.
    """

    def __init__(self, script: NDArray[np.int64], *, is_lenient: bool = False) -> None:
        self._script, self._is_lenient, self._next = script, is_lenient, 0

    def decide(
        self,
        observations: NDArray[np.float32],  # noqa: ARG002 - the agreement's; a script looks at nothing
        masks: NDArray[np.bool_],
    ) -> Decision:
        """The next row of the script."""
        actions = self._script[self._next].astype(np.int64)
        self._next += 1
        if self._is_lenient:
            legal = masks[np.arange(actions.size), actions]
            actions = np.where(legal, actions, WAIT_INDEX)
        chosen = np.zeros((actions.size, len(ACTION_NAMES)), np.float32)
        chosen[np.arange(actions.size), actions] = 1.0
        return Decision(actions, np.zeros_like(chosen), chosen, np.zeros(actions.size, np.float32))
