"""A small environment that can be resumed, and that breaks when told to. No learner and no assertion here."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Answer = tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float64], NDArray[np.bool_]]


class ToyLanes:
    """Shows two random numbers; reward 1 for saying the sign of the first. The third action is legal where
    the second number is above 0, and never right. Episodes last 9 steps.

    `breaks_at` (step) and `how`: "reward" gives NaN as a reward, "infinity" and "nan" as an observation.
    """

    observation_width, action_count = 2, 3

    def __init__(self, lanes: int = 8, seed: int = 0, breaks_at: int = -1, how: str = "reward") -> None:
        self.lanes, self.steps = lanes, 0
        self._breaks_at, self._how = breaks_at, how
        self._generator = np.random.default_rng(seed)
        self._shown = np.zeros((lanes, 2), np.float32)

    def reset(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        return self._observe()

    def step(self, actions: NDArray[np.int64]) -> Answer:
        rewards = (actions == (self._shown[:, 0] > 0)).astype(np.float64)
        self.steps += 1
        shown, masks = self._observe()
        if self.steps == self._breaks_at:
            if self._how == "reward":
                rewards[3] = np.nan
            else:
                shown = shown.copy()
                shown[3, 1] = np.inf if self._how == "infinity" else np.nan
        return shown, masks, rewards, np.full(self.lanes, self.steps % 9 == 0)

    def snapshot(self) -> dict[str, Any]:
        state = json.dumps(self._generator.bit_generator.state).encode()
        return {"shown": self._shown.copy(), "steps": self.steps, "generator": np.frombuffer(state, np.uint8)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._shown, self.steps = state["shown"].copy(), int(state["steps"])
        self._generator.bit_generator.state = json.loads(state["generator"].tobytes())

    def _observe(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        self._shown = self._generator.standard_normal((self.lanes, 2)).astype(np.float32)
        masks = np.ones((self.lanes, 3), bool)
        masks[:, 2] = self._shown[:, 1] > 0
        return self._shown, masks
