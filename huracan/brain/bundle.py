"""The published brain as a mapping from file name to bytes: all that a consumer needs, and nothing to run.

Text and numbers only: safetensors, ONNX and JSON. Where the files are put is not known here.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date

import numpy as np

from huracan.brain.golden import make_golden
from huracan.brain.manifest import MANIFEST, PUBLIC_KEY, SIGNATURE, write_manifest
from huracan.brain.policy_onnx import policy_to_onnx
from huracan.brain.policy_weights import PolicyWeights, read_policy_weights
from huracan.brain.signature import public_key_of, sign
from huracan.errors import InvalidInput
from huracan.models.canonical import canonical_json
from huracan.models.confidence import ConfidenceModel
from huracan.models.config import Unfit
from huracan.models.conformal import ConformalModel
from huracan.models.meta_label import MetaLabelModel
from huracan.promotion.verdict import BrainVerdict

CLOCK = (
    "Decide at the close of bar t from rows <= t; fill at the open of bar t+1. A candle is stamped with its"
    " open time, UTC."
)

ACTION_RULE = (
    "An illegal action has probability 0. The probability of a kind is the sum of those of its actions; the"
    " action is the most probable one of the most probable kind, both times the first of equals. Kinds stand"
    " in the order of their first actions."
)
PATTERN_RULE = (
    "For a bar of the day after the brain's: z = clip((features - mean) / scale, 5), 0 where a feature is not"
    " defined or its scale is 0; v = clip(z @ rotation, 5), scaled to length 1. Of the centroid with the"
    " largest cosine to v: pattern_win_rate and pattern_net are its outcomes, with the other sign if it is"
    " one of short entries; pattern_reliability its trust * cosine. All three are 0 where there is no"
    " centroid, no cosine is positive, or the bar is not ready."
)


@dataclass(frozen=True)
class BundleParts:
    """What goes into a brain. Mappings hold plain JSON values."""

    day: date
    code_version: str
    checkpoint: bytes
    """`agent.policy.checkpoint.save_policy`."""
    timeframe: str
    symbols: tuple[str, ...]
    recipe: Mapping[str, object]
    """Ordered features with formulas, version, warm-up in bars and digest."""
    mask_rules: Mapping[str, str]
    """For every action, when it is legal."""
    regimes: Mapping[str, object]
    gates: Mapping[str, object]
    """`gates.binding.fitted.gates_of_bundle`."""
    confidence: ConfidenceModel | Unfit
    meta_label: MetaLabelModel | Unfit
    conformal: ConformalModel | Unfit
    costs: Mapping[str, object]
    trading_rules: Mapping[str, object]
    markets: Mapping[str, object]
    """By symbol what an order met on the brain's day: kind, fees, half-spread, steps (`market_info.json`)."""
    patterns: Mapping[str, object]
    """`embedding` (its statistics), `centroids`, `outcomes` and `trust` of the pattern library of the day."""
    data_hashes: Mapping[str, str]
    """Content hash by day of the training window (ISO dates)."""
    source: str
    is_simulated: bool
    verdict: BrainVerdict
    valid_days: int = 7
    ensemble: Mapping[str, object] | None = None
    """`ensemble.published.published_ensemble`; None: the brain has none."""


def build_bundle(parts: BundleParts, private_key: str) -> dict[str, bytes]:
    """File name -> bytes, sorted by name; the same parts and key give the same bytes.

    Raises InvalidInput where the parts contradict each other, InputRefused where the checkpoint is damaged.
    """
    weights = read_policy_weights(parts.checkpoint)
    if parts.is_simulated and parts.verdict.live_eligible:
        raise InvalidInput(
            "A brain of simulated candles was called eligible for live trading.", "Judge it again."
        )
    if set(parts.mask_rules) != set(weights.action_names):
        raise InvalidInput(
            f"The mask rules name {sorted(parts.mask_rules)}, the policy {sorted(weights.action_names)}.",
            "Give one rule for each action.",
        )
    files = {
        "policy.safetensors": parts.checkpoint,
        "policy.onnx": policy_to_onnx(weights),
        "confidence.json": _model(parts.confidence),
        "meta_label.json": _model(parts.meta_label),
        "conformal.json": _model(parts.conformal),
        PUBLIC_KEY: public_key_of(private_key).encode() + b"\n",
        **{name: canonical_json(value) for name, value in _documents(parts, weights).items()},
    }
    facts = {
        "is_simulated": parts.is_simulated,
        "promoted": parts.verdict.promoted,
        "live_eligible": parts.verdict.live_eligible,
        "timeframe": parts.timeframe,
        "symbols": list(parts.symbols),
    }
    if parts.ensemble is not None:
        files["ensemble.json"] = canonical_json(parts.ensemble)
    manifest = write_manifest(files, parts.day, parts.code_version, parts.valid_days, facts)
    files |= {MANIFEST: manifest, SIGNATURE: sign(private_key, manifest)}
    return dict(sorted(files.items()))


def _documents(parts: BundleParts, weights: PolicyWeights) -> dict[str, object]:
    return {
        "normaliser.json": {
            "columns": list(weights.observation_names),
            "rule": "scaled = clip((raw - shift) * scale, -clip, clip), not defined = 0, in float32",
            "shift": _exact(weights.shift),
            "scale": _exact(weights.scale),
            "clip": weights.clip,
        },
        "recipe.json": {
            "features": parts.recipe,
            "observation": list(weights.observation_names),
            "timeframe": parts.timeframe,
            "clock": CLOCK,
        },
        "actions.json": {
            "actions": list(weights.action_names),
            "legal_when": dict(parts.mask_rules),
            "kinds": _kinds(weights),
            "rule": ACTION_RULE,
        },
        "bias.json": _describe_bias(weights),
        "patterns.json": {"rule": PATTERN_RULE, **parts.patterns},
        "regimes.json": parts.regimes,
        "gates.json": parts.gates,
        "costs.json": {
            "costs": parts.costs,
            "rule": "a cost that is null is each market's own",
            "markets": parts.markets,
            "trading_rules": parts.trading_rules,
        },
        "data.json": {
            "source": parts.source,
            "is_simulated": parts.is_simulated,
            "symbols": list(parts.symbols),
            "days": dict(parts.data_hashes),
        },
        "evaluation.json": asdict(parts.verdict),
        "golden.json": make_golden(weights),
    }


def _kinds(weights: PolicyWeights) -> list[list[str]]:
    """The actions of each kind, in the order of the list."""
    found: dict[str, list[str]] = {}
    for name, kind in zip(weights.action_names, weights.action_kinds, strict=True):
        found.setdefault(kind, []).append(name)
    return list(found.values())


def _describe_bias(weights: PolicyWeights) -> dict[str, object]:
    """Enough to compute the bias in any language; a strength of 0 leaves a term without ramps."""
    bias = weights.bias
    terms = [
        {
            "name": name,
            "ramps": [
                {
                    "column": weights.observation_names[int(bias.columns[term, index])],
                    "slope": float(bias.slopes[term, index]),
                    "offset": float(bias.offsets[term, index]),
                }
                for index in np.flatnonzero(bias.slopes[term]).tolist()
            ],
            "adds": dict(zip(weights.action_names, _exact(bias.weights[term]), strict=True)),
        }
        for term, name in enumerate(bias.term_names)
    ]
    rule = (
        "ramp = clip(raw column * slope + offset, 0, 1), not defined = 0; term = product of its ramps,"
        " 0 without one; the logit of an action grows by the sum of term * adds; all in float32"
    )
    return {"rule": rule, "terms": terms, "settings": asdict(bias.config)}


def _exact(values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> list[float]:
    return [float(value) for value in values]


def _model(model: ConfidenceModel | MetaLabelModel | ConformalModel | Unfit) -> bytes:
    if isinstance(model, Unfit):
        return canonical_json({"kind": "unfit", "reason": model.reason, "trades": model.trades})
    return model.to_bytes()
