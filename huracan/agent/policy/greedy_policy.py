"""A frozen policy: normaliser, contextual bias and network, deciding greedily. What a session trades with.

It computes with the engine that learned on the processor, so that it decides what was trained.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.agent.config import PPOConfig
from huracan.agent.engine import ILLEGAL, Engine
from huracan.agent.engines.devices import EngineChoice, make_engine
from huracan.agent.normaliser import Normaliser
from huracan.agent.policy.context_bias import ContextBias
from huracan.errors import InvalidInput
from huracan.market.actions import action_kinds
from huracan.market.choice import choose
from huracan.market.policy import Decision

Floats32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class GreedyPolicy:
    """Takes the most probable legal action of the most probable kind, as `choose` says."""

    weights: Floats32
    """Flat, as `layout` says."""
    hidden: tuple[int, ...]
    normaliser: Normaliser
    observation_names: tuple[str, ...]
    """What each column must be."""
    action_names: tuple[str, ...]
    bias: ContextBias | None = None
    value_scale: float = 1.0
    """What rewards were divided by when the values were learned."""
    model_id: str = ""
    decides_by_kind: bool = True
    """False where every action is a kind by itself, as policies of the format before decided."""

    def decide(self, observations: Floats32, masks: NDArray[np.bool_]) -> Decision:
        """Raw observations [lanes, width] and masks [lanes, actions] to one Decision.

        A lane's decision depends on its own row alone, to the bit. InvalidInput where the shapes are not the
        policy's or a row has no legal action; InputRefused where a value is infinite, or lacks in a column of
        state.
        """
        self._check(observations, masks)
        lanes, actions = masks.shape
        logits, values = self._engine.logits(self.normaliser.apply(observations))
        if self.bias is None:
            terms, bias = np.zeros((lanes, 0), np.float32), np.zeros((lanes, actions), np.float32)
        else:
            terms = self.bias.terms(observations)
            bias = self.bias.of_terms(terms)
        biased = logits + np.where(masks, bias, ILLEGAL)
        powers = np.exp(biased - biased.max(axis=1, keepdims=True))
        return Decision(
            actions=choose(biased, masks, self.kinds),
            logits=logits,
            bias=bias,
            bias_terms=terms,
            probabilities=powers / powers.sum(axis=1, keepdims=True),
            values=values * np.float32(self.value_scale),
            kinds=self.kinds,
        )

    @property
    def kinds(self) -> tuple[str, ...]:
        """[actions] the kind of each; none where each is one by itself."""
        return action_kinds(self.action_names) if self.decides_by_kind else ()

    def __getstate__(self) -> dict[str, Any]:
        # Whoever unpacks it makes an engine of its own.
        return {name: value for name, value in vars(self).items() if name != "_engine"}

    def _check(self, observations: Floats32, masks: NDArray[np.bool_]) -> None:
        wanted = (len(masks), len(self.observation_names))
        if observations.shape != wanted or masks.shape != (len(masks), len(self.action_names)):
            raise InvalidInput(
                f"Observations of shape {observations.shape} and masks of shape {masks.shape} were given to a"
                f" policy of {len(self.observation_names)} columns and {len(self.action_names)} actions.",
                "Use the recipe and the rules that the policy was trained with.",
            )
        if not masks.any(axis=1).all():
            raise InvalidInput("A row of the masks has no legal action.", "Give at least one.")

    @cached_property
    def _engine(self) -> Engine:
        width, actions = len(self.observation_names), len(self.action_names)
        # Nothing of the configuration but the widths of the layers matters when nothing is learned.
        config = PPOConfig(hidden=self.hidden)
        return make_engine(width, actions, config, self.weights, EngineChoice("cpu"))
