"""The policy and value networks: two separate small towers. No training and no environment here."""

import math

import torch
from torch import Tensor, nn

MASKED = -1e9


class PolicyValueNetwork(nn.Module):
    """Observations [rows, width] -> logits [rows, actions] and values [rows]; tanh towers that share nothing.

    Orthogonal weights (gain sqrt 2; 0.01 for the policy's head, 1 for the value's) and zero biases, as in
    "The 37 Implementation Details of PPO", details 2 and 13. `initial_bias` [actions] is the policy head's
    first bias: it sets how often each action is tried before anything is known.
    """

    def __init__(
        self,
        width: int,
        actions: int,
        hidden: tuple[int, ...],
        generator: torch.Generator,
        initial_bias: tuple[float, ...] | None = None,
    ) -> None:
        super().__init__()
        self.policy = _tower(width, hidden, actions, 0.01, generator)
        self.value = _tower(width, hidden, 1, 1.0, generator)
        if initial_bias is not None:
            with torch.no_grad():
                self.policy[-1].get_parameter("bias").copy_(torch.tensor(initial_bias))

    def forward(self, observations: Tensor) -> tuple[Tensor, Tensor]:
        return self.policy(observations), self.value(observations).squeeze(-1)


def _tower(
    width: int, hidden: tuple[int, ...], outputs: int, head_gain: float, generator: torch.Generator
) -> nn.Sequential:
    layers: list[nn.Module] = []
    for size in hidden:
        layers += [_linear(width, size, math.sqrt(2.0), generator), nn.Tanh()]
        width = size
    return nn.Sequential(*layers, _linear(width, outputs, head_gain, generator))


def _linear(inputs: int, outputs: int, gain: float, generator: torch.Generator) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(layer.weight, gain, generator=generator)
    nn.init.zeros_(layer.bias)
    return layer


def masked_log_probabilities(logits: Tensor, masks: Tensor) -> Tensor:
    """Log-softmax over the legal actions; illegal ones get a probability of exactly 0."""
    return torch.log_softmax(logits.masked_fill(~masks, MASKED), dim=-1)


def sample_actions(log_probabilities: Tensor, generator: torch.Generator) -> Tensor:
    """One action per row by inverting the cumulative distribution; never one of probability 0."""
    cumulative = log_probabilities.double().exp().cumsum(dim=-1)
    uniform = torch.rand(cumulative.shape[0], 1, generator=generator, dtype=torch.float64)
    drawn = uniform.to(cumulative.device) * cumulative[:, -1:]
    return (cumulative <= drawn).sum(dim=-1)
