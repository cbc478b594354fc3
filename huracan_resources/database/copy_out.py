"""Rows of PostgreSQL as Arrow tables: what COPY writes as CSV, read in C++. Which rows is in `tables`."""

import json

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
from psycopg import sql

from huracan.candles.schema import TIME
from huracan.errors import InvalidInput

_ARROW = {
    **dict.fromkeys(("int2", "int4", "int8"), pa.int64()),
    **{"float4": pa.float32(), "float8": pa.float64(), "numeric": pa.float64(), "bool": pa.bool_()},
    **dict.fromkeys(("text", "varchar", "json", "jsonb", "uuid"), pa.string()),
    **{"date": pa.date32(), "timestamptz": TIME},
    **dict.fromkeys(("vector", "halfvec", "_float4"), pa.list_(pa.float32())),
    **{"_float8": pa.list_(pa.float64()), "_int8": pa.list_(pa.int64())},
    **{"_bool": pa.list_(pa.bool_()), "_text": pa.list_(pa.string())},
}
"""PostgreSQL's name of a type to Arrow's; vectors and arrays become lists."""


def selected(name: str, kind: str) -> sql.Composable:
    """How a column is asked for, so that its text is the same under every server setting."""
    if kind not in _ARROW:
        raise InvalidInput(f"The column {name} has the type {kind}, which is not read.", "Select it by SQL.")
    column = sql.Identifier(name)
    if kind == "timestamptz":
        return sql.SQL("(extract(epoch from {}) * 1000)::bigint").format(column)
    if kind in ("_text", "_bool"):
        return sql.SQL("array_to_json({})").format(column)
    return sql.SQL("{}").format(column)


def copy_out(connection: psycopg.Connection, query: sql.Composable, types: dict[str, str]) -> pa.Table:
    """The rows of `query`, whose columns are `types` in that order, each asked for as `selected` says."""
    command = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(query)
    with connection.cursor() as cursor, cursor.copy(command) as copy:
        text = b"".join(bytes(block) for block in copy)
    schema = pa.schema([(name, _ARROW[kind]) for name, kind in types.items()])
    return _parse(text, schema) if text else schema.empty_table()


def _parse(text: bytes, schema: pa.Schema) -> pa.Table:
    """COPY's CSV as a table of `schema`."""
    wire = {
        field.name: pa.string()
        if pa.types.is_list(field.type)
        else pa.int64()
        if field.type == TIME
        else field.type
        for field in schema
    }
    table = csv.read_csv(
        pa.BufferReader(text),
        csv.ReadOptions(column_names=schema.names),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(
            column_types=wire,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )
    columns = [_from_text(table.column(field.name), field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _from_text(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if not pa.types.is_list(kind):
        return column.cast(kind)
    if pa.types.is_string(kind.value_type) or pa.types.is_boolean(kind.value_type):
        return pa.chunked_array([pa.array([v and json.loads(v) for v in column.to_pylist()], kind)])
    inner = pc.utf8_trim(column, characters="[]{}")
    words = pc.split_pattern(inner, ",")
    filled = pc.if_else(pc.equal(inner, ""), pa.scalar([], pa.list_(pa.string())), words)
    return pa.chunked_array([_numbers(chunk, kind) for chunk in filled.chunks], kind)


def _numbers(words: pa.ListArray, kind: pa.ListType) -> pa.ListArray:
    """Lists of the numbers that the words spell; `NULL` is how PostgreSQL writes one that is not there."""
    lengths = pc.fill_null(pc.list_value_length(words), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths).cast(pa.int32())])
    if words.null_count:
        valid = pa.concat_arrays([words.is_valid(), pa.array([True])])
        offsets = pc.if_else(valid, offsets, pa.scalar(None, pa.int32()))
    flat = pc.list_flatten(words)
    known = pc.if_else(pc.equal(flat, "NULL"), pa.scalar(None, pa.string()), flat)
    return pa.ListArray.from_arrays(offsets, known.cast(kind.value_type))
