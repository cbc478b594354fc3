"""Brings the database up to the lake's partitions: it may be new where the lake is not.

Which table of a partition goes into which of the database a stage declares.
"""

from collections.abc import Mapping
from datetime import date

from huracan_resources.lake.manifest import Manifest
from huracan_resources.resources import Resources


def load_rows(manifest: Manifest, database: Mapping[str, str], resources: Resources) -> None:
    """Make each table of `database` (in PostgreSQL -> in the partition) hold the partition's rows.

    Rows whose file aged out are left as they are.
    """
    for table, name in _standing(manifest, database).items():
        rows = None
        if f"{name}.parquet" in manifest.files:
            rows = resources.lake.read_manifests([manifest], None, name)
        resources.rows.load(table, manifest.day, manifest.content_hash, rows)


def load_lost_days(asset: str, database: Mapping[str, str], before: date, resources: Resources) -> None:
    """Load the days of `asset` before `before` that the database was never given, or lost.

    What is searched in the database would else be found in a part of the past, and nobody would see it.
    """
    earlier = {day for day in resources.lake.days(asset) if day < before}
    for day in sorted(earlier - resources.rows.days(database)):
        manifest = resources.lake.manifest(asset, day)
        if manifest is not None:
            load_rows(manifest, database, resources)


def are_rows_loaded(manifest: Manifest, database: Mapping[str, str], held: Mapping[str, str]) -> bool:
    """Whether the tables of `database` were loaded from just this partition, or its file aged out since.

    `held`: table to the content hash of the day's partition that it was loaded from.
    """
    return all(held.get(table) == manifest.content_hash for table in _standing(manifest, database))


def _standing(manifest: Manifest, database: Mapping[str, str]) -> dict[str, str]:
    return {table: name for table, name in database.items() if f"{name}.parquet" not in manifest.aged_out}
