"""The memory's trades with their vectors, in blocks: what an exact search of many queries runs over."""

import binascii
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
import pyarrow as pa
import pyarrow.csv as csv

from huracan.candles.schema import TIME
from huracan_resources.database.memory_filter import MemoryFilter

DIMENSIONS = 64
_BLOCK_ROWS = 65_536
_VECTOR_DIGITS = 2 * (4 + 4 * DIMENSIONS)
"""Of a vector in hexadecimal: pgvector's head of four bytes, then the numbers."""

_COLUMNS = {
    "trade_id": pa.string(),
    "symbol": pa.string(),
    "side": pa.string(),
    "regime": pa.string(),
    "closed_at": pa.int64(),
    "net_bps": pa.float64(),
    "is_winner": pa.bool_(),
    "vector": pa.string(),
}
_SELECTED = (
    "trade_id, symbol, side, regime, (extract(epoch from closed_at) * 1000)::bigint, net_bps, is_winner,"
    " encode(vector_send(embedding), 'hex')"
)

Block = tuple[pa.Table, npt.NDArray[np.float32]]


def remembered_trades(
    connection: psycopg.Connection[Any], among: MemoryFilter, before: datetime
) -> Iterator[Block]:
    """Blocks of trades (trade_id, symbol, side, regime, closed_at, net_bps, is_winner) and their vectors
    float32 [trades, 64], of those in the filter that were closed before the moment, in no certain order."""
    statement = (
        f"COPY (SELECT {_SELECTED} FROM trade_memory WHERE {among.condition()}"
        " AND closed_at < %(before)s) TO STDOUT (FORMAT csv)"
    )
    with (
        connection.cursor() as cursor,
        cursor.copy(statement.encode(), among.parameters() | {"before": before}) as copy,
    ):
        lines: list[bytes] = []
        for line in copy:  # PostgreSQL sends each row as one piece.
            lines.append(bytes(line))
            if len(lines) == _BLOCK_ROWS:
                yield _block(b"".join(lines))
                lines = []
        if lines:
            yield _block(b"".join(lines))


def _block(text: bytes) -> Block:
    table = csv.read_csv(
        pa.BufferReader(text),
        csv.ReadOptions(column_names=list(_COLUMNS), block_size=len(text) + 1),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(
            column_types=_COLUMNS,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )
    digits = b"".join(chunk.buffers()[2].to_pybytes() for chunk in table["vector"].chunks)
    raw = binascii.unhexlify(digits[: table.num_rows * _VECTOR_DIGITS])
    vectors = np.frombuffer(raw, dtype=">f4").reshape(table.num_rows, DIMENSIONS + 1)[:, 1:]
    index = table.column_names.index("closed_at")
    trades = table.set_column(index, "closed_at", table["closed_at"].cast(TIME))
    return trades.drop_columns("vector"), vectors.astype(np.float32)
