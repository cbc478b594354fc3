"""The names of the entry features of the ledgers among the inputs, and the trades of a window under one set.

Trades of other features than the newest are left out and said so: under the newest names they would be read
wrongly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import pyarrow as pa

from huracan.errors import InputRefused
from huracan.features.naming import Unnamed
from huracan.market.ledger import TRADES_SCHEMA
from huracan.models.past import PastTrades, past_trades
from huracan.models.window import trailing_trades
from huracan_assets.reads import Inputs
from huracan_assets.stage import StageContext
from huracan_resources.lake.entry_features import entry_feature_names, entry_timeframe

LEDGER, EXPLORED_LEDGER = "shadow_trades", "explored_trades"
"""The assets that hold the trades of the two books."""


@dataclass(frozen=True)
class NamedTrades:
    """Closed trades whose entry features all have the names `feature_names`."""

    past: PastTrades
    feature_names: tuple[str, ...]
    left_out: str
    """Which days were left out, and why; empty where none was."""


def newest_names(inputs: Inputs, context: StageContext, book: str = LEDGER) -> tuple[str, ...] | Unnamed:
    """Of the newest day of the read of a book that holds trades."""
    held = [each for each in inputs.manifests(book) if "data.parquet" in each.files]
    if not held:
        return Unnamed("No session was traded.")
    return entry_feature_names(context.resources.lake, held[-1])


def names_of_day(inputs: Inputs, context: StageContext, book: str = LEDGER) -> tuple[str, ...]:
    """Of the day's own trades of a book; InputRefused where nobody knows them any more."""
    names = newest_names(inputs, context, book)
    if isinstance(names, Unnamed):
        again = f"huracan backfill --from {context.day} --to {context.day} --jobs all --remake"
        raise InputRefused(names.why, f"Make that night again: {again}.")
    return names


def named_trades_until(inputs: Inputs, context: StageContext) -> NamedTrades:
    """The trades of both books that `trailing_trades` lets a model of the day learn from, decided on bars as
    long as those of now, whose entry features are named as those of the newest that are named at all; no rows
    on the first nights."""
    names = {book: _names_by_day(inputs, context, book) for book in (LEDGER, EXPLORED_LEDGER)}
    known = [
        (day, each) for book in names.values() for day, each in book.items() if not isinstance(each, Unnamed)
    ]
    newest = max(known)[1] if known else ()
    own, explored = (
        _named_so(inputs, context, book, names[book], newest) for book in (LEDGER, EXPLORED_LEDGER)
    )
    others = sorted({day for book in (own, explored) for day in book.others})
    why = "have entry features of other names or bars, or of names nobody knows any more, and were left out."
    return NamedTrades(
        past_trades(own.trades if own.trades is not None else TRADES_SCHEMA.empty_table(), explored.trades),
        newest,
        f"The trades of {', '.join(map(str, others))} {why}" if others else "",
    )


def _names_by_day(inputs: Inputs, context: StageContext, book: str) -> dict[date, tuple[str, ...] | Unnamed]:
    """Of the days of the book that were decided on bars as long as those of now."""
    lake, decided = context.resources.lake, context.decision_timeframe.name
    return {
        each.day: entry_feature_names(lake, each)
        for each in inputs.manifests(book)
        if "data.parquet" in each.files and (entry_timeframe(lake, each) or context.timeframe.name) == decided
    }


class _Book(NamedTuple):
    """Of one book the trades to learn from, and the days that were left out."""

    trades: pa.Table | None
    others: list[date]


def _named_so(
    inputs: Inputs,
    context: StageContext,
    book: str,
    names: Mapping[date, tuple[str, ...] | Unnamed],
    newest: tuple[str, ...],
) -> _Book:
    tables = inputs.tables_by_day(book)
    kept = [table for day, table in tables.items() if names.get(day) == newest]
    others = [day for day in tables if names.get(day) != newest]
    if not kept:
        return _Book(None, others)
    found, settings = pa.concat_tables(kept, promote_options="default"), context.settings
    holding = settings.market.rules.maximum_holding
    return _Book(trailing_trades(found, context.day, settings.models.trailing_days, holding), others)
