"""Arrow tables as Parquet bytes: the same rows give the same bytes. Where they lie belongs in `lake`.

pyarrow.parquet brings the clients of S3 and other stores with it, so it is imported when a file is read.
"""

import io
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from huracan.errors import InputRefused

_LEAST_ROWS = 1_000
"""Of a row group: what each column of each group costs to write and to read is more than so few rows do."""


def encode_table(table: pa.Table) -> bytes:
    """Parquet (zstd) of `table`, one row group per symbol where each symbol's rows stand together; symbols of
    few rows share one."""
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, table.schema, compression="zstd") as writer:
        for start, length in _row_groups(table):
            # One chunk per group: page borders must not depend on how the table was put together.
            group = table.slice(start, length).combine_chunks()
            writer.write_table(group, row_group_size=max(length, 1))
    return buffer.getvalue()


def decode_table(data: bytes, name: str, columns: Sequence[str] | None = None) -> pa.Table:
    """The table in `data`, only `columns` if given; `InputRefused` naming the file `name` if unreadable."""
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        known = file.schema_arrow.names
        unknown = [column for column in columns or () if column not in known]
        if unknown:
            raise InputRefused(
                f"{name} has no column {', '.join(unknown)}.", "Run that day again with this version."
            )
        return file.read(columns=None if columns is None else list(columns))
    except pa.ArrowInvalid as error:
        raise InputRefused(f"{name} is not a readable Parquet file.", "Run its day again.") from error


def row_count(data: bytes) -> int:
    """Rows of the Parquet file in `data`, from its footer."""
    import pyarrow.parquet as pq

    return int(pq.ParquetFile(pa.BufferReader(data)).metadata.num_rows)


def _row_groups(table: pa.Table) -> list[tuple[int, int]]:
    """(first row, rows) of each group; one group for all rows if a symbol appears in two places."""
    whole = [(0, table.num_rows)]
    if "symbol" not in table.column_names or table.num_rows <= _LEAST_ROWS:
        return whole
    runs = pc.run_end_encode(table.column("symbol").combine_chunks())
    if isinstance(runs, pa.ChunkedArray):
        runs = runs.combine_chunks()
    symbols, ends = runs.values.to_pylist(), runs.run_ends.to_pylist()
    if len(set(symbols)) != len(symbols):
        return whole
    groups, first = [], 0
    for end in ends:
        if end - first >= _LEAST_ROWS or end == table.num_rows:
            groups.append((first, end - first))
            first = end
    return groups
