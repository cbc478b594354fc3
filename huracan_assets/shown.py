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
_OF_MONEY, _CENT = (", USD", ", bps"), 0.01
_LAST_UNITS = ("minutes", "volatilities")
"""Units where they end a name of more words: of `minutes_before` they are not."""
_SPOKEN = {"std": "deviation", "max": "greatest", "min": "least"}
_OF_IDENTITY = (" id", " version", " digest", " hash")
_LEFT_OUT = ("day", "is_simulated")
"""Columns that say of every row what the page says of the partition."""
_MOST_COLUMNS = 18
_JSON_BEGINS = ("[", "{")


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
    """The first rows of a table and of its columns those that a person reads, named in words; ids come last.

    Lists, JSON and what is empty in all of these rows are left out.
    """
    rows = table.slice(0, count).to_pylist()
    if not rows:
        return "no rows"
    read = [name for name in table.column_names if _is_read(name, [row[name] for row in rows])]
    chosen = sorted(read, key=is_of_identity)[:_MOST_COLUMNS]
    return Rows([{in_words(name): cell(row[name], in_words(name)) for name in chosen} for row in rows])


def _is_read(name: str, values: Sequence[object]) -> bool:
    if name in _LEFT_OUT or all(value is None for value in values):
        return False
    return not any(
        isinstance(value, list) or (isinstance(value, str) and value.startswith(_JSON_BEGINS))
        for value in values
    )


def lines(texts: Sequence[str]) -> Markdown:
    """Sentences as a list."""
    return Markdown("\n".join(f"- {text}" for text in texts))


def cell(value: object, name: str = "") -> str | int | float | bool | None:
    """The value as a table shows it; `name` is that of its column, in words and with its unit."""
    if isinstance(value, float):
        digits = 4 if abs(value) >= _SMALL or value == 0.0 else 12
        digits = 2 if name.endswith(_OF_MONEY) and abs(value) >= _CENT else digits
        return round(value, digits) if np.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int) else str(value)


def hours_of(table: pa.Table) -> np.ndarray:
    milliseconds = table["open_time"].cast(pa.int64()).to_numpy()
    hours: np.ndarray = (milliseconds - milliseconds[0]) / 3_600_000
    return hours
