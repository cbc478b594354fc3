"""The memory's search: which closed trades resemble a batch of entry contexts, as of a moment.

Every search has an `as_of`; only trades closed strictly before it are seen. Writing rows and reading
partitions are in `tables`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
import pyarrow as pa
from psycopg.rows import tuple_row

from huracan.analysis.neighbourhood import NEIGHBOURS_SCHEMA, no_neighbours
from huracan.errors import InvalidInput, Unavailable

_SIMILAR = """
WITH queries AS MATERIALIZED (
    SELECT number - 1 AS query, embedding::vector(64) AS embedding, as_of, side
    FROM unnest(%(embeddings)s::text[], %(as_of)s::timestamptz[], %(sides)s::text[])
        WITH ORDINALITY AS q (embedding, as_of, side, number)
), candidates AS MATERIALIZED (
    -- Materialised, so that no approximate index can answer: with filters it would miss neighbours.
    SELECT trade_id, symbol, side, regime, closed_at, embedding, net_bps, is_winner
    FROM trade_memory
    WHERE embedding_version = %(version)s
        AND closed_at < %(latest)s
        AND (%(symbol)s::text IS NULL OR symbol = %(symbol)s)
        AND (%(regime)s::text IS NULL OR regime = %(regime)s)
)
SELECT queries.query, near.trade_id, near.symbol, near.regime, near.closed_at, 1 - near.distance,
    near.net_bps, near.is_winner
FROM queries CROSS JOIN LATERAL (
    SELECT candidates.*, candidates.embedding <=> queries.embedding AS distance
    FROM candidates
    WHERE candidates.closed_at < queries.as_of
        AND (queries.side IS NULL OR candidates.side = queries.side)
    ORDER BY distance, trade_id
    LIMIT %(k)s
) AS near
ORDER BY queries.query, near.distance, near.trade_id
"""


def similar_trades(
    connection: psycopg.Connection[Any],
    embeddings: npt.NDArray[np.float32],
    as_of: datetime | Sequence[datetime],
    *,
    embedding_version: str,
    k: int = 20,
    sides: Sequence[str] | None = None,
    symbol: str | None = None,
    regime: str | None = None,
) -> pa.Table:
    """The `k` nearest trades by cosine of each vector [queries, 64]: NEIGHBOURS_SCHEMA, nearest first.

    `as_of` (aware; one for all, or one per query) hides every trade that was not closed strictly before it.
    Only vectors of the same `embedding_version` are compared, and with `sides` (long or short, one per query)
    only trades of the same side. An exact scan, one statement for the batch.
    Raises InvalidInput for naive times or a wrong number of them, Unavailable where the database fails.
    """
    moments = [as_of] * len(embeddings) if isinstance(as_of, datetime) else list(as_of)
    if len(moments) != len(embeddings) or any(moment.tzinfo is None for moment in moments):
        raise InvalidInput(
            f"{len(embeddings)} searches came with {len(moments)} moments, or with one without time zone.",
            "Give one UTC moment, or one per search.",
        )
    if not moments:
        return no_neighbours()
    parameters = {
        "embeddings": [_vector_text(vector) for vector in np.asarray(embeddings, dtype=np.float32)],
        "as_of": moments,
        "sides": [None] * len(moments) if sides is None else list(sides),
        "latest": max(moments),
        "version": embedding_version,
        "symbol": symbol,
        "regime": regime,
        "k": k,
    }
    return _neighbours(_fetch(connection, _SIMILAR, parameters))


def _fetch(
    connection: psycopg.Connection[Any], statement: str, parameters: dict[str, Any]
) -> list[tuple[Any, ...]]:
    try:
        with connection.cursor(row_factory=tuple_row) as cursor:
            return cursor.execute(statement.encode(), parameters).fetchall()
    except psycopg.OperationalError as error:
        raise Unavailable(
            f"The memory could not be searched ({error}).", "Check the database and try again."
        ) from error


def _neighbours(rows: list[tuple[Any, ...]]) -> pa.Table:
    if not rows:
        return no_neighbours()
    query, trade, symbol, regime, closed_at, similarity, net_bps, is_winner = zip(*rows, strict=True)
    numbers = np.array(query, dtype=np.int64)
    first_of_query = np.searchsorted(numbers, numbers, side="left")
    columns = {
        "query": numbers,
        "rank": np.arange(len(numbers)) - first_of_query + 1,
        "trade_id": trade,
        "symbol": symbol,
        "regime": regime,
        "closed_at": pa.array(closed_at, NEIGHBOURS_SCHEMA.field("closed_at").type),
        "similarity": similarity,
        "net_bps": net_bps,
        "is_winner": is_winner,
    }
    return pa.table(columns).cast(NEIGHBOURS_SCHEMA)


def _vector_text(vector: npt.NDArray[np.float32]) -> str:
    return f"[{','.join(str(value) for value in vector.tolist())}]"
