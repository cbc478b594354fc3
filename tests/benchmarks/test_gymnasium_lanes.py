"""Where episodes end and begin in the adapter, on environments that count their own steps."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TimeLimit

from gymnasium_lanes import GymnasiumLanes, classic_lanes
from huracan.errors import InvalidInput


class Counter(gymnasium.Env[Any, Any]):
    """Shows [episode, step]; ends after `length` steps; each step's reward is the action, from 5 on."""

    observation_space = Box(-1e3, 1e3, (2,), np.float64)

    def __init__(self, length: int) -> None:
        self.action_space = Discrete(3, start=5)
        self._length, self._episode, self._step = length, 0, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        super().reset(seed=seed)
        self._episode, self._step = self._episode + 1, 0
        return self._seen(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self._step += 1
        return self._seen(), float(action), self._step == self._length, False, {}

    def _seen(self) -> Any:
        return np.array([self._episode, self._step], np.float64)


def _counters() -> GymnasiumLanes:
    return GymnasiumLanes.of([lambda: Counter(2), lambda: TimeLimit(Counter(99), 3)], seed=0)


def test_the_step_that_ends_an_episode_shows_the_next_ones_first_observation() -> None:
    lanes = _counters()
    observations, masks = lanes.reset()
    assert (lanes.lanes, lanes.observation_width, lanes.action_count) == (2, 2, 3)
    assert observations.dtype == np.float32
    assert masks.all() and masks.shape == (2, 3)
    seen, ends = [observations.tolist()], []
    for _ in range(4):
        observations, _, _, ended = lanes.step(np.zeros(2, np.int64))
        seen.append(observations.tolist())
        ends.append(ended.tolist())
    assert [both[0] for both in seen] == [[1, 0], [1, 1], [2, 0], [2, 1], [3, 0]]
    assert [both[1] for both in seen] == [[1, 0], [1, 1], [1, 2], [2, 0], [2, 1]]
    # The first lane ends by itself, the second by its time limit: both have ended.
    assert ends == [[False, False], [True, False], [False, True], [True, False]]


def test_rewards_and_returns_are_those_of_the_environments_own_actions() -> None:
    lanes = _counters()
    lanes.reset()
    for action in (0, 2, 1):
        _, _, rewards, _ = lanes.step(np.full(2, action))
        assert rewards.tolist() == [5.0 + action] * 2
    assert lanes.episode_returns == [12.0, 18.0]


def test_an_observation_once_given_is_not_overwritten() -> None:
    lanes = _counters()
    first, _ = lanes.reset()
    kept = first.copy()
    lanes.step(np.zeros(2, np.int64))
    assert np.array_equal(first, kept)


def test_one_seed_gives_one_course_and_lanes_differ() -> None:
    def course(seed: int) -> np.ndarray:
        lanes = classic_lanes("CartPole-v1", 2, seed)
        return np.array([lanes.reset()[0]] + [lanes.step(np.ones(2, np.int64))[0] for _ in range(40)])

    assert np.array_equal(course(1), course(1))
    assert not np.array_equal(course(1), course(2))
    assert not np.array_equal(course(1)[:, 0], course(1)[:, 1])


def test_a_vector_environment_that_resets_a_step_later_is_refused() -> None:
    later = SyncVectorEnv([lambda: Counter(2)], autoreset_mode=AutoresetMode.NEXT_STEP)
    with pytest.raises(InvalidInput, match="SAME_STEP"):
        GymnasiumLanes(later, 0)


def test_an_environment_of_continuous_actions_is_refused() -> None:
    with pytest.raises(InvalidInput, match="Discrete"):
        classic_lanes("Pendulum-v1", 1, 0)
