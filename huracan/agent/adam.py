"""Adam over all of a network's parameters as one vector. Knows nothing of what is being minimised."""

import torch
from torch import Tensor, nn


class FlatAdam:
    """Adam (Kingma and Ba 2015) with global gradient clipping.

    The network's weights and gradients become views of two vectors: a step is a handful of calls however
    many layers there are. And torch.optim imports torch's compiler, three seconds of every night.
    """

    def __init__(
        self, network: nn.Module, epsilon: float, decays: tuple[float, float] = (0.9, 0.999)
    ) -> None:
        parameters = list(network.parameters())
        self._weights = torch.cat([parameter.detach().reshape(-1) for parameter in parameters])
        self._gradients = torch.zeros_like(self._weights)
        self._mean, self._square = torch.zeros_like(self._weights), torch.zeros_like(self._weights)
        self._epsilon, self._decays, self._steps = epsilon, decays, 0
        start = 0
        for parameter in parameters:
            stop = start + parameter.numel()
            parameter.data = self._weights[start:stop].view_as(parameter)
            parameter.grad = self._gradients[start:stop].view_as(parameter)
            start = stop

    def clear(self) -> None:
        """Sets every gradient to 0."""
        self._gradients.zero_()

    def clip(self, maximum_norm: float) -> Tensor:
        """Scales the gradient down to `maximum_norm` where it is longer; returns its length before."""
        norm: Tensor = torch.linalg.vector_norm(self._gradients)
        self._gradients.mul_((maximum_norm / (norm + 1e-6)).clamp(max=1.0))
        return norm

    def step(self, learning_rate: float) -> None:
        """Moves the weights."""
        first, second = self._decays
        self._steps += 1
        self._mean.lerp_(self._gradients, 1.0 - first)
        self._square.mul_(second).addcmul_(self._gradients, self._gradients, value=1.0 - second)
        spread = (self._square / (1.0 - second**self._steps)).sqrt_().add_(self._epsilon)
        self._weights.addcdiv_(self._mean, spread, value=-learning_rate / (1.0 - first**self._steps))
