"""stable-baselines3's PPO on the market: one environment as it comes, or many in a VecEnv of our own."""

from typing import Any

import gymnasium
import numpy as np
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from contest.market import UnmaskedLanes, contest_block
from huracan.market.block import MarketBlock


class OneMarket(gymnasium.Env[np.ndarray, int]):
    """A single lane behind gymnasium's interface. A lane's end is the episode's."""

    def __init__(self, block: MarketBlock, seed: int) -> None:
        self._lanes = UnmaskedLanes(block, 1, seed)
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (self._lanes.width,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(self._lanes.actions)  # type: ignore[assignment]
        self._next: np.ndarray | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """The lane begins again by itself, so what it saw last is the new lane's first row."""
        super().reset(seed=seed, options=options)
        if self._next is None:
            self._next = self._lanes.reset()[0]
        return self._next, {}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observations, rewards, ended = self._lanes.step(np.array([action]))
        self._next = observations[0]
        return self._next, float(rewards[0]), bool(ended[0]), False, {}


class MarketVecEnv(VecEnv):  # type: ignore[misc]  # known to mypy only where the peers are installed
    """All lanes of the compiled market at once: the fastest environment that the library can be given."""

    def __init__(self, lanes: UnmaskedLanes) -> None:
        self._lanes = lanes
        super().__init__(
            lanes.lanes,
            gymnasium.spaces.Box(-np.inf, np.inf, (lanes.width,), np.float32),
            gymnasium.spaces.Discrete(lanes.actions),
        )
        self._actions = np.zeros(lanes.lanes, np.int64)
        self._nothing: list[dict[str, Any]] = [{} for _ in range(lanes.lanes)]

    def reset(self) -> np.ndarray:
        return self._lanes.reset()

    def step_async(self, actions: np.ndarray) -> None:
        self._actions = actions

    def step_wait(self) -> Any:
        observations, rewards, ended = self._lanes.step(self._actions)
        return observations, rewards, ended, self._nothing

    def close(self) -> None:
        """Holds nothing that must be given back."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:  # noqa: ARG002
        return [None] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:  # noqa: ARG002
        raise AttributeError(f"{attr_name}: the lanes have no attributes of their own.")

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:  # noqa: ARG002
        raise AttributeError(f"{method_name}: the lanes have no methods of their own.")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:  # noqa: ARG002
        return [False] * len(list(self._get_indices(indices)))


class StableBaselines:
    """One PPO of the library; its MlpPolicy is two 64 x 64 tanh towers as it comes."""

    def __init__(self, environment: VecEnv, seed: int = 1, **choices: Any) -> None:
        self.model = PPO("MlpPolicy", environment, seed=seed, device="cpu", **choices)
        self.width = int(np.prod(environment.observation_space.shape or ()))
        self.actions = int(self.model.action_space.n)
        self.parameters = sum(each.numel() for each in self.model.policy.parameters())
        self._rollout: int = self.model.n_steps * environment.num_envs

    def learn(self) -> int:
        self.model.learn(self._rollout, reset_num_timesteps=False)
        return self._rollout


def defaults(epochs: int) -> StableBaselines:
    """Everything as the library has it (1 environment, 2,048 steps, batches of 64), except the epochs."""
    block = contest_block()
    return StableBaselines(DummyVecEnv([lambda: OneMarket(block, 1)]), n_epochs=epochs)


def tuned(lanes: int, epochs: int, *, is_compiled: bool) -> StableBaselines:
    """Many environments and large batches: 16,384 rows a rollout at 64 lanes, in four batches."""
    block = contest_block()
    choices = {"n_steps": 256, "batch_size": 256 * lanes // 4, "n_epochs": epochs}
    if is_compiled:
        return StableBaselines(MarketVecEnv(UnmaskedLanes(block, lanes, 1)), **choices)
    each = [lambda seed=seed: OneMarket(block, seed) for seed in range(lanes)]
    return StableBaselines(DummyVecEnv(each), **choices)
