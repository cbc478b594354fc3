"""The memory's search: which closed trades resemble a batch of entry contexts, as of a moment.

Every search has an `as_of`; only trades closed strictly before it are seen. What may be seen beside that is
in `memory_filter`, the exact search itself in `huracan.analysis.memory.nearest`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
import pyarrow as pa

from huracan.analysis.memory.nearest import NearestTrades, similarities
from huracan.analysis.memory.neighbourhood import NEIGHBOURS_SCHEMA, no_neighbours
from huracan.analysis.outcome import as_milliseconds
from huracan.candles.schema import TIME
from huracan.errors import InvalidInput, Unavailable
from huracan_resources.database.memory_filter import MemoryFilter
from huracan_resources.database.memory_reader import remembered_trades

EXACT_ROWS = 10_000
"""Up to so many trades a scan of them all is about as fast as the index (benchmarks/memory.py), and exact."""

FEW_QUERIES = 8
"""More queries than this at once are searched exactly in memory: the trades are read once for all of them."""

_EF_SEARCH, _FILTERED_EF_SEARCH = 200, 800
"""How many the index looks at first; a filter that the vectors know of hides much of what is near."""

_OVERFETCH, _FILTERED_OVERFETCH = 2, 5
"""The index proposes so many times what was asked for. It orders by half precision and, past its first look,
roughly; the vectors themselves decide. Under a filter that the vectors know of, less is not enough."""

_SETTINGS = {
    "hnsw.iterative_scan": "relaxed_order",
    "hnsw.max_scan_tuples": "200000",
    # Only the index yields rows in order of distance.
    "enable_seqscan": "off",
    "enable_sort": "off",
    "enable_bitmapscan": "off",
}

_COUNT = """
SELECT seen.trades FROM unnest(%(as_of)s::timestamptz[]) WITH ORDINALITY AS moment (as_of, number)
CROSS JOIN LATERAL (
    SELECT count(*) AS trades FROM (
        SELECT FROM trade_memory WHERE {condition} AND closed_at < moment.as_of LIMIT %(enough)s
    ) AS visible
) AS seen
ORDER BY moment.number
"""

_NEAR = """
WITH queries AS MATERIALIZED (
    SELECT number - 1 AS query, embedding::vector(64) AS embedding, as_of, side
    FROM unnest(%(embeddings)s::text[], %(as_of)s::timestamptz[], %(sides)s::text[])
        WITH ORDINALITY AS q (embedding, as_of, side, number)
)
SELECT queries.query, near.trade_id, near.symbol, near.side, near.regime, near.closed_at, near.net_bps,
    near.is_winner, near.embedding::real[]
FROM queries CROSS JOIN LATERAL (
    SELECT trade_id, symbol, side, regime, closed_at, net_bps, is_winner, embedding
    FROM trade_memory
    WHERE {condition} AND closed_at < queries.as_of
        AND (queries.side IS NULL OR side = queries.side)
    ORDER BY {distance}
    LIMIT %(near)s
) AS near
"""
_BY_INDEX = "embedding::halfvec(64) <#> queries.embedding::halfvec(64)"
_BY_SCAN = "embedding <#> queries.embedding, trade_id"
"""No index orders by this, so it is a scan of all that the filter lets through."""


@dataclass(frozen=True)
class Queries:
    """What to find trades alike to: vectors [queries, 64], each as of a moment.

    `as_of` (aware; one for all, or one per query) hides every trade that was not closed strictly before it.
    `sides` (one per query) narrows each query to trades of its side. Raises InvalidInput for naive times or a
    wrong number of them.
    """

    embeddings: npt.NDArray[np.float32]
    as_of: datetime | Sequence[datetime]
    sides: Sequence[str] | None = None

    def __post_init__(self) -> None:
        count, moments = len(self.embeddings), self.moments
        if len(moments) != count or any(moment.tzinfo is None for moment in moments):
            raise InvalidInput(
                f"{count} searches came with {len(moments)} moments, or with one without time zone.",
                "Give one UTC moment, or one per search.",
            )

    @cached_property
    def moments(self) -> list[datetime]:
        """One per query."""
        return [self.as_of] * len(self.embeddings) if isinstance(self.as_of, datetime) else list(self.as_of)


def similar_trades(
    connection: psycopg.Connection[Any],
    queries: Queries,
    among: MemoryFilter,
    *,
    k: int = 20,
    is_exact: bool = False,
) -> pa.Table:
    """The `k` nearest trades by cosine of each query: NEIGHBOURS_SCHEMA, nearest first.

    The search is exact where a query may see few trades, where many queries come at once, and where
    `is_exact` asks for it: then it is reproducible, and no later trade changes it. Otherwise the index
    proposes, and a query that it gives too few is searched exactly after all. One statement for the batch,
    never one per query. Raises Unavailable where the database fails.
    """
    if not queries.moments:
        return no_neighbours()
    search = _Search(connection, queries, among, k)
    with _searching():
        if is_exact or len(queries.moments) > FEW_QUERIES:
            return search.in_memory()
        return search.ranked(search.by_count())


def trades_like(
    connection: psycopg.Connection[Any],
    embedding: npt.NDArray[np.float32],
    among: MemoryFilter,
    *,
    as_of: datetime,
    k: int,
) -> list[dict[str, Any]]:
    """What `similar_trades` finds for one vector [64], as one mapping per row of NEIGHBOURS_SCHEMA without
    the query. Arrow would import pandas to take up Python's values, and whoever shows one trade waits for it.
    """
    search = _Search(connection, Queries(embedding[np.newaxis], as_of), among, k)
    with _searching():
        rows = search.by_count()
    vectors = np.array([row[-1] for row in rows], dtype=np.float32).reshape(len(rows), len(embedding))
    similarity = similarities(embedding.astype(np.float64), vectors.astype(np.float64)).tolist()
    found = [
        dict(zip(_NAMES, row[1:-1], strict=True)) | {"similarity": near}
        for row, near in zip(rows, similarity, strict=True)
    ]
    found.sort(key=lambda trade: (-trade["similarity"], trade["trade_id"]))
    for rank, trade in enumerate(found, 1):
        trade |= {"rank": rank, "closed_at": trade["closed_at"].astimezone(UTC)}
    names = [name for name in NEIGHBOURS_SCHEMA.names if name != "query"]
    return [{name: trade[name] for name in names} for trade in found[:k]]


@contextmanager
def _searching() -> Iterator[None]:
    try:
        yield
    except psycopg.OperationalError as error:
        raise Unavailable(
            f"The memory could not be searched ({error}).", "Check the database and try again."
        ) from error


class _Search:
    """One batch of queries, and the ways to answer it."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        queries: Queries,
        among: MemoryFilter,
        k: int,
    ) -> None:
        self._connection, self._among, self._k = connection, among, k
        self._vectors = np.asarray(queries.embeddings, dtype=np.float32)
        self._moments, self._sides = queries.moments, queries.sides
        self._as_of_ms = np.array([as_milliseconds(moment) for moment in self._moments], dtype=np.int64)

    def in_memory(self) -> pa.Table:
        found = NearestTrades(self._vectors, self._as_of_ms, self._sides, self._k)
        for trades, vectors in remembered_trades(self._connection, self._among, max(self._moments)):
            found.add(trades, vectors)
        return found.neighbours()

    def by_count(self) -> list[tuple[Any, ...]]:
        """Query, `_NAMES` and vector of what may be nearest: by a scan where a query may see few trades, so
        that all of them can be looked at, else by index."""
        counted = self._fetch(_COUNT, {"as_of": self._moments, "enough": EXACT_ROWS + 1})
        is_small = np.array([count <= EXACT_ROWS for (count,) in counted], dtype=bool)
        return self._by_index(np.flatnonzero(~is_small).tolist()) + self._near(
            _BY_SCAN, np.flatnonzero(is_small).tolist()
        )

    @property
    def _is_filtered(self) -> bool:
        return self._sides is not None or len(self._among.parameters()) > 1

    def _by_index(self, queries: Sequence[int]) -> list[tuple[Any, ...]]:
        # Undone at the end, which gives the connection its own settings back.
        with self._connection.transaction(force_rollback=True):
            settings = _SETTINGS | {
                "hnsw.ef_search": str(_FILTERED_EF_SEARCH if self._is_filtered else _EF_SEARCH)
            }
            self._connection.execute(
                "SELECT set_config(name, value, true) FROM unnest(%s::text[], %s::text[]) AS s (name, value)",
                (list(settings), list(settings.values())),
            )
            rows = self._near(_BY_INDEX, queries)
        counts = np.bincount([row[0] for row in rows], minlength=len(self._moments))
        short = [query for query in queries if counts[query] < self._k]
        return [row for row in rows if counts[row[0]] >= self._k] + self._near(_BY_SCAN, short)

    def _near(self, distance: str, queries: Sequence[int]) -> list[tuple[Any, ...]]:
        if not queries:
            return []
        given = {
            "embeddings": [_vector_text(self._vectors[query]) for query in queries],
            "as_of": [self._moments[query] for query in queries],
            "sides": [self._sides[query] if self._sides else None for query in queries],
            "near": self._k * (_FILTERED_OVERFETCH if self._is_filtered else _OVERFETCH),
        }
        return [(queries[row[0]], *row[1:]) for row in self._fetch(_NEAR, given, distance)]

    def _fetch(self, statement: str, given: dict[str, Any], distance: str = "") -> list[tuple[Any, ...]]:
        text = statement.format(condition=self._among.condition(), distance=distance)
        # A plan for any filter would be a poor one for this filter.
        return self._connection.execute(
            text.encode(), given | self._among.parameters(), prepare=False
        ).fetchall()

    def ranked(self, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
        """The best of what was proposed, by the same arithmetic as the search in memory."""
        found = NearestTrades(self._vectors, self._as_of_ms, None, self._k)
        if rows:
            queries, *columns, vectors = zip(*rows, strict=True)
            named = dict(zip(_NAMES, columns, strict=True))
            named["closed_at"] = pa.array([moment.astimezone(UTC) for moment in named["closed_at"]], TIME)
            found.add_pairs(
                pa.table(named), np.array(vectors, dtype=np.float32), np.array(queries, dtype=np.int64)
            )
        return found.neighbours()


_NAMES = ("trade_id", "symbol", "side", "regime", "closed_at", "net_bps", "is_winner")


def _vector_text(vector: npt.NDArray[np.float32]) -> str:
    return f"[{','.join(str(value) for value in vector.tolist())}]"
