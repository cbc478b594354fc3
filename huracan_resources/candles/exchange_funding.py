"""An exchange's funding rates, asked for until no settlement can be missing unseen. No network here.

A page comes from a function; what a page says lives in `exchange_pages`, walking candles in `exchange_walk`.
"""

import itertools
from collections.abc import Callable, Sequence
from functools import partial

import pyarrow as pa

from huracan.candles.schema import FUNDING_SCHEMA
from huracan.errors import Unavailable
from huracan_resources.candles.exchange_pages import Row, number_or_nan, settled_page

FUNDING_PAGE = 100
"""Settlements asked for at once: four days even where they are hourly."""
UNTIL_NAMES = {
    **dict.fromkeys(("binance", "binanceusdm", "binancecoinm", "bybit", "hyperliquid", "gate"), "until"),
    **dict.fromkeys(("gateio", "kucoinfutures"), "until"),
    "okx": "after",
}
"""What ccxt passes on as the end of the asked time, by exchange: without it, some give the latest page."""
_MOST_QUESTIONS = 100
_DENIALS = 2
"""Answers without a settlement before a stretch is taken to have none, so that one that lies does no harm."""
_NEVER_MS = 2**62


def collect_funding(fetch_page: Callable[[int], Sequence[Row]], first_ms: int, until_ms: int) -> pa.Table:
    """The settlements in [first_ms, until_ms), in FUNDING_SCHEMA and time order, each time once.

    `fetch_page(since_ms)` gives rows of time and rate from `since_ms` on, in any order, or others. A stretch
    longer than the shortest between two settlements is asked for until two answers bring nothing. A rate or a
    time that cannot be read stays so, for quarantine. Raises Unavailable where a settlement has two rates
    however often it is asked for, or the answers never end.
    """
    seen: dict[int, list[Row]] = {}
    untimed: dict[tuple[str, int], Row] = {}
    denials: dict[tuple[int, int], int] = {}
    for _ in range(_MOST_QUESTIONS):
        stretch = _open_stretch(sorted(seen), first_ms, until_ms, denials)
        if stretch is None:
            break
        page = settled_page(partial(fetch_page, stretch[0] + 1), seen, 0, _NEVER_MS)
        found = {at: rows for at, rows in page.rows.items() if first_ms <= at < until_ms}
        if found.keys() <= seen.keys():
            denials[stretch] = denials.get(stretch, 0) + 1
        seen |= found
        untimed |= page.untimed_by_name()
    else:
        raise Unavailable("The exchange gives ever more funding rates of one day.", "Ask again later.")
    rows = [*(_only(at, seen[at]) for at in sorted(seen)), *untimed.values()]
    times = pa.array([row[0] for row in rows], pa.int64()).cast(FUNDING_SCHEMA.field("settled_at").type)
    return pa.table(
        [times, pa.array([number_or_nan(row[1]) for row in rows], pa.float64())], schema=FUNDING_SCHEMA
    )


def _open_stretch(
    times: list[int], first_ms: int, until_ms: int, denials: dict[tuple[int, int], int]
) -> tuple[int, int] | None:
    """The first two neighbours, of settlements and the ends, between which one may be that was not told."""
    between = [later - earlier for earlier, later in itertools.pairwise(times)]
    shortest = min(between, default=0)
    edges = [first_ms - 1, *times, until_ms]
    for stretch in itertools.pairwise(edges):
        # At the ends of the day one more would have to fit, between two settlements another half way.
        is_inner = stretch[0] in times and stretch[1] in times
        room = 1.5 * shortest if is_inner else shortest
        if stretch[1] - stretch[0] > room and denials.get(stretch, 0) < _DENIALS:
            return stretch
    return None


def _only(at: int, rows: Sequence[Row]) -> Row:
    if len(rows) > 1:
        raise Unavailable(
            f"The exchange gave two different funding rates for {at} ms.",
            "Ask again later; it is still correcting its records.",
        )
    return rows[0]
