"""The names of the entry features of the ledgers among the inputs, and the trades of a window under one set.

Trades of other features than the newest are left out and said so: under the newest names they would be read
wrongly.
"""

from dataclasses import dataclass

import pyarrow as pa

from huracan.errors import InputRefused
from huracan.features.naming import Unnamed
from huracan.market.ledger import TRADES_SCHEMA
from huracan.models.past import PastTrades, past_trades
from huracan.models.window import trailing_trades
from huracan_assets.reads import Inputs
from huracan_assets.stage import StageContext
from huracan_resources.lake.entry_features import entry_feature_names, entry_timeframe

LEDGER = "shadow_trades"


@dataclass(frozen=True)
class NamedTrades:
    """Closed trades whose entry features all have the names `feature_names`."""

    past: PastTrades
    feature_names: tuple[str, ...]
    left_out: str
    """Which days were left out, and why; empty where none was."""


def newest_names(inputs: Inputs, context: StageContext) -> tuple[str, ...] | Unnamed:
    """Of the newest day of the read that holds trades."""
    held = [each for each in inputs.manifests(LEDGER) if "data.parquet" in each.files]
    if not held:
        return Unnamed("No session was traded.")
    return entry_feature_names(context.resources.lake, held[-1])


def names_of_day(inputs: Inputs, context: StageContext) -> tuple[str, ...]:
    """Of the day's own trades; InputRefused where nobody knows them any more."""
    names = newest_names(inputs, context)
    if isinstance(names, Unnamed):
        again = f"huracan backfill --from {context.day} --to {context.day} --jobs all --remake"
        raise InputRefused(names.why, f"Make that night again: {again}.")
    return names


def named_trades_until(inputs: Inputs, context: StageContext) -> NamedTrades:
    """The trades that `trailing_trades` lets a model of the day learn from, decided on bars as long as those
    of now, whose entry features are named as those of the newest that are named at all; no rows on the first
    nights."""
    lake, tables = context.resources.lake, inputs.tables_by_day(LEDGER)
    decided = context.decision_timeframe.name
    names = {
        each.day: entry_feature_names(lake, each)
        for each in inputs.manifests(LEDGER)
        if "data.parquet" in each.files and (entry_timeframe(lake, each) or context.timeframe.name) == decided
    }
    known = [each for each in names.values() if not isinstance(each, Unnamed)]
    newest = known[-1] if known else ()
    kept = [table for day, table in tables.items() if names.get(day) == newest]
    found = pa.concat_tables(kept, promote_options="default") if kept else TRADES_SCHEMA.empty_table()
    settings = context.settings
    holding = settings.market.rules.maximum_holding
    trades = trailing_trades(found, context.day, settings.models.trailing_days, holding)
    others = [str(day) for day in tables if names.get(day) != newest]
    why = "have entry features of other names or bars, or of names nobody knows any more, and were left out."
    return NamedTrades(
        past_trades(trades), newest, f"The trades of {', '.join(others)} {why}" if others else ""
    )
