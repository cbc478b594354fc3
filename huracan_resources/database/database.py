"""The connection to PostgreSQL: embedded by default, a server by URL. Its own tables are made by migration.

What the tables hold belongs to `tables` and to the files named after them.
"""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import psycopg
from pgvector.psycopg import register_vector

from huracan.errors import HuracanError, InvalidInput, Unavailable
from huracan_resources.database.embedded_postgres import embedded_url
from huracan_resources.database.migrate import migrate

DAGSTER_SCHEMA = "dagster"
"""Dagster's tables have a schema of their own beside ours."""

_CONNECT_SECONDS = "10"


class Database:
    """PostgreSQL with pgvector; its schema is brought up to date by the first connection of a process."""

    def __init__(self, home: Path, url: str | None = None) -> None:
        """`url` names a server; None means the embedded one below `home`."""
        self.home = home
        self._given_url = None if url is None else plain_url(url)
        self._is_migrated = False
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
        connection = open_connection(self.url)
        try:
            with as_ours(self.shown_url), connection:
                self._migrate_once(connection)
                register_vector(connection)
                yield connection
        finally:
            connection.close()

    def query(
        self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Names and rows that one statement selects. Nothing that it does stays.

        InvalidInput where it is wrong, is more than one, or would write.
        """
        with self.connect() as connection:
            connection.execute("SET TRANSACTION READ ONLY")
            try:
                # A prepared statement is one: none can end the transaction and go on outside of it.
                found = connection.execute(statement.encode(), parameters or None, prepare=True)
                names = [column.name for column in found.description or ()]
                rows = found.fetchall() if names else []
            except psycopg.OperationalError:
                raise
            except psycopg.Error as error:
                what = " ".join(str(error).split())
                raise InvalidInput(
                    f"PostgreSQL refused the statement: {what}", "Correct it and ask again."
                ) from error
            connection.rollback()
        return names, rows

    def migrate(self) -> list[str]:
        """Apply the migrations that are missing; their names."""
        connection = open_connection(self.url)
        with as_ours(self.shown_url), connection:
            return migrate(connection)

    def _migrate_once(self, connection: psycopg.Connection) -> None:
        with self._lock:
            if not self._is_migrated:
                migrate(connection)
                self._is_migrated = True


def open_connection(url: str) -> psycopg.Connection:
    """A psycopg connection; `InvalidInput` for a wrong password or database, else `Unavailable`."""
    with as_ours(shown_url(url)):
        return psycopg.connect(url, connect_timeout=int(_CONNECT_SECONDS))


@contextmanager
def as_ours(shown: str) -> Iterator[None]:
    """Turn what the driver says about a lost or refused connection into an error a user may see."""
    try:
        yield
    except psycopg.OperationalError as error:
        raise _explain(error, shown) from error


def _explain(error: psycopg.OperationalError, shown: str) -> HuracanError:
    text = " ".join(str(error).split())
    if isinstance(error, psycopg.errors.DiskFull):
        return InvalidInput(f"The disk of the database {shown} is full.", "Free some space, then run again.")
    if re.search(r"authentication failed|no password supplied|does not exist|no pg_hba", text):
        return InvalidInput(
            f"The database {shown} refused the connection.", "Check user, password and name in DATABASE_URL."
        )
    return Unavailable(
        f"The database {shown} did not answer.",
        "Check that it runs and that DATABASE_URL names it; without DATABASE_URL the embedded one is used.",
    )


def plain_url(url: str) -> str:
    """`postgresql://…` without a driver, from any of its spellings; `InvalidInput` if it is none."""
    scheme, found, rest = url.partition("://")
    if not found or not re.fullmatch(r"postgres(ql)?(\+\w+)?", scheme):
        raise InvalidInput(
            "The database URL is not one of PostgreSQL.",
            "Write DATABASE_URL=postgresql://user:password@host/name.",
        )
    return f"postgresql://{rest}"


def dagster_url(url: str) -> str:
    """The URL for Dagster's own storage: its driver, its schema, and commits that do not wait for the disk.

    Losing the last log lines of a run in a power cut is cheap; an fsync per event is not.
    """
    parts = urlsplit(plain_url(url))
    query = dict(parse_qsl(parts.query))
    ours = f"-csearch_path={DAGSTER_SCHEMA} -csynchronous_commit=off"
    query["options"] = f"{query['options']} {ours}" if "options" in query else ours
    # urlunsplit drops the empty host of a socket URL, and with it the slashes that SQLAlchemy needs.
    return f"postgresql+psycopg2://{parts.netloc}{parts.path}?{urlencode(query, quote_via=quote)}"


def shown_url(url: str) -> str:
    """`url` with its password replaced by stars, also where it stands in the query."""
    parts = urlsplit(url)
    netloc = re.sub(r":[^@]*@", ":***@", parts.netloc) if parts.password else parts.netloc
    query = "&".join(
        f"{name}={'***' if name == 'password' else value}" for name, value in parse_qsl(unquote(parts.query))
    )
    return urlunsplit((parts.scheme, netloc or "@", parts.path, query, ""))
