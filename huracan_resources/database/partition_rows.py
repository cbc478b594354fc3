"""Keeps the database's rows of a partition equal to the lake's, and does nothing where they are already."""

from collections.abc import Iterable
from datetime import date

import pyarrow as pa
from psycopg import Connection

from huracan_resources.database.database import Database
from huracan_resources.database.tables import replace_partition


class PartitionRows:
    """Rows by table and day, each with the content hash of the partition that they came from."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, table: str, day: date, content_hash: str, rows: pa.Table | None) -> bool:
        """Replace the day's rows of `table` by `rows` (None: by nothing) in one transaction.

        False, and nothing done, where the rows of that content are there already.
        """
        with self._database.connect() as connection:
            if _held(connection, table, day) == content_hash:
                return False
            replace_partition(connection, table, day, pa.table({}) if rows is None else rows)
            connection.execute(
                "INSERT INTO partition_rows VALUES (%s, %s, %s)"
                " ON CONFLICT (table_name, day) DO UPDATE SET content_hash = excluded.content_hash",
                (table, day, content_hash),
            )
        return True

    def days(self, tables: Iterable[str]) -> set[date]:
        """The days whose rows all of `tables` were given."""
        asked = list(tables)
        with self._database.connect() as connection:
            rows = connection.execute(
                "SELECT day FROM partition_rows WHERE table_name = ANY(%s) GROUP BY day HAVING count(*) = %s",
                (asked, len(asked)),
            ).fetchall()
        return {row[0] for row in rows}

    def held(self, day: date) -> dict[str, str]:
        """Table to the content hash of the partition of `day` whose rows it holds."""
        with self._database.connect() as connection:
            query = "SELECT table_name, content_hash FROM partition_rows WHERE day = %s"
            return dict(connection.execute(query, (day,)).fetchall())


def _held(connection: Connection, table: str, day: date) -> str | None:
    row = connection.execute(
        "SELECT content_hash FROM partition_rows WHERE table_name = %s AND day = %s", (table, day)
    ).fetchone()
    return None if row is None else str(row[0])
