"""Episodes that never end by themselves and are broken off at random. No learner and no assertion here."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Answer = tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float64], NDArray[np.bool_]]


class DyingLanes:
    """Reward 1 for every step of life, whatever is done. The number shown is 0 in the first half of an
    episode and 1 in the second. Lengths are drawn from 4 to 12 steps, and with the last one life is over.
    """

    observation_width, action_count = 1, 2

    def __init__(self, lanes: int = 8, seed: int = 0) -> None:
        self.lanes = lanes
        self._generator = np.random.default_rng(seed)
        self.age, self.length = np.zeros(lanes, np.int64), self._generator.integers(4, 13, lanes)
        self.ended: NDArray[np.int64] = np.zeros(0, np.int64)

    def reset(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        return self._observe(), np.ones((self.lanes, 2), bool)

    def step(self, actions: NDArray[np.int64]) -> Answer:
        self.age += 1
        has_ended = self.age >= self.length
        self.ended = np.flatnonzero(has_ended)
        self.age[self.ended] = 0
        self.length[self.ended] = self._generator.integers(4, 13, self.ended.size)
        return self._observe(), np.ones((self.lanes, 2), bool), np.ones(self.lanes), has_ended

    def snapshot(self) -> dict[str, Any]:
        drawn = json.dumps(self._generator.bit_generator.state).encode()
        return {
            "age": self.age.copy(), "length": self.length.copy(), "drawn": np.frombuffer(drawn, np.uint8)
        }  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> None:
        self.age, self.length = state["age"].copy(), state["length"].copy()
        self._generator.bit_generator.state = json.loads(state["drawn"].tobytes())

    def _observe(self) -> NDArray[np.float32]:
        return (self.age > self.length / 2).astype(np.float32)[:, None]


class EndlessLanes(DyingLanes):
    """The same, only that life would have gone on: somebody stopped looking. It says so, and shows a 1."""

    def cut(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        return self.ended, np.ones((self.ended.size, 1), np.float32)
