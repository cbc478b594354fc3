"""Partitions of database tables: the rows of one day, replaced and read as Arrow tables.

Only tables with a column `day` are partitions. Their columns are made by the migrations.
"""

import difflib
import io
from datetime import date

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
    **{
        "vector": pa.list_(pa.float32()),
        "_float4": pa.list_(pa.float32()),
        "_float8": pa.list_(pa.float64()),
    },
    **{"_int8": pa.list_(pa.int64()), "_text": pa.list_(pa.string())},
}
"""PostgreSQL's name of a type to Arrow's; vectors and arrays become lists."""


def replace_partition(connection: psycopg.Connection, table: str, day: date, rows: pa.Table) -> int:
    """Make `rows` the only rows of `day` in `table`, in the connection's transaction; how many they are.

    A column `day` is added if `rows` has none. Lists go into vector or array columns, JSON as text.
    `InvalidInput` for a table or column that does not exist, or for rows of another day.
    """
    types = column_types(connection, table)
    if "day" not in rows.column_names:
        rows = rows.append_column("day", pa.array([day] * rows.num_rows, pa.date32()))
    elif rows.num_rows and pc.unique(rows.column("day")).to_pylist() != [day]:
        raise InvalidInput(f"Rows for {table} of {day} hold another day.", "Give the rows of one day only.")
    for name in rows.column_names:
        if name not in types:
            raise _unknown("column", f"{table}.{name}", [f"{table}.{known}" for known in types])
    connection.execute(sql.SQL("DELETE FROM {} WHERE day = %s").format(sql.Identifier(table)), (day,))
    _copy_in(connection, table, rows, types)
    return int(rows.num_rows)


def read_partition(connection: psycopg.Connection, table: str, day: date) -> pa.Table:
    """The rows of one day, in the order of the first column."""
    return read_days(connection, table, day, day)


def read_days(connection: psycopg.Connection, table: str, first_day: date, last_day: date) -> pa.Table:
    """The rows of `first_day` to `last_day`, both included, ordered by day and the first column."""
    types = column_types(connection, table)
    names = list(types)
    query = sql.SQL(
        "COPY (SELECT {} FROM {} WHERE day BETWEEN {} AND {} ORDER BY day, 1) TO STDOUT (FORMAT csv)"
    )
    command = query.format(
        sql.SQL(", ").join(_selected(name, types[name]) for name in names),
        sql.Identifier(table),
        sql.Literal(first_day),
        sql.Literal(last_day),
    )
    with connection.cursor() as cursor, cursor.copy(command) as copy:
        text = b"".join(bytes(block) for block in copy)
    schema = pa.schema([(name, _ARROW[types[name]]) for name in names])
    return _parse(text, schema) if text else schema.empty_table()


def column_types(connection: psycopg.Connection, table: str) -> dict[str, str]:
    """Column to PostgreSQL type of a table that has days; `InvalidInput` if there is no such table."""
    rows = connection.execute(
        "SELECT c.table_name, c.column_name, c.udt_name FROM information_schema.columns c "
        "WHERE c.table_schema = 'public' AND c.table_name IN (SELECT table_name FROM "
        "information_schema.columns WHERE table_schema = 'public' AND column_name = 'day') "
        "AND (c.table_name = %s OR c.column_name = 'day') ORDER BY c.ordinal_position",
        (table,),
    ).fetchall()
    types = {column: kind for name, column, kind in rows if name == table}
    if not types:
        raise _unknown("table", table, sorted({name for name, _, _ in rows}))
    return types


def _unknown(what: str, name: str, known: list[str]) -> InvalidInput:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]}?" if near else "Add it by a migration first."
    return InvalidInput(f"The database has no {what} {name}.", hint)


def _copy_in(connection: psycopg.Connection, table: str, rows: pa.Table, types: dict[str, str]) -> None:
    """COPY as CSV: Arrow writes it in C++, an empty field is null and a quoted empty one a text."""
    flat = pa.table({name: _as_text(rows.column(name), types[name]) for name in rows.column_names})
    buffer = io.BytesIO()
    csv.write_csv(flat, buffer, csv.WriteOptions(include_header=False))
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in rows.column_names)
    command = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(sql.Identifier(table), columns)
    try:
        with connection.cursor() as cursor, cursor.copy(command) as copy:
            copy.write(buffer.getbuffer())
    except psycopg.DataError as error:
        raise InvalidInput(
            f"The rows for {table} do not fit ({error.diag.message_primary}).", "Correct the table given."
        ) from error


def _as_text(column: pa.ChunkedArray, kind: str) -> pa.ChunkedArray:
    """A list column as PostgreSQL writes it: `[1,2]` for a vector, `{1,2}` for an array."""
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    if not (pa.types.is_list(column.type) or pa.types.is_fixed_size_list(column.type)):
        return column
    opening, closing = "[]" if kind == "vector" else "{}"
    listed = column.cast(pa.list_(column.type.value_type))
    if pa.types.is_string(column.type.value_type):
        escaped = pc.replace_substring_regex(pc.list_flatten(listed), r'(["\\])', r"\\\1")
        words = pc.binary_join_element_wise('"', escaped, '"', "")
    else:
        words = pc.list_flatten(listed).cast(pa.string())
    whole = listed.combine_chunks() if isinstance(listed, pa.ChunkedArray) else listed
    values = words.combine_chunks() if isinstance(words, pa.ChunkedArray) else words
    lengths = pc.fill_null(pc.list_value_length(whole), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths).cast(pa.int32())])
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, values), ",")
    wrapped = pc.binary_join_element_wise(opening, joined, closing, "")
    return pa.chunked_array([pc.if_else(whole.is_valid(), wrapped, pa.scalar(None, pa.string()))])


def _selected(name: str, kind: str) -> sql.Composable:
    """How a column is asked for, so that its text is the same under every server setting."""
    if kind not in _ARROW:
        raise InvalidInput(f"The column {name} has the type {kind}, which is not read.", "Select it by SQL.")
    column = sql.Identifier(name)
    if kind == "timestamptz":
        return sql.SQL("(extract(epoch from {}) * 1000)::bigint").format(column)
    if kind == "_text":
        return sql.SQL("array_to_json({})").format(column)
    return sql.SQL("{}").format(column)


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
    if pa.types.is_string(kind.value_type):
        import json

        return pa.chunked_array([pa.array([v and json.loads(v) for v in column.to_pylist()], kind)])
    inner = pc.utf8_trim(column, characters="[]{}")
    words = pc.split_pattern(inner, ",")
    filled = pc.if_else(pc.equal(inner, ""), pa.scalar([], pa.list_(pa.string())), words)
    return filled.cast(kind)
