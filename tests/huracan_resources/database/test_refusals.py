"""What PostgreSQL refuses to an ordinary role, or where it is lost, is a sentence with its remedy."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from huracan.errors import HuracanError, InvalidInput, Unavailable
from huracan_resources.database.database import Database, open_connection
from huracan_resources.database.embedded_postgres import embedded_url
from huracan_resources.database.refusals import as_ours, explained
from tests.made_once import NewHome


@pytest.fixture(scope="module")
def server(new_home: NewHome) -> Iterator[str]:
    """The URL of a superuser."""
    with new_home() as home:
        yield embedded_url(home)


class Place:
    """A database of its own with the ordinary role `asks`."""

    def __init__(self, server: str, name: str) -> None:
        with psycopg.connect(server, autocommit=True) as owner:
            owner.execute(f"DROP DATABASE IF EXISTS {name}".encode())
            owner.execute(f"CREATE DATABASE {name}".encode())
            if not owner.execute("SELECT FROM pg_roles WHERE rolname = 'asks'").rowcount:
                owner.execute("CREATE ROLE asks LOGIN")
        self.administrator = server.replace("/postgres?", f"/{name}?")
        self.url = self.administrator.replace("postgres:", "asks:", 1)

    def run(self, *statements: str) -> None:
        """By the administrator."""
        with psycopg.connect(self.administrator) as owner:
            for statement in statements:
                owner.execute(statement.encode())

    def database(self) -> Database:
        return Database(Path("/nowhere"), self.url)

    def refusal(self) -> HuracanError:
        with pytest.raises(HuracanError) as caught:
            self.database().migrate()
        return caught.value


def test_an_ordinary_role_gets_by_following_each_remedy(server: str) -> None:
    place = Place(server, "ordinary")
    told = []
    for _ in range(3):
        try:
            place.database().migrate()
            break
        except InvalidInput as refused:
            statement = refused.remedy.partition(": ")[2]
            told.append(statement)
            place.run(statement)
    assert told == ["GRANT USAGE, CREATE ON SCHEMA public TO asks;", "CREATE EXTENSION vector;"]
    with place.database().connect() as connection:
        assert connection.execute("SELECT count(*) FROM trade_memory").fetchone() == (0,)


@pytest.fixture
def usable(server: str) -> Place:
    """A place where the role has what it needs."""
    place = Place(server, "usable")
    place.run("GRANT CREATE ON SCHEMA public TO asks", "CREATE EXTENSION vector")
    place.database().migrate()
    return place


def test_pgvector_in_another_schema_works_or_the_grant_that_is_missing_is_said(server: str) -> None:
    place = Place(server, "elsewhere")
    place.run("GRANT CREATE ON SCHEMA public TO asks", "CREATE SCHEMA extensions")
    place.run("CREATE EXTENSION vector SCHEMA extensions")
    assert place.refusal().remedy.endswith("GRANT USAGE ON SCHEMA extensions TO asks;")
    place.run("GRANT USAGE ON SCHEMA extensions TO asks")
    database = place.database()
    for _ in range(2):  # the first connection of a process migrates, the later ones do not
        with database.connect() as connection:
            found = connection.execute("SELECT embedding <=> '[1]' FROM trade_memory").fetchall()
            assert found == []
    assert database.query("SELECT count(*), '[1]'::vector <=> '[1]' FROM trade_memory")[1] == [(0, 0.0)]


def test_a_role_that_may_only_read_asks_an_up_to_date_database(usable: Place) -> None:
    usable.run(
        "REVOKE CREATE ON SCHEMA public FROM asks", "ALTER ROLE asks SET default_transaction_read_only = on"
    )
    try:
        assert usable.database().query("SELECT count(*) FROM incident")[1] == [(0,)]
    finally:
        usable.run("ALTER ROLE asks RESET default_transaction_read_only")


def test_a_read_only_database_is_said_with_its_remedy(usable: Place) -> None:
    usable.run("ALTER DATABASE usable SET default_transaction_read_only = on")
    with (
        pytest.raises(InvalidInput, match="is read-only") as refused,
        usable.database().connect() as connection,
    ):
        connection.execute("DELETE FROM incident")
    assert "ALTER DATABASE usable RESET default_transaction_read_only;" in refused.value.remedy


def test_a_table_that_belongs_to_another_role_is_said_with_the_grant(usable: Place) -> None:
    usable.run("ALTER TABLE incident OWNER TO postgres")
    with pytest.raises(InvalidInput) as refused, usable.database().connect() as connection:
        connection.execute("DELETE FROM incident")
    assert refused.value.remedy.endswith(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO asks;"
    )


def test_the_schema_of_dagster_that_a_role_may_not_make_is_made_by_the_remedy(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huracan_resources.database.dagster_storage import HuracanDagsterStorage

    place = Place(server, "of_dagster")
    monkeypatch.setenv("DATABASE_URL", place.url)
    with pytest.raises(InvalidInput) as refused:
        HuracanDagsterStorage.from_config_value(None, {})
    statement = refused.value.remedy.partition(": ")[2].partition(" (")[0]
    assert statement == "CREATE SCHEMA dagster AUTHORIZATION asks;"
    place.run(statement)
    storage = HuracanDagsterStorage.from_config_value(None, {})
    assert storage.run_storage.get_runs_count() == 0


def test_a_postmaster_that_is_killed_during_a_transaction_is_one_sentence(new_home: NewHome) -> None:
    with new_home() as home:
        database = Database(home)
        with pytest.raises(Unavailable) as caught, database.connect() as connection:
            pid = int((home / "postgres" / "postmaster.pid").read_text().split()[0])
            os.kill(pid, signal.SIGKILL)
            time.sleep(0.3)
            while True:
                connection.execute("SELECT 1")
        assert "did not answer" in caught.value.what or "refused the connection" in caught.value.what
        with database.connect() as connection:  # and the next one starts it again
            assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("sqlstate", ["53100", None])
def test_a_full_disk_is_said_as_such(sqlstate: str | None) -> None:
    said = 'could not extend file "base/5/16397": No space left on device'
    told = explained(sqlstate, said, "the server", "postgresql://u:p@h/d")
    assert isinstance(told, InvalidInput)
    assert told.what == "The disk of the database the server is full." and "Free some space" in told.remedy


def test_a_container_with_little_shared_memory_is_no_full_disk() -> None:
    said = 'could not resize shared memory segment "/PostgreSQL.1" to 8388608 bytes: No space left on device'
    told = explained("53100", said, "the server", "postgresql://u:p@h/d")
    assert "too little shared memory" in told.what and "--shm-size" in told.remedy


def test_a_database_of_another_encoding_is_refused_with_the_statement_that_makes_a_right_one(
    server: str,
) -> None:
    with psycopg.connect(server, autocommit=True) as owner:
        owner.execute("DROP DATABASE IF EXISTS latin")
        locale = "LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
        owner.execute(f"CREATE DATABASE latin ENCODING 'LATIN1' {locale}".encode())
    database = Database(Path("/nowhere"), server.replace("/postgres?", "/latin?"))
    for use in (database.migrate, lambda: database.query("SELECT 1")):
        with pytest.raises(InvalidInput, match="holds its text as LATIN1") as refused:
            use()
        assert "ENCODING 'UTF8'" in refused.value.remedy


def test_too_many_connections_are_said_in_the_servers_words(server: str) -> None:
    place = Place(server, "crowded")
    place.run("ALTER DATABASE crowded CONNECTION LIMIT 0")
    with pytest.raises(Unavailable, match=r"too many connections for database .crowded."):
        open_connection(place.url)


def test_a_role_that_may_not_connect_is_said_with_the_grant(server: str) -> None:
    place = Place(server, "closed")
    place.run("REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
    with pytest.raises(InvalidInput) as refused:
        open_connection(place.url)
    assert refused.value.remedy.endswith("GRANT CONNECT ON DATABASE closed TO asks;")


def test_a_statement_that_took_too_long_is_not_a_lost_server(server: str) -> None:
    with (
        pytest.raises(
            Unavailable, match=r"gave up a statement .canceling statement due to statement timeout."
        ),
        as_ours("it", server),
        psycopg.connect(server) as connection,
    ):
        connection.execute("SET statement_timeout = 10")
        connection.execute("SELECT pg_sleep(5)")


def test_what_a_caller_got_wrong_stays_its_own_error(server: str) -> None:
    with (
        pytest.raises(psycopg.errors.DivisionByZero),
        as_ours("it", server),
        psycopg.connect(server) as connection,
    ):
        connection.execute("SELECT 1 / 0")
