"""A DuckDB that can be asked and nothing else: what a statement may be, and which files it reaches.

DuckDB's settings alone are no fence: in the folders that it may read it may write too, and since version 2 a
`WITH ... AS (COPY ... TO 'file')` counts as a SELECT. So the statement is taken apart by DuckDB's own parser,
and only parts that are known to read our tables pass.
"""

import json
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huracan.errors import InvalidInput

_QUERIES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
"""What a query or a part of it in WITH may be; the others write: COPY, INSERT, UPDATE, DELETE, MERGE."""

_ROW_MAKERS = {
    "range",
    "generate_series",
    "unnest",
    "repeat",
    "repeat_row",
    "json_each",
    "json_tree",
}
"""The functions in a FROM that make rows of what they are given. Others read files, or run a text as SQL, or
take a text for the name of a table, and with it of a file."""

_NAME = re.compile(r"((memory|system|temp)\.)?((main|information_schema|pg_catalog)\.)?[\w -]+", re.I)
"""What a table may be called. Any other name may be a file's to DuckDB, also `manifest.json` in two parts."""

_SETTINGS = {
    "TimeZone": "'UTC'",
    # It would be drawn on standard output, between the rows.
    "enable_progress_bar": "false",
    # A view's files are looked at twice: for the columns that they lack, and by the statement.
    "parquet_metadata_cache": "true",
    # A name that is no table is one that is missing, never a variable of this program.
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_persistent_secrets": "false",
}

_CLOSED = {"enable_external_access": "false", "lock_configuration": "true"}


@contextmanager
def open_closed(folders: Sequence[Path]) -> Iterator[Any]:
    """A connection to an empty DuckDB that reads files of `folders` alone, and whose settings stay."""
    import duckdb

    # Made only if an answer outgrows the memory; by itself DuckDB would do so where the command was given.
    aside = Path(tempfile.gettempdir()) / f"huracan-duckdb-{secrets.token_hex(8)}"
    listed = ", ".join(_quoted(f"{folder}/") for folder in folders)
    settings = {"temp_directory": _quoted(aside), "allowed_directories": f"[{listed}]"}
    try:
        with duckdb.connect() as connection:
            for name, value in (_SETTINGS | settings | _CLOSED).items():
                connection.execute(f"SET {name} = {value}")
            yield connection
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def check_one_select(connection: Any, statement: str) -> None:
    """`InvalidInput` unless `statement` is one SELECT that only reads; DuckDB's own error for no SQL."""
    import duckdb

    found = connection.extract_statements(statement)
    if len(found) != 1 or found[0].type != duckdb.StatementType.SELECT:
        said = ", ".join(each.type.name for each in found) or "nothing"
        raise _refused(f"A question to the lake is one SELECT, and this is {said}.")
    rows = connection.execute("SELECT json_serialize_sql($1)", [found[0].query]).fetchall()
    tree = json.loads(rows[0][0])
    if tree["error"]:
        raise _refused(f"DuckDB does not take the statement apart: {tree['error_message']}.")
    for part in _parts(tree):
        kind = str(part.get("type"))
        if kind.endswith("_NODE") and kind not in _QUERIES:
            raise _refused(f"A question to the lake only reads, and this holds {kind.split('_')[0]}.")
        if kind == "TABLE_FUNCTION":
            name = part["function"]["function_name"].lower()
            if name not in _ROW_MAKERS:
                raise _refused(f"A question to the lake reads its tables only, and this calls {name}().")
        if part.get("show_type") in ("SHOW_SPECIAL", "SHOW_FROM"):
            # A view is made when it is asked for, so that DuckDB would list none or some.
            raise _refused("A question to the lake reads its tables, and this lists those of DuckDB.")
        if kind == "BASE_TABLE" or part.get("show_type") == "SHOW":
            name = ".".join(part["qualified_name"]["path"])
            if not _NAME.fullmatch(name):
                raise _refused(f"A question to the lake reads its tables only, and {name} is none.")


def _parts(tree: Any) -> Iterator[dict[str, Any]]:
    waiting = [tree]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each


def _quoted(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def _refused(what: str) -> InvalidInput:
    return InvalidInput(
        what, "Ask its tables; huracan sql lists them, and huracan sql --views is for your own DuckDB."
    )
