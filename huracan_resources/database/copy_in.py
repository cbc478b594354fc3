"""Arrow tables into PostgreSQL by binary COPY, encoded in Rust by pgpq.

pgpq knows no vectors and takes each Arrow type for its own PostgreSQL type, so columns are first made what
the table's columns are; a vector travels as the bytes that pgvector receives. Which rows go where is in
`tables`.
"""

import re
from collections.abc import Iterator

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from pgpq import ArrowToPostgresBinaryEncoder
from pgpq.encoders import StringEncoderBuilder
from pgpq.schema import Jsonb
from psycopg import sql

from huracan.errors import InvalidInput

_SCALARS = {
    **{"int2": pa.int16(), "int4": pa.int32(), "int8": pa.int64()},
    **{"float4": pa.float32(), "float8": pa.float64(), "bool": pa.bool_(), "date": pa.date32()},
    **dict.fromkeys(("text", "varchar", "json", "jsonb"), pa.string()),
    "timestamptz": pa.timestamp("us", "UTC"),
}
"""PostgreSQL's name of a type to the Arrow type that pgpq writes as just that."""

_BATCH_ROWS = 16_384
_SHOWN_NUL = "\u2400"
"""PostgreSQL holds no NUL in a text: the sign for it stands in its place. The lake keeps what came."""

_JSON_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def copy_in(connection: psycopg.Connection, table: str, rows: pa.Table, types: dict[str, str]) -> None:
    """Append `rows` to `table`, whose columns have the PostgreSQL `types`, in the connection's transaction.

    Lists go into vectors or arrays (a missing number of a vector is an error, one of an array a null), JSON
    as text. `InvalidInput` for what does not fit, naming the column.
    """
    if not rows.num_rows:
        return
    names = rows.column_names
    encoded = pa.table({name: _fitting(name, rows.column(name), types[name]) for name in names})
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in names)
    command = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(sql.Identifier(table), columns)
    try:
        with connection.cursor() as cursor, cursor.copy(command) as copy:
            for block in _encode(encoded, types):
                copy.write(block)
    # The second: a text longer than an index can hold, which no other attempt makes shorter.
    except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded) as error:
        where = f" {error.diag.context}" if error.diag.context else ""
        raise InvalidInput(
            f"The rows for {table} do not fit ({error.diag.message_primary}).{where}",
            "Correct the table given.",
        ) from error


def storable(text: str) -> str:
    """`text` as PostgreSQL can hold it: the sign for a NUL where there was one."""
    return text.replace("\0", _SHOWN_NUL)


def _encode(rows: pa.Table, types: dict[str, str]) -> Iterator[bytes]:
    encoders = {
        field.name: StringEncoderBuilder.new_with_output(field, Jsonb())
        if types[field.name] == "jsonb"
        else ArrowToPostgresBinaryEncoder.infer_encoder(field)
        for field in rows.schema
    }
    encoder = ArrowToPostgresBinaryEncoder.new_with_encoders(rows.schema, encoders)
    yield encoder.write_header()
    for batch in rows.combine_chunks().to_batches(_BATCH_ROWS):
        yield encoder.write_batch(batch)
    yield encoder.finish()


def _fitting(name: str, column: pa.ChunkedArray, kind: str) -> pa.Array:
    """The column as the Arrow type that is written as `kind`."""
    whole = column.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # of no chunk at all
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], column.type)
    try:
        if kind in ("vector", "halfvec"):
            return _as_vectors(name, whole, kind)
        wanted = pa.list_(_scalar(name, kind[1:])) if kind.startswith("_") else _scalar(name, kind)
        fitting = whole.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InvalidInput(
            f"The column {name} ({column.type}) does not fit into {kind} ({error}).",
            "Correct the table given.",
        ) from error
    return _without_nul(fitting, kind)


def _scalar(name: str, kind: str) -> pa.DataType:
    if kind not in _SCALARS:
        raise InvalidInput(
            f"The column {name} has the type {kind}, which is not written.", "Write it by SQL."
        )
    return _SCALARS[kind]


def _as_vectors(name: str, lists: pa.Array, kind: str) -> pa.Array:
    """pgvector's binary form: the length and a zero (16 bits each), then the numbers, all big-endian."""
    lists = lists.cast(pa.list_(pa.float32()))
    lengths = pc.list_value_length(lists).drop_null().unique().to_pylist()
    if len(lengths) > 1:
        raise InvalidInput(
            f"The vectors of {name} have {sorted(lengths)} numbers.", "All of a column have the same number."
        )
    length = lengths[0] if lengths else 0
    numbers = pc.list_flatten(lists)
    if numbers.null_count:
        raise InvalidInput(f"A vector of {name} lacks a number.", "Give 0 for what is unknown.")
    values = numbers.to_numpy(zero_copy_only=False).reshape(-1, length) if length else np.zeros((0, 0))
    number = ">f4" if kind == "vector" else ">f2"
    wire = np.empty(len(values), dtype=[("head", ">u2", 2), ("values", number, (length,))])
    wire["head"], wire["values"] = (length, 0), values
    present = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(wire.itemsize), len(wire), [None, pa.py_buffer(wire.tobytes())]
    )
    if not lists.null_count:
        return present.cast(pa.binary())
    indices = pc.cumulative_sum(lists.is_valid().cast(pa.int64()))
    taken = pc.if_else(lists.is_valid(), pc.subtract(indices, 1), pa.scalar(None, pa.int64()))
    return present.cast(pa.binary()).take(taken)


def _without_nul(column: pa.Array, kind: str) -> pa.Array:
    if kind in ("json", "jsonb"):
        if not pc.any(pc.match_substring(column, "\\u0000")).as_py():
            return column
        clean = [text and _JSON_NUL.sub(rf"\1{_SHOWN_NUL}", text) for text in column.to_pylist()]
        return pa.array(clean, pa.string())
    if kind in ("text", "varchar"):
        return pc.replace_substring(column, "\0", _SHOWN_NUL)
    if kind in ("_text", "_varchar"):
        words = pc.replace_substring(column.values, "\0", _SHOWN_NUL)
        return pa.ListArray.from_arrays(_offsets(column), words)
    return column


def _offsets(lists: pa.ListArray) -> pa.Array:
    """The offsets with a null where the list is one, as `from_arrays` wants them."""
    if not lists.null_count:
        return lists.offsets
    valid = pa.concat_arrays([lists.is_valid(), pa.array([True])])
    return pc.if_else(valid, lists.offsets, pa.scalar(None, pa.int32()))
