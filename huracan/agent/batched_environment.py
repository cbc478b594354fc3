"""What the learner asks of an environment. Markets and toy problems alike; no learning happens here."""

from typing import Protocol

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
        """Observations float32 [lanes, width] and legal actions bool [lanes, actions]."""
        ...

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[Observations, Masks, NDArray[np.float64], NDArray[np.bool_]]:
        """Observations and masks (of the next episode where one ended), rewards and `has_ended` [lanes]."""
        ...
