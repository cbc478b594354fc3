"""The engine in torch: gradients by autograd, on the processor or on CUDA, there in mixed precision.

The same numbers as `compiled_engine` within rounding. A rollout is moved to the device once per update.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from huracan.agent.config import PPOConfig
from huracan.agent.engine import UPDATE_COLUMNS, State
from huracan.agent.engines.adam import FlatAdam
from huracan.agent.engines.network import PolicyValueNetwork, log_probabilities
from huracan.agent.rollout import Rollout

Floats32 = NDArray[np.float32]
_LEARNED_FROM = (
    "observations", "offsets", "actions", "log_probabilities", "values", "advantages", "returns",
)  # fmt: skip


class TorchEngine:
    """`Engine` in torch; `mixed_precision` multiplies the hidden layers in bfloat16."""

    def __init__(
        self,
        width: int,
        actions: int,
        config: PPOConfig,
        weights: Floats32,
        device: str = "cpu",
        mixed_precision: bool = False,
    ) -> None:
        self._config, self._device = config, torch.device(device)
        self.network = PolicyValueNetwork(width, actions, config.hidden, weights).to(self._device)
        self.network.mixed_precision = mixed_precision
        self._optimiser = FlatAdam(self.network, config.adam_epsilon)
        self._rollout: dict[str, Tensor] = {}

    def act(
        self, observations: Floats32, offsets: Floats32, uniform: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], Floats32, Floats32]:
        with torch.inference_mode():
            logits, values = self.network(self._moved(observations))
            log_all = log_probabilities(logits, self._moved(offsets))
            partial = log_all.double().exp().cumsum(dim=-1)
            drawn = self._moved(uniform)[:, None] * partial[:, -1:]
            actions = (partial <= drawn).sum(dim=-1)
            taken = log_all.gather(1, actions[:, None]).squeeze(1)
            return actions.cpu().numpy(), taken.cpu().numpy(), values.cpu().numpy()

    def logits(self, observations: Floats32) -> tuple[Floats32, Floats32]:
        with torch.inference_mode():
            logits, values = self.network(self._moved(observations))
            return logits.cpu().numpy(), values.cpu().numpy()

    def values(self, observations: Floats32) -> Floats32:
        return self.logits(observations)[1]

    def begin_update(self, rollout: Rollout) -> None:
        self._rollout = {name: self._moved(getattr(rollout, name)) for name in _LEARNED_FROM}

    def pass_over(
        self, order: NDArray[np.int64], minibatches: int, learning_rate: float, entropy_coefficient: float
    ) -> NDArray[np.float64]:
        chosen = self._moved(order)
        # Shuffled once, so that a minibatch is a view and not seven gathers.
        shuffled = {name: values[chosen] for name, values in self._rollout.items()}
        rows, alive = [], torch.ones((), dtype=torch.bool, device=self._device)
        before, start = self._optimiser.steps, 0
        for size in (part.size for part in np.array_split(order, minibatches)):
            part = {name: values[start : start + size] for name, values in shuffled.items()}
            start += size
            loss, numbers = self._loss(part, entropy_coefficient)
            self._optimiser.clear()
            torch.autograd.backward(loss)
            norm = self._optimiser.clip(self._config.maximum_gradient_norm)
            alive = alive & torch.isfinite(loss) & torch.isfinite(norm)
            self._optimiser.step(learning_rate, alive)
            last = torch.stack([norm.detach(), loss.detach()])
            rows.append(torch.cat([numbers, last, alive.float().reshape(1)]))
        found = torch.stack(rows).double().cpu().numpy()
        made = int(found[:, -1].sum())
        self._optimiser.steps = before + made
        table = found[:, : len(UPDATE_COLUMNS)]
        table[made + 1 :] = np.nan
        return table

    def state(self) -> State:
        inner = self._optimiser
        moments = {"weights": inner.weights, "mean": inner.mean, "square": inner.square}
        state: State = {name: value.detach().cpu().numpy().copy() for name, value in moments.items()}
        return state | {"steps": np.array([inner.steps], np.int64)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        inner = self._optimiser
        with torch.no_grad():
            for name in ("weights", "mean", "square"):
                getattr(inner, name).copy_(torch.from_numpy(state[name]))
        inner.steps = int(state["steps"][0])

    def gradient(self, rollout: Rollout, entropy_coefficient: float) -> Floats32:
        """The flat gradient of the loss over all rows of a flat rollout, unclipped; nothing moves."""
        self.begin_update(rollout)
        self._optimiser.clear()
        torch.autograd.backward(self._loss(self._rollout, entropy_coefficient)[0])
        found: Floats32 = self._optimiser.gradients.cpu().numpy().copy()
        return found

    def _loss(self, part: dict[str, Tensor], entropy_coefficient: float) -> tuple[Tensor, Tensor]:
        """The overall loss and UPDATE_COLUMNS as far as approx_kl and clip_fraction."""
        config = self._config
        logits, values = self.network(part["observations"])
        log_all = log_probabilities(logits, part["offsets"])
        log_ratio = log_all.gather(1, part["actions"][:, None]).squeeze(1) - part["log_probabilities"]
        ratio = log_ratio.exp()
        advantages = part["advantages"]
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        clipped = ratio.clamp(1.0 - config.clip, 1.0 + config.clip)
        policy_loss = -torch.minimum(ratio * advantages, clipped * advantages).mean()
        squared = (values - part["returns"]) ** 2
        if config.value_clip is not None:
            old = part["values"]
            near = old + (values - old).clamp(-config.value_clip, config.value_clip)
            squared = torch.maximum(squared, (near - part["returns"]) ** 2)
        value_loss = 0.5 * squared.mean()
        entropy = -(log_all.exp() * log_all).sum(dim=-1).mean()
        loss = policy_loss + config.value_coefficient * value_loss - entropy_coefficient * entropy
        with torch.no_grad():
            approx_kl = (ratio - 1.0 - log_ratio).mean()
            clip_fraction = ((ratio - 1.0).abs() > config.clip).float().mean()
            row = torch.stack([policy_loss, value_loss, entropy, approx_kl, clip_fraction]).detach()
        return loss, row

    def _moved(self, values: NDArray[Any]) -> Tensor:
        return torch.from_numpy(values).to(self._device)
