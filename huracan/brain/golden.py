"""Golden vectors: observations with the answers that the policy gave when the brain was made.

Whoever loads the brain, in any language, can prove that it computes the same. Tolerance, not equality:
another processor rounds sums in another order.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from huracan.brain.policy_weights import PolicyWeights, answer
from huracan.errors import InputRefused
from huracan.market.choice import choose

TOLERANCE = 1e-4
ROWS = 16
_REMEDY = "Do not use this brain on this machine; report it."
_ANSWERS = ("logits", "bias_terms", "bias", "probabilities")


def make_golden(weights: PolicyWeights, seed: int = 7) -> dict[str, object]:
    """ROWS random raw observations around what was seen in training, some not defined, and the answers.

    In every other row the columns that the bias looks at lie where it is neither off nor full.
    """
    generator = np.random.default_rng(seed)
    width, actions = len(weights.observation_names), len(weights.action_names)
    spread = np.divide(1.0, weights.scale, out=np.ones(width), where=weights.scale > 0)
    raw = (generator.normal(0.0, 1.5, (ROWS, width)) * spread + weights.shift).astype(np.float32)
    for column, zero, one in weights.bias_ranges():
        raw[::2, column] = zero + (one - zero) * generator.random(ROWS // 2, dtype=np.float32)
    raw[(generator.random(raw.shape) < 0.03) & weights.is_scaled] = np.nan
    masks = generator.random((ROWS, actions)) < 0.7
    masks[:, 0] = True
    said = answer(weights, raw, masks)
    return {
        "tolerance": TOLERANCE,
        "observations": [[None if np.isnan(value) else float(value) for value in row] for row in raw],
        "masks": masks,
        **{name: getattr(said, name) for name in _ANSWERS},
        "actions": said.actions,
    }


def check_golden(weights: PolicyWeights, golden: Mapping[str, Any]) -> None:
    """Returns if the policy answers as it did; InputRefused naming golden.json otherwise."""
    rows = [[np.nan if value is None else value for value in row] for row in golden["observations"]]
    masks = np.array(golden["masks"], dtype=bool)
    said = answer(weights, np.array(rows, dtype=np.float32), masks)
    for name in _ANSWERS:
        expected = np.array(golden[name], dtype=np.float32)
        worst = float(np.max(np.abs(getattr(said, name) - expected), initial=0.0))
        if not worst <= golden["tolerance"]:
            raise InputRefused(
                f"The policy does not reproduce golden.json: its {name} are off by {worst:.2g}.",
                _REMEDY,
            )
    # Of the answers as they were given: two that are nearly equal may change places on another processor.
    scores = np.array(golden["logits"], dtype=np.float32) + np.array(golden["bias"], dtype=np.float32)
    actions = choose(scores, masks, weights.action_kinds)
    if actions.tolist() != golden.get("actions", actions.tolist()):
        raise InputRefused("The policy does not take the actions of golden.json.", _REMEDY)
