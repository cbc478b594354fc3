"""What PostgreSQL says of a lost or refused connection, or of a missing right, as an error for a user.

Each with its remedy: a missing right with the statement that an administrator must run. What a question got
wrong is told by `Database.query`.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from huracan.errors import HuracanError, InvalidInput, Unavailable
from huracan_resources.database.address import DAGSTER_SCHEMA, role_and_name

_LONGEST = 300
_LOST = ("08", "57P")
"""Classes of codes that say that the connection is gone."""

_CHECK = "Check that it runs and that DATABASE_URL names it; without DATABASE_URL the embedded one is used."


@contextmanager
def as_ours(shown: str, url: str) -> Iterator[None]:
    """Turn what the driver says into ours; `shown` stands for the database in messages. Errors in what was
    asked (a wrong value, a broken constraint) pass as they are."""
    try:
        yield
    except (psycopg.OperationalError, errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction) as error:
        ours = explained(error.sqlstate, str(error), shown, url)
        # What the client does not understand it repeats: that may be a part of a password.
        is_misread = error.sqlstate is None and "invalid" in str(error)
        raise ours from None if is_misread else error


def explained(sqlstate: str | None, said: str, shown: str, url: str) -> HuracanError:
    """The error for PostgreSQL's code and text."""
    text = " ".join(said.split())
    role, name = role_and_name(url)
    if "shared memory segment" in text:
        return InvalidInput(
            f"The database {shown} has too little shared memory ({_first(text)}).",
            "Give its machine a larger /dev/shm (docker run --shm-size=1g), then run again.",
        )
    if sqlstate == errors.DiskFull.sqlstate or "No space left on device" in text:
        return InvalidInput(f"The disk of the database {shown} is full.", "Free some space, then run again.")
    if sqlstate == errors.ReadOnlySqlTransaction.sqlstate:
        return InvalidInput(
            f"The database {shown} is read-only: a standby, or set to be so.",
            "Name the primary in DATABASE_URL, or an administrator runs:"
            f" ALTER DATABASE {name} RESET default_transaction_read_only;",
        )
    if sqlstate == errors.InsufficientPrivilege.sqlstate:
        return InvalidInput(
            f"The database {shown} refused what its role may not do ({_first(text)}).",
            f"An administrator runs there: {_grant(text, role, name)}",
        )
    if re.search(r"authentication failed|no password supplied|does not exist|no pg_hba|not permitted", text):
        return InvalidInput(
            f"The database {shown} refused the connection.", "Check user, password and name in DATABASE_URL."
        )
    wrong = re.search(r'invalid (?:(\w+) value: |.* for connection option "(\w+)")', text)
    if wrong:
        return InvalidInput(
            f"PostgreSQL's client refuses the value of {wrong[1] or wrong[2]} in DATABASE_URL.",
            "Correct or remove it.",
        )
    if "permission denied for database" in text:
        return InvalidInput(
            f"The database {shown} refused the connection.",
            f"An administrator runs there: GRANT CONNECT ON DATABASE {name} TO {role};",
        )
    refused = re.search(r"FATAL: +(.*)", text)
    if refused:
        return Unavailable(f"The database {shown} refused the connection ({_first(refused[1])}).", _CHECK)
    if sqlstate and not sqlstate.startswith(_LOST):
        return Unavailable(f"The database {shown} gave up a statement ({_first(text)}).", "Run again.")
    return Unavailable(f"The database {shown} did not answer.", _CHECK)


def _grant(text: str, role: str, name: str) -> str:
    if "permission denied to create extension" in text:
        return "CREATE EXTENSION vector;"
    found = re.search(
        r"permission denied for (schema|database|table|sequence) (\S+)|must be owner of table (\S+)", text
    )
    kind, of = (found[1], found[2] or found[3]) if found else (None, None)
    if kind == "schema":
        return f"GRANT USAGE, CREATE ON SCHEMA {of} TO {role};"
    if kind == "database":
        grant = f"GRANT CREATE ON DATABASE {name} TO {role};"
        return f"CREATE SCHEMA {DAGSTER_SCHEMA} AUTHORIZATION {role}; (or {grant})"
    if kind in ("table", "sequence"):
        rights = "SELECT, INSERT, UPDATE, DELETE" if kind == "table" else "USAGE, SELECT, UPDATE"
        return f"GRANT {rights} ON ALL {kind.upper()}S IN SCHEMA public TO {role};"
    if of:
        return f"ALTER TABLE {of} OWNER TO {role};"
    return f"GRANT what is missing TO {role};"


def _first(text: str) -> str:
    """The message itself, without where in the statement it arose."""
    return re.split(r" (?:LINE \d|HINT|DETAIL|CONTEXT)", text)[0][:_LONGEST].rstrip(".")
