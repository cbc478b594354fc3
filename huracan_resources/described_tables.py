"""What each table that SQL can be asked is made of: those of the lake, of the database, and the trades.

It is read from where each table is declared; no data is looked at.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from huracan.errors import InvalidInput
from huracan.tables import DAY, FOREVER, Always, Column, Keep
from huracan_resources.catalogue import TRADES, catalogue
from huracan_resources.database_tables import DATABASE_TABLES
from huracan_resources.lake.views import trades_columns


@dataclass(frozen=True)
class Description:
    """A table by its name in SQL. `places`: lake, database or both; no asset: no partition fills it."""

    name: str
    places: tuple[str, ...]
    keep: Keep
    columns: Sequence[Column]
    asset: str = ""
    key: str = ""

    @property
    def kept(self) -> str:
        """For how long, by default, in words."""
        if isinstance(self.keep, Always):
            return "always"
        return FOREVER if self.keep == FOREVER else f"{self.keep} nights"


@cache
def described_tables() -> Mapping[str, Description]:
    """Name of each table to its description, in the order of names. `day` comes first where SQL adds it."""
    found = {
        name: Description(name, ("database",), table.keep, table.columns)
        for name, table in DATABASE_TABLES.items()
    }
    for name, entry in catalogue().items():
        table, places = entry.table, ("lake", "database") if entry.table.in_database else ("lake",)
        found[name] = Description(name, places, table.keep, _with_day(table.columns), entry.asset, entry.key)
    ledger = found["shadow_trades"]
    found[TRADES] = Description(TRADES, ("lake",), ledger.keep, _with_day(trades_columns()))
    return dict(sorted(found.items()))


def describe_table(name: str) -> Description:
    """InvalidInput with the nearest names where there is no such table."""
    known = described_tables()
    if name.lower() not in known:
        near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.4)
        hint = f"Did you mean {', '.join(near)}?" if near else f"There are {', '.join(known)}."
        raise InvalidInput(f"There is no table {name!r}.", hint)
    return known[name.lower()]


def _with_day(columns: Sequence[Column]) -> Sequence[Column]:
    return columns if any(column.name == DAY.name for column in columns) else (DAY, *columns)
