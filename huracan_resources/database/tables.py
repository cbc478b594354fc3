"""Partitions of database tables: the rows of one day, replaced and read as Arrow tables.

Only tables with a column `day` are partitions. Their columns are made by the migrations.
"""

import difflib
from datetime import date

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from huracan.errors import InvalidInput
from huracan_resources.database.copy_in import copy_in
from huracan_resources.database.copy_out import copy_out, selected


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
    copy_in(connection, table, rows, types)
    return int(rows.num_rows)


def read_partition(connection: psycopg.Connection, table: str, day: date) -> pa.Table:
    """The rows of one day, in the order of the first column."""
    return read_days(connection, table, day, day)


def read_days(connection: psycopg.Connection, table: str, first_day: date, last_day: date) -> pa.Table:
    """The rows of `first_day` to `last_day`, both included, ordered by day and the first column."""
    types = column_types(connection, table)
    query = sql.SQL("SELECT {} FROM {} WHERE day BETWEEN {} AND {} ORDER BY day, 1").format(
        sql.SQL(", ").join(selected(name, kind) for name, kind in types.items()),
        sql.Identifier(table),
        sql.Literal(first_day),
        sql.Literal(last_day),
    )
    return copy_out(connection, query, types)


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
