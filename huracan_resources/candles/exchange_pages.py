"""Walking an exchange's candles page by page, and turning its rows into a table.

No network here: a page comes from a function. ccxt's own pagination is not used, because pages of another
period than the asked one, repeated pages and the still-open candle all occur.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from huracan.candles.schema import RAW_SCHEMA
from huracan.errors import Unavailable

Row = Sequence[Any]
"""open time in ms, open, high, low, close, volume, then trade count and taker buy volume or nothing"""

_PRICES = 5
_SMALL_PAGE = 100
"""Bars; no exchange's page is known to be smaller."""


def collect_rows(
    fetch_page: Callable[[int], Sequence[Row]], start_ms: int, end_ms: int, step_ms: int, closed_by_ms: int
) -> list[Row]:
    """The rows with open time in [start_ms, end_ms) that were closed at `closed_by_ms`, in time order.

    `fetch_page(since_ms)` gives rows from `since_ms` on, in any order, perhaps again what came before.
    A page that brings nothing new moves the walk on by a small page's span, since some exchanges answer with
    nothing where a gap is longer than a page. Raises Unavailable where a repeated candle has changed.
    """
    seen: dict[int, Row] = {}
    cursor = start_ms
    while cursor < end_ms:
        fresh = [row for row in fetch_page(cursor) if start_ms <= int(row[0]) < end_ms]
        closed = [row for row in fresh if int(row[0]) + step_ms <= closed_by_ms]
        new = [row for row in closed if int(row[0]) not in seen]
        _refuse_changed(seen, closed)
        seen.update((int(row[0]), row) for row in new)
        advanced = max((int(row[0]) for row in new), default=cursor - 1)
        cursor = advanced + step_ms if advanced >= cursor else cursor + _SMALL_PAGE * step_ms
    return [seen[at] for at in sorted(seen)]


def _refuse_changed(seen: dict[int, Row], rows: Sequence[Row]) -> None:
    for row in rows:
        known = seen.get(int(row[0]))
        if known is not None and list(known) != list(row):
            raise Unavailable(
                f"The exchange gave two different closed candles for open time {int(row[0])} ms.",
                "Ask again later; it is still correcting its records.",
            )


def rows_to_table(rows: Sequence[Row]) -> pa.Table:
    """Rows of six or eight fields, numbers or decimal strings, as RAW_SCHEMA; the flow is null for six.

    Raises Unavailable where a field is no number: the answer was not one of candles.
    """
    if not rows:
        return RAW_SCHEMA.empty_table()
    has_flow = len(rows[0]) > 1 + _PRICES
    columns = list(itertools.zip_longest(*rows))
    try:
        times = np.array([int(value) for value in columns[0]], dtype=np.int64)
        floats = [_floats(column) for column in columns[1 : 1 + _PRICES]]
        counts = np.array([int(value) for value in columns[6]], dtype=np.int64) if has_flow else None
        takers = _floats(columns[7]) if has_flow else None
    except (TypeError, ValueError, IndexError) as error:
        raise Unavailable(
            f"The exchange answered with rows that are no candles: {error}.", "Try again later."
        ) from error
    nothing = pa.nulls(len(rows))
    return pa.table(
        [
            pa.array(times).cast(RAW_SCHEMA.field("open_time").type),
            *[pa.array(values) for values in floats],
            nothing.cast(pa.int64()) if counts is None else pa.array(counts),
            nothing.cast(pa.float64()) if takers is None else pa.array(takers),
        ],
        schema=RAW_SCHEMA,
    )


def _floats(values: Sequence[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)
