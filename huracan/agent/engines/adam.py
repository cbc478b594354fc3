"""Adam over all of a network's parameters as one vector, in torch. Knows nothing of what is minimised."""

import torch
from torch import Tensor, nn

from huracan.agent.engine import ADAM_DECAYS


class FlatAdam:
    """Adam (Kingma and Ba 2015) with global gradient clipping.

    The network's weights and gradients become views of two vectors: a step is a handful of calls however
    many layers there are. And torch.optim imports torch's compiler, three seconds of every night.
    """

    def __init__(self, network: nn.Module, epsilon: float) -> None:
        parameters = list(network.parameters())
        self.weights = torch.cat([parameter.detach().reshape(-1) for parameter in parameters])
        self.gradients = torch.zeros_like(self.weights)
        self.mean, self.square = torch.zeros_like(self.weights), torch.zeros_like(self.weights)
        self.steps = 0
        self._epsilon = epsilon
        start = 0
        for parameter in parameters:
            stop = start + parameter.numel()
            parameter.data = self.weights[start:stop].view_as(parameter)
            parameter.grad = self.gradients[start:stop].view_as(parameter)
            start = stop

    def clear(self) -> None:
        """Sets every gradient to 0."""
        self.gradients.zero_()

    def clip(self, maximum_norm: float) -> Tensor:
        """Scales the gradient down to `maximum_norm` where it is longer; returns its length before."""
        norm: Tensor = torch.linalg.vector_norm(self.gradients)
        self.gradients.mul_((maximum_norm / (norm + 1e-6)).clamp(max=1.0))
        return norm

    def step(self, learning_rate: float, applies: Tensor | None = None) -> None:
        """Moves the weights. Where `applies`, a truth on the device, is false, nothing changes but `steps`:
        asking for it on the host would wait for the device at every step."""
        first, second = ADAM_DECAYS
        self.steps += 1
        mean = self.mean.lerp(self.gradients, 1.0 - first)
        square = (self.square * second).addcmul_(self.gradients, self.gradients, value=1.0 - second)
        spread = (square / (1.0 - second**self.steps)).sqrt_().add_(self._epsilon)
        weights = self.weights.addcdiv(mean, spread, value=-learning_rate / (1.0 - first**self.steps))
        moved = (mean, square, weights)
        for kept, new in zip((self.mean, self.square, self.weights), moved, strict=True):
            kept.copy_(new if applies is None else torch.where(applies, new, kept))
