"""Proximal policy optimisation on one page. Knows no market: any batched environment will do.

After "The 37 Implementation Details of PPO" (Huang et al. 2022), core details 1 to 13: vectorised
environment, orthogonal initialisation (`layout`), Adam epsilon, learning-rate annealing, GAE (`rollout`),
minibatches, advantage normalisation, clipped surrogate, optional value clipping, entropy bonus in the overall
loss, global gradient clipping (the engines), debug variables (`diagnostics`), separate networks.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.agent.batched_environment import ActionBias, BatchedEnvironment, Resumable
from huracan.agent.config import PPOConfig
from huracan.agent.diagnostics import TrainingStopped, UpdateDiagnostics, Watch, diagnose
from huracan.agent.engine import ILLEGAL, UPDATE_COLUMNS, Engine
from huracan.agent.engines.devices import make_engine
from huracan.agent.layout import initial_weights
from huracan.agent.normaliser import Normaliser
from huracan.agent.return_scale import ReturnScale
from huracan.agent.rollout import Rollout, empty_rollout, generalised_advantages
from huracan.errors import InputRefused, InvalidInput

__all__ = ["Learner", "TrainingStopped", "UpdateDiagnostics"]


class Learner:
    """Holds an engine and one environment; `train` is the whole of it.

    `normaliser` scales the observations (None leaves them as they are); with `updates_normaliser` it also
    learns from every rollout. `bias` adds to the logits, when acting and when learning. All draws come from
    one generator of `seed`. `engine` is made for `device` where none is given.
    """

    def __init__(
        self,
        environment: BatchedEnvironment,
        config: PPOConfig,
        seed: int | np.random.SeedSequence,
        *,
        normaliser: Normaliser | None = None,
        updates_normaliser: bool = False,
        bias: ActionBias | None = None,
        initial_bias: tuple[float, ...] | None = None,
        device: str = "auto",
        threads: int = 1,
        mixed_precision: bool = True,
        engine: Engine | None = None,
    ) -> None:
        width, actions = environment.observation_width, environment.action_count
        if config.rollout_steps * environment.lanes < 2 * config.minibatches:
            raise InvalidInput(
                f"{config.rollout_steps} steps of {environment.lanes} lanes make {config.minibatches}"
                " minibatches of less than two rows.",
                "Take more steps or lanes, or fewer minibatches.",
            )
        self.environment, self.config, self.bias = environment, config, bias
        self.normaliser = normaliser or Normaliser(width, [False] * width, clip=np.inf)
        self.return_scale = ReturnScale(environment.lanes, config.gamma)
        self.updates_done = 0
        self._updates_normaliser = updates_normaliser
        self._generator = np.random.default_rng(seed)
        weights = initial_weights(width, actions, config.hidden, self._generator, initial_bias)
        self.engine: Engine = engine or make_engine(
            width, actions, config, weights,
            device=device, threads=threads, mixed_precision=mixed_precision,
        )  # fmt: skip
        self._watch, self._last_entropy = Watch(config), np.inf
        self._rollout = empty_rollout(config.rollout_steps, environment.lanes, width, actions)
        self._rewards = np.zeros((config.rollout_steps, environment.lanes))
        self._raw = np.empty_like(self._rollout.observations) if updates_normaliser else None
        self._observations = np.zeros((0, width), np.float32)
        self._masks = np.zeros((0, actions), bool)

    def train(
        self,
        total_steps: int,
        on_update: Callable[[UpdateDiagnostics], None] | None = None,
        before_update: Callable[[float], None] | None = None,
        after_update: Callable[[], None] | None = None,
    ) -> None:
        """At least `total_steps` environment steps in whole updates, those done before included.

        `on_update` gets every row of the curve; `before_update` the share done, for schedules of the
        environment; `after_update` is called where `snapshot` gives all that is needed to go on.
        TrainingStopped where a number is not finite, the divergence explodes or the policy is dead;
        InvalidInput where a lane has no legal action.
        """
        updates = -(-total_steps // (self.config.rollout_steps * self.environment.lanes))
        if self.updates_done == 0:
            self._observations, self._masks = self.environment.reset()
        while self.updates_done < updates:
            share = self.updates_done / updates
            if before_update is not None:
                before_update(share)
            row = self._update(share, updates)
            self.updates_done += 1
            if on_update is not None:
                on_update(row)
            if after_update is not None:
                after_update()

    def snapshot(self) -> dict[str, Any]:
        """All that the next updates depend on, as nested names -> NumPy arrays or JSON-able values.

        InvalidInput where the environment is not Resumable.
        """
        if not isinstance(self.environment, Resumable):
            raise InvalidInput("The environment cannot be resumed.", "Give it snapshot and restore.")
        return {
            "engine": self.engine.state(),
            "normaliser": self.normaliser.state(),
            "return_scale": self.return_scale.state(),
            "generator": self._generator.bit_generator.state,
            "environment": self.environment.snapshot(),
            "observations": self._observations.copy(),
            "masks": self._masks.copy(),
            "updates_done": self.updates_done,
            "last_entropy": repr(self._last_entropy),
            "dead_for": self._watch.dead_for,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on where `snapshot` was taken, to the bit."""
        if not isinstance(self.environment, Resumable):
            raise InvalidInput("The environment cannot be resumed.", "Give it snapshot and restore.")
        self.engine.restore(state["engine"])
        self.normaliser.restore(state["normaliser"])
        self.return_scale.restore(state["return_scale"])
        self._generator.bit_generator.state = state["generator"]
        self.environment.restore(state["environment"])
        self._observations, self._masks = state["observations"].copy(), state["masks"].copy()
        self.updates_done, self._watch.dead_for = int(state["updates_done"]), int(state["dead_for"])
        self._last_entropy = float(state["last_entropy"])

    def _update(self, share: float, updates: int) -> UpdateDiagnostics:
        last_good = self.engine.state()
        try:
            rollout = self._collect()
            row = self._learn(rollout, share)
            fault = self._watch.find_fault(row, rollout, updates)
        except InputRefused as refused:
            fault = f"Update {self.updates_done + 1} met an observation that it cannot use. {refused.what}"
        except FloatingPointError as broken:
            fault = f"Update {self.updates_done + 1} met {broken}."
        if fault is not None:
            self.engine.restore(last_good)
            raise TrainingStopped(fault, last_good)
        self._last_entropy = row.entropy
        return row

    def _collect(self) -> Rollout:
        rollout, config = self._rollout, self.config
        uniform = self._generator.random(self._rewards.shape)
        for step in range(config.rollout_steps):
            seen, offsets = rollout.observations[step], rollout.offsets[step]
            self._prepare(seen, offsets)
            if self._raw is not None:
                self._raw[step] = self._observations
            actions, taken, values = self.engine.act(seen, offsets, uniform[step])
            rollout.actions[step], rollout.log_probabilities[step] = actions, taken
            rollout.values[step] = values
            self._observations, self._masks, rewards, ended = self.environment.step(actions)
            self._rewards[step], rollout.ended[step] = rewards, ended
        if not np.isfinite(self._rewards).all():
            raise FloatingPointError("a reward that is not finite")
        if config.scales_rewards:
            rollout.rewards[:] = self.return_scale.scale(self._rewards, rollout.ended)
        else:
            rollout.rewards[:] = self._rewards
        last_values = self.engine.values(self.normaliser.apply(self._observations))
        rollout.advantages[:] = generalised_advantages(
            rollout.rewards, rollout.values, rollout.ended, last_values, config.gamma, config.gae_lambda
        )
        np.add(rollout.advantages, rollout.values, out=rollout.returns)
        if self._raw is not None:
            self.normaliser.update(self._raw.reshape(-1, self._raw.shape[-1]))
        return rollout

    def _prepare(self, seen: NDArray[np.float32], offsets: NDArray[np.float32]) -> None:
        """Writes what the network sees now and what is added to its logits."""
        if not self._masks.any(axis=1).all():
            lane = int(self._masks.any(axis=1).argmin())
            raise InvalidInput(f"The mask of lane {lane} has no legal action.", "Give at least one.")
        self.normaliser.apply(self._observations, out=seen)
        offsets.fill(ILLEGAL)
        added = np.float32(0.0) if self.bias is None else self.bias.apply(self._observations)
        np.copyto(offsets, added, where=self._masks)

    def _learn(self, rollout: Rollout, share: float) -> UpdateDiagnostics:
        config, update = self.config, self.updates_done + 1
        rate = config.learning_rate * ((1.0 - share) if config.anneals_learning_rate else 1.0)
        coefficient = self._entropy_coefficient(share)
        self.engine.begin_update(rollout.flat())
        passes: list[NDArray[np.float64]] = []
        for _ in range(config.epochs):
            order = self._generator.permutation(rollout.actions.size)
            passes.append(self.engine.pass_over(order, config.minibatches, rate, coefficient))
            if not np.isfinite(passes[-1]).all():
                raise FloatingPointError("a loss or gradient that is not finite")
            moved = passes[-1][:, UPDATE_COLUMNS.index("approx_kl")].mean()
            if config.target_kl is not None and moved > config.target_kl:
                break
        facts = {
            "update": update,
            "steps": update * rollout.actions.size,
            "mean_reward": float(self._rewards.mean()),
            "learning_rate": rate,
            "entropy_coefficient": coefficient,
            "epochs_done": len(passes),
        }
        return diagnose(rollout, np.concatenate(passes), passes[-1], facts)

    def _entropy_coefficient(self, share: float) -> float:
        config = self.config
        if self._last_entropy < config.entropy_floor:
            return config.entropy_coefficient
        return config.entropy_coefficient * (1.0 - share) + config.final_entropy_coefficient * share
