"""The policy and value networks as a torch module: two separate small towers. No training happens here."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from huracan.agent.layout import layer_shapes, named_weights


class PolicyValueNetwork(nn.Module):
    """Observations [rows, width] -> logits [rows, actions] and values [rows]; tanh towers that share nothing.

    `weights` are flat, as `layout` says. With `mixed_precision` the hidden layers multiply in bfloat16; the
    heads stay in float32, because a probability ratio or a value of 8 bits is too coarse to learn from.
    """

    def __init__(
        self, width: int, actions: int, hidden: tuple[int, ...], weights: NDArray[np.float32] | None = None
    ) -> None:
        super().__init__()
        self.policy, self.value = _tower(width, hidden, actions), _tower(width, hidden, 1)
        self.mixed_precision = False
        if weights is not None:
            views = named_weights(weights.copy(), width, actions, hidden)
            self.load_state_dict({name: torch.from_numpy(view) for name, view in views.items()})

    def forward(self, observations: Tensor) -> tuple[Tensor, Tensor]:
        return self._run(self.policy, observations), self._run(self.value, observations).squeeze(-1)

    def _run(self, tower: nn.Sequential, observations: Tensor) -> Tensor:
        kind = observations.device.type
        with torch.autocast(kind, torch.bfloat16, enabled=self.mixed_precision):
            hidden = tower[:-1](observations)
        head: Tensor = tower[-1](hidden.float())
        return head


def _tower(width: int, hidden: tuple[int, ...], outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for index, (out, into) in enumerate(layer_shapes(width, outputs, hidden)):
        layers += [nn.Linear(into, out)] + [nn.Tanh()] * (index < len(hidden))
    return nn.Sequential(*layers)


def log_probabilities(logits: Tensor, offsets: Tensor) -> Tensor:
    """Log-softmax of logits + offsets; where the offset is ILLEGAL the probability is exactly 0."""
    return torch.log_softmax(logits + offsets, dim=-1)
