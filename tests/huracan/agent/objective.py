"""The objective of `huracan.agent.ppo`, written once more in torch and float64, with autograd's gradients.

What both engines are tested against.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from huracan.agent.config import PPOConfig
from huracan.agent.layout import weight_names
from huracan.agent.rollout import Rollout


class Reference:
    """The network, the objective term by term, its gradient, and Adam after its paper."""

    def __init__(self, width: int, actions: int, config: PPOConfig, weights: NDArray[np.float32]) -> None:
        self.config, self.flat = config, torch.tensor(weights, dtype=torch.float64, requires_grad=True)
        self.shapes = weight_names(width, actions, config.hidden)
        self.mean, self.square, self.steps = torch.zeros_like(self.flat), torch.zeros_like(self.flat), 0

    def forward(self, observations: NDArray[np.float32]) -> tuple[Tensor, Tensor]:
        sizes = [int(np.prod(shape)) for shape in self.shapes.values()]
        named = dict(zip(self.shapes, self.flat.split(sizes), strict=True))
        out = {}
        for tower in ("policy", "value"):
            cells, layers = torch.tensor(observations, dtype=torch.float64), len(self.config.hidden)
            for layer in range(layers + 1):
                name = f"{tower}.{2 * layer}."
                weight = named[name + "weight"].view(self.shapes[name + "weight"])
                cells = cells @ weight.T + named[name + "bias"]
                cells = cells.tanh() if layer < layers else cells
            out[tower] = cells
        return out["policy"], out["value"].squeeze(-1)

    def log_probabilities(self, rollout: Rollout) -> tuple[Tensor, Tensor]:
        logits, values = self.forward(rollout.observations)
        return torch.log_softmax(logits + torch.tensor(rollout.offsets), dim=-1), values

    def losses(self, rollout: Rollout, entropy_coefficient: float) -> list[Tensor]:
        """UPDATE_COLUMNS without the gradient's norm: policy_loss, value_loss, entropy and what is only told,
        then the objective."""
        config = self.config
        log_all, values = self.log_probabilities(rollout)
        log_new = log_all.gather(1, torch.tensor(rollout.actions)[:, None]).squeeze(1)
        log_ratio = log_new - torch.tensor(rollout.log_probabilities)
        ratio, advantages = log_ratio.exp(), torch.tensor(rollout.advantages).double()
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        clipped = ratio.clamp(1 - config.clip, 1 + config.clip)
        policy = -torch.minimum(ratio * advantages, clipped * advantages).mean()
        target, old = torch.tensor(rollout.returns), torch.tensor(rollout.values)
        squared = (values - target) ** 2
        if config.value_clip is not None:
            near = old + (values - old).clamp(-config.value_clip, config.value_clip)
            squared = torch.maximum(squared, (near - target) ** 2)
        value = 0.5 * squared.mean()
        entropy = -(log_all.exp() * log_all).sum(dim=-1).mean()
        kl = (ratio - 1 - log_ratio).mean()
        share = ((ratio - 1).abs() > config.clip).double().mean()
        loss = policy + config.value_coefficient * value - entropy_coefficient * entropy
        return [policy, value, entropy, kl, share, loss]

    def gradient(self, rollout: Rollout, entropy_coefficient: float) -> tuple[NDArray[np.float64], Tensor]:
        *told, loss = self.losses(rollout, entropy_coefficient)
        (gradient,) = torch.autograd.grad(loss, self.flat)
        numbers = [*(each.item() for each in told), gradient.norm().item(), loss.item()]
        return np.array(numbers), gradient

    def step(self, rollout: Rollout, learning_rate: float, entropy_coefficient: float) -> NDArray[np.float64]:
        told, gradient = self.gradient(rollout, entropy_coefficient)
        gradient = gradient * min(1.0, self.config.maximum_gradient_norm / (told[5] + 1e-6))
        self.steps += 1
        self.mean = 0.9 * self.mean + 0.1 * gradient
        self.square = 0.999 * self.square + 0.001 * gradient**2
        spread = (self.square / (1 - 0.999**self.steps)).sqrt() + self.config.adam_epsilon
        moved = self.flat.detach() - learning_rate / (1 - 0.9**self.steps) * self.mean / spread
        self.flat = moved.requires_grad_()
        return told


def rows_of(rollout: Rollout, order: NDArray[np.int64]) -> Rollout:
    """The rows `order` of a flat rollout."""
    return Rollout(**{name: array[order] for name, array in vars(rollout).items()})
