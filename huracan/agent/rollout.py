"""What was seen and done between two updates, and the advantages of it. No network and no loss here."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Rollout:
    """[steps, lanes, ...], and as `flat` gives it [steps x lanes, ...]. C-contiguous NumPy arrays."""

    observations: Floats32
    """[..., width] normalised, as the network saw them."""
    offsets: Floats32
    """[..., actions] added to the logits when acting and when learning: the contextual bias where an action
    was legal, `engine.ILLEGAL` where it was not."""
    actions: NDArray[np.int64]
    log_probabilities: Floats32
    """Of the actions taken, when they were taken."""
    values: Floats32
    rewards: Floats32
    """As learned from: scaled, where rewards are, and with what was still to come where a limit of time broke
    an episode off."""
    ended: NDArray[np.bool_]
    """Whether the episode ended with the step."""
    advantages: Floats32
    returns: Floats32

    def flat(self) -> "Rollout":
        """Views of the same memory with steps and lanes in one axis."""
        arrays: list[NDArray[Any]] = [getattr(self, field.name) for field in fields(self)]
        return Rollout(*(array.reshape(-1, *array.shape[2:]) for array in arrays))


def empty_rollout(steps: int, lanes: int, width: int, actions: int) -> Rollout:
    """Memory for a rollout, not yet filled."""

    def empty(*shape: int) -> Floats32:
        return np.empty((steps, lanes, *shape), np.float32)

    return Rollout(
        observations=empty(width),
        offsets=empty(actions),
        actions=np.empty((steps, lanes), np.int64),
        log_probabilities=empty(),
        values=empty(),
        rewards=empty(),
        ended=np.empty((steps, lanes), bool),
        advantages=empty(),
        returns=empty(),
    )
