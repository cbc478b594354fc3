"""What is known of every update, and when a training must stop. No learning happens here."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.agent.config import PPOConfig
from huracan.agent.engine import ILLEGAL, UPDATE_COLUMNS, State
from huracan.agent.rollout import Rollout
from huracan.errors import HuracanError
from huracan.tables import FLOAT, INTEGER, Column

CURVE_COLUMNS = (
    Column("update", INTEGER, "number of the update, from 1"),
    Column("steps", INTEGER, "steps of the environment up to this update's end"),
    Column("mean_reward", FLOAT, "mean reward of a step, before any scaling", "horizon volatilities"),
    Column("entropy", FLOAT, "mean entropy of the policy over its legal actions, in nats"),
    Column(
        "approx_kl", FLOAT, "divergence of the new policy from the old, mean of the last pass (Schulman's k3)"
    ),
    Column("clip_fraction", FLOAT, "share of samples whose probability ratio was clipped", "0 to 1"),
    Column("explained_variance", FLOAT, "of the returns, by the values: 1 is perfect, 0 is their mean"),
    Column("value_loss", FLOAT, "half the mean squared error of the values, before its coefficient"),
    Column("policy_loss", FLOAT, "clipped surrogate, to be made small"),
    Column("gradient_norm", FLOAT, "global norm of the gradient before it is clipped"),
    Column("learning_rate", FLOAT, "of this update"),
    Column("entropy_coefficient", FLOAT, "weight of the entropy in the loss of this update"),
    Column("epochs_done", INTEGER, "passes over the samples, fewer where the divergence ended them"),
)
"""The learning curve as a table: one row per update of the seed that is published."""


@dataclass(frozen=True)
class UpdateDiagnostics:
    """One row of the learning curve."""

    update: int
    steps: int
    mean_reward: float
    """Of a step, as the environment gave it."""
    entropy: float
    approx_kl: float
    """Mean over the last pass, the old policy against the new one."""
    clip_fraction: float
    explained_variance: float
    value_loss: float
    policy_loss: float
    gradient_norm: float
    learning_rate: float
    entropy_coefficient: float
    epochs_done: int


class TrainingStopped(HuracanError):
    """The training went wrong. `last_good` is the engine's state before the update that failed."""

    def __init__(self, what: str, last_good: State) -> None:
        super().__init__(
            what, "Lower the learning rate or look for bad rows in the window; nothing was stored."
        )
        self.last_good = last_good

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.what, self.last_good)


def diagnose(
    rollout: Rollout,
    numbers: NDArray[np.float64],
    last_pass: NDArray[np.float64],
    facts: Mapping[str, Any],
) -> UpdateDiagnostics:
    """The row of an update from the engine's numbers of all its minibatches; `facts` are its other fields."""
    means = dict(zip(UPDATE_COLUMNS, numbers.mean(axis=0).tolist(), strict=True))
    returns, values = rollout.returns.astype(np.float64), rollout.values.astype(np.float64)
    spread = returns.var()
    explained = float(1.0 - (returns - values).var() / spread) if spread > 0 else 0.0
    return UpdateDiagnostics(
        entropy=means["entropy"],
        approx_kl=float(last_pass[:, UPDATE_COLUMNS.index("approx_kl")].mean()),
        clip_fraction=means["clip_fraction"],
        explained_variance=explained,
        value_loss=means["value_loss"],
        policy_loss=means["policy_loss"],
        gradient_norm=means["gradient_norm"],
        **facts,
    )


class Watch:
    """Tells when an update shows a training that will not recover."""

    def __init__(self, config: PPOConfig) -> None:
        self._config = config
        self.dead_for = 0
        """Updates in a row with a dead policy."""

    def find_fault(self, row: UpdateDiagnostics, rollout: Rollout, updates: int) -> str | None:
        """The reason to stop after this update, of so many in all, or None."""
        config, limit = self._config, self._config.maximum_kl
        if limit is not None and not row.approx_kl <= limit:
            return f"Update {row.update} moved the policy by a divergence of {row.approx_kl:.3g}."
        exploring = math.ceil(config.exploring_share * updates)
        # One that died while it explored is watched beyond that: it must not be saved by dying late.
        if config.minimum_entropy is None or (row.update > exploring and self.dead_for == 0):
            return None
        has_choice = (rollout.offsets > ILLEGAL / 2).sum(axis=-1) > 1
        is_certain = row.entropy < config.minimum_entropy * has_choice.mean()
        self.dead_for = self.dead_for + 1 if is_certain else 0
        if self.dead_for < min(config.dead_updates, max(1, exploring)):
            return None
        return (
            f"The policy is dead: {self.dead_for} updates without a choice between actions, up to"
            f" update {row.update}, before it had explored."
        )
