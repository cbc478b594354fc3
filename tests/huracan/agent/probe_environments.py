"""Environments whose values and best actions are known on paper. No learner and no assertion here.

The five probes of A. Jones, "Debugging RL, without the agonizing pain" (2021), in his order: each can be
failed only by what the ones before it do not need. And the identity environment of stable-baselines3's tests.
"""

import numpy as np
from numpy.typing import NDArray

Answer = tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float64], NDArray[np.bool_]]


class Probe:
    """Probe `number`, 1 to 5, in `lanes` copies.

    1: one action, observation 0, one step, reward 1. Tests the value's loss and the optimiser.
    2: one action, observation -1 or 1 at random, reward equal to it. Tests that gradients reach the input.
    3: one action, observation 0 then 1, two steps, reward 1 at the end. Tests the discount.
    4: two actions, observation 0, one step, reward -1 for action 0 and 1 for action 1. Tests the policy.
    5: two actions, observation -1 or 1, one step, reward 1 where the action fits (1 to 1, 0 to -1), else -1.
       Tests that observations, actions and rewards stay in line through the batches.
    """

    observation_width = 1

    def __init__(self, number: int, lanes: int = 16, seed: int = 0) -> None:
        self.number, self.lanes = number, lanes
        self.action_count = 1 if number <= 3 else 2
        self._generator = np.random.default_rng([seed, number])
        self._is_second_step = np.zeros(lanes, bool)
        self._shown = np.zeros(lanes)

    def reset(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        self._is_second_step[:] = False
        return self._observe()

    def step(self, actions: NDArray[np.int64]) -> Answer:
        if self.number == 3:
            ended = self._is_second_step.copy()
            rewards = ended.astype(np.float64)
            self._is_second_step = ~ended
        else:
            ended, rewards = np.ones(self.lanes, bool), self._rewards_of_one_step(actions)
        return *self._observe(), rewards, ended

    def _rewards_of_one_step(self, actions: NDArray[np.int64]) -> NDArray[np.float64]:
        if self.number == 1:
            return np.ones(self.lanes)
        if self.number == 2:
            return self._shown.copy()
        signs = np.where(actions == 1, 1.0, -1.0)
        return signs if self.number == 4 else signs * self._shown

    def _observe(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        if self.number in (2, 5):
            self._shown = self._generator.choice([-1.0, 1.0], self.lanes)
        elif self.number == 3:
            self._shown = self._is_second_step.astype(np.float64)
        return self._shown[:, None].astype(np.float32), np.ones((self.lanes, self.action_count), bool)


class Identity:
    """Say what you see: one of four numbers, one-hot; reward 1 where the action is that number, else 0.

    Episodes of 100 steps; nothing done changes what is shown next.
    """

    observation_width = action_count = 4
    episode_steps = 100

    def __init__(self, lanes: int = 1, seed: int = 0) -> None:
        self.lanes = lanes
        self._generator = np.random.default_rng([seed, 6])
        self._step = 0
        self._shown = np.zeros(lanes, np.int64)

    def reset(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        self._step = 0
        return self._observe()

    def step(self, actions: NDArray[np.int64]) -> Answer:
        rewards = (actions == self._shown).astype(np.float64)
        self._step += 1
        ended = np.full(self.lanes, self._step % self.episode_steps == 0)
        return *self._observe(), rewards, ended

    def _observe(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        self._shown = self._generator.integers(0, 4, self.lanes)
        masks = np.ones((self.lanes, self.action_count), bool)
        return np.eye(4, dtype=np.float32)[self._shown], masks
