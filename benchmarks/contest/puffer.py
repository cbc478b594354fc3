"""PufferLib 3 on the market: its own vectorisation, trainer and advantage kernel, on the processor.

Its defaults are kept (segments of 64 steps, minibatches of 8,192) except the epochs, the optimiser (Adam as
everywhere in this contest; its Muon costs more) and the two towers in place of its one wide layer. Its
dashboard and its thread that watches the machine are off: they would cost it time and learn nothing.
"""

import configparser
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pufferlib
import pufferlib.vector
from pufferlib import pufferl
from torch import Tensor, nn

from contest.market import UnmaskedLanes, contest_block

LANES = 1_024
_TOTAL_STEPS = 1_000_000_000  # where its learning rate ends; nobody trains this long here


class PufferMarket(pufferlib.PufferEnv):  # type: ignore[misc]
    """A native environment of PufferLib: all lanes step at once into its own buffers."""

    def __init__(self, lanes: UnmaskedLanes, buf: Any = None, seed: int = 0) -> None:  # noqa: ARG002
        self.single_observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (lanes.width,), np.float32)
        self.single_action_space = gymnasium.spaces.Discrete(lanes.actions)
        self.num_agents = lanes.lanes
        self._lanes = lanes
        super().__init__(buf)

    def reset(self, seed: int | None = None) -> tuple[Any, list[Any]]:  # noqa: ARG002
        self.observations[:] = self._lanes.reset()
        return self.observations, []

    def step(self, actions: Any) -> tuple[Any, ...]:
        self.observations[:], self.rewards[:], self.terminals[:] = self._lanes.step(actions)
        return self.observations, self.rewards, self.terminals, self.truncations, []

    def close(self) -> None:
        """Holds nothing that must be given back."""


class TwoTowers(nn.Module):
    """The contest's network, as PufferLib calls a policy."""

    def __init__(self, width: int, actions: int) -> None:
        super().__init__()
        self.policy, self.value = self._tower(width, actions, 0.01), self._tower(width, 1, 1.0)

    @staticmethod
    def _tower(width: int, outputs: int, scale: float) -> nn.Sequential:
        layers = [nn.Linear(width, 64), nn.Linear(64, 64), nn.Linear(64, outputs)]
        for layer, gain in zip(layers, (2**0.5, 2**0.5, scale), strict=True):
            nn.init.orthogonal_(layer.weight, gain)
            nn.init.zeros_(layer.bias)
        return nn.Sequential(layers[0], nn.Tanh(), layers[1], nn.Tanh(), layers[2])

    def forward_eval(self, observations: Tensor, state: Any = None) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        return self.policy(observations), self.value(observations)

    def forward(self, observations: Tensor, state: Any = None) -> tuple[Tensor, Tensor]:
        return self.forward_eval(observations, state)


class _Silent(pufferl.PuffeRL):  # type: ignore[misc]
    def print_dashboard(self, *_: Any, **__: Any) -> None:
        return None

    def save_checkpoint(self) -> None:
        return None


def trainer_choices(epochs: int) -> dict[str, Any]:
    """The library's own default.ini, with the contest's changes."""
    reader = configparser.ConfigParser()
    reader.read(Path(pufferlib.__file__).parent / "config" / "default.ini")
    choices: dict[str, Any] = {}
    for key, text in reader["train"].items():
        try:
            choices[key] = int(text.replace("_", ""))
        except ValueError:
            try:
                choices[key] = float(text)
            except ValueError:
                choices[key] = {"True": True, "False": False}.get(text, text)
    return choices | {
        "device": "cpu",
        "optimizer": "adam",
        "learning_rate": 3e-4,
        "adam_beta1": 0.9,
        "adam_eps": 1e-5,
        "update_epochs": epochs,
        "total_timesteps": _TOTAL_STEPS,
        "checkpoint_interval": _TOTAL_STEPS,
        "use_rnn": False,
        "env": "market",
    }


class Puffer:
    """Its PuffeRL trainer: `evaluate` collects, `train` learns."""

    def __init__(self, epochs: int, lanes: int = LANES) -> None:
        # It would run its advantage kernel on CUDA wherever a CUDA compiler lies about.
        pufferl.ADVANTAGE_CUDA = False
        market = UnmaskedLanes(contest_block(), lanes, 1)
        self.width, self.actions = market.width, market.actions
        towers = TwoTowers(market.width, market.actions)
        environment = pufferlib.vector.make(
            PufferMarket, env_args=[market], num_envs=1, backend=pufferlib.vector.PufferEnv
        )
        self.trainer = _Silent(trainer_choices(epochs), environment, towers)
        self.trainer.utilization.stop()
        self.parameters = sum(each.numel() for each in towers.parameters())

    def learn(self) -> int:
        before = self.trainer.global_step
        self.trainer.evaluate()
        self.trainer.train()
        return int(self.trainer.global_step - before)
