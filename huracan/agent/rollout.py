"""What was seen and done between two updates, and the advantages of it. No network and no loss here."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Rollout:
    """[steps, lanes, ...], flattened by `flat` to [steps x lanes, ...]."""

    observations: Tensor
    """Normalised, as the network saw them."""
    masks: Tensor
    actions: Tensor
    log_probabilities: Tensor
    """Of the actions taken, when they were taken."""
    values: Tensor
    rewards: Tensor
    ended: Tensor
    """1 where the episode ended with the step."""
    advantages: Tensor
    returns: Tensor

    def flat(self) -> "Rollout":
        """The same memory with steps and lanes in one axis."""
        return Rollout(*(value.flatten(0, 1) for value in vars(self).values()))


def empty_rollout(steps: int, lanes: int, width: int, actions: int, device: torch.device) -> Rollout:
    """Memory for a rollout on `device`, not yet filled."""

    def empty(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.empty(steps, lanes, *shape, dtype=dtype, device=device)

    return Rollout(
        observations=empty(width),
        masks=empty(actions, dtype=torch.bool),
        actions=empty(dtype=torch.int64),
        log_probabilities=empty(),
        values=empty(),
        rewards=empty(),
        ended=empty(),
        advantages=empty(),
        returns=empty(),
    )


def generalised_advantages(
    rewards: Tensor, values: Tensor, ended: Tensor, last_values: Tensor, gamma: float, gae_lambda: float
) -> Tensor:
    """GAE(gamma, lambda) of Schulman et al. 2016, eq. 16. [steps, lanes]; `ended[t]` cuts after step t.

    `last_values` [lanes] are the values of the observations after the last step.
    """
    advantages = torch.zeros_like(rewards)
    following, ahead = last_values, torch.zeros_like(last_values)
    for step in range(rewards.shape[0] - 1, -1, -1):
        alive = 1.0 - ended[step]
        delta = rewards[step] + gamma * following * alive - values[step]
        ahead = delta + gamma * gae_lambda * alive * ahead
        advantages[step] = ahead
        following = values[step]
    return advantages
