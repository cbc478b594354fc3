"""A question to the database reads its tables: none writes, runs a program or reads a file."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from huracan.errors import HuracanError, InvalidInput
from huracan_resources.database.database import Database
from huracan_resources.database.embedded_postgres import embedded_url
from huracan_resources.database.reader import GRANTS, READER
from tests.made_once import NewHome

ESCAPES = [
    "COPY (SELECT 1) TO PROGRAM 'touch {made}'",
    "COPY (SELECT 1) TO '{made}'",
    "COPY incident FROM PROGRAM 'touch {made}'",
    "COPY (SELECT 1) TO STDOUT",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_read_binary_file('{home}/keys/signing.key')",
    "SELECT * FROM pg_ls_dir('/')",
    "SELECT pg_stat_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '{made}')",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT pg_create_physical_replication_slot('stays')",
    "SELECT pg_create_logical_replication_slot('stays', 'pgoutput')",
    "SELECT set_config('role', 'postgres', false), pg_read_file('/etc/passwd')",
    "SELECT set_config('session_authorization', 'postgres', false), pg_read_file('/etc/passwd')",
    "SELECT set_config('transaction_read_only', 'off', false), lo_from_bytea(0, 'x')",
    "SET SESSION AUTHORIZATION postgres",
    "DO $$ BEGIN EXECUTE 'SET TRANSACTION READ WRITE'; CREATE TABLE stays (x int); END $$",
    "WITH gone AS (DELETE FROM schema_migration RETURNING *) SELECT * FROM gone",
    "COMMIT; DELETE FROM schema_migration",
    "EXPLAIN ANALYZE DELETE FROM schema_migration",
    "CREATE TABLE stays (x int)",
    "CREATE TEMP TABLE stays (x int)",
    "CREATE EXTENSION dblink",
    "CREATE ROLE stays SUPERUSER",
    "ALTER SYSTEM SET archive_command = 'touch {made}'",
    "ALTER ROLE huracan_reader SUPERUSER",
    "SELECT rolpassword FROM pg_authid",
    "SELECT pg_reload_conf()",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
    "SELECT current_setting('data_directory')",
    "LOCK TABLE schema_migration",
    "VACUUM schema_migration",
    "LOAD 'plpgsql'",
    "TRUNCATE schema_migration",
]
_LEFT = """
SELECT (SELECT count(*) FROM pg_replication_slots), (SELECT count(*) FROM pg_largeobject_metadata),
    to_regclass('stays'), (SELECT count(*) FROM pg_roles WHERE rolsuper),
    (SELECT count(*) FROM schema_migration) > 0, (SELECT count(*) FROM pg_extension)
"""


@pytest.fixture(scope="module")
def home(new_home: NewHome) -> Iterator[Path]:
    with new_home() as home:
        Database(home).migrate()
        (home / "keys").mkdir()
        (home / "keys" / "signing.key").write_text("hunter2")
        yield home


@pytest.fixture(scope="module")
def of_a_role(home: Path) -> Database:
    """The same database as a server's, asked by the role that the remedy for superusers makes."""
    url = embedded_url(home)
    with psycopg.connect(url) as connection:
        for grant in GRANTS.replace(READER, "asks").split(";"):
            if grant.strip():
                connection.execute(grant.encode())
    return Database(home, url, url.replace("postgres:", "asks:", 1))


@pytest.mark.parametrize("is_embedded", [True, False], ids=["embedded", "server"])
@pytest.mark.parametrize("statement", ESCAPES)
def test_no_statement_leaves_the_tables(
    home: Path, of_a_role: Database, statement: str, is_embedded: bool, tmp_path: Path
) -> None:
    database, made = Database(home) if is_embedded else of_a_role, tmp_path / "made"
    tmp_path.chmod(0o777)
    with psycopg.connect(embedded_url(home)) as owner:
        before = owner.execute(_LEFT).fetchone()
    try:
        _, rows = database.query(statement.format(made=made, home=home))
    except HuracanError as refused:
        assert "hunter2" not in str(refused) and "root:" not in str(refused)
    else:
        assert rows == []
    with psycopg.connect(embedded_url(home)) as owner:
        assert owner.execute(_LEFT).fetchone() == before
    assert not made.exists()


def test_the_reader_reads_every_table_also_those_made_later(home: Path) -> None:
    database = Database(home)
    assert database.query("SELECT session_user, count(*) > 0 FROM schema_migration GROUP BY 1")[1] == [
        (READER, True)
    ]
    with psycopg.connect(embedded_url(home)) as owner:
        owner.execute("CREATE TABLE IF NOT EXISTS made_later AS SELECT 1 AS x")
    assert database.query("SELECT x FROM made_later")[1] == [(1,)]


def test_vectors_come_as_vectors(home: Path) -> None:
    [[vector, distance]] = Database(home).query(
        "SELECT '[1,2]'::vector, '[1,0]'::vector <=> '[0,1]'::vector"
    )[1]
    assert vector.to_list() == [1.0, 2.0] and distance == 1.0


def test_a_superuser_of_a_server_is_refused_with_the_grants_that_make_a_reader(home: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        Database(home, embedded_url(home)).query("SELECT 1")
    assert "superuser" in refused.value.what
    assert GRANTS in refused.value.remedy and "DATABASE_READER_URL" in refused.value.remedy


@pytest.mark.parametrize(
    "more",
    ["REPLICATION", "IN ROLE pg_read_server_files", "IN ROLE pg_execute_server_program", "IN ROLE postgres"],
)
def test_a_role_that_reaches_beyond_tables_is_refused_as_a_reader_too(home: Path, more: str) -> None:
    url, role = embedded_url(home), re.sub(r"\W", "_", more.lower())
    with psycopg.connect(url) as owner:
        owner.execute(f"CREATE ROLE {role} LOGIN {more}".encode())
    with pytest.raises(InvalidInput, match="questions are refused"):
        Database(home, url, url.replace("postgres:", f"{role}:", 1)).query("SELECT 1")


@pytest.fixture(scope="module")
def of_its_owner(home: Path) -> Database:
    """A database of a server by the role that owns its tables, and by which nights work."""
    url = embedded_url(home)
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("CREATE ROLE owns LOGIN")
        owner.execute("CREATE DATABASE owned OWNER owns")
    there = url.replace("/postgres?", "/owned?")
    with psycopg.connect(there) as owner:
        owner.execute("CREATE EXTENSION vector")
    return Database(home, there.replace("postgres:", "owns:", 1))


def test_an_ordinary_owner_of_the_tables_may_ask_and_cannot_write(of_its_owner: Database) -> None:
    database = of_its_owner
    assert database.query("SELECT count(*) > 0 FROM schema_migration")[1] == [(True,)]
    for statement in (
        "EXPLAIN ANALYZE DELETE FROM schema_migration",
        "SELECT 1; COMMIT; DROP TABLE incident",
    ):
        with pytest.raises(InvalidInput, match="PostgreSQL refused the statement"):
            database.query(statement)
    database.query("EXPLAIN ANALYZE CREATE TABLE stays AS SELECT 1")  # PostgreSQL makes it; it is rolled back
    assert database.query("SELECT to_regclass('stays'), count(*) > 0 FROM schema_migration")[1] == [
        (None, True)
    ]


_OTHERS = "FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()"
_HIDDEN = f"SELECT pg_term' || 'inate_backend(pid) {_OTHERS}"


@pytest.mark.parametrize(
    "statement",
    [
        f"SELECT pg_terminate_backend(pid) {_OTHERS}",
        f'SELECT pg_catalog."pg_cancel_backend"/**/(pid) {_OTHERS}',
        f"EXPLAIN ANALYZE SELECT PG_Terminate_Backend(pid) {_OTHERS}",
        f'SELECT U&"pg\\005fterminate_backend"(pid) {_OTHERS}',
        f"SELECT query_to_xml('{_HIDDEN}', true, true, '')",
        f"SELECT * FROM ts_stat('{_HIDDEN}')",
        f"DO $$ BEGIN EXECUTE 'SELECT count(*) FROM ({_HIDDEN}) AS x'; END $$",
        f"/* /* */ SELECT */ DO $$ BEGIN EXECUTE 'SELECT count(*) FROM ({_HIDDEN}) AS x'; END $$",
        f"-- SELECT\rDO $$ BEGIN EXECUTE 'SELECT count(*) FROM ({_HIDDEN}) AS x'; END $$",
        "SELECT pg_advisory_lock(1)",
        "SELECT set_config('statement_timeout', '1', false)",
        "SELECT * FROM dblink('', 'SELECT 1') AS found (x int)",
    ],
)
def test_a_question_by_the_role_of_a_night_cannot_end_the_night(
    of_its_owner: Database, statement: str
) -> None:
    with psycopg.connect(of_its_owner.url) as night:
        with pytest.raises(InvalidInput, match="A question to the database"):
            of_its_owner.query(statement)
        assert night.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize(
    "statement",
    [
        "-- of the incidents\n (select 1) UNION ALL (SELECT 2)",
        "with two AS (VALUES (1)) SELECT * FROM two",
        "TABLE schema_migration;",
        "EXPLAIN SELECT 1",
        "SHOW server_version",
        "SELECT 1 AS lo_price, 'what to do: copy it' AS do_call",
    ],
)
def test_whatever_selects_is_answered(of_its_owner: Database, statement: str) -> None:
    assert of_its_owner.query(statement)[1]


def test_a_copy_to_the_client_is_refused_in_one_sentence(
    of_its_owner: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(InvalidInput, match="does something else"):
        of_its_owner.query("COPY (SELECT 1) TO STDOUT")
    assert caplog.records == []
