"""gymnasium's environments as the learner's batched ones. No learning and no task's settings here."""

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from numpy.typing import NDArray

from huracan.errors import InvalidInput

Observations = NDArray[np.float32]
Masks = NDArray[np.bool_]
AnyEnvironment = gymnasium.Env[Any, Any]


class GymnasiumLanes:
    """A vector environment that begins a lane's next episode inside the step that ended its last one.

    Observations are flattened to float32 [lanes, width]; every action is legal. An episode cut short by its
    time limit counts as ended, its last value is not bootstrapped: so do CleanRL's ppo.py and the published
    figures. `episode_returns` holds the undiscounted return of every episode that has ended, in order. Lane i
    is seeded with `seed` + i, once; later episodes go on from there.
    """

    def __init__(self, environments: VectorEnv[Any, Any, Any], seed: int) -> None:
        # gymnasium's default spends a step without a transition on every reset; a learner would learn it.
        if environments.metadata.get("autoreset_mode") is not AutoresetMode.SAME_STEP:
            raise InvalidInput(
                f"The vector environment resets by {environments.metadata.get('autoreset_mode')}.",
                "Make it with autoreset_mode=AutoresetMode.SAME_STEP.",
            )
        seen, acted = environments.single_observation_space, environments.single_action_space
        if not isinstance(seen, Box) or not isinstance(acted, Discrete):
            raise InvalidInput(
                f"The environment shows {seen} and takes {acted}.",
                "Give one with a Box of observations and a Discrete set of actions.",
            )
        self._environments, self._first_action = environments, int(acted.start)
        self.lanes = environments.num_envs
        self.observation_width = int(np.prod(seen.shape))
        self.action_count = int(acted.n)
        self.episode_returns: list[float] = []
        self._seed: int | None = seed
        self._running = np.zeros(self.lanes)
        self._masks = np.ones((self.lanes, self.action_count), bool)

    @classmethod
    def of(cls, makers: Sequence[Callable[[], AnyEnvironment]], seed: int) -> "GymnasiumLanes":
        """One lane for each maker, stepped one after the other."""
        return cls(SyncVectorEnv(makers, copy=False, autoreset_mode=AutoresetMode.SAME_STEP), seed)

    def reset(self) -> tuple[Observations, Masks]:
        seed, self._seed = self._seed, None
        observations, _ = self._environments.reset(seed=seed)
        self._running[:] = 0.0
        return self._flat(observations), self._masks

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[Observations, Masks, NDArray[np.float64], NDArray[np.bool_]]:
        observations, rewards, terminated, truncated, _ = self._environments.step(
            np.asarray(actions) + self._first_action
        )
        rewards = np.array(rewards, dtype=np.float64)
        ended = np.logical_or(terminated, truncated)
        self._running += rewards
        if ended.any():
            self.episode_returns.extend(self._running[ended].tolist())
            self._running[ended] = 0.0
        return self._flat(observations), self._masks, rewards, ended

    def _flat(self, observations: Any) -> Observations:
        # A copy: the vector environment writes the next observation into the same memory.
        return np.array(observations, dtype=np.float32).reshape(self.lanes, self.observation_width)


def classic_lanes(name: str, lanes: int, seed: int) -> GymnasiumLanes:
    """`lanes` copies of the registered environment `name`, with its time limit."""
    return GymnasiumLanes.of([lambda: gymnasium.make(name)] * lanes, seed)
