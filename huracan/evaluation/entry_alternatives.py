"""Simple rules of when to enter, and what each would have brought by the exploration book.

The rules are a closed list that was written before any result was seen; the best of many is best by luck too,
and no interval here is corrected for that.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.evaluation.explored_moments import THIRDS, Moments, known_moments
from huracan.evaluation.off_policy import (
    DOUBLY_ROBUST,
    SIDES,
    WEIGHTED,
    Bools,
    Estimate,
    Explored,
    Floats,
    doubly_robust_estimate,
    expected_by_others,
    weighted_estimate,
)
from huracan.regimes.model import REGIMES
from huracan.tables import FLOAT, INTEGER, TEXT, Column, arrow_schema

_QUARTERS = tuple(f"{6 * quarter:02d}-{6 * quarter + 6:02d} UTC" for quarter in range(4))
_PROBABILITIES = (0.25, 0.5)

ENTRY_ALTERNATIVES_COLUMNS = (
    Column(
        "scope",
        TEXT,
        "what the rule looks at: all (it enters at every moment), regime, volatility (third of the symbol's"
        " own), quarter (of the day), side, entry_probability (of the policy, softened) or policy (its own"
        " entries)",
    ),
    Column("value", TEXT, "where the rule enters, such as trend, calm, 06-12 UTC, short or above 0.5"),
    Column("estimator", TEXT, "weighted (by the propensities alone) or doubly_robust (a model beside them)"),
    Column(
        "mean_net_bps",
        FLOAT,
        "mean net result of an entry by the rule, every size and each side that it allows alike; null where"
        " it cannot be estimated",
        "bps",
    ),
    Column("standard_error_bps", FLOAT, "of it, by leaving out blocks of days", "bps"),
    Column("low_bps", FLOAT, "lower end of its interval of 90 %; null where too little is known", "bps"),
    Column("high_bps", FLOAT, "upper end", "bps"),
    Column("entries", INTEGER, "explored trades that the rule would have made too"),
    Column("effective_entries", FLOAT, "as many of equal weight would say as much (Kish)"),
    Column("moments", INTEGER, "closes at which the rule enters"),
    Column("note", TEXT, "why there is no estimate or no interval; empty where there are both"),
)
ENTRY_ALTERNATIVES_SCHEMA = arrow_schema(ENTRY_ALTERNATIVES_COLUMNS)
"""One row per rule and estimator, in the order of the list."""


@dataclass(frozen=True)
class Alternative:
    """A rule of when to enter, [n, SIDES]."""

    scope: str
    value: str
    enters: Callable[[Moments], Bools]


def entry_alternatives(
    moments: pa.Table, trades: pa.Table, days: Sequence[date], holding_minutes: int
) -> pa.Table:
    """ENTRY_ALTERNATIVES_SCHEMA of the `moments` and `trades` of the exploration book on `days`.

    Of `moments` (MOMENTS_SCHEMA) READ_OF_MOMENTS is read, of `trades` (EXPLORED_SCHEMA) READ_OF_TRADES; see
    `known_moments` for which of them count. InvalidInput where an entry was drawn with no probability. No
    rows without a drawn entry.
    """
    known = known_moments(moments, trades, days, holding_minutes)
    if known.explored.moment.size == 0:
        return ENTRY_ALTERNATIVES_SCHEMA.empty_table()
    expected = expected_by_others(known.explored)
    rows = []
    for each in ALTERNATIVES:
        enters = each.enters(known)
        for estimator, estimate in _estimates(known.explored, enters, expected):
            told = {"scope": each.scope, "value": each.value, "estimator": estimator}
            rows.append({**told, **vars(estimate), "moments": int(enters.any(axis=1).sum())})
    return pa.Table.from_pylist(rows, schema=ENTRY_ALTERNATIVES_SCHEMA)


def _estimates(explored: Explored, enters: Bools, expected: Floats) -> Iterator[tuple[str, Estimate]]:
    yield WEIGHTED, weighted_estimate(explored, enters[explored.moment, explored.side])
    yield DOUBLY_ROBUST, doubly_robust_estimate(explored, enters, expected)


def _where(of: Callable[[Moments], NDArray[np.bool_]]) -> Callable[[Moments], Bools]:
    """At the moments [n] of which it is true, on every side."""
    return lambda moments: moments.can_enter & of(moments)[:, None]


def _on_side(side: int) -> Callable[[Moments], Bools]:
    return lambda moments: moments.can_enter & (np.arange(SIDES) == side)


def _is(column: str, value: int) -> Callable[[Moments], Bools]:
    return _where(lambda moments: getattr(moments, column) == value)


def _above(probability: float) -> Callable[[Moments], Bools]:
    return _where(lambda moments: moments.entry_probability > probability)


ALTERNATIVES = (
    Alternative("all", "all", lambda moments: moments.can_enter),
    *(Alternative("regime", name, _is("regime", code)) for code, name in enumerate(REGIMES)),
    *(Alternative("volatility", name, _is("volatility", code)) for code, name in enumerate(THIRDS)),
    *(Alternative("quarter", name, _is("quarter", code)) for code, name in enumerate(_QUARTERS)),
    *(Alternative("side", name, _on_side(code)) for code, name in enumerate(("long", "short"))),
    *(Alternative("entry_probability", f"above {each:g}", _above(each)) for each in _PROBABILITIES),
    Alternative("policy", "own entries", lambda moments: moments.can_enter & moments.policy_enters),
)
"""The rules, in the order in which they are shown."""
