"""A trained policy as bytes and back: safetensors, statistics and bias inside, the agreement in the header.

No pickle. Whoever loads a checkpoint gets the same actions to the bit, or a refusal with the reason.

Tensors: `network.<name>` for every name of `layout.weight_names`; `normaliser.<name>` for its STATISTICS, and
`normaliser.shift` and `normaliser.scale` as they are applied; `bias.weights` [terms, actions].
"""

import hashlib
import json
import math
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.agent.bias_config import BiasConfig
from huracan.agent.layout import named_weights, weight_names
from huracan.agent.normaliser import STATISTICS, Normaliser
from huracan.agent.policy.context_bias import ContextBias
from huracan.agent.policy.formats import BY_ACTION, BY_KIND, FORMATS
from huracan.agent.policy.greedy_policy import GreedyPolicy
from huracan.agent.policy.sealed_tensors import damaged, read_facts, seal, unseal
from huracan.errors import InputRefused, InvalidInput
from huracan.market.actions import ACTION_VERSION, action_names
from huracan.market.observation import OBSERVATION_VERSION


def save_policy(policy: GreedyPolicy, training: dict[str, Any]) -> bytes:
    """The checkpoint's bytes: a pure function of the policy and `training` (JSON-able)."""
    width, actions, bias = len(policy.observation_names), len(policy.action_names), policy.bias
    views = named_weights(policy.weights, width, actions, policy.hidden)
    tensors = {f"network.{name}": view for name, view in views.items()}
    statistics = policy.normaliser.state()
    applied = {"shift": policy.normaliser.shift, "scale": policy.normaliser.scale}
    tensors |= {f"normaliser.{name}": values for name, values in (statistics | applied).items()}
    tensors["bias.weights"] = np.zeros((0, actions), np.float32) if bias is None else bias.weights
    agreement = {
        "format": BY_KIND if policy.decides_by_kind else BY_ACTION,
        "observation_version": OBSERVATION_VERSION,
        "observation_names": list(policy.observation_names),
        "action_version": ACTION_VERSION,
        "action_names": list(policy.action_names),
        "hidden": list(policy.hidden),
        "activation": "tanh",
        "normaliser_clip": policy.normaliser.clip,
        "value_scale": policy.value_scale,
        "bias": None if bias is None else json.loads(bias.config.to_json()),
        "bias_terms": [] if bias is None else list(bias.term_names),
        "training": training,
    }
    return seal(tensors, agreement)


def model_id_of(checkpoint: bytes) -> str:
    """The first 16 hex digits of the SHA-256 of the bytes."""
    return hashlib.sha256(checkpoint).hexdigest()[:16]


def read_agreement(checkpoint: bytes) -> dict[str, Any]:
    """The header's metadata. InputRefused where the bytes are no checkpoint of a known format."""
    agreement = read_facts(checkpoint)
    if agreement.get("format") not in FORMATS:
        raise InputRefused(
            f"The checkpoint's format is {agreement.get('format')!r} and none of {', '.join(FORMATS)}.",
            "Train it again.",
        )
    return agreement


def load_policy(
    checkpoint: bytes,
    observation_names: tuple[str, ...] | None = None,
    actions: tuple[str, ...] | None = None,
    decision_minutes: int | None = None,
    trades: date | None = None,
) -> GreedyPolicy:
    """The policy of `checkpoint`. InputRefused where it is damaged or speaks of other columns or actions.

    `observation_names` and `actions` (names), where given, must equal the checkpoint's, in order, and
    `decision_minutes` the bars that it was trained to decide on: columns of one name mean other things there.
    `trades` is the day that it is to trade: all days that it was trained on must lie before it.
    """
    read_agreement(checkpoint)
    tensors, agreement = unseal(checkpoint)
    trained = agreement["training"].get("decision_minutes", decision_minutes)
    if decision_minutes is not None and trained != decision_minutes:
        raise InputRefused(
            f"The checkpoint was trained to decide every {trained} minutes, not every {decision_minutes}.",
            "Train it again, or set market.decision_timeframe as it was in training.",
        )
    last_day = agreement["training"].get("last_day")
    if trades is not None and last_day is not None and date.fromisoformat(last_day) >= trades:
        raise InputRefused(
            f"The checkpoint was trained on days up to {last_day} and is to trade {trades}, which it knows.",
            "Train that night again: nothing may be traded by what has seen it.",
        )
    try:
        names, acting = tuple(agreement["observation_names"]), tuple(agreement["action_names"])
        _check_agreement(agreement, names, acting, observation_names, actions)
        hidden = tuple(int(size) for size in agreement["hidden"])
        if not hidden or min(hidden) < 1:
            raise damaged()
        shapes = weight_names(len(names), len(acting), hidden)
        weights = [_floats(tensors, f"network.{name}", shape) for name, shape in shapes.items()]
        return GreedyPolicy(
            weights=np.concatenate([values.reshape(-1) for values in weights]),
            hidden=hidden,
            normaliser=_normaliser(tensors, len(names), _positive(agreement, "normaliser_clip")),
            observation_names=names,
            action_names=acting,
            bias=_bias(tensors, agreement, names, acting),
            value_scale=_positive(agreement, "value_scale"),
            model_id=model_id_of(checkpoint),
            decides_by_kind=agreement["format"] == BY_KIND,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise damaged() from error


def _check_agreement(
    agreement: dict[str, Any],
    names: tuple[str, ...],
    acting: tuple[str, ...],
    wanted_names: tuple[str, ...] | None,
    wanted_actions: tuple[str, ...] | None,
) -> None:
    if agreement["activation"] != "tanh":
        raise InputRefused(
            f"The checkpoint's network is made of {agreement['activation']!r} and not of 'tanh'.",
            "Train it again with this version.",
        )
    known = (action_names(False), action_names(True))
    if acting not in known or agreement["action_version"] != ACTION_VERSION:
        raise InputRefused("The checkpoint has another list of actions.", "Train it again with this version.")
    if wanted_actions is not None and acting != wanted_actions:
        raise InputRefused(
            "The checkpoint has another list of actions than the rules: only one of them sells short.",
            "Set market.rules.allow_short as it was in training, or train again.",
        )
    if agreement["observation_version"] != OBSERVATION_VERSION:
        raise InputRefused("The checkpoint has another version of the observation.", "Train it again.")
    if wanted_names is not None and names != wanted_names:
        differing = sorted(set(names) ^ set(wanted_names))[:5]
        raise InputRefused(
            f"The checkpoint was trained on other columns (differing: {differing or 'their order'}).",
            "Train it again on this recipe, or load it with its own.",
        )


def _normaliser(tensors: dict[str, NDArray[Any]], width: int, clip: float) -> Normaliser:
    normaliser = Normaliser(width, clip=clip)
    state = {name: tensors[f"normaliser.{name}"] for name in STATISTICS}
    if any(values.shape != (width,) for values in state.values()):
        raise damaged()
    normaliser.restore(state)
    for name in ("shift", "scale"):
        if not np.array_equal(_floats(tensors, f"normaliser.{name}", (width,)), getattr(normaliser, name)):
            raise damaged()
    return normaliser


def _bias(
    tensors: dict[str, NDArray[Any]],
    agreement: dict[str, Any],
    names: tuple[str, ...],
    acting: tuple[str, ...],
) -> ContextBias | None:
    if agreement["bias"] is None:
        if tensors["bias.weights"].size:
            raise damaged()
        return None
    refusal = InputRefused("The checkpoint has another contextual bias.", "Train it again with this version.")
    try:
        bias = ContextBias(names, acting, BiasConfig.from_json(json.dumps(agreement["bias"])))
    except InvalidInput as error:
        raise refusal from error
    if list(bias.term_names) != agreement["bias_terms"]:
        raise refusal
    if not np.array_equal(bias.weights, tensors["bias.weights"]):
        raise refusal
    return bias


def _positive(agreement: dict[str, Any], name: str) -> float:
    found = float(agreement[name])
    if not (math.isfinite(found) and found > 0.0):
        raise damaged()
    return found


def _floats(tensors: dict[str, NDArray[Any]], name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    found = tensors[name]
    if found.dtype != np.float32 or found.shape != shape or not np.isfinite(found).all():
        raise damaged()
    return found
