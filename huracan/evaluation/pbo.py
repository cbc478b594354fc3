"""Probability of backtest overfitting by combinatorially symmetric cross-validation (CSCV).

Judges a whole set of tried strategies, never one brain.
Source: Bailey, Borwein, Lopez de Prado, Zhu, "The Probability of Backtest Overfitting" (2017).
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from huracan.errors import InvalidInput

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OverfittingEstimate:
    """How often the winner of one half of the past is below the median in the other half."""

    probability: float
    splits: int
    logits: Floats
    """[splits] logit of the winner's relative rank out of sample; <= 0 is at or below the median."""


def estimate_overfitting(returns: Floats, blocks: int = 16) -> OverfittingEstimate:
    """`returns` [T, strategies] of the same periods; `blocks` is even. All C(S, S/2) splits are used.

    Rows beyond a whole number of blocks are dropped from the front (the oldest). The score is the Sharpe
    ratio per observation. Raises InvalidInput where the shape allows no split.
    """
    values = np.asarray(returns, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] < 2 or blocks < 2 or blocks % 2 or len(values) < 2 * blocks:
        raise InvalidInput(
            f"Returns of shape {values.shape} cannot be cut into {blocks} blocks.",
            "Give at least two strategies, an even number of blocks and two rows a block.",
        )
    size = len(values) // blocks
    cut = values[len(values) - size * blocks :].reshape(blocks, size, -1)
    halves = list(combinations(range(blocks), blocks // 2))
    chosen = np.zeros((len(halves), blocks))
    chosen[np.arange(len(halves))[:, None], np.array(halves)] = 1.0
    sums, squares = cut.sum(axis=1), (cut**2).sum(axis=1)
    half_rows = size * blocks // 2
    inside = _sharpe(chosen @ sums, chosen @ squares, half_rows)
    outside = _sharpe((1.0 - chosen) @ sums, (1.0 - chosen) @ squares, half_rows)
    winner = inside.argmax(axis=1)
    score = outside[np.arange(len(halves)), winner][:, None]
    below = (outside < score).sum(axis=1) + 0.5 * ((outside == score).sum(axis=1) - 1)
    rank = (below + 1.0) / (values.shape[1] + 1.0)
    logits = np.log(rank / (1.0 - rank))
    return OverfittingEstimate(float(np.mean(logits <= 0.0)), len(halves), logits)


def _sharpe(sums: Floats, squares: Floats, rows: int) -> Floats:
    mean = sums / rows
    variance = np.maximum((squares - rows * mean**2) / (rows - 1), 0.0)
    ratio: Floats = np.divide(mean, np.sqrt(variance), out=np.zeros_like(mean), where=variance > 1e-300)
    return ratio
