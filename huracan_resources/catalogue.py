"""Every table that some asset declares, by the name under which SQL knows it.

The assets are found through their registry, so that nothing here imports the graph. What is in a table is
declared beside the asset that makes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from huracan.errors import InvalidInput
from huracan.market.ledger import EXPLORED, POLICY
from huracan.registry import Registry
from huracan.tables import Table, TableOwner, view_name
from huracan_resources.database_tables import DATABASE_TABLES

TRADES = "trades"
"""The view of the ledger with what the analyses say of each trade; no table may be called so."""
BOOKS = {POLICY: "shadow_trades", EXPLORED: "explored_trades"}
"""Book -> the table of its trades, and the asset that makes it."""
LISTED_BOOKS = BOOKS | {"gated": "gated_trades"}
"""The same with the policy's book as gates that bind leave it, many of whose trades are the policy's own."""
_TAKEN = {TRADES: "the view of all trades"} | dict.fromkeys(DATABASE_TABLES, "a table of the database alone")
ASSETS = Registry("huracan.assets", "huracan_assets.*")


@dataclass(frozen=True)
class Entry:
    """Where a table lies in the lake, and what it is."""

    asset: str
    key: str
    table: Table


@cache
def catalogue() -> Mapping[str, Entry]:
    """Name of each table to its entry, in the order of names; InvalidInput where a name is taken twice."""
    found: dict[str, Entry] = {}
    for owner in ASSETS.parts(TableOwner):
        for key, name in owner.view_names().items():
            taken = f"the asset {found[name].asset}" if name in found else _TAKEN.get(name)
            if taken:
                raise InvalidInput(
                    f"The asset {owner.name} calls a table {name}, and so does {taken}.",
                    "Give it another `name` in the asset's `tables`.",
                )
            found[name] = Entry(owner.name, key, owner.tables[key])
    return dict(sorted(found.items()))


@cache
def names() -> Mapping[tuple[str, str], str]:
    """(asset, key) of each declared table to its name."""
    return {(entry.asset, entry.key): name for name, entry in catalogue().items()}


def name_of(asset: str, key: str) -> str:
    """The name of a table; of one that no asset declares any more, that which it would have by default."""
    return names().get((asset, key)) or view_name(asset, key)
