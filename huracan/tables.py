"""What a table of the lake is called, what its columns mean and in which unit, and how long it is kept.

A table stands once, in the file of the asset that makes it: the views of SQL, the database, retention, the UI
and the documents read it from there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import pyarrow as pa

FOREVER: Final = "forever"
Forever = Literal["forever"]


@dataclass(frozen=True)
class Always:
    """Of a table that nothing may let go of; `why` tells whoever tries."""

    why: str = "trades, analyses and verdicts are what the nights are for"


Keep = int | Forever | Always
"""How many of the newest nights are kept unless the settings say otherwise: a number, or `forever`."""


TEXT, FLAG, INTEGER, FLOAT, SINGLE = pa.string(), pa.bool_(), pa.int64(), pa.float64(), pa.float32()
DATE = pa.date32()
TEXTS, FLAGS, FLOATS, SINGLES = (pa.list_(each) for each in (TEXT, FLAG, FLOAT, SINGLE))
"""The types that columns have."""

Unit = Literal[
    "", "bps", "bps^2", "USD", "%", "bars", "minutes", "days", "0 to 1", "-1 to 1", "fraction", "JSON", "UTC",
    "UTC day", "quote currency", "base currency", "log-odds", "one-bar volatilities", "horizon volatilities",
    "standard deviations",
]  # fmt: skip
"""Of the numbers of a column, or how its text is written. A horizon volatility is the unit of the trading
rules: the one-bar volatility times the root of their horizon in bars."""


@dataclass(frozen=True)
class Column:
    """One column: its type in the lake, what it means, and the unit of its numbers where they have one."""

    name: str
    type: pa.DataType
    meaning: str
    unit: Unit = ""

    @property
    def text(self) -> str:
        """Meaning and unit in one line."""
        return f"{self.meaning} [{self.unit}]" if self.unit else self.meaning


DAY = Column("day", DATE, "day of the partition", "UTC day")


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """The columns as Arrow knows them. Meanings stay out of it: they are not part of the bytes of a table."""
    return pa.schema([(column.name, column.type) for column in columns])


def as_array(values: Any, kind: pa.DataType) -> Any:
    """An Arrow array of a type: one that is there already is cast, which `pa.array` would not do."""
    return values.cast(kind) if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, kind)


def chosen(columns: Sequence[Column], *names: str) -> tuple[Column, ...]:
    """Those of `names`, in that order, for a table that takes them over; KeyError where one is not there."""
    known = {column.name: column for column in columns}
    return tuple(known[name] for name in names)


def as_markdown(columns: Sequence[Column]) -> str:
    """The columns as a table of Markdown, for the UI and the documents."""
    cells = ((f"`{each.name}`", f"`{each.type}`", each.unit, each.meaning) for each in columns)
    rows = (" | ".join(text.replace("|", "\\|") for text in row) for row in cells)
    return "\n".join(
        ["| column | type | unit | meaning |", "|---|---|---|---|", *(f"| {row} |" for row in rows)]
    )


@dataclass(frozen=True)
class Table:
    """One table of a partition. `name` is that of its view, by default the asset's, with the key of any table
    but `data` behind it; where it is `in_database`, the table of PostgreSQL has the same name. Of one whose
    columns are `by_settings` a partition holds some, in this order: which, its settings decide."""

    columns: Sequence[Column]
    keep: Keep = FOREVER
    name: str = ""
    in_database: bool = False
    by_settings: bool = False


@dataclass(frozen=True, kw_only=True)
class TableOwner:
    """An asset as far as its tables go. `name` is its folder in the lake; the main table's key is `data`."""

    name: str
    tables: Mapping[str, Table]

    def view_names(self) -> dict[str, str]:
        """Key of each table -> the name under which SQL knows it."""
        return {key: table.name or view_name(self.name, key) for key, table in self.tables.items()}


def view_name(asset: str, key: str) -> str:
    """What a table is called of which no asset says how."""
    return asset if key == "data" else f"{asset}_{key}"
