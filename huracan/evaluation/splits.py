"""Splits of labelled observations by time: purged tails and combinatorial purged cross-validation.

An observation is an interval [start, end]: the time of its decision and the time at which its outcome was
known. Only times are split here; no feature or label is looked at.
Source: Lopez de Prado, "Advances in Financial Machine Learning" (2018), chapters 7 and 12.
"""

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from huracan.errors import InvalidInput

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Row numbers of one split, each ascending; `purged` rows are in neither part."""

    train: Integers
    test: Integers
    purged: int
    test_groups: tuple[int, ...] = ()


def split_tail(start: Integers, end: Integers, tail_fraction: float, embargo: int = 0) -> Split:
    """The last `tail_fraction` of the observations by start as the test, everything known before as train.

    `start`, `end` [n] in one integer time unit, any order of rows. An observation trains only if its
    outcome was known `embargo` units before the first test decision: end <= boundary - embargo. Rows that
    start together stay together. Raises InvalidInput on a fraction outside (0, 1) or unequal lengths.
    """
    _check_intervals(start, end)
    if not 0.0 < tail_fraction < 1.0 or embargo < 0:
        raise InvalidInput(
            f"A tail of {tail_fraction} with embargo {embargo} was asked for.", "Use a share between 0 and 1."
        )
    ordered = np.sort(start)
    first = min(max(round(len(ordered) * (1.0 - tail_fraction)), 0), len(ordered) - 1)
    boundary = int(ordered[first])
    test = np.flatnonzero(start >= boundary)
    train = np.flatnonzero((start < boundary) & (end <= boundary - embargo))
    return Split(train, test, len(start) - len(train) - len(test))


def combinatorial_splits(
    start: Integers, end: Integers, groups: int = 6, test_groups: int = 2, embargo: int = 0
) -> list[Split]:
    """All C(groups, test_groups) purged splits over consecutive groups of (nearly) equal count.

    A training row that overlaps a test group's span [first start, last end], or that starts within
    `embargo` after it, is purged. Splits are in the order of `itertools.combinations`.
    """
    _check_intervals(start, end)
    count_paths(groups, test_groups)
    if len(start) < groups:
        raise InvalidInput(
            f"{len(start)} observations cannot make {groups} groups.", "Use fewer groups or more data."
        )
    members = np.array_split(np.argsort(start, kind="stable"), groups)
    spans = [(int(start[rows].min()), int(end[rows].max())) for rows in members]
    splits = []
    for chosen in combinations(range(groups), test_groups):
        test = np.sort(np.concatenate([members[group] for group in chosen]))
        keep = np.ones(len(start), dtype=bool)
        for group in chosen:
            first, last = spans[group]
            keep &= (end < first) | (start > last + embargo)
        keep[test] = False
        train = np.flatnonzero(keep)
        splits.append(Split(train, test, len(start) - len(train) - len(test), chosen))
    return splits


def count_paths(groups: int, test_groups: int) -> int:
    """Backtest paths that the splits make: k/N C(N, N-k)."""
    if not 1 <= test_groups < groups:
        raise InvalidInput(
            f"{test_groups} test groups of {groups} were asked for.", "Test at least one and fewer than all."
        )
    return comb(groups, groups - test_groups) * test_groups // groups


def backtest_paths(groups: int, test_groups: int) -> Integers:
    """[paths, groups]: for each path and group, the number of the split that tests it there.

    Every (split, test group) pair is used by exactly one path.
    """
    paths = np.full((count_paths(groups, test_groups), groups), -1, dtype=np.int64)
    used = [0] * groups
    for number, chosen in enumerate(combinations(range(groups), test_groups)):
        for group in chosen:
            paths[used[group], group] = number
            used[group] += 1
    return paths


def _check_intervals(start: Integers, end: Integers) -> None:
    if len(start) != len(end) or len(start) == 0 or bool((end < start).any()):
        raise InvalidInput(
            "The observations are no intervals: none, unequal in length, or one ends before it starts.",
            "Give one start and one later end for each observation.",
        )
