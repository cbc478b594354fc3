"""Proximal policy optimisation on one page. Knows no market: any batched environment will do.

An update is, in the order of Schulman et al. 2017 (algorithm 1):

1. **Rollout** (`_roll_out`): T steps of N lanes with the policy pi of the weights theta_old. Actions, their
   probabilities and the values V_old are `engine.act`: `engines.minibatch_kernel.decide`.
2. **Advantages** (`_estimate_advantages`): A by GAE(gamma, lambda), and R = A + V_old:
   `rollout_kernel.generalised_advantages`. An episode that a limit of time broke off (`TimeLimited`) would
   have gone on: its last reward gains gamma V_old(what it saw last), and the trace ends there.
3. **Loss** (`_optimise`): K epochs of shuffled minibatches. Of each minibatch of rows t the objective is

       L(theta) = mean_t[ -min(r A', clip(r, 1 - eps, 1 + eps) A') ]                 policy_loss
                + c_v  mean_t[ 1/2 max((V - R)^2, (V_near - R)^2) ]                  value_loss
                - c_h  mean_t[ -sum_a pi(a) log pi(a) ]                              entropy

       r      = pi(action) / pi_old(action)        pi = softmax(logits + offsets)
       A'     = (A - mean A) / (std A + 1e-8)      over the minibatch, std with n - 1
       V_near = V_old + clip(V - V_old, -eps_v, eps_v)       without a value clip the max is (V - R)^2

   eps `clip`, eps_v `value_clip`, c_v `value_coefficient`, c_h the entropy coefficient of the moment. By
   hand with its gradient: `engines.surrogate_kernel` (`policy_loss`, `value_loss`), carried through the
   towers by `engines.tower_kernel`; by autograd: `engines.torch_engine`. Both are tested against this.
4. **Update**: the gradient's global norm is clipped, Adam steps: `engines.pass_kernel.step`,
   `engines.adam_kernel`. A pass that moved the policy beyond `target_kl` is the last.

After "The 37 Implementation Details of PPO" (Huang et al. 2022), core details 1 to 13; initial weights are in
`layout`, debug variables in `diagnostics`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.agent.batched_environment import (
    ActionBias,
    BatchedEnvironment,
    Observations,
    Resumable,
    TimeLimited,
)
from huracan.agent.config import PPOConfig
from huracan.agent.diagnostics import TrainingStopped, UpdateDiagnostics, Watch, diagnose
from huracan.agent.engine import ILLEGAL, UPDATE_COLUMNS, Engine
from huracan.agent.engines.devices import EngineChoice, make_engine
from huracan.agent.layout import initial_weights
from huracan.agent.normaliser import Normaliser
from huracan.agent.return_scale import ReturnScale
from huracan.agent.rollout import Rollout, empty_rollout
from huracan.agent.rollout_kernel import generalised_advantages, write_offsets
from huracan.errors import InputRefused, InvalidInput

__all__ = ["Learner", "Perception", "TrainingStopped", "UpdateDiagnostics"]


@dataclass(frozen=True)
class Perception:
    """What lies between an environment and the network."""

    normaliser: Normaliser | None = None
    """Scales the observations; None leaves them as they are."""
    updates_normaliser: bool = False
    """Whether it also learns from every rollout."""
    bias: ActionBias | None = None
    """Adds to the logits, when acting and when learning."""


_AS_IT_IS, _ANY_DEVICE = Perception(), EngineChoice()


class Learner:
    """Holds an engine and one environment; `train` is the whole of it.

    The network is given the `columns` [n] of the observations that the normaliser lets through: one that
    never varied costs nothing. All draws come from one generator of `seed`. `engine` is one, or the choice by
    which one is made; `initial_bias` [actions] is the policy head's first bias.
    """

    def __init__(
        self,
        environment: BatchedEnvironment,
        config: PPOConfig,
        seed: int | np.random.SeedSequence,
        *,
        perception: Perception = _AS_IT_IS,
        initial_bias: tuple[float, ...] | None = None,
        engine: Engine | EngineChoice = _ANY_DEVICE,
    ) -> None:
        width, actions = environment.observation_width, environment.action_count
        if config.rollout_steps * environment.lanes < 2 * config.minibatches:
            raise InvalidInput(
                f"{config.rollout_steps} steps of {environment.lanes} lanes make {config.minibatches}"
                " minibatches of less than two rows.",
                "Take more steps or lanes, or fewer minibatches.",
            )
        self.environment, self.config, self.bias = environment, config, perception.bias
        self.normaliser = perception.normaliser or Normaliser(width, [False] * width, clip=np.inf)
        is_given = self.normaliser.scale != 0.0
        # What a normaliser that goes on learning has not seen vary yet may still do so.
        self.columns = np.flatnonzero(is_given | perception.updates_normaliser)
        self.return_scale = ReturnScale(environment.lanes, config.discount)
        self.updates_done = 0
        self._generator = np.random.default_rng(seed)
        given = self.columns.size
        weights = initial_weights(given, actions, config.hidden, self._generator, initial_bias)
        if isinstance(engine, EngineChoice):
            engine = make_engine(given, actions, config, weights, engine)
        self.engine: Engine = engine
        self._watch, self._last_entropy = Watch(config), np.inf
        self._rollout = empty_rollout(config.rollout_steps, environment.lanes, given, actions)
        self._rewards = np.zeros((config.rollout_steps, environment.lanes))
        self._cuts: list[tuple[NDArray[np.int64], Observations]] = []
        self._raw = np.empty_like(self._rollout.observations) if perception.updates_normaliser else None
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

    def _update(self, share: float, updates: int) -> UpdateDiagnostics:
        last_good = self.engine.state()
        try:
            rollout = self._roll_out()
            self._estimate_advantages(rollout)
            row = self._optimise(rollout, share)
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

    def _roll_out(self) -> Rollout:
        """1. Acts for `rollout_steps` steps."""
        rollout, environment = self._rollout, self.environment
        limited = environment if isinstance(environment, TimeLimited) else None
        self._cuts.clear()
        uniform = self._generator.random(self._rewards.shape)
        for step in range(self.config.rollout_steps):
            seen, offsets = rollout.observations[step], rollout.offsets[step]
            self._perceive(seen, offsets)
            if self._raw is not None:
                self._raw[step] = self._observations
            actions, taken, values = self.engine.act(seen, offsets, uniform[step])
            rollout.actions[step], rollout.log_probabilities[step] = actions, taken
            rollout.values[step] = values
            self._observations, self._masks, rewards, ended = environment.step(actions)
            self._rewards[step], rollout.ended[step] = rewards, ended
            if limited is not None:
                lanes, last_seen = limited.cut()
                if lanes.size:
                    self._cuts.append((step * environment.lanes + lanes, last_seen))
        if not np.isfinite(self._rewards).all():
            raise FloatingPointError("a reward that is not finite")
        return rollout

    def _perceive(self, seen: NDArray[np.float32], offsets: NDArray[np.float32]) -> None:
        """Writes what the network sees now and what is added to its logits."""
        self._seen_of(self._observations, seen)
        added = np.zeros_like(offsets) if self.bias is None else self.bias.apply(self._observations)
        stuck = write_offsets(self._masks, added, ILLEGAL, offsets)
        if stuck >= 0:
            raise InvalidInput(f"The mask of lane {stuck} has no legal action.", "Give at least one.")

    def _seen_of(
        self, observations: Observations, out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """What the network sees of observations [n, width], [n, columns]; written to `out` where given."""
        return self.normaliser.apply(observations, out, self.columns)

    def _estimate_advantages(self, rollout: Rollout) -> None:
        """2. Advantages and returns of what was done, from rewards that may be scaled."""
        config = self.config
        if config.scales_rewards:
            rollout.rewards[:] = self.return_scale.scale(self._rewards, rollout.ended)
        else:
            rollout.rewards[:] = self._rewards
        ahead = np.concatenate([self._observations, *(last_seen for _, last_seen in self._cuts)])
        values = self.engine.values(self._seen_of(ahead))
        last_values, cut_values = np.split(values, [self.environment.lanes])
        if self._cuts:
            places = np.concatenate([places for places, _ in self._cuts])
            rollout.rewards.reshape(-1)[places] += np.float32(config.discount) * cut_values
        rollout.advantages[:] = generalised_advantages(
            rollout.rewards, rollout.values, rollout.ended, last_values, config.discount, config.gae_lambda
        )
        np.add(rollout.advantages, rollout.values, out=rollout.returns)
        if self._raw is not None:
            self.normaliser.update(self._raw.reshape(-1, self._raw.shape[-1]))

    def _optimise(self, rollout: Rollout, share: float) -> UpdateDiagnostics:
        """3. and 4. Epochs of minibatches, each a step down the gradient of the objective."""
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
