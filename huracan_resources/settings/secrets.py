"""The secrets that this process has read, so that nothing it says can hold one, whoever worded it.

What a setting means, and which are secret, belongs in `sections`; addresses as people may see them, with the
database they name.
"""

import re
from urllib.parse import quote, unquote

STARS = "***"

_SHORTEST = 5
"""Of characters: to hide each `a` of a text because some password is `a` would only make it unreadable."""
_WORD = re.compile(r"[a-z]{1,8}")
"""A password such as `trade` or `postgres`: stars for it would break known sentences, and tell it by that. It
is hidden where an address holds it."""
_LONG = 8
"""Of characters of a part of an alert address: shorter ones are words such as `chat`."""
_ENDS = ":/@?&="
"""What parts an address."""

VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PGPASSWORD")
"""Variables that are no setting of ours, are secret, and are read by libraries."""

_PASSWORD = re.compile(r"(://[^\s:/@]*):\S*@")
"""Up to the last @: a password may hold any sign, and too much hidden is better than too little."""
_TOKEN = re.compile(r"(?<!postgres)(?<!postgresql)(?<!psycopg)(?<!psycopg2)://[^\s:/@?#]+@")
"""Without a colon: of PostgreSQL it is the user, of a store or an exchange a key."""
_IN_QUERY = re.compile(r"([?&]\w*pass\w*=)[^&\s]+", re.IGNORECASE)

_HERE = re.compile(r"localhost|[0-9.]+\.[0-9.]+")
"""Hosts that are in many messages and in nobody's secret."""

_known: set[str] = set()


def remember(value: object) -> None:
    """`value`, text or lists and mappings of it, is secret from here on, and so is each part of an address
    that may be one."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            remember(each)
    elif value is not None:
        for part in _parts(str(value)):
            for spelled in (part, unquote(part), quote(part, safe=""), repr(part)[1:-1]):
                if len(spelled) >= _SHORTEST and not _WORD.fullmatch(spelled):
                    _known.add(spelled)


def withhold(text: str) -> str:
    """`text` with stars in the place of every secret that this process has read, and of every password."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, STARS)
    return without_password(text)


def without_password(text: str) -> str:
    """`text` with stars in the place of the password or token of every address in it, whatever it is for."""
    text = _TOKEN.sub(f"://{STARS}@", text)
    return _IN_QUERY.sub(rf"\1{STARS}", _PASSWORD.sub(rf"\1:{STARS}@", text))


def withhold_in(error: BaseException) -> None:
    """The same for what an exception says, and all that led to it: wherever it goes, it is written down."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        each.args = tuple(withhold(said) if isinstance(said, str) else said for said in each.args)
        for name in ("what", "remedy"):
            if isinstance(said := getattr(each, name, None), str):
                setattr(each, name, withhold(said))
        each = each.__cause__ or each.__context__


def _parts(value: str) -> set[str]:
    """The value, and what of it a message could repeat without the rest."""
    scheme, is_address, rest = value.partition("://")
    if not is_address:
        return {value}
    account, mark, tail = rest.rpartition("@")
    if not scheme.startswith("postgres"):
        for end in _ENDS:
            rest = rest.replace(end, " ")
        parts = (part for part in rest.split() if len(part) >= _LONG and not _HERE.fullmatch(part))
        return {value, account.partition(":")[2], *parts}
    server, _, query = (tail if mark else rest).partition("?")
    user, _, password = account.partition(":")
    pairs = (pair.partition("=") for pair in query.split("&"))
    found = {password, *(text for name, _, text in pairs if "pass" in name.lower())} - {""}
    return (found - {user, server.partition("/")[2]}) | {value} if found else found
