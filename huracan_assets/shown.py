"""What the metadata of a partition can say: pictures, tables and lists, in words as people say them.

Small enough to live in the event log. In which order they are shown belongs in `metadata`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa


@dataclass(frozen=True)
class Markdown:
    """Text that the UI lays out."""

    text: str


@dataclass(frozen=True)
class Picture(Markdown):
    """A picture in Markdown, which the UI shows at a click, and what it comes to in one line."""

    title: str
    told: str


@dataclass(frozen=True)
class Rows:
    """Records that the UI shows as a table."""

    records: Sequence[Mapping[str, Any]]


Shown = Markdown | Rows | str

_SMALL = 0.001
"""Below it four decimals would hide what the number is."""
_UNITS = {"usd": "USD", "bps": "bps", "pct": "%"}
_LAST_UNITS = ("days", "hours", "minutes", "bars", "volatilities")
"""Units only where they end a name of more words: `window_days` is measured in days, `days_before` is not."""
_SPOKEN = {"std": "deviation", "max": "greatest", "min": "least"}
_OF_IDENTITY = (" id", " version", " digest", " hash")
_LEFT_OUT = ("day", "is_simulated")
"""Columns that say of every row what the page says of the partition."""


def in_words(name: str) -> str:
    """A name of code as people say it: `net_usd` is "net, USD". Words that are none of code stay."""
    tokens = name.split("_")
    if len(tokens) == 1:
        return name
    tokens = tokens[1:] if tokens[0] == "is" else tokens
    units = [token for token in tokens if token in _UNITS]
    if units:
        tokens = [token for token in tokens if token not in _UNITS]
    elif tokens[-1] in _LAST_UNITS:
        units, tokens = tokens[-1:], tokens[:-1]
    said = " ".join(_SPOKEN.get(token, token) for token in tokens)
    return ", ".join(filter(None, [said, *(_UNITS.get(unit, unit) for unit in units)]))


def is_of_identity(name: str) -> bool:
    """Whether the name is that of an id, a version or a digest: for machines, and last on a page."""
    return name.replace("_", " ").endswith(_OF_IDENTITY)


def count_table(table: pa.Table, keys: Sequence[str]) -> Shown:
    """How many rows there are of each combination of `keys`."""
    counted = table.group_by(list(keys)).aggregate([([], "count_all")])
    named = counted.rename_columns(["rows" if name == "count_all" else name for name in counted.column_names])
    return top_rows(named.sort_by([(key, "ascending") for key in keys]), 60)


def top_rows(table: pa.Table, count: int) -> Shown:
    """The first rows of a table, columns named in words, without its columns of lists; ids come last."""
    plain = [
        field.name
        for field in table.schema
        if field.name not in _LEFT_OUT
        and not (pa.types.is_list(field.type) or pa.types.is_fixed_size_list(field.type))
    ]
    plain.sort(key=is_of_identity)
    rows = table.select(plain).slice(0, count).to_pylist()
    if not rows:
        return "no rows"
    return Rows([{in_words(name): cell(value) for name, value in row.items()} for row in rows])


def lines(texts: Sequence[str]) -> Markdown:
    """Sentences as a list."""
    return Markdown("\n".join(f"- {text}" for text in texts))


def cell(value: object) -> str | int | float | bool | None:
    if isinstance(value, float):
        digits = 4 if abs(value) >= _SMALL or value == 0.0 else 12
        return round(value, digits) if np.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int) else str(value)


def hours_of(table: pa.Table) -> np.ndarray:
    milliseconds = table["open_time"].cast(pa.int64()).to_numpy()
    hours: np.ndarray = (milliseconds - milliseconds[0]) / 3_600_000
    return hours
