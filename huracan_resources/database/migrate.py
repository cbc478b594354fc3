"""Numbered SQL files applied in order, once, each recorded with its SHA-256."""

import hashlib
from pathlib import Path

import psycopg

from huracan.errors import InvalidInput
from huracan_resources.catalogue import ASSETS

_OWN = Path(__file__).with_name("migrations")
LOCK = 4_857_226_102
"""The advisory lock that lets one process at a time change the schema; an arbitrary number of our own."""

_HELD = "SELECT to_regclass(quote_ident(current_schema()) || '.schema_migration')"


def shipped_migrations() -> dict[str, str]:
    """Name to SQL, in order: Huracan's by their numbers, then those beside the assets of other packages, as
    `package/file`."""
    folders = {"": _OWN} | {f"{name}/": folder / _OWN.name for name, folder in ASSETS.packages().items()}
    found = {
        f"{lead}{file.name}": file.read_text("utf-8")
        for lead, folder in folders.items()
        for file in folder.glob("*.sql")
    }
    return dict(sorted(found.items()))


def migrate(connection: psycopg.Connection, migrations: dict[str, str] | None = None) -> list[str]:
    """Apply what is missing, in one transaction; the names applied.

    `InvalidInput` if a migration that was applied before has another text now.
    """
    wanted = shipped_migrations() if migrations is None else migrations
    with connection.transaction():
        # First without a lock and without a right to make anything: mostly there is nothing to do.
        if not _missing(connection, wanted):
            return []
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration (name text PRIMARY KEY, sha256 text NOT NULL)"
        )
        fresh = _missing(connection, wanted)
        for name, sha256 in fresh.items():
            _apply(connection, name, wanted[name], sha256)
    return list(fresh)


def _missing(connection: psycopg.Connection, wanted: dict[str, str]) -> dict[str, str]:
    """Name to SHA-256 of those that were not applied yet, in order."""
    if connection.execute(_HELD).fetchone() == (None,):
        applied: dict[str, str] = {}
    else:
        applied = dict(connection.execute("SELECT name, sha256 FROM schema_migration").fetchall())
    shipped = {name: hashlib.sha256(sql.encode()).hexdigest() for name, sql in sorted(wanted.items())}
    for name, sha256 in shipped.items():
        _check_unchanged(name, applied.get(name, sha256), sha256)
    return {name: sha256 for name, sha256 in shipped.items() if name not in applied}


def _check_unchanged(name: str, applied: str, shipped: str) -> None:
    if applied != shipped:
        raise InvalidInput(
            f"The migration {name} differs from the one that this database was made with.",
            "Never edit an applied migration: restore it and add a new one.",
        )


def _apply(connection: psycopg.Connection, name: str, sql: str, sha256: str) -> None:
    try:
        connection.execute(sql.encode())
    except psycopg.errors.FeatureNotSupported as error:
        raise InvalidInput(
            f"The database cannot apply {name} ({error.diag.message_primary}).",
            "Install pgvector on the server, or unset DATABASE_URL to use the embedded PostgreSQL.",
        ) from error
    connection.execute("INSERT INTO schema_migration VALUES (%s, %s)", (name, sha256))
