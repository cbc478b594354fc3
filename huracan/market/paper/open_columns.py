"""What the table of open positions says; how it is filled is in `open_positions`. Nothing compiled here."""

from dataclasses import replace

import pyarrow as pa

from huracan.candles.schema import SYMBOL, TIME
from huracan.market.ledger import ENTRY_COLUMNS, FILLS_COLUMNS
from huracan.tables import FLAG, FLOAT, INTEGER, TEXT, Column, arrow_schema

FILL = pa.struct([(column.name, column.type) for column in FILLS_COLUMNS[2:]])
"""Of a fill: the columns of FILLS_SCHEMA but its trade and symbol."""

_ACCOUNT = (
    SYMBOL,
    Column("as_of", TIME, "close of the bar that the account stands at", "UTC"),
    Column("cash_usd", FLOAT, "of the symbol's account", "USD"),
    Column("position_value_usd", FLOAT, "at the last known close; below 0 where short, 0 where flat", "USD"),
    Column("equity_usd", FLOAT, "cash and position value: the opening of the day after", "USD"),
    Column("peak_usd", FLOAT, "highest equity of the account at the close of a decision bar", "USD"),
    Column("costs_usd", FLOAT, "fees, spread, slippage and funding paid since the account began", "USD"),
    Column("turnover_usd", FLOAT, "filled since the account began, at reference prices", "USD"),
    Column("trades", INTEGER, "positions opened since the account began"),
    Column(
        "bar_minutes", INTEGER, "length of the stored bars, in which ages and limits are counted", "minutes"
    ),
    Column(
        "units_factor",
        FLOAT,
        "what declared redenominations had multiplied the symbol's prices by: prices here are over it",
    ),
    Column("recipe", TEXT, "digest of the names of the day's features and of the length of a decision bar"),
    Column("mark_price", FLOAT, "the last known close; null where there was none yet", "quote currency"),
    Column("mark_volatility_bps", FLOAT, "as volatility_bps, of the last bar", "bps"),
    Column("mark_slippage_volatility_bps", FLOAT, "standard deviation of the last 60 one-bar returns", "bps"),
    Column("mark_traded_value_usd", FLOAT, "mean traded value of the last 60 bars", "USD"),
    Column("mark_regime", TEXT, "of the last decision bar"),
    Column("mark_half_spread_bps", FLOAT, "of the market on this day", "bps"),
    Column("mark_taker_fee_bps", FLOAT, "of the market on this day", "bps"),
    Column("mark_tick_size", FLOAT, "step of prices; 0 where none is known", "quote currency"),
)
_POSITION = (
    Column("side", TEXT, "long or short; null like all that follows where the account is flat"),
    Column(
        "result_usd",
        FLOAT,
        "what the position has come to so far, its costs and closed parts included",
        "USD",
    ),
    Column(
        "pending", TEXT, "exit reason of an order that waits for a bar that is traded; null where none does"
    ),
    Column("exit_model_id", TEXT, "checkpoint that decided that order; null where none did"),
    Column("quantity", FLOAT, "held", "base currency"),
    Column("is_trailing", FLAG, "the stop follows the price"),
    Column("stop_has_followed", FLAG, "the stop has moved since the entry"),
    Column("adds", INTEGER, "times that the position was added to"),
    Column("scale_outs", INTEGER, "times that half of the position was closed early"),
    Column("exit_parts", INTEGER, "fills so far of an exit that one bar could not take"),
    Column("signal_time", TIME, "close of the bar at which the entry was decided", "UTC"),
    Column("entry_time", TIME, "open of the bar that filled the entry", "UTC"),
    Column("traded_time", TIME, "open of the last bar that was traded", "UTC"),
    Column("best_time", TIME, "open of the bar that met the best price", "UTC"),
    Column("worst_time", TIME, "open of the bar that met the worst price", "UTC"),
    Column("size_multiplier", FLOAT, "of the entry: its value over the notional of size 1"),
    Column("entry_reference", FLOAT, "mean price of all that was opened, before costs", "quote currency"),
    Column("entry_price", FLOAT, "the same, spread, slippage and tick included", "quote currency"),
    Column("opened_quantity", FLOAT, "all that was opened", "base currency"),
    Column("opened_reference_usd", FLOAT, "its value before costs", "USD"),
    Column("opened_price_usd", FLOAT, "its value, spread, slippage and tick included", "USD"),
    Column("closed_reference_usd", FLOAT, "value of what was closed of it, before costs", "USD"),
    Column("closed_price_usd", FLOAT, "the same, spread, slippage and tick included", "USD"),
    Column("stop", FLOAT, "where it stands", "quote currency"),
    Column("target", FLOAT, "where it stands", "quote currency"),
    Column("best", FLOAT, "best price met", "quote currency"),
    Column("worst", FLOAT, "worst price met", "quote currency"),
    Column("volatility_bps", FLOAT, "of one bar, at the signal", "bps"),
    Column("unit_bps", FLOAT, "of distances, fixed at the signal: volatility over the rules' horizon", "bps"),
    Column("estimated_cost_bps", FLOAT, "of entering and leaving, known at the signal", "bps"),
    Column("fee_usd", FLOAT, "paid by the position so far", "USD"),
    Column("spread_usd", FLOAT, "paid by the position so far", "USD"),
    Column("slippage_usd", FLOAT, "paid by the position so far", "USD"),
    Column("funding_usd", FLOAT, "paid by the position so far, below 0 where received", "USD"),
    Column("funding_due", FLOAT, "of bars that were not traded, to be paid at the next that is", "fraction"),
    Column("maximum_holding_bars", INTEGER, "rule that the position was opened under: its time-out", "bars"),
    Column("scratch_bars", INTEGER, "the same: how old it may be scratched", "bars"),
    Column("maximum_adds", INTEGER, "the same: how often it may be added to"),
    Column("targets_are_maker", FLAG, "the same: its target rests in the book"),
    Column(
        "scratch_volatilities", FLOAT, "the same: loss at which it may be scratched", "horizon volatilities"
    ),
    Column("add_notional_usd", FLOAT, "the same: value of an add", "USD"),
    Column("trail_volatilities", FLOAT, "the same: distance of a trailing stop", "horizon volatilities"),
)
OPEN_POSITIONS_COLUMNS = (
    *_ACCOUNT,
    *_POSITION,
    *(replace(column, meaning=f"{column.meaning}; as in shadow_trades") for column in ENTRY_COLUMNS),
    Column("fills", pa.list_(FILL), "of the position so far, as in the table fills"),
)
OPEN_POSITIONS_SCHEMA = arrow_schema(OPEN_POSITIONS_COLUMNS)
"""One row for every symbol's account as it stands at the day's end. Of one that holds something: all that the
compiled step knows of it, bars as the times of their opens, and what its trade will say of its entry."""
