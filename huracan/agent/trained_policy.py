"""A frozen policy: normaliser and network, deciding greedily. What the shadow session and a brain use."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from huracan.agent.network import PolicyValueNetwork, masked_log_probabilities
from huracan.agent.normaliser import Normaliser
from huracan.market.policy import Decision


@dataclass(frozen=True, eq=False)
class GreedyPolicy:
    """Takes the most probable legal action. `observation_names` say what each column must be."""

    network: PolicyValueNetwork
    normaliser: Normaliser
    observation_names: tuple[str, ...]
    model_id: str = ""

    def decide(self, observations: NDArray[np.float32], masks: NDArray[np.bool_]) -> Decision:
        """Raw observations [lanes, width] and masks [lanes, actions] to one Decision."""
        with torch.inference_mode():
            logits, values = self.network(torch.from_numpy(self.normaliser.apply(observations)))
            log_probabilities = masked_log_probabilities(logits, torch.from_numpy(masks))
        return Decision(
            actions=log_probabilities.argmax(dim=-1).numpy(),
            logits=logits.numpy(),
            probabilities=log_probabilities.exp().numpy(),
            values=values.numpy(),
        )
