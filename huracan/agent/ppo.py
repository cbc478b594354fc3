"""Proximal policy optimisation, whole, on one page. Knows no market: any batched environment will do.

After "The 37 Implementation Details of PPO" (Huang et al. 2022), core details 1 to 13: vectorised
environment, orthogonal initialisation (`network`), Adam epsilon, learning-rate annealing, GAE, minibatches,
advantage normalisation, clipped surrogate, optional value clipping, entropy bonus in the overall loss,
global gradient clipping, debug variables, separate networks.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from huracan.agent.adam import FlatAdam
from huracan.agent.batched_environment import BatchedEnvironment
from huracan.agent.config import PPOConfig
from huracan.agent.network import PolicyValueNetwork, masked_log_probabilities, sample_actions
from huracan.agent.normaliser import Normaliser
from huracan.agent.rollout import Rollout, empty_rollout, generalised_advantages
from huracan.errors import HuracanError


@dataclass(frozen=True)
class UpdateDiagnostics:
    """One row of the learning curve."""

    update: int
    steps: int
    mean_reward: float
    entropy: float
    approx_kl: float
    clip_fraction: float
    explained_variance: float
    value_loss: float
    policy_loss: float
    gradient_norm: float
    learning_rate: float
    epochs_done: int


class TrainingStopped(HuracanError):
    """The training went wrong. `last_good` holds the network's weights before the update that failed."""

    def __init__(self, what: str, last_good: dict[str, Tensor]) -> None:
        super().__init__(
            what, "Lower the learning rate or look for bad rows in the window; nothing was stored."
        )
        self.last_good = last_good


class Learner:
    """Holds a network, its optimiser and one environment; `train` is the whole of it.

    `normaliser` scales the observations; with `updates_normaliser` it also learns from every rollout. All
    draws come from a torch.Generator of `seed`.
    """

    def __init__(
        self,
        environment: BatchedEnvironment,
        config: PPOConfig,
        seed: int,
        *,
        normaliser: Normaliser,
        updates_normaliser: bool = False,
        initial_bias: tuple[float, ...] | None = None,
        device: str = "cpu",
    ) -> None:
        self.environment, self.config, self.normaliser = environment, config, normaliser
        self._updates_normaliser = updates_normaliser
        self._generator = torch.Generator().manual_seed(seed)
        self._device = torch.device(device)
        width, actions = environment.observation_width, environment.action_count
        network = PolicyValueNetwork(width, actions, config.hidden, self._generator, initial_bias)
        self.network = network.to(self._device)
        self._optimiser = FlatAdam(self.network, config.adam_epsilon)

    def train(
        self,
        total_steps: int,
        on_update: Callable[[UpdateDiagnostics], None],
        before_update: Callable[[float], None] | None = None,
    ) -> None:
        """At least `total_steps` environment steps, in whole updates.

        `on_update` gets every row of the curve; `before_update` the share done, for schedules of the
        environment. TrainingStopped where a loss or a gradient is not finite.
        """
        per_update = self.config.rollout_steps * self.environment.lanes
        updates = -(-total_steps // per_update)
        observations, masks = self.environment.reset()
        for update in range(updates):
            share = update / updates
            if before_update is not None:
                before_update(share)
            rollout, observations, masks = self._collect(observations, masks)
            last_good = copy.deepcopy(self.network.state_dict())
            on_update(self._update(rollout, update + 1, (update + 1) * per_update, share, last_good))

    def _collect(self, observations: np.ndarray, masks: np.ndarray) -> tuple[Rollout, np.ndarray, np.ndarray]:
        steps, lanes = self.config.rollout_steps, self.environment.lanes
        rollout = empty_rollout(
            steps, lanes, self.environment.observation_width, self.environment.action_count, self._device
        )
        raw: list[np.ndarray] = []
        with torch.inference_mode():
            for step in range(steps):
                seen = self._tensor(self.normaliser.apply(observations))
                legal = self._tensor(masks)
                logits, values = self.network(seen)
                log_probabilities = masked_log_probabilities(logits, legal)
                actions = sample_actions(log_probabilities, self._generator)
                rollout.observations[step], rollout.masks[step] = seen, legal
                rollout.actions[step], rollout.values[step] = actions, values
                rollout.log_probabilities[step] = log_probabilities.gather(1, actions[:, None]).squeeze(1)
                if self._updates_normaliser:
                    raw.append(observations)
                observations, masks, rewards, ended = self.environment.step(actions.cpu().numpy())
                rollout.rewards[step] = self._tensor(rewards.astype(np.float32))
                rollout.ended[step] = self._tensor(ended.astype(np.float32))
            _, last_values = self.network(self._tensor(self.normaliser.apply(observations)))
            advantages = generalised_advantages(
                rollout.rewards,
                rollout.values,
                rollout.ended,
                last_values,
                self.config.gamma,
                self.config.gae_lambda,
            )
            rollout.advantages[:], rollout.returns[:] = advantages, advantages + rollout.values
        if raw:
            self.normaliser.update(np.concatenate(raw))
        return rollout, observations, masks

    def _update(
        self, rollout: Rollout, update: int, steps: int, share: float, last_good: dict[str, Tensor]
    ) -> UpdateDiagnostics:
        config, flat = self.config, rollout.flat()
        rows = flat.actions.shape[0]
        rate = config.learning_rate * ((1.0 - share) if config.anneals_learning_rate else 1.0)
        entropy_weight = config.entropy_coefficient * (1.0 - share) + config.final_entropy_coefficient * share
        numbers: list[Tensor] = []
        epochs_done = 0
        for _ in range(config.epochs):
            shuffled = torch.randperm(rows, generator=self._generator).to(self._device)
            first = len(numbers)
            for part in shuffled.chunk(config.minibatches):
                loss, row = self._loss(flat, part, entropy_weight)
                self._optimiser.clear()
                torch.autograd.backward(loss)
                norm = self._optimiser.clip(config.maximum_gradient_norm)
                if not bool(torch.isfinite(loss) & torch.isfinite(norm)):
                    self.network.load_state_dict(last_good)
                    raise TrainingStopped(f"Update {update} met a loss that is not finite.", last_good)
                self._optimiser.step(rate)
                numbers.append(torch.cat([row, norm.detach().reshape(1)]))
            epochs_done += 1
            moved = float(torch.stack(numbers[first:])[:, 3].mean())
            if config.target_kl is not None and moved > config.target_kl:
                break
        return self._diagnose(rollout, torch.stack(numbers), update, steps, rate, epochs_done)

    def _loss(self, flat: Rollout, part: Tensor, entropy_weight: float) -> tuple[Tensor, Tensor]:
        config = self.config
        logits, values = self.network(flat.observations[part])
        log_all = masked_log_probabilities(logits, flat.masks[part])
        log_new = log_all.gather(1, flat.actions[part][:, None]).squeeze(1)
        log_ratio = log_new - flat.log_probabilities[part]
        ratio = log_ratio.exp()
        advantages = flat.advantages[part]
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        clipped = ratio.clamp(1.0 - config.clip, 1.0 + config.clip)
        policy_loss = -torch.minimum(ratio * advantages, clipped * advantages).mean()
        returns = flat.returns[part]
        squared = (values - returns) ** 2
        if config.value_clip is not None:
            old = flat.values[part]
            near = old + (values - old).clamp(-config.value_clip, config.value_clip)
            squared = torch.maximum(squared, (near - returns) ** 2)
        value_loss = 0.5 * squared.mean()
        entropy = -(log_all.exp() * log_all).sum(dim=-1).mean()
        loss = policy_loss + config.value_coefficient * value_loss - entropy_weight * entropy
        with torch.no_grad():
            # Schulman's low-variance estimator of the divergence: always >= 0.
            approx_kl = (ratio - 1.0 - log_ratio).mean()
            clip_fraction = ((ratio - 1.0).abs() > config.clip).float().mean()
            row = torch.stack([policy_loss, value_loss, entropy, approx_kl, clip_fraction]).detach()
        return loss, row

    def _diagnose(
        self, rollout: Rollout, numbers: Tensor, update: int, steps: int, rate: float, epochs_done: int
    ) -> UpdateDiagnostics:
        policy_loss, value_loss, entropy, _, clip_fraction, norm = numbers.double().mean(dim=0).tolist()
        spread = rollout.returns.double().var()
        residual = (rollout.returns - rollout.values).double().var()
        explained = float(1.0 - residual / spread) if float(spread) > 0 else 0.0
        return UpdateDiagnostics(
            update=update,
            steps=steps,
            mean_reward=float(rollout.rewards.double().mean()),
            entropy=entropy,
            approx_kl=float(numbers[-self.config.minibatches :, 3].double().mean()),
            clip_fraction=clip_fraction,
            explained_variance=explained,
            value_loss=value_loss,
            policy_loss=policy_loss,
            gradient_norm=norm,
            learning_rate=rate,
            epochs_done=epochs_done,
        )

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(values).to(self._device)
