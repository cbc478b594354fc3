"""What an entry is expected to bring by the kind of its moment: a ridge on regime, volatility, hour and side.

Small on purpose: it lowers the error of an estimate that is right without it.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

KINDS = (5, 4, 4, 2)
"""How many regimes (one more: unknown), thirds of volatility (likewise), quarters of the day, and sides."""
FOLDS = 5
PENALTY_ENTRIES = 10.0
"""A group of as many entries lies half way between the mean of all and its own."""


def cells(regime: Integers, volatility: Integers, quarter: Integers) -> Integers:
    """[n, 2] the kind of each moment to enter long, and short."""
    sides = np.arange(KINDS[-1])
    shaped = np.broadcast_arrays(*(each[:, None] for each in (regime, volatility, quarter)), sides)
    return np.asarray(np.ravel_multi_index(tuple(shaped), KINDS), dtype=np.int64)


def expected_outcomes(
    block: Integers, blocks: int, cell: Integers, weight: Floats, outcome: Floats
) -> tuple[Integers, Floats]:
    """[blocks] the fold of each block, and [folds, cells, k] what each fold's model expects in each cell.

    A fold is a run of blocks, and its model is fitted on the entries of all others: `block`, `cell` and
    `weight` [m], `outcome` [m, k]. With one block there are no others: what is expected is 0.
    """
    folds = max(1, min(FOLDS, blocks))
    fold = np.arange(blocks) * folds // max(blocks, 1)
    size = int(np.prod(KINDS))
    by_cell = np.zeros((folds, size, 1 + outcome.shape[1]))
    # In units of the mean weight, so that the penalty counts entries.
    share = weight * (weight.size / max(float(weight.sum()), np.finfo(float).tiny))
    columns = share[:, None] * np.column_stack([np.ones(weight.size), outcome])
    np.add.at(by_cell, (fold[block], cell), columns)
    # Summed, not subtracted: not even by rounding may a fold see itself.
    others = [by_cell[np.arange(folds) != own].sum(axis=0) for own in range(folds)]
    return fold, np.stack([_ridge(sums[:, 0], sums[:, 1:]) for sums in others])


def _ridge(weight: Floats, total: Floats) -> Floats:
    """[cells, k] of the weight [cells] and the weighted sums [cells, k] in each cell."""
    if not weight.sum() > 0.0:
        return np.zeros_like(total)
    mean = total.sum(axis=0) / weight.sum()
    groups = _groups()
    normal = groups.T @ (weight[:, None] * groups)
    normal[np.diag_indices_from(normal)] += PENALTY_ENTRIES
    beyond = groups.T @ (total - weight[:, None] * mean)
    return np.asarray(mean + groups @ np.linalg.solve(normal, beyond), dtype=np.float64)


def _groups() -> Floats:
    """[cells, groups] which cells belong together: each regime, third, quarter and side, and each regime,
    third and side together."""
    regime, volatility, quarter, side = np.unravel_index(np.arange(int(np.prod(KINDS))), KINDS)
    together = np.ravel_multi_index((regime, volatility, side), (KINDS[0], KINDS[1], KINDS[3]))
    parts = [np.eye(int(each.max()) + 1)[each] for each in (regime, volatility, quarter, side, together)]
    return np.concatenate(parts, axis=1)
