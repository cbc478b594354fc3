"""Golden vectors: observations with the answers that the policy gave when the brain was made.

Whoever loads the brain, in any language, can prove that it computes the same. Tolerance, not equality:
another processor rounds sums in another order.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from huracan.brain.policy_weights import (
    PolicyWeights,
    masked_probabilities,
    run_tower,
    scale_observations,
)
from huracan.errors import InputRefused

TOLERANCE = 1e-4
ROWS = 16


def make_golden(weights: PolicyWeights, seed: int = 7) -> dict[str, object]:
    """ROWS random raw observations around what was seen in training, some not defined, and the answers."""
    generator = np.random.default_rng(seed)
    width, actions = len(weights.observation_names), len(weights.action_names)
    raw = (generator.normal(0.0, 1.5, (ROWS, width)) / weights.scale + weights.shift).astype(np.float32)
    raw[generator.random(raw.shape) < 0.03] = np.nan
    masks = generator.random((ROWS, actions)) < 0.7
    masks[:, 0] = True
    logits = run_tower(weights.policy, scale_observations(weights, raw))
    return {
        "tolerance": TOLERANCE,
        "observations": [[None if np.isnan(value) else float(value) for value in row] for row in raw],
        "masks": masks,
        "logits": logits,
        "probabilities": masked_probabilities(logits, masks),
    }


def check_golden(weights: PolicyWeights, golden: Mapping[str, Any]) -> None:
    """Returns if the policy answers as it did; InputRefused naming golden.json otherwise."""
    rows = [[np.nan if value is None else value for value in row] for row in golden["observations"]]
    logits = run_tower(weights.policy, scale_observations(weights, np.array(rows, dtype=np.float32)))
    chances = masked_probabilities(logits, np.array(golden["masks"], dtype=bool))
    for name, found in (("logits", logits), ("probabilities", chances)):
        worst = float(np.max(np.abs(found - np.array(golden[name], dtype=np.float32))))
        if not worst <= golden["tolerance"]:
            raise InputRefused(
                f"The policy does not reproduce golden.json: its {name} are off by {worst:.2g}.",
                "Do not use this brain on this machine; report it.",
            )
