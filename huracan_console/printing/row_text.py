"""Rows of any SQL type as JSON and as CSV: every number as exactly as it was given, nothing left out."""

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from huracan.errors import InvalidInput

_CRLF = "\r\n"
Rows = Iterable[Sequence[Any]]


def rows_as_json(names: Sequence[str], rows: Rows) -> str:
    """A list of one object per row. InvalidInput where two columns have the same name."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InvalidInput(
            f"Two columns are called {twice[0]!r}, which a JSON object cannot hold.",
            "Name one of them by AS, or ask for --csv.",
        )
    return json.dumps([dict(zip(names, map(as_json_value, row), strict=True)) for row in rows])


def rows_as_csv(names: Sequence[str], rows: Rows) -> str:
    """A header and the rows: lists as JSON, times in ISO 8601, nothing where there is no value."""
    text = io.StringIO()
    # By its own end of line csv knows that a carriage return must be quoted.
    line_by_line = SimpleNamespace(write=lambda line: text.write(f"{line.removesuffix(_CRLF)}\n"))
    writer = csv.writer(line_by_line, lineterminator=_CRLF)
    if names:
        writer.writerow(names)
    writer.writerows([_field(value) for value in row] for row in rows)
    return text.getvalue()


def as_json_value(value: Any) -> Any:
    """What JSON has for a value of Arrow, psycopg or pgvector.

    A decimal without a fraction is a whole number, another one the nearest float; bytes are hexadecimal; NaN
    is null, and an infinity is its name, for JSON has neither.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return None if math.isnan(value) else value if math.isfinite(value) else str(value)
        case Decimal():
            return int(value) if value.is_finite() and value == int(value) else as_json_value(float(value))
        case date() | time():
            return value.isoformat()
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case Mapping():
            return {str(key): as_json_value(held) for key, held in value.items()}
        case list() | tuple():
            return [as_json_value(held) for held in value]
    # Vectors of pgvector and arrays of numpy.
    as_list = getattr(value, "to_list", None) or getattr(value, "tolist", None)
    return str(value) if as_list is None else as_json_value(as_list())


def _field(value: Any) -> Any:
    plain = as_json_value(value)
    return json.dumps(plain) if isinstance(plain, list | dict) else plain
