"""A trained policy in plain arrays: read from a checkpoint and evaluated with NumPy alone.

A consumer of a brain needs no torch and no compiler. Training and saving live in the agent.
"""

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.agent.bias_config import BiasConfig
from huracan.agent.policy.context_bias import ContextBias
from huracan.agent.policy.formats import BY_KIND, FORMATS
from huracan.agent.policy.sealed_tensors import read_facts, unseal
from huracan.errors import InputRefused, InvalidInput
from huracan.market.actions import action_kinds
from huracan.market.choice import choose

Floats = NDArray[np.float32]
Layer = tuple[Floats, Floats]

MASKED = np.float32(-1e9)
"""The logit of an illegal action: its probability is exactly 0 beside any legal one."""


@dataclass(frozen=True)
class PolicyWeights:
    """Two tanh towers and the scaling before them. Each layer is (weight [out, in], bias [out])."""

    policy: tuple[Layer, ...]
    value: tuple[Layer, ...]
    value_scale: float
    """What the value tower's output is multiplied by."""
    shift: Floats
    scale: Floats
    """[width] scaled = (raw - shift) * scale, then NaN to 0, then clipped to +-clip."""
    is_scaled: NDArray[np.bool_]
    """[width] false where a column stays as it is, and must be known."""
    clip: float
    observation_names: tuple[str, ...]
    action_names: tuple[str, ...]
    action_kinds: tuple[str, ...]
    """The kind of each, that decides first; each a kind by itself in a policy that knew of none."""
    bias: ContextBias
    """What the context adds to the logits, from the raw observations."""

    def bias_ranges(self) -> list[tuple[int, float, float]]:
        """(column, where it is 0, where it is 1) of every ramp that the bias has."""
        slopes, offsets = self.bias.slopes.astype(float), self.bias.offsets.astype(float)
        return [
            (int(self.bias.columns[t, k]), -offsets[t, k] / slopes[t, k], (1 - offsets[t, k]) / slopes[t, k])
            for t, k in np.argwhere(slopes)
        ]


@dataclass(frozen=True)
class Answer:
    """What a policy says to raw observations, float32 [rows, ...], and the action that it takes."""

    logits: Floats
    """[rows, actions] of the network alone."""
    bias_terms: Floats
    """[rows, terms]"""
    bias: Floats
    """[rows, actions]"""
    probabilities: Floats
    """[rows, actions] of logits + bias, 0 where illegal."""
    actions: NDArray[np.int64]
    """[rows] the most probable legal one of the most probable kind."""


def read_policy_weights(checkpoint: bytes) -> PolicyWeights:
    """The weights in a checkpoint of `huracan.agent`; InputRefused where it is damaged or another format."""
    facts = read_facts(checkpoint)
    if facts.get("format") not in FORMATS or facts.get("activation") != "tanh":
        raise InputRefused(
            f"policy.safetensors has the format {facts.get('format')!r}, none of {', '.join(FORMATS)}.",
            "Load the brain with the version of huracan that made it.",
        )
    tensors, facts = unseal(checkpoint)
    try:
        depth = len(facts["hidden"]) + 1
        value_scale, clip = float(facts["value_scale"]), float(facts["normaliser_clip"])
        if not (0.0 < value_scale < math.inf and 0.0 < clip < math.inf):
            raise ValueError("value_scale or normaliser_clip is not a positive number")
        names = tuple(facts["action_names"])
        return PolicyWeights(
            policy=_tower(tensors, "policy", depth),
            value=_tower(tensors, "value", depth),
            value_scale=value_scale,
            shift=tensors["normaliser.shift"],
            scale=tensors["normaliser.scale"],
            is_scaled=tensors["normaliser.is_scaled"].astype(bool),
            clip=clip,
            observation_names=tuple(facts["observation_names"]),
            action_names=names,
            action_kinds=action_kinds(names) if facts["format"] == BY_KIND else names,
            bias=_bias(facts),
        )
    except (KeyError, TypeError, ValueError, InvalidInput) as error:
        raise InputRefused(
            f"policy.safetensors is no readable checkpoint ({error}).", "Fetch or train it again."
        ) from error


def answer(weights: PolicyWeights, observations: Floats, masks: NDArray[np.bool_]) -> Answer:
    """What the policy says to raw `observations` [rows, width], NaN where not defined."""
    raw = np.asarray(observations, dtype=np.float32)
    logits = run_tower(weights.policy, scale_observations(weights, raw))
    terms = weights.bias.terms(raw)
    bias = weights.bias.of_terms(terms)
    biased = logits + bias
    probabilities = masked_probabilities(biased, masks)
    return Answer(logits, terms, bias, probabilities, choose(biased, masks, weights.action_kinds))


def scale_observations(weights: PolicyWeights, observations: Floats) -> Floats:
    """float32 [rows, width], finite and within +-clip."""
    with np.errstate(invalid="ignore"):
        scaled = (np.asarray(observations, dtype=np.float32) - weights.shift) * weights.scale
    known = np.where(np.isnan(scaled), np.float32(0.0), scaled)
    return np.clip(known, -weights.clip, weights.clip).astype(np.float32)


def run_value(weights: PolicyWeights, scaled: Floats) -> Floats:
    """float32 [rows] the expected sum of discounted rewards."""
    return run_tower(weights.value, scaled)[:, 0] * np.float32(weights.value_scale)


def run_tower(layers: tuple[Layer, ...], scaled: Floats) -> Floats:
    """float32 [rows, outputs]: tanh between the layers, none after the last."""
    hidden = scaled
    for weight, bias in layers[:-1]:
        hidden = np.tanh(hidden @ weight.T + bias)
    weight, bias = layers[-1]
    return np.asarray(hidden @ weight.T + bias, dtype=np.float32)


def masked_probabilities(logits: Floats, masks: NDArray[np.bool_]) -> Floats:
    """float32 [rows, actions], softmax over the legal actions. InvalidInput where a row has none."""
    if masks.shape != logits.shape or not masks.any(axis=1).all():
        raise InvalidInput(
            f"Masks of shape {masks.shape} do not leave an action to each of {len(logits)} rows.",
            f"Give one row of {logits.shape[1]} truths per observation, at least one of them true.",
        )
    legal = np.where(masks, logits, MASKED)
    powers = np.exp(legal - legal.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


def _bias(facts: dict[str, Any]) -> ContextBias:
    """A policy without a bias has one that is off."""
    stored = facts["bias"]
    config = BiasConfig(is_on=False) if stored is None else BiasConfig.from_json(json.dumps(stored))
    return ContextBias(facts["observation_names"], facts["action_names"], config)


def _tower(tensors: dict[str, NDArray[Any]], name: str, depth: int) -> tuple[Layer, ...]:
    return tuple(
        (tensors[f"network.{name}.{2 * index}.weight"], tensors[f"network.{name}.{2 * index}.bias"])
        for index in range(depth)
    )
