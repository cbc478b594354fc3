"""What the market asks of whoever trades it. Networks live in the agent; here is only the agreement."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from huracan.market.actions import HOLD_INDEX, WAIT_INDEX
from huracan.market.engine.order_terms import OrderTerms


@dataclass(frozen=True)
class Decision:
    """One action per lane, and what led to it."""

    actions: NDArray[np.int64]
    """[lanes]"""
    logits: NDArray[np.float32]
    """[lanes, actions] of the network alone."""
    bias: NDArray[np.float32]
    """[lanes, actions] what the context adds to the logits."""
    bias_terms: NDArray[np.float32]
    """[lanes, terms] how strongly each named term of the bias applied, 0 to 1."""
    probabilities: NDArray[np.float32]
    """[lanes, actions] of logits + bias, after the masks."""
    values: NDArray[np.float32]
    """[lanes] expected sum of discounted rewards."""
    kinds: tuple[str, ...] = ()
    """[actions] the kind of each, as `choice.choose` summed them; none where each was one by itself."""
    terms: OrderTerms | None = None
    """What the entries among the actions are to be sent as; None: as the rules have it."""


class Policy(Protocol):
    """Decides for all lanes at once, from raw observations, without remembering anything."""

    def decide(self, observations: NDArray[np.float32], masks: NDArray[np.bool_]) -> Decision: ...


class ScriptedPolicy:
    """Replays fixed actions bar by bar, counting how often it was asked: for `trade_session` and by hand.

    `script` int [bars, lanes]; an action that its mask forbids becomes WAIT or HOLD when `is_lenient`.
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
        lanes = np.arange(actions.size)
        if self._is_lenient:
            idle = np.where(masks[:, WAIT_INDEX], WAIT_INDEX, HOLD_INDEX)
            actions = np.where(masks[lanes, actions], actions, idle)
        chosen = np.zeros(masks.shape, np.float32)
        chosen[lanes, actions] = 1.0
        nothing, unsure = np.zeros_like(chosen), np.zeros(actions.size, np.float32)
        return Decision(actions, nothing, nothing, nothing[:, :0], chosen, unsure)
