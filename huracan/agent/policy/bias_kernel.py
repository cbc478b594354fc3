"""The contextual bias in one compiled pass over rows, for training. What it is lives in `context_bias`.

A brain is loaded without a compiler and uses that one; both give the same bits.
"""

import numpy as np
from numpy.typing import NDArray

from huracan.agent.policy.context_bias import ContextBias
from huracan.compiled import compiled, compiled_inline

Floats = NDArray[np.float32]


class CompiledBias:
    """An ActionBias. `apply` gives what the ContextBias's own gives, to the bit."""

    def __init__(self, bias: ContextBias) -> None:
        self._bias = bias

    def apply(self, observations: Floats) -> Floats:
        """What to add to the logits, float32 [n, actions], from raw observations [n, width]."""
        bias = self._bias
        added = np.zeros((observations.shape[0], bias.weights.shape[1]), np.float32)
        rows = np.ascontiguousarray(observations, dtype=np.float32)
        add_terms(rows, bias.columns, bias.slopes, bias.offsets, bias.weights, added)
        return added


@compiled_inline
def ramp(value: np.float32, slope: np.float32, offset: np.float32) -> np.float32:
    """Between 0 and 1; 0 where the value is NaN."""
    height = value * slope + offset
    # NaN is not above 0.
    if not height > np.float32(0.0):
        return np.float32(0.0)
    return height if height < np.float32(1.0) else np.float32(1.0)


@compiled
def add_terms(
    rows: Floats, columns: NDArray[np.int64], slopes: Floats, offsets: Floats, weights: Floats, added: Floats
) -> None:
    """Adds every term x its weights to `added` [n, actions], in the order of the terms."""
    for row in range(rows.shape[0]):
        for term in range(weights.shape[0]):
            if slopes[term, 0] == np.float32(0.0):
                continue
            strength = ramp(rows[row, columns[term, 0]], slopes[term, 0], offsets[term, 0])
            if slopes[term, 1] != np.float32(0.0):
                strength *= ramp(rows[row, columns[term, 1]], slopes[term, 1], offsets[term, 1])
            if strength != np.float32(0.0):
                for action in range(weights.shape[1]):
                    added[row, action] += strength * weights[term, action]
