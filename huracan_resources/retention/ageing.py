"""Deletes what has aged out of the lake and of the database, counted, and safe to kill and to run again.

How long a table is kept belongs in the settings; Dagster's own tables in `of_dagster`.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from psycopg import Connection, sql

from huracan_resources.catalogue import name_of
from huracan_resources.database.database import Database
from huracan_resources.database.tables import column_types
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.manifest import Manifest
from huracan_resources.retention.report import Deletion, add, record


def oldest_kept(newest: date, days: int) -> date:
    """The first of the `days` days that end with `newest`."""
    return newest - timedelta(days=days - 1)


def age_out_of_lake(
    lake: Lake, database: Database, tables: Mapping[tuple[str, str], int], newest: date, on: date, dry: bool
) -> list[Deletion]:
    """Delete the files of `tables`, (asset, table) to days, that are older than the days up to `newest`.

    Each is marked in its manifest first, then reported, then deleted: killed anywhere, the next run deletes
    and reports what is left, under the day of the mark, and nothing twice. With `dry` nothing is written.
    """
    found = []
    for (asset, table), days in tables.items():
        kept_from = oldest_kept(newest, days)
        for manifest in list(_aged(lake, asset, table, kept_from)):
            file = f"{table}.parquet"
            deletion = _deletion(manifest, table, kept_from)
            found.append(deletion)
            if dry:
                continue
            marked = lake.age_out(manifest, file, on)
            # A mark of before may have been reported already; a fresh one is of a file that was not.
            report = record if file in manifest.aged_out else add
            with database.connect() as connection:
                report(connection, [deletion], date.fromisoformat(marked.aged_out[file]))
            lake.remove_aged_out(marked, file)
    return found


def _aged(lake: Lake, asset: str, table: str, kept_from: date) -> Iterator[Manifest]:
    """The partitions before `kept_from` whose file of the table still lies there."""
    keys, lead = set(lake.store.list(f"{asset}/day=")), f"/{table}-"
    held = {key.partition("/day=")[2].partition("/")[0] for key in keys if lead in key}
    for day in lake.days(asset):
        manifest = lake.manifest(asset, day) if day < kept_from and day.isoformat() in held else None
        entry = manifest.files.get(f"{table}.parquet") if manifest else None
        if manifest and entry and f"{asset}/day={day.isoformat()}/{entry.stored_as}" in keys:
            yield manifest


def _deletion(manifest: Manifest, table: str, kept_from: date) -> Deletion:
    entry = manifest.files[f"{table}.parquet"]
    name = name_of(manifest.asset, table)
    return Deletion("lake", name, manifest.day, entry.rows or 0, 1, entry.size, kept_from)


def age_out_of_database(
    database: Database, tables: Mapping[str, int], newest: date, on: date, dry: bool
) -> list[Deletion]:
    """Delete the rows of `tables`, table to days, older than the days up to `newest`: a transaction each.

    Which partition the rows were of stays known, so that the same rows are not loaded again.
    """
    found = []
    for table, days in tables.items():
        kept_from = oldest_kept(newest, days)
        with database.connect() as connection:
            column_types(connection, table)  # Refuses a table that is not there, with the nearest name.
            deletions = _delete_rows(connection, table, kept_from, dry)
            if not dry:
                add(connection, deletions, on)
        found += deletions
    return found


def _delete_rows(connection: Connection[Any], table: str, kept_from: date, dry: bool) -> list[Deletion]:
    # The size is taken before the deletion: a row that is returned has another layout.
    old = "WITH old AS (SELECT ctid, day, pg_column_size(t.*) AS bytes FROM {table} AS t WHERE day < %s)"
    if not dry:
        old += ", gone AS (DELETE FROM {table} AS t USING old WHERE t.ctid = old.ctid RETURNING old.*)"
    counted = f"SELECT day, count(*), sum(bytes) FROM {'old' if dry else 'gone'} GROUP BY day ORDER BY day"
    statement = sql.SQL(f"{old} {counted}").format(table=sql.Identifier(table))
    rows = connection.execute(statement, (kept_from,)).fetchall()
    return [Deletion("database", table, day, count, 0, int(size), kept_from) for day, count, size in rows]
