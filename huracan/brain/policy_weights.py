"""A trained policy in plain arrays: read from a checkpoint and evaluated with NumPy alone.

A consumer of a brain needs no torch. Training and saving live in the agent.
"""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.errors import InputRefused, InvalidInput

Floats = NDArray[np.float32]
Layer = tuple[Floats, Floats]

FORMAT = "huracan-policy-1"
MASKED = np.float32(-1e9)
"""The logit of an illegal action: its probability is exactly 0 beside any legal one."""
VARIANCE_FLOOR = 1e-8


@dataclass(frozen=True)
class PolicyWeights:
    """Two tanh towers and the scaling before them. Each layer is (weight [out, in], bias [out])."""

    policy: tuple[Layer, ...]
    value: tuple[Layer, ...]
    shift: Floats
    scale: Floats
    """[width] scaled = (raw - shift) * scale, then NaN to 0, then clipped to +-clip."""
    clip: float
    observation_names: tuple[str, ...]
    action_names: tuple[str, ...]


def read_policy_weights(checkpoint: bytes) -> PolicyWeights:
    """The weights in a checkpoint of `huracan.agent`; InputRefused where it is damaged or another format."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        tensors = load(checkpoint)
        agreement = _agreement(checkpoint)
        if agreement["format"] != FORMAT or agreement["activation"] != "tanh":
            raise InputRefused(
                f"policy.safetensors has the format {agreement['format']!r}, not {FORMAT!r}.",
                "Load the brain with the version of huracan that made it.",
            )
        depth = len(agreement["hidden"]) + 1
        deviation = np.sqrt(np.maximum(tensors["normaliser.variance"], VARIANCE_FLOOR))
        scaled = tensors["normaliser.is_scaled"]
        return PolicyWeights(
            policy=_tower(tensors, "policy", depth),
            value=_tower(tensors, "value", depth),
            shift=np.where(scaled, tensors["normaliser.mean"], 0.0).astype(np.float32),
            scale=np.where(scaled, 1.0 / deviation, 1.0).astype(np.float32),
            clip=float(agreement["normaliser_clip"]),
            observation_names=tuple(agreement["observation_names"]),
            action_names=tuple(agreement["action_names"]),
        )
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputRefused(
            f"policy.safetensors is no readable checkpoint ({error}).", "Fetch or train it again."
        ) from error


def scale_observations(weights: PolicyWeights, observations: Floats) -> Floats:
    """float32 [rows, width], finite and within +-clip."""
    scaled = (np.asarray(observations, dtype=np.float32) - weights.shift) * weights.scale
    known = np.where(np.isnan(scaled), np.float32(0.0), scaled)
    return np.clip(known, -weights.clip, weights.clip).astype(np.float32)


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


def _tower(tensors: dict[str, NDArray[Any]], name: str, depth: int) -> tuple[Layer, ...]:
    return tuple(
        (tensors[f"network.{name}.{2 * place}.weight"], tensors[f"network.{name}.{2 * place}.bias"])
        for place in range(depth)
    )


def _agreement(checkpoint: bytes) -> dict[str, Any]:
    # The safetensors layout: 8 bytes of header length, little endian, then JSON.
    length = int.from_bytes(checkpoint[:8], "little")
    header = json.loads(checkpoint[8 : 8 + length])
    agreement: dict[str, Any] = json.loads(header["__metadata__"]["huracan"])
    return agreement
