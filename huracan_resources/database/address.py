"""The address of a PostgreSQL server: read strictly, by libpq's own parser, and shown without its secrets.

One that does not parse is withheld whole: where a password ends cannot be told then.
"""

import re
from urllib.parse import quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict

from huracan.errors import InvalidInput

DAGSTER_SCHEMA = "dagster"
"""Dagster's tables have a schema of their own beside ours."""

_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_OF_OTHERS = {
    *("schema", "currentSchema", "search_path", "pgbouncer", "connection_limit", "pool_timeout", "pool_size"),
    *("sslaccept", "ssl", "socket_timeout", "statement_cache_size", "prepareThreshold", "charset", "driver"),
}
"""Parameters that clients of other languages know, which are found in addresses that were copied."""

_ENCODE = (
    "Write / # ? @ % [ and spaces of user and password in percent-encoding (%2F %23 %3F %40 %25 %5B %20)."
)


def plain_url(url: str) -> str:
    """`postgresql://…` without a driver, from any of its spellings; `InvalidInput` if it is none."""
    scheme, found, rest = url.strip().partition("://")
    if not found or not re.fullmatch(r"postgres(ql)?(\+\w+)?", scheme):
        raise InvalidInput(
            "The database URL is not one of PostgreSQL.",
            "Write DATABASE_URL=postgresql://user:password@host/name.",
        )
    plain = f"postgresql://{rest}"
    # What libpq would take for host, port or name, and so repeat, is a part of a password that holds a slash.
    if rest.count("@") > 1 or "@" in rest.partition("/")[2]:
        raise InvalidInput("DATABASE_URL cannot be read: it holds an @ that is no separator.", _ENCODE)
    parts = _parts(plain)
    for port in parts.get("port", "").split(","):
        if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
            raise InvalidInput("The port in DATABASE_URL is no number from 1 to 65535.", _ENCODE)
    if parts.get("sslmode", "prefer") not in _SSL_MODES:
        raise InvalidInput(
            "The sslmode in DATABASE_URL is unknown.", f"It is one of {', '.join(_SSL_MODES)}."
        )
    if not parts.get("connect_timeout", "1").isdigit():
        raise InvalidInput("The connect_timeout in DATABASE_URL is no number of seconds.", "Write one.")
    return plain


def dagster_url(url: str) -> str:
    """The URL for Dagster's own storage: its driver, its schema, and commits that do not wait for the disk.

    Losing the last log lines of a run in a power cut is cheap; an fsync per event is not.
    """
    query = _parts(plain_url(url))
    ours = f"-csearch_path={DAGSTER_SCHEMA} -csynchronous_commit=off"
    query["options"] = f"{query['options']} {ours}" if "options" in query else ours
    account = quote(query.pop("user", ""), safe="")
    if "password" in query:
        account += f":{quote(query.pop('password'), safe='')}"
    name = quote(query.pop("dbname", ""), safe="")
    # Host and port stay in the query, which takes sockets and several servers as well.
    return f"postgresql+psycopg2://{account}@/{name}?{urlencode(query, quote_via=quote)}"


def shown_url(url: str) -> str:
    """`url` as a person may see it: user, hosts, ports and name; stars for a password, and no parameter."""
    parts = _parts(url)
    hosts, ports = parts.get("host", "").split(","), parts.get("port", "").split(",")
    ports += ports[-1:] * (len(hosts) - len(ports))
    shown = ((f"[{host}]" if ":" in host else host, port) for host, port in zip(hosts, ports, strict=False))
    servers = ",".join(f"{host}:{port}" if port else host for host, port in shown)
    account = parts.get("user", "") + (":***" if "password" in parts else "")
    return f"postgresql://{account}{'@' if account else ''}{servers}/{parts.get('dbname', '')}"


def role_and_name(url: str) -> tuple[str, str]:
    """The role that logs in there and the database's name, quoted for SQL."""
    parts = _parts(url)
    role = parts.get("user", "this role")
    return _quoted(role), _quoted(parts.get("dbname", role))


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'


def _parts(url: str) -> dict[str, str]:
    try:
        return {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    except (psycopg.Error, UnicodeDecodeError) as error:
        said = re.search(r'invalid URI query parameter: "(\w+)"', str(error))
        name = said[1] if said and said[1] in _OF_OTHERS else None
    # Without the cause, which repeats what it does not understand.
    if said:
        raise InvalidInput(
            f"DATABASE_URL has {f'the parameter {name}' if name else 'a parameter'} that PostgreSQL's client"
            " does not know.",
            "Remove it." if name else f"Remove it. {_ENCODE}",
        )
    raise InvalidInput("DATABASE_URL cannot be read.", _ENCODE)
