"""What entering by another rule would have brought, from entries that were drawn with a known probability.

Two estimates of the mean net result of an entry. *Weighted*: each drawn entry that the rule would have made
counts 1 over the probability with which it was drawn, over the sum of these weights (Hajek 1971). *Doubly
robust*: a model of the result is averaged over all entries that the rule would have made, drawn or not, and
what the drawn ones differ from it is added by the same weights (Robins, Rotnitzky & Zhao 1994; Dudik,
Langford & Li 2011): right where the model is wrong, and of a smaller error where it is right. The model of a
block of days is fitted on other blocks (Chernozhukov et al. 2018).

An entry that the market did not fill brought nothing and is none: both are estimates of sum over number of
filled ones. Which rules are asked about is decided in `entry_alternatives`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from huracan.evaluation.jackknife import effective_count, jackknife_error
from huracan.evaluation.outcome_model import expected_outcomes

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]

SIDES = 2
"""Long and short, in this order."""
LEAST_EFFECTIVE_ENTRIES = 20.0
WEIGHTED, DOUBLY_ROBUST = "weighted", "doubly_robust"


@dataclass(frozen=True, eq=False)
class Explored:
    """n moments at which an entry could have been drawn, and the m entries that were."""

    block: Integers
    """[n] number of the block of days, from 0 in the order of time."""
    cell: Integers
    """[n, SIDES] what kind of moment it is to enter on that side: `outcome_model.cells`."""
    moment: Integers
    """[m] index of the moment of each drawn entry."""
    side: Integers
    """[m] 0 long, 1 short"""
    propensity: Floats
    """[m] probability with which just this entry was drawn; above 0."""
    outcome: Floats
    """[m, 2] net result in bps, 0 where it was not filled; and 1 where it was, else 0."""

    @property
    def blocks(self) -> int:
        return int(self.block.max()) + 1 if self.block.size else 0


@dataclass(frozen=True)
class Estimate:
    """Of the mean net result of an entry; None where there is none, and `note` why."""

    mean_net_bps: float | None
    standard_error_bps: float | None
    low_bps: float | None
    high_bps: float | None
    """Of an interval of 90 %."""
    entries: int
    """That were drawn, filled, and are the rule's."""
    effective_entries: float
    """As many of equal weight would say as much."""
    note: str = ""


def weighted_estimate(explored: Explored, enters: Bools) -> Estimate:
    """By the weights alone. `enters` [m]: whether the rule makes the drawn entry too."""
    blank = np.zeros((explored.moment.size, 2))
    return _estimate(explored, enters, blank, np.zeros((explored.blocks, 3)))


def doubly_robust_estimate(explored: Explored, enters: Bools, expected: Floats) -> Estimate:
    """By model and weights. `enters` [n, SIDES]: whether the rule enters at the moment on that side.

    `expected` [n, SIDES, 2]: `expected_by_others`.
    """
    asked = np.where(enters[:, :, None], expected, 0.0).sum(axis=1)
    direct = _by_block(explored.block, np.column_stack([enters.sum(axis=1), asked]), explored.blocks)
    own = (explored.moment, explored.side)
    return _estimate(explored, enters[own], expected[own], direct)


def expected_by_others(explored: Explored) -> Floats:
    """[n, SIDES, 2] the outcome of each possible entry by models of which none has seen its block."""
    block = explored.block[explored.moment]
    cell = explored.cell[explored.moment, explored.side]
    weight = 1.0 / explored.propensity
    fold, by_fold = expected_outcomes(block, explored.blocks, cell, weight, explored.outcome)
    found: Floats = by_fold[fold[explored.block][:, None], explored.cell]
    return found


def _estimate(explored: Explored, enters: Bools, expected: Floats, direct: Floats) -> Estimate:
    """`enters` [m]; `expected` [m, 2]; `direct` [blocks, 3] number of the rule's entries and what the model
    expects of them."""
    weight = np.where(enters, 1.0 / explored.propensity, 0.0)
    missed = weight[:, None] * (explored.outcome - expected)
    block = explored.block[explored.moment]
    weighed = _by_block(block, np.column_stack([weight, missed]), explored.blocks)
    filled = weight * explored.outcome[:, 1]
    entries, effective = int((filled > 0.0).sum()), effective_count(filled)
    sums = np.concatenate([weighed, direct], axis=1)
    mean = float(_mean_of(sums.sum(axis=0)[None])[0])
    if entries == 0 or not np.isfinite(mean):
        return Estimate(None, None, None, None, entries, effective, "No entry of the rule was drawn.")
    if effective < LEAST_EFFECTIVE_ENTRIES:
        note = f"No interval: the weights leave {effective:.1f} effective entries of {entries}, under 20."
        return Estimate(mean, None, None, None, entries, effective, note)
    error = jackknife_error(sums, _mean_of, weighed[:, 0])
    if error is None:
        note = "No interval: too few days with entries of the rule."
        return Estimate(mean, None, None, None, entries, effective, note)
    low, high = mean - error.half_width, mean + error.half_width
    return Estimate(mean, error.standard_error, low, high, entries, effective)


def _by_block(block: Integers, columns: Floats, blocks: int) -> Floats:
    """[blocks, k] sums of `columns` [n, k]."""
    sums = np.zeros((blocks, columns.shape[1]))
    np.add.at(sums, block, columns)
    return sums


def _mean_of(sums: Floats) -> Floats:
    """[k] net over filled, of [k, 6] sums: weights, what drawn entries brought and were filled beyond the
    model, number of the rule's entries, and what the model expects of them."""
    weight, net, filled, count, expected_net, expected_filled = sums.T
    with np.errstate(invalid="ignore", divide="ignore"):
        asked = np.where(count > 0.0, count, 1.0)
        mean: Floats = (net / weight + expected_net / asked) / (filled / weight + expected_filled / asked)
    return mean
