"""Values as a person reads them, by one rule for all screens: rounded, but never so that
an identity or a small price is lost.

As they are, to the last digit, they come by `--csv` and `--json`: see `row_text`.
"""

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from huracan_console.printing.row_text import as_json_value
from huracan_console.safe_text import plain

MISSING = "-"
"""Where there is no value, so that the words of a line can be counted off."""

_SIGNIFICANT, _LEAST_DECIMALS = 6, 2
_SMALLEST, _LARGEST = 1e-10, 1e15
"""Beyond them a number is written with its power of ten: no coin is as cheap, and no sum as large."""


def shown(value: Any) -> str:
    """On one line: whole numbers as they are, others to six significant digits and at least two decimals,
    times in UTC without the seconds and fractions that are zero, nothing that would steer a terminal."""
    match value:
        case None:
            return MISSING
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _rounded(value)
        case Decimal():
            is_whole = value.is_finite() and value == int(value)
            return str(int(value)) if is_whole else _rounded(float(value))
        case datetime():
            return _moment(value)
        case date() | time():
            return value.isoformat()
        case str():
            return plain(value)
        case Mapping():
            return "{" + ", ".join(f"{plain(key)}: {shown(held)}" for key, held in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(shown, value)) + "]"
    made = as_json_value(value)
    return plain(made) if isinstance(made, str) else shown(made)


def is_number(value: Any) -> bool:
    """Whether it is read from the right: a truth value is not."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _rounded(value: float) -> str:
    if value == 0.0 or not math.isfinite(value):
        return "0" if value == 0.0 else str(value)
    if not _SMALLEST <= abs(value) < _LARGEST:
        return f"{value:.{_SIGNIFICANT}g}"
    before_point = math.floor(math.log10(abs(value))) + 1
    text = f"{value:.{max(_SIGNIFICANT - before_point, _LEAST_DECIMALS)}f}"
    return text.rstrip("0").rstrip(".")


def _moment(value: datetime) -> str:
    moment = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
    if moment.microsecond:
        return moment.isoformat(" ").rstrip("0")
    return moment.isoformat(" ", "seconds" if moment.second else "minutes")
