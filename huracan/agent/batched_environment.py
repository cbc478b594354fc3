"""What the learner asks of an environment. Markets and toy problems alike; no learning happens here."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Observations = NDArray[np.float32]
Masks = NDArray[np.bool_]


class BatchedEnvironment(Protocol):
    """`lanes` copies stepped at once. A lane that ends begins again inside the same step."""

    lanes: int
    observation_width: int
    action_count: int

    def reset(self) -> tuple[Observations, Masks]:
        """Observations float32 [lanes, width] and legal actions bool [lanes, actions], one at least."""
        ...

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[Observations, Masks, NDArray[np.float64], NDArray[np.bool_]]:
        """Observations and masks (of the next episode where one ended), rewards and `has_ended` [lanes].

        What it returns is read before the next step and not after it.
        """
        ...


@runtime_checkable
class TimeLimited(Protocol):
    """An environment that breaks off episodes which would have gone on: a limit of time, no death.

    One without it has episodes that die: what would come after their last step is worth nothing.
    """

    def cut(self) -> tuple[NDArray[np.int64], Observations]:
        """Lanes [n] whose episode the last step broke off, all of them ended by it, and what they saw then,
        before they began again [n, width]. Arrays that no later step changes."""
        ...


@runtime_checkable
class Resumable(Protocol):
    """An environment that can go on where it was, its draws included."""

    def snapshot(self) -> dict[str, Any]:
        """Names -> NumPy arrays or JSON-able values."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes over what `snapshot` gave."""
        ...


class ActionBias(Protocol):
    """Adds to the logits by what the raw observation says."""

    def apply(self, observations: Observations) -> NDArray[np.float32]:
        """[n, actions] from raw observations [n, width]."""
        ...
