"""What an exchange's page says, row by row, and rows as a table. No network here.

A page is taken for nothing but what it holds: it may begin before or after what was asked, be in any order,
hold a minute twice, have times in seconds, or none. Walking from page to page lives in `exchange_walk`.
"""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from huracan.candles.schema import RAW_SCHEMA

Row = Sequence[Any]
"""open time in ms, open, high, low, close, volume, then trade count and taker buy volume or nothing"""

_PRICES = 5
_MOST_ANSWERS = 3
"""to one question, before what they contradict one another in goes to quarantine"""
# No candle is older than 1973 or younger than 5138: below and above are seconds, micro- and nanoseconds.
_LEAST_S, _LEAST_MS, _LEAST_US, _LEAST_NS = 10**8, 10**11, 10**14, 10**17


@dataclass
class Page:
    """The closed rows of one answer."""

    rows: dict[int, list[Row]] = field(default_factory=dict)
    """by open time in ms; several where they differ"""
    untimed: list[Row] = field(default_factory=list)
    """rows whose open time cannot be read, with None for it"""
    unreadable: set[int] = field(default_factory=set)
    """open times of rows in which another field is no number"""
    count: int = 0
    """rows of the answer, the open candle among them"""

    @property
    def span(self) -> tuple[int, int] | None:
        """The first and the last open time."""
        return (min(self.rows), max(self.rows)) if self.rows else None

    def untimed_by_name(self) -> dict[tuple[str, int], Row]:
        """Each row of `untimed`, equal ones numbered, so that another answer with them adds none."""
        counts = Counter[str]()
        named = {}
        for row in self.untimed:
            named[repr(row), counts[repr(row)]] = row
            counts[repr(row)] += 1
        return named


def read_page(answer: Sequence[Row], step_ms: int, closed_by_ms: int) -> Page:
    """The rows of `answer`, in any order, that were closed at `closed_by_ms`."""
    page = Page(count=len(answer))
    for row in answer:
        at = time_in_ms(row[0])
        if at is None:
            page.untimed.append((None, *row[1:]))
        elif at + step_ms <= closed_by_ms:
            known = page.rows.setdefault(at, [])
            if (whole := (at, *row[1:])) not in known:
                known.append(whole)
            if not all(_is_number(value) for value in row[1:]):
                page.unreadable.add(at)
    return page


def settled_page(
    answer: Callable[[], Sequence[Row]], known: Mapping[int, list[Row]], step_ms: int, closed_by_ms: int
) -> Page:
    """The page that `answer` gives, asked again where it contradicts itself or `known`, or cannot be read.

    Of a minute that which most answers give is taken; where none leads, the page keeps what they gave, for
    quarantine to tell. What another answer gives readably was no defect of the market's.
    """
    answers: list[Page] = []
    while len(answers) < _MOST_ANSWERS and not (answers and _is_settled(answers, known)):
        answers.append(read_page(answer(), step_ms, closed_by_ms))
    times = set().union(*(answer.rows for answer in answers))
    return Page(
        {at: _settled(_votes(at, answers, known)) for at in times},
        [] if not all(answer.untimed for answer in answers) else answers[-1].untimed,
        count=answers[-1].count,
    )


def _is_settled(answers: Sequence[Page], known: Mapping[int, list[Row]]) -> bool:
    last = answers[-1]
    if last.untimed or last.unreadable:
        return False
    times = set().union(*(answer.rows for answer in answers))
    return all(len(_settled(_votes(at, answers, known))) == 1 or len(known.get(at, ())) > 1 for at in times)


def _votes(at: int, answers: Sequence[Page], known: Mapping[int, list[Row]]) -> list[Row]:
    """Every row that was given of `at`; those that can be read, where one can."""
    given = [*known.get(at, ()), *(row for answer in answers for row in answer.rows.get(at, ()))]
    return [row for row in given if all(_is_number(value) for value in row[1:])] or given


def _settled(votes: Sequence[Row]) -> list[Row]:
    """The row that was given most often, twice at least if there are others; else each of them once."""
    rows: list[Row] = []
    for row in votes:
        if row not in rows:
            rows.append(row)
    counts = sorted(((votes.count(row), -position) for position, row in enumerate(rows)), reverse=True)
    if len(rows) == 1 or counts[0][0] > counts[1][0]:
        return [rows[-counts[0][1]]]
    return rows


def time_in_ms(value: Any) -> int | None:
    """A time as exchanges write it (s, ms, us or ns since 1970, perhaps as text), in ms; None for others."""
    try:
        number = float(value)
        whole = int(value) if not isinstance(value, float) else int(number)
    except (TypeError, ValueError, OverflowError):
        return None
    if isinstance(value, bool):
        return None
    if _LEAST_S <= number < _LEAST_MS:
        return round(number * 1000)
    if number >= _LEAST_US:
        return whole // (1000 if number < _LEAST_NS else 1_000_000)
    return whole


def number_or_nan(value: Any) -> float:
    """The value of a number or of text that is one; NaN for everything else."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _is_number(value: Any) -> bool:
    return math.isfinite(number_or_nan(value))


def rows_to_table(rows: Sequence[Row]) -> pa.Table:
    """Rows of six or eight fields, numbers or decimal strings, as RAW_SCHEMA; the flow is null for six.

    What is no number is NaN, a time that is none null: quarantine knows both.
    """
    if not rows:
        return RAW_SCHEMA.empty_table()
    has_flow = len(rows[0]) > 1 + _PRICES
    columns = list(itertools.zip_longest(*rows))
    nothing = pa.nulls(len(rows))
    counts, takers = nothing.cast(pa.int64()), nothing.cast(pa.float64())
    if has_flow:
        numbers = [number_or_nan(value) for value in columns[6]]
        is_count = [value.is_integer() for value in numbers]
        counts = pa.array(
            [int(value) if whole else None for value, whole in zip(numbers, is_count, strict=True)],
            pa.int64(),
        )
        # A row without a readable count has no readable flow, and is not good without one.
        takers = pa.array(np.where(is_count, _floats(columns[7]), np.nan))
    return pa.table(
        [
            pa.array(columns[0], pa.int64()).cast(RAW_SCHEMA.field("open_time").type),
            *[pa.array(_floats(column)) for column in columns[1 : 1 + _PRICES]],
            counts,
            takers,
        ],
        schema=RAW_SCHEMA,
    )


def _floats(values: Sequence[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([number_or_nan(value) for value in values], dtype=np.float64)
