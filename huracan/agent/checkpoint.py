"""A trained policy as bytes and back: safetensors, the normaliser inside, the agreement in the header.

No pickle. Whoever loads a checkpoint gets the same actions to the bit, or a refusal with the reason.
"""

import hashlib
import json
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from huracan.agent.network import PolicyValueNetwork
from huracan.agent.normaliser import Normaliser
from huracan.agent.trained_policy import GreedyPolicy
from huracan.errors import InputRefused
from huracan.market.actions import ACTION_NAMES, ACTION_VERSION
from huracan.market.observation import OBSERVATION_VERSION

FORMAT = "huracan-policy-1"
_STATISTICS = ("mean", "variance", "count", "is_scaled")


def save_policy(policy: GreedyPolicy, hidden: tuple[int, ...], training: dict[str, Any]) -> bytes:
    """The checkpoint's bytes: a pure function of the weights, the normaliser and `training` (JSON-able)."""
    tensors = {
        f"network.{name}": value.cpu().contiguous() for name, value in policy.network.state_dict().items()
    }
    for name in _STATISTICS:
        tensors[f"normaliser.{name}"] = torch.from_numpy(
            np.ascontiguousarray(getattr(policy.normaliser, name))
        )
    agreement = {
        "format": FORMAT,
        "observation_version": OBSERVATION_VERSION,
        "observation_names": list(policy.observation_names),
        "action_version": ACTION_VERSION,
        "action_names": list(ACTION_NAMES),
        "hidden": list(hidden),
        "activation": "tanh",
        "normaliser_clip": policy.normaliser.clip,
        "training": training,
    }
    # One metadata key: safetensors keeps several in an unordered map, and the bytes would differ by chance.
    return bytes(save(tensors, {"huracan": json.dumps(agreement, sort_keys=True)}))


def model_id_of(checkpoint: bytes) -> str:
    """The first 16 hex digits of the SHA-256 of the bytes."""
    return hashlib.sha256(checkpoint).hexdigest()[:16]


def read_agreement(checkpoint: bytes) -> dict[str, Any]:
    """The header's metadata. InputRefused where the bytes are no checkpoint of this format."""
    # The safetensors layout: 8 bytes of header length, little endian, then JSON.
    length = int.from_bytes(checkpoint[:8], "little")
    try:
        header = json.loads(checkpoint[8 : 8 + length])
        agreement: dict[str, Any] = json.loads(header["__metadata__"]["huracan"])
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged() from error
    if agreement.get("format") != FORMAT:
        raise InputRefused(
            f"The checkpoint's format is {agreement.get('format')!r} and not {FORMAT!r}.", "Train it again."
        )
    return agreement


def load_policy(checkpoint: bytes, observation_names: tuple[str, ...] | None = None) -> GreedyPolicy:
    """The policy of `checkpoint`. InputRefused where it is damaged or speaks of other columns or actions.

    `observation_names`, where given, must equal the checkpoint's, in order.
    """
    agreement = read_agreement(checkpoint)
    names = tuple(agreement["observation_names"])
    if tuple(agreement["action_names"]) != ACTION_NAMES or agreement["action_version"] != ACTION_VERSION:
        raise InputRefused("The checkpoint has another list of actions.", "Train it again with this version.")
    if agreement["observation_version"] != OBSERVATION_VERSION:
        raise InputRefused("The checkpoint has another version of the observation.", "Train it again.")
    if observation_names is not None and names != observation_names:
        differing = sorted(set(names) ^ set(observation_names))[:5]
        raise InputRefused(
            f"The checkpoint was trained on other columns (differing: {differing or 'their order'}).",
            "Train it again on this recipe, or load it with its own.",
        )
    tensors = _tensors(checkpoint)
    hidden = tuple(int(size) for size in agreement["hidden"])
    network = PolicyValueNetwork(len(names), len(ACTION_NAMES), hidden, torch.Generator().manual_seed(0))
    expected = network.state_dict()
    weights = {name: _tensor(tensors, f"network.{name}", value.shape) for name, value in expected.items()}
    statistics = {name: _tensor(tensors, f"normaliser.{name}", (len(names),)) for name in _STATISTICS}
    network.load_state_dict(weights)
    normaliser = Normaliser(len(names), clip=float(agreement["normaliser_clip"]))
    normaliser.restore(*(statistics[name].numpy().copy() for name in _STATISTICS))
    return GreedyPolicy(network.eval(), normaliser, names, model_id_of(checkpoint))


def _tensors(checkpoint: bytes) -> dict[str, torch.Tensor]:
    try:
        return dict(load(checkpoint))
    except (SafetensorError, ValueError) as error:
        raise _damaged() from error


def _tensor(tensors: dict[str, torch.Tensor], name: str, shape: tuple[int, ...]) -> torch.Tensor:
    found = tensors.get(name)
    if found is None or tuple(found.shape) != tuple(shape) or not bool(torch.isfinite(found).all()):
        raise _damaged()
    return found


def _damaged() -> InputRefused:
    return InputRefused("The checkpoint is damaged or cut short.", "Fetch or train it again.")
