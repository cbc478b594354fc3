"""The role by which questions are asked: it may read our tables, and nothing else.

A read-only transaction is not enough for a superuser, who runs programs and reads files of the server from
inside of one, and makes replication slots that stay. The role that a night works by may end the night from
inside of one: so a question selects, and names no function that does more.
"""

import re

import psycopg

from huracan.errors import InvalidInput
from huracan_resources.database.address import DAGSTER_SCHEMA
from huracan_resources.database.migrate import LOCK

READER = "huracan_reader"
_SCHEMAS = ["public", DAGSTER_SCHEMA]

_UNREADABLE = """
SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = ANY(%s) AND relkind IN ('r', 'p', 'v', 'm') AND NOT (
    has_schema_privilege(%s, pg_namespace.oid, 'USAGE') AND has_table_privilege(%s, pg_class.oid, 'SELECT')
)
"""

_TOO_MUCH = """
SELECT bool_or(rolsuper OR rolreplication OR rolname IN (
    'pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files', 'pg_create_subscription'
)) FROM pg_roles WHERE pg_has_role(session_user, oid, 'MEMBER')
"""

_SELECTS = re.compile(r"(?:\s|\(|--[^\r\n]*+)*+(?:SELECT|WITH|VALUES|TABLE|SHOW|EXPLAIN)\b", re.I)
"""What begins so has no body of another language, as DO has, and answers by rows, as COPY does not."""

_ACTS = re.compile(
    r"\b(?:pg_terminate_backend|pg_cancel_backend|pg_reload_conf|pg_rotate_logfile|set_config"
    r"|pg_(?:try_)?advisory_\w+|pg_notify|pg_logical_emit_message|dblink\w*"
    r"|lowrite|lo_(?:creat\w*|from_bytea|import|export|open|put|truncate\w*|unlink)"
    # These run a text as SQL, and a text, like a name in U&"...", can hide any of those above.
    r"|query_to_xml\w*|ts_stat|ts_rewrite|crosstab\w*|connectby)\b|\bU&\"",
    re.I,
)
"""Functions that act on sessions, locks, settings, large objects or other servers. Looked for in the whole of
a statement, its texts too: one that only mentions such a name is refused as well."""

GRANTS = (
    f"CREATE ROLE {READER} LOGIN PASSWORD '...'; GRANT USAGE ON SCHEMA public TO {READER};"
    f" GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER};"
    f" ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {READER};"
)


def make_reader(connection: psycopg.Connection) -> None:
    """In a database of our own: the role, and its right to read every table that there is by now."""
    known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (READER,)).rowcount
    if known and connection.execute(_UNREADABLE, (_SCHEMAS, READER, READER)).fetchone() == (0,):
        return
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
    if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (READER,)).rowcount:
        connection.execute(f"CREATE ROLE {READER} LOGIN".encode())
    for schema in _SCHEMAS:
        if connection.execute("SELECT to_regnamespace(%s)", (schema,)).fetchone() != (None,):
            connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO {READER}".encode())
            connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {READER}".encode())


def check_ordinary(connection: psycopg.Connection, shown: str) -> None:
    """`InvalidInput` if the role that is logged in, or one that it may become, reaches beyond the tables."""
    if connection.execute(_TOO_MUCH).fetchone() == (True,):
        raise InvalidInput(
            f"The role of {shown} is a superuser or may reach the server's files, which a read-only"
            " transaction does not prevent: questions are refused.",
            f"Set DATABASE_READER_URL to a role that may only read. An administrator makes one: {GRANTS}",
        )


def check_question(statement: str) -> None:
    """`InvalidInput` unless `statement` selects and calls nothing that acts. That it is one alone, and writes
    nothing, PostgreSQL sees to; functions that a database's owner added are not known here."""
    if not _SELECTS.match(statement):
        raise InvalidInput(
            "A question to the database selects, and this does something else.",
            "Begin it by SELECT, WITH, VALUES, TABLE, SHOW or EXPLAIN; for more there is psql.",
        )
    acts = _ACTS.search(statement)
    if acts:
        raise InvalidInput(
            f"A question to the database only reads, and this names {acts[0]}.",
            "Ask its tables; for more there is psql.",
        )
