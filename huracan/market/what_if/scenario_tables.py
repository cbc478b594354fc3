"""The tables of what a day's decisions would have made and what others would have: names and columns."""

from huracan.tables import FLOAT, INTEGER, TEXT, Column, arrow_schema

AS_TRADED = "as_traded"
ALL_SYMBOLS = "all"
BRAIN, DO_NOTHING, BUY_AND_HOLD, RANDOM_ENTRIES = "brain", "do_nothing", "buy_and_hold", "random_entries"

_SYMBOL_OR_ALL = Column("symbol", TEXT, "market, or all")

SCENARIOS_COLUMNS = (
    Column("scenario", TEXT, "as_traded, costs_x1.5, costs_x2, one_bar_later or volatility_x1.5"),
    _SYMBOL_OR_ALL,
    Column(
        "trades",
        INTEGER,
        "of the replayed actions: closed on the day, or open at its end and counted at liquidation value",
    ),
    Column("winners", INTEGER, "of them those with a net result above 0"),
    Column("stopped", INTEGER, "of them those left by a stop, one that followed the price included"),
    Column("notional_usd", FLOAT, "entry notional of all trades, at reference prices", "USD"),
    Column("gross_usd", FLOAT, "result before all costs", "USD"),
    Column("fee_usd", FLOAT, "exchange fees, >= 0", "USD"),
    Column("spread_usd", FLOAT, "half-spreads, >= 0", "USD"),
    Column("slippage_usd", FLOAT, "slippage, rounding to the tick included", "USD"),
    Column("funding_usd", FLOAT, "funding paid, below 0 where received", "USD"),
    Column("net_usd", FLOAT, "gross less all costs; of a position carried in, of its whole life", "USD"),
    Column("net_bps", FLOAT, "net of the notional; null without a trade", "bps"),
    Column(
        "result_usd",
        FLOAT,
        "change of the accounts over the day, what is open at its end at liquidation value; what was paid on "
        "earlier days is no part of it",
        "USD",
    ),
    Column("change_usd", FLOAT, "result less that of as_traded", "USD"),
    Column(
        "break_even_fee_bps",
        FLOAT,
        "fee of each side, of the value filled, at which the trades net 0; below 0: none is low enough; "
        "null without a trade",
        "bps",
    ),
)
SCENARIOS_SCHEMA = arrow_schema(SCENARIOS_COLUMNS)
"""One row per scenario and symbol, that of all symbols first."""

RIVALS_COLUMNS = (
    Column(
        "rival",
        TEXT,
        "brain (what the policy entered on the day, to its end), do_nothing, buy_and_hold or random_entries",
    ),
    _SYMBOL_OR_ALL,
    Column("trades", INTEGER, "trades; of random entries those of each draw; of buy_and_hold symbols bought"),
    Column(
        "net_usd",
        FLOAT,
        "net of all costs; of random entries (the brain's trades, all moved by one offset) the mean",
        "USD",
    ),
    Column(
        "net_bps",
        FLOAT,
        "mean net of a trade, of its entry notional; of random entries the mean of the draws, of the brain's "
        "notional; of buy_and_hold net of all that was bought; null without a trade",
        "bps",
    ),
    Column("draws", INTEGER, "offsets drawn; null of other rivals"),
    Column("net_bps_low", FLOAT, "5 % quantile of the draws; null without a brain trade", "bps"),
    Column("net_bps_high", FLOAT, "95 % quantile of the same; null likewise", "bps"),
    Column(
        "brain_percentile",
        FLOAT,
        "100 less the chance of doing as well without skill, (1 + draws that did) / (1 + draws); null"
        " likewise",
        "%",
    ),
)
RIVALS_SCHEMA = arrow_schema(RIVALS_COLUMNS)
"""One row per rival; of buying and holding one for all symbols, then one per symbol."""
