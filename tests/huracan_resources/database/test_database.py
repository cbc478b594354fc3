"""The database starts by itself, survives a kill, and changes its schema once."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from huracan.errors import InvalidInput, Unavailable
from huracan_resources.database.database import Database, open_connection
from huracan_resources.database.embedded_postgres import embedded_url, stop_embedded
from huracan_resources.database.migrate import migrate, shipped_migrations
from tests.made_once import NewHome, empty_home

pytestmark = pytest.mark.server  # every test starts the server in a way of its own

ASK = """
import sys
from pathlib import Path
from huracan_resources.database.database import Database
with Database(Path(sys.argv[1])).connect() as connection:
    print(connection.execute("SELECT count(*) FROM schema_migration").fetchone()[0])
    sys.stdout.flush()
sys.stdin.read()
"""


@pytest.fixture
def home(new_home: NewHome) -> Iterator[Path]:
    """Its server ran before: the cluster is there."""
    with new_home() as home:
        yield home


@pytest.fixture
def empty() -> Iterator[Path]:
    with empty_home() as home:
        yield home


def _ask(home: Path) -> subprocess.Popen[str]:
    """Another process that uses the database until its input is closed."""
    return subprocess.Popen(
        [sys.executable, "-c", ASK, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _postmaster(home: Path) -> int:
    return int((home / "postgres" / "postmaster.pid").read_text().split()[0])


def _is_up(home: Path) -> bool:
    return (home / "postgres" / "postmaster.pid").exists()


def test_a_killed_server_comes_back_with_its_rows(home: Path) -> None:
    database = Database(home)
    with database.connect() as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS x")
    os.kill(_postmaster(home), signal.SIGKILL)
    time.sleep(0.2)
    with database.connect() as connection:
        assert connection.execute("SELECT x FROM kept").fetchone() == (7,)


def test_a_process_id_that_another_program_took_is_no_server(home: Path) -> None:
    file = home / "postgres" / "postmaster.pid"
    file.write_text(f"{os.getpid()}\n{home}/postgres\n1700000000\n5432\n{home}/postgres\n\n1 2\nready\n")
    with psycopg.connect(embedded_url(home)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_kill_while_the_cluster_was_made_is_mended(empty: Path) -> None:
    (empty / "postgres.new").mkdir()
    (empty / "postgres.new" / "PG_VERSION").write_text("18\n")
    (empty / "postgres").mkdir()
    with psycopg.connect(embedded_url(empty)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_home_of_an_older_version_gets_todays_settings_once_and_lines_below_them_win(home: Path) -> None:
    conf = home / "postgres" / "postgresql.conf"
    before, settings, _ = conf.read_text().partition("\nmax_connections = 200")
    conf.write_text(before)

    def shared_buffers() -> tuple[str, ...]:
        with open_connection(embedded_url(home)) as connection:
            return connection.execute("SELECT current_setting('shared_buffers')").fetchone() or ()

    assert settings and shared_buffers() == ("640MB",)
    stop_embedded(home)
    with conf.open("a") as opened:
        opened.write("shared_buffers = 64MB\n")
    assert shared_buffers() == ("64MB",)
    assert conf.read_text().count("shared_buffers = 640MB") == 1


def test_processes_that_start_at_once_share_one_server_and_the_last_one_stops_it(empty: Path) -> None:
    processes = [_ask(empty) for _ in range(3)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == str(len(shipped_migrations()))
    processes[0].kill()
    processes[0].wait()
    processes[1].communicate("")
    assert _is_up(empty)
    processes[2].communicate("")
    assert not _is_up(empty)


def test_threads_that_start_at_once_get_one_url(empty: Path) -> None:
    urls: list[str] = []
    threads = [threading.Thread(target=lambda: urls.append(embedded_url(empty))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(urls) == 4 and len(set(urls)) == 1


def test_a_long_home_still_has_a_socket(empty: Path) -> None:
    deep = empty / ("a-directory-with-a-long-name-" * 4)
    for _ in range(2):
        with psycopg.connect(embedded_url(deep)) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    link = Path(str(psycopg.conninfo.conninfo_to_dict(embedded_url(deep))["host"]))
    assert link.readlink() == deep.resolve() / "postgres"
    stop_embedded(deep)
    assert not link.is_symlink()


def test_an_exception_rolls_the_transaction_back(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.connect() as connection:
        connection.execute("CREATE TABLE never (x int)")
        raise ZeroDivisionError
    with database.connect() as connection:
        assert connection.execute("SELECT to_regclass('never')").fetchone() == (None,)


def test_a_question_gets_names_and_rows_with_its_parameters_as_values(database: Database) -> None:
    names, rows = database.query("SELECT %s AS text, 1 + 1 AS two", ["'; DROP TABLE incident; --"])
    assert (names, rows) == (["text", "two"], [("'; DROP TABLE incident; --", 2)])
    assert database.query("SELECT '50%' AS share") == (["share"], [("50%",)])


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM schema_migration",
        "COMMIT; DELETE FROM schema_migration",
        "DELETE FROM schema_migration; COMMIT",
        "WITH gone AS (DELETE FROM schema_migration RETURNING *) SELECT * FROM gone",
        "SELECT * FROM nothing",
        "SELECT 1 / 0",
        "SELEC",
    ],
)
def test_a_question_that_writes_or_is_wrong_is_refused_and_changes_nothing(
    database: Database, statement: str
) -> None:
    before = database.query("SELECT count(*) FROM schema_migration")
    with pytest.raises(InvalidInput, match=r"PostgreSQL refused the statement|to the database selects"):
        database.query(statement)
    assert database.query("SELECT count(*) FROM schema_migration") == before
    assert before[1] != [(0,)]


def test_migrations_run_once_and_a_changed_one_is_refused(database: Database) -> None:
    assert database.migrate() == []
    with open_connection(database.url) as connection:
        more = {**shipped_migrations(), "9001_more.sql": "CREATE TABLE more (x int)"}
        assert migrate(connection, more) == ["9001_more.sql"]
        assert migrate(connection, more) == []
        with pytest.raises(InvalidInput, match=r"9001_more\.sql differs"):
            migrate(connection, {"9001_more.sql": "CREATE TABLE more (y int)"})
        # The server is shared, and what was migrated stays.
        connection.execute("DROP TABLE more")
        connection.execute("DELETE FROM schema_migration WHERE name = '9001_more.sql'")
        connection.commit()


def test_a_migration_that_fails_leaves_nothing_behind(database: Database) -> None:
    with open_connection(database.url) as connection:
        with pytest.raises(psycopg.Error):
            migrate(connection, {"9002_bad.sql": "CREATE TABLE half (x int); SELECT nonsense"})
        assert connection.execute("SELECT to_regclass('half')").fetchone() == (None,)


def test_a_brain_of_simulated_candles_cannot_be_registered_as_live_eligible(database: Database) -> None:
    values = "'b', '2023-06-30', '{}', 'promoted', '[]', %s, true, 'm', 'u', 'h', 'v', 'c'"
    with pytest.raises(psycopg.errors.CheckViolation), database.connect() as connection:
        connection.execute(f"INSERT INTO brain_registry VALUES ({values})", (True,))
    with database.connect() as connection:
        assert connection.execute(f"INSERT INTO brain_registry VALUES ({values})", (False,)).rowcount == 1
        connection.rollback()


def test_an_unreachable_server_is_one_line_without_the_password() -> None:
    with pytest.raises(Unavailable) as caught:
        Database(Path("/nowhere"), "postgresql://user:hunter2@127.0.0.1:1/name").migrate()
    assert "127.0.0.1:1" in str(caught.value) and "hunter2" not in str(caught.value)


def test_a_database_that_does_not_exist_is_permanent(database: Database) -> None:
    wrong = database.url.replace("/postgres?", "/nodatabase?")
    with pytest.raises(InvalidInput, match="DATABASE_URL"):
        Database(Path("/nowhere"), wrong).migrate()


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="HURACAN_HOME"):
        embedded_url(tmp_path / "file" / "home")


def test_a_glance_starts_makes_and_changes_nothing(home: Path) -> None:
    database = Database(home)
    with database.glance() as none:
        assert none is None and not _is_up(home)
    embedded_url(home)
    with database.glance() as connection:
        assert connection is not None
        assert connection.execute("SELECT to_regclass('incident')").fetchone() == (None,)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), connection.transaction():
            connection.execute("CREATE TABLE made (x int)")


def test_a_glance_at_a_server_that_does_not_answer_is_short(tmp_path: Path) -> None:
    started = time.monotonic()
    database = Database(tmp_path, "postgresql://me@10.255.255.1/x")
    with pytest.raises(Unavailable), database.glance():
        pass
    assert time.monotonic() - started < 6
