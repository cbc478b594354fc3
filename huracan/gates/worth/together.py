"""What a gate is worth among the others: added last, and on average over all orders of adding (Shapley 1953).

Alone two gates that refuse the same losers are each worth all of them, and taken out of all neither is
missed; the Shapley value divides what they save between them, and the values of all gates add up to what all
save.
"""

from itertools import permutations
from math import factorial

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_MOST_ORDERS = 720
"""Where there are no more orders than these every one is gone through, else so many are drawn."""


def saved_by_all(kept: Floats, outcome: Floats) -> float:
    """What all gates together save, in sum: of `outcome` [n] of whole trades each leaves the part `kept` [n,
    g]."""
    return float(outcome @ (np.prod(kept, axis=1) - 1.0))


def saved_when_added_last(kept: Floats, outcome: Floats) -> Floats:
    """[g] what all save less what all but the gate save, in sum."""
    every = saved_by_all(kept, outcome)
    others = [np.delete(kept, gate, axis=1) for gate in range(kept.shape[1])]
    return np.array([every - saved_by_all(each, outcome) for each in others], dtype=np.float64)


def shapley_values(kept: Floats, outcome: Floats, generator: np.random.Generator) -> Floats:
    """[g] each gate's share of what all save, in sum; exact for few gates that act, else over drawn orders,
    each with its reverse (Castro, Gomez & Tejada 2009; Mitchell et al. 2022)."""
    values = np.zeros(kept.shape[1])
    acting = np.flatnonzero((kept != 1.0).any(axis=0))
    if acting.size == 0:
        return values
    # Signals of which all gates say the same are one: what is left are few, whatever their number.
    answers, at = np.unique(kept[:, acting], axis=0, return_inverse=True)
    sums = np.bincount(at.ravel(), weights=outcome, minlength=len(answers))
    orders = _orders(acting.size, generator)
    for order in orders:
        left = np.cumprod(np.hstack([np.ones((len(answers), 1)), answers[:, order]]), axis=1)
        values[acting[order]] += np.diff(sums @ left)
    shared: Floats = values / len(orders)
    return shared


def _orders(count: int, generator: np.random.Generator) -> list[NDArray[np.int64]]:
    if factorial(count) <= _MOST_ORDERS:
        return [np.array(order, dtype=np.int64) for order in permutations(range(count))]
    drawn = [generator.permutation(count) for _ in range(_MOST_ORDERS // 2)]
    return [order for each in drawn for order in (each, each[::-1])]


def most_overlapping(refused: Bools) -> tuple[list[int | None], Floats]:
    """For each gate the other whose refusals `refused` [n, g] are most like its own, and how much: those that
    both refuse over those that either does (Jaccard 1901). None and 0 where no signal is refused by both."""
    counted = refused.astype(np.float64)
    both = counted.T @ counted
    own = np.diag(both)
    either = own[:, None] + own[None, :] - both
    shared = np.divide(both, either, out=np.zeros_like(both), where=either > 0.0)
    np.fill_diagonal(shared, -1.0)
    if shared.shape[0] < 2:
        return [None] * shared.shape[0], np.zeros(shared.shape[0])
    nearest = np.argmax(shared, axis=1)
    overlap = np.maximum(shared[np.arange(len(nearest)), nearest], 0.0)
    return [int(at) if much > 0.0 else None for at, much in zip(nearest, overlap, strict=True)], overlap
