"""What is known of every trade of a day beside the ledger, computed once: wins and losses both read it.

What is made of it, and for which trades, belongs to `wins` and `losses`.
"""

from dataclasses import dataclass, replace
from datetime import date

import pyarrow as pa

from huracan.analysis.memory.neighbourhood import Neighbourhoods, judge_neighbourhoods
from huracan.analysis.outcome import day_column, floats, milliseconds
from huracan.analysis.trades.context_columns import (
    DRIVERS,
    LUCK,
    NEIGHBOURHOOD,
    driver_columns,
    luck_columns,
    neighbourhood_columns,
)
from huracan.analysis.trades.drivers import Drivers
from huracan.analysis.trades.luck import Luck
from huracan.errors import InvalidInput
from huracan.market.ledger import TRADES_COLUMNS
from huracan.tables import DAY, TEXT, Column, arrow_schema, chosen

TRADE_CONTEXT_COLUMNS = (
    DAY,
    *chosen(TRADES_COLUMNS, "trade_id"),
    *NEIGHBOURHOOD,
    *LUCK,
    replace(DRIVERS[0], meaning=f"the five largest inputs, whichever way they point: {DRIVERS[0].meaning}"),
    *DRIVERS[1:],
    replace(DRIVERS[0], name="drivers_for", meaning=f"the five that most spoke for it: {DRIVERS[0].meaning}"),
    Column("named_drivers", TEXT, "the first three of the drivers, each with its number"),
)
TRADE_CONTEXT_SCHEMA = arrow_schema(TRADE_CONTEXT_COLUMNS)
"""One row per closed trade, in the ledger's order. Floats are kept to the last bit."""


@dataclass(frozen=True, eq=False)
class TradeContext:
    """Arrays [trades] of a day's ledger, in its order."""

    alike: Neighbourhoods
    luck: Luck
    drivers: Drivers

    @staticmethod
    def of(trades: pa.Table, neighbours: pa.Table, luck: Luck, drivers: Drivers) -> "TradeContext":
        """`neighbours` (NEIGHBOURS_SCHEMA) must have been searched with all of `trades`: its `query` is the
        row in `trades`, and each query's `as_of` was that trade's signal time. So must the others be."""
        alike = judge_neighbourhoods(neighbours, milliseconds(trades, "signal_time"))
        return TradeContext(alike, luck, drivers)

    def table(self, trades: pa.Table, day: date) -> pa.Table:
        """Rows TRADE_CONTEXT_SCHEMA of partition `day`."""
        columns: dict[str, pa.Array | pa.ChunkedArray] = {
            "day": day_column(day, len(trades)),
            "trade_id": trades.column("trade_id"),
            **neighbourhood_columns(self.alike),
            **luck_columns(self.luck),
            **driver_columns(self.drivers, self.drivers.strongest),
            "drivers_for": self.drivers.speaking_for,
            "named_drivers": self.drivers.named,
        }
        names = TRADE_CONTEXT_SCHEMA.names
        return pa.table({name: columns[name] for name in names}).cast(TRADE_CONTEXT_SCHEMA)

    @staticmethod
    def read(table: pa.Table, trades: pa.Table) -> "TradeContext":
        """The inverse of `table`, to the bit; InvalidInput where its rows are not those of `trades`."""
        if not table.column("trade_id").equals(trades.column("trade_id")):
            raise InvalidInput(
                f"A context of {len(table)} trades was given for {len(trades)} others.",
                "Make trade_context of that day again.",
            )
        return TradeContext(
            Neighbourhoods(
                count=table.column("similar_trades").to_numpy(),
                effective_trades=floats(table, "effective_similar_trades"),
                win_probability=floats(table, "pattern_win_probability"),
                win_probability_low=floats(table, "pattern_win_probability_low"),
                win_probability_high=floats(table, "pattern_win_probability_high"),
                mean_net_bps=floats(table, "pattern_mean_net_bps"),
            ),
            Luck(
                percentile=floats(table, "luck_percentile"),
                percentile_by_rules=floats(table, "luck_percentile_by_rules"),
                entries=table.column("luck_entries").to_numpy(),
                scope=Luck.scopes_of(table.column("luck_scope").combine_chunks()),
            ),
            Drivers(
                strongest=table.column("drivers").combine_chunks(),
                speaking_for=table.column("drivers_for").combine_chunks(),
                named=table.column("named_drivers").combine_chunks(),
                source=table.column("driver_source").combine_chunks(),
                log_odds=floats(table, "confidence_log_odds"),
                base_log_odds=floats(table, "confidence_base_log_odds"),
            ),
        )
