"""What retention deletes, counted: the rows of `retention_report`, and their sums by table."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import Any, Literal

from psycopg import Connection

Kind = Literal["lake", "database", "dagster"]


@dataclass(frozen=True)
class Deletion:
    """What of one day of a table was deleted, or would be. `kept_from` is the oldest day that stays."""

    kind: Kind
    table: str
    day: date
    rows: int
    files: int
    bytes: int
    kept_from: date


def record(connection: Connection[Any], deletions: Iterable[Deletion], deleted_on: date) -> None:
    """Write lines of files whose deletion was begun before: a line that is there already is one of them."""
    _insert(connection, deletions, deleted_on, "DO NOTHING")


def add(connection: Connection[Any], deletions: Iterable[Deletion], deleted_on: date) -> None:
    """Write lines of what is deleted for the first time: a second one of the same day is added to it."""
    _insert(
        connection,
        deletions,
        deleted_on,
        "(deleted_on, kind, table_name, day) DO UPDATE SET rows = retention_report.rows + excluded.rows,"
        " files = retention_report.files + excluded.files,"
        " bytes = retention_report.bytes + excluded.bytes, kept_from = excluded.kept_from",
    )


def _insert(
    connection: Connection[Any], deletions: Iterable[Deletion], deleted_on: date, conflict: str
) -> None:
    lines = [
        (deleted_on, each.kind, each.table, each.day, each.rows, each.files, each.bytes, each.kept_from)
        for each in deletions
    ]
    statement = f"INSERT INTO retention_report VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT {conflict}"
    with connection.cursor() as cursor:
        cursor.executemany(statement.encode(), lines)


def sum_up(deletions: Iterable[Deletion]) -> Iterator[dict[str, Any]]:
    """One line per table: kind, table, rows, files, bytes, the first and last day deleted, kept_from."""
    by_table = attrgetter("kind", "table")
    for (kind, table), group in groupby(sorted(deletions, key=attrgetter("kind", "table", "day")), by_table):
        parts = list(group)
        yield {
            "kind": kind,
            "table": table,
            **{name: sum(getattr(part, name) for part in parts) for name in ("rows", "files", "bytes")},
            "first_day": parts[0].day.isoformat(),
            "last_day": parts[-1].day.isoformat(),
            "kept_from": parts[-1].kept_from.isoformat(),
        }
