"""Every older schema becomes today's with its rows, and many processes at once change it once."""

import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from huracan_resources.database.embedded_postgres import embedded_url
from huracan_resources.database.migrate import migrate, shipped_migrations
from tests.made_once import NewHome

NAMES = list(shipped_migrations())

UPGRADE = """
import sys
from pathlib import Path
from huracan_resources.database.database import Database
sys.stdin.readline()
print(len(Database(Path("/nowhere"), sys.argv[1]).migrate()), flush=True)
"""

_VALUES = {
    "text": "'o''x; DROP TABLE t; --'",
    "date": "'2023-06-02'",
    "bool": "false",
    "timestamptz": "'2023-06-02T01:02:03Z'",
    "jsonb": "'{\"a\": 1}'",
    "vector": "('[' || array_to_string(array_fill(0.125::real, ARRAY[64]), ',') || ']')::vector",
    **dict.fromkeys(("int8", "float8", "float4"), "7"),
    **dict.fromkeys(("_text", "_float4", "_float8", "_bool"), "NULL"),
}
_CHECKED = {"kind": "'lake'", "scope": "'all'", "state": "'candidate'", "window_days": "1", "_text": "'{}'"}
_CHECKED |= {"estimator": "'weighted'", "exit_alternatives.scope": "'as_is'"}
"""A value for the columns that take only some."""

_KNOWN_TO_DATABASES = [
    "0001_registry", "0002_analysis", "0003_partition_rows", "0004_memory", "0005_ledger",
    "0006_wins_and_losses", "0007_patterns", "0008_exit_quality", "0009_retention",
    "0010_told_addresses", "0011_open_positions", "0012_patterns_over_midnight",
    "0013_result_of_scenarios", "0014_exploration", "0015_gate_worth", "0016_importance",
    "0018_alternatives", "0018_gate_changes", "0019_ensemble", "0020_binding",
]  # fmt: skip


@pytest.fixture(scope="module")
def server(new_home: NewHome) -> Iterator[str]:
    with new_home() as home:
        yield embedded_url(home)


@pytest.fixture
def empty(server: str) -> Iterator[str]:
    """The URL of a database of its own without any table."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE upgraded")
    yield server.replace("/postgres?", "/upgraded?")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP DATABASE upgraded WITH (FORCE)")


def _tables(connection: psycopg.Connection) -> list[str]:
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND "
    query += "table_type = 'BASE TABLE' AND table_name <> 'schema_migration' ORDER BY 1"
    return [name for (name,) in connection.execute(query.encode()).fetchall()]


def _fill(connection: psycopg.Connection, table: str) -> None:
    """One row with a value in every column that needs one."""
    columns = connection.execute(
        "SELECT column_name, udt_name, is_nullable = 'NO' FROM information_schema.columns "
        "WHERE table_schema = 'public' AND table_name = %s AND is_identity = 'NO'",
        (table,),
    ).fetchall()
    checked = _CHECKED | {
        name.removeprefix(f"{table}."): value
        for name, value in _CHECKED.items()
        if name.startswith(f"{table}.")
    }
    values = {
        name: checked.get(name, checked.get(kind, _VALUES[kind]) if is_needed else _VALUES[kind])
        for name, kind, is_needed in columns
        if is_needed or kind not in ("text", "jsonb")
    }
    connection.execute(
        sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(sql.SQL(value) for value in values.values()),  # type: ignore[arg-type]
        )
    )


def _rows(connection: psycopg.Connection, table: str) -> list[dict[str, object]]:
    query = sql.SQL("SELECT to_jsonb(t) FROM {} AS t").format(sql.Identifier(table))
    return [row for (row,) in connection.execute(query).fetchall()]


def _schema(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    """Every column, index and constraint, and which migrations are recorded."""
    return [
        row
        for query in (
            "SELECT table_name::text, column_name::text, udt_name::text, is_nullable::text, "
            "column_default::text FROM information_schema.columns WHERE table_schema = 'public'",
            "SELECT tablename::text, indexdef FROM pg_indexes WHERE schemaname = 'public'",
            "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE connamespace = 'public'::regnamespace",
            "SELECT name, sha256 FROM schema_migration",
        )
        for row in sorted(connection.execute(query.encode()).fetchall(), key=str)
    ]


@pytest.mark.parametrize("version", range(1, len(NAMES)), ids=NAMES[:-1])
def test_an_older_schema_is_upgraded_with_its_rows_and_equals_a_new_one(empty: str, version: int) -> None:
    shipped = shipped_migrations()
    with psycopg.connect(empty) as connection:
        migrate(connection, {name: shipped[name] for name in NAMES[:version]})
        before = {}
        for table in _tables(connection):
            _fill(connection, table)
            before[table] = _rows(connection, table)
        connection.commit()
        assert migrate(connection) == NAMES[version:]
        connection.commit()
        for table, rows in before.items():
            (kept,), (was,) = _rows(connection, table), rows
            assert kept.items() >= was.items(), table
            assert set(kept) - set(was) <= {key for key, value in kept.items() if value in (None, [])}, table
        upgraded = _schema(connection)
        assert migrate(connection) == [] and _schema(connection) == upgraded
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        migrate(connection)
        assert _schema(connection) == upgraded


def test_a_migration_keeps_the_name_by_which_databases_know_it() -> None:
    """One that is renamed would be applied once more, and fail."""
    assert {f"{name}.sql" for name in _KNOWN_TO_DATABASES} <= set(NAMES)


def test_a_migration_that_came_between_is_applied_all_the_same(empty: str) -> None:
    shipped = shipped_migrations()
    with psycopg.connect(empty) as connection:
        migrate(connection, {name: text for name, text in shipped.items() if "memory" not in name})
        assert migrate(connection) == ["0004_memory.sql"]
        upgraded = _schema(connection)
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        migrate(connection)
        assert _schema(connection) == upgraded


def test_of_ten_processes_at_once_one_applies_and_nine_wait(empty: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", UPGRADE, empty],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(10)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [int(process.communicate(timeout=120)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0] * 10
    assert sorted(answers) == [0] * 9 + [len(NAMES)]
