"""The connection to PostgreSQL: embedded by default, a server by URL. Its own tables are made by migration.

What the tables hold belongs to `tables` and to the files named after them.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from pgvector.psycopg import register_vector

from huracan.errors import InvalidInput
from huracan_resources.database.address import plain_url, role_and_name, shown_url
from huracan_resources.database.embedded_postgres import embedded_url, running_url
from huracan_resources.database.migrate import migrate
from huracan_resources.database.reader import READER, check_ordinary, check_question, make_reader
from huracan_resources.database.refusals import as_ours

_CONNECT_SECONDS, _GLANCE_SECONDS = 10, 2

_VECTOR_ELSEWHERE = """
SELECT nspname, has_schema_privilege(pg_namespace.oid, 'USAGE')
FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
WHERE extname = 'vector' AND NOT nspname = ANY(current_schemas(false))
"""


class Database:
    """PostgreSQL with pgvector; its schema is brought up to date by the first connection of a process."""

    def __init__(self, home: Path, url: str | None = None, reader_url: str | None = None) -> None:
        """`url` names a server; None means the embedded one below `home`. `reader_url` is the same server by
        a role that may only read; without it questions are asked by the role of `url`."""
        self.home = home
        self._given_url = None if url is None else plain_url(url)
        self._reader_url = None if reader_url is None else plain_url(reader_url)
        self._is_migrated = False
        self._vectors: str | None = None
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """`postgresql://…` for psycopg, with the password; starts the embedded server."""
        return self._given_url or embedded_url(self.home)

    @property
    def shown_url(self) -> str:
        """The URL without its password, for people."""
        return (
            shown_url(self._given_url) if self._given_url else f"embedded PostgreSQL in {self.home}/postgres"
        )

    @contextmanager
    def connect(self) -> Iterator[psycopg.Connection]:
        """A connection in one transaction: committed at the end, rolled back by an exception."""
        url = self.url
        connection = open_connection(url, self.shown_url)
        try:
            with as_ours(self.shown_url, url), connection:
                self._prepare(connection)
                yield connection
        finally:
            connection.close()

    def query(
        self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Names and rows that one statement selects, asked by a role that may only read.

        `InvalidInput` where it is wrong, is more than one, or would do anything but read.
        """
        check_question(statement)
        with self._reading() as connection:
            connection.execute("SET TRANSACTION READ ONLY")
            try:
                # A prepared statement is one: none can end the transaction and go on outside of it.
                found = connection.execute(statement.encode(), parameters or None, prepare=True)
                names = [column.name for column in found.description or ()]
                rows = found.fetchall() if names else []
            except (psycopg.OperationalError, psycopg.InterfaceError):
                raise
            except psycopg.Error as error:
                what = " ".join(str(error).split())
                raise InvalidInput(
                    f"PostgreSQL refused the statement: {what}", "Correct it and ask again."
                ) from error
            connection.rollback()
        return names, rows

    @contextmanager
    def glance(self) -> Iterator[psycopg.Connection | None]:
        """A connection that only reads and finds the database as it is: for it nothing is started, made or
        migrated. None where the embedded server does not run."""
        url = self._given_url or running_url(self.home)
        if url is None:
            yield None
            return
        connection = open_connection(url, self.shown_url, _GLANCE_SECONDS)
        try:
            with as_ours(self.shown_url, url), connection:
                connection.execute("SET TRANSACTION READ ONLY")
                yield connection
                connection.rollback()
        finally:
            connection.close()

    def migrate(self) -> list[str]:
        """Apply the migrations that are missing; their names."""
        url = self.url
        connection = open_connection(url, self.shown_url)
        with as_ours(self.shown_url, url), connection:
            _check_encoding(connection, self.shown_url)
            _find_vectors(connection, _vectors_elsewhere(connection))
            return migrate(connection)

    @contextmanager
    def _reading(self) -> Iterator[psycopg.Connection]:
        """A connection whose role may only read; `InvalidInput` where there is none."""
        if self._given_url is not None and self._reader_url is None:
            with self.connect() as connection:
                check_ordinary(connection, self.shown_url)
                yield connection
            return
        if self._reader_url is not None:
            url, shown = self._reader_url, shown_url(self._reader_url)
        else:
            with self.connect() as owner:
                make_reader(owner)
            url, shown = self.url.replace("//postgres:", f"//{READER}:", 1), self.shown_url
        connection = open_connection(url, shown)
        try:
            with as_ours(shown, url), connection:
                check_ordinary(connection, shown)
                _find_vectors(connection, _vectors_elsewhere(connection))
                register_vector(connection)
                yield connection
        finally:
            connection.close()

    def _prepare(self, connection: psycopg.Connection) -> None:
        with self._lock:
            if not self._is_migrated:
                _check_encoding(connection, self.shown_url)
                self._vectors = _vectors_elsewhere(connection)
                _find_vectors(connection, self._vectors)
                migrate(connection)
                # What follows may be rolled back, and nobody would migrate again.
                connection.commit()
                self._is_migrated = True
            else:
                _find_vectors(connection, self._vectors)
        register_vector(connection)


def open_connection(
    url: str, shown: str | None = None, seconds: int = _CONNECT_SECONDS
) -> psycopg.Connection:
    """A psycopg connection; `InvalidInput` for a wrong password or database, else `Unavailable`, with `shown`
    for the database instead of its address."""
    with as_ours(shown or shown_url(url), url):
        return psycopg.connect(url, connect_timeout=seconds)


def _check_encoding(connection: psycopg.Connection, shown: str) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise InvalidInput(
            f"The database {shown} holds its text as {encoding}, which has no place for every symbol.",
            "Name one that was made by: CREATE DATABASE huracan ENCODING 'UTF8' TEMPLATE template0;",
        )


def _vectors_elsewhere(connection: psycopg.Connection) -> str | None:
    """The schema of pgvector where it is not on the search path, as in databases of some providers."""
    found = connection.execute(_VECTOR_ELSEWHERE).fetchone()
    if found is None:
        return None
    schema, is_usable = found
    if not is_usable:
        role, _ = role_and_name(connection.info.dsn)
        raise InvalidInput(
            f"pgvector lies in the schema {schema}, which the role of DATABASE_URL may not use.",
            f"An administrator runs there: GRANT USAGE ON SCHEMA {schema} TO {role};",
        )
    return str(schema)


def _find_vectors(connection: psycopg.Connection, schema: str | None) -> None:
    if schema is not None:
        path = "current_setting('search_path') || ', ' || quote_ident(%s)"
        connection.execute(f"SELECT set_config('search_path', {path}, false)".encode(), (schema,))
