"""The shadow ledger's tables. Every trade carries what was known at its signal and what came of it."""

from dataclasses import replace

from huracan.candles.schema import OPEN_TIME, SYMBOL, TIME
from huracan.regimes.model import REGIMES
from huracan.tables import (
    FLAG,
    FLAGS,
    FLOAT,
    INTEGER,
    SINGLE,
    SINGLES,
    TEXT,
    TEXTS,
    Column,
    arrow_schema,
    chosen,
)

(
    STOP, TARGET, TIME_OUT, POLICY_EXIT, WINDOW_END, TRAILING_STOP, SCRATCH, LIQUIDATION, DATA_GAP, DELISTED,
    LEFT_UNIVERSE, TIMEFRAME_CHANGED,
) = EXIT_REASONS = (
    "STOP",
    "TARGET",
    "TIME_OUT",
    "POLICY_EXIT",
    "WINDOW_END",  # liquidation value where what is looked at ends; never in the ledger
    "TRAILING_STOP",  # a stop that had followed the price
    "SCRATCH",
    "LIQUIDATION",
    "DATA_GAP",
    "DELISTED",
    "LEFT_UNIVERSE",
    "TIMEFRAME_CHANGED",
)  # fmt: skip
"""Why a position's last part was closed."""
(END_OF_SESSION,) = FORMER_EXIT_REASONS = ("END_OF_SESSION",)
"""Of trades from versions whose days ended flat."""
ENTRY, ADD, SCALE_OUT = "ENTRY", "ADD", "SCALE_OUT"
FILL_KINDS = (*EXIT_REASONS, ENTRY, ADD, SCALE_OUT)
LONG, SHORT = "long", "short"
BOOKS = POLICY, EXPLORED = "policy", "explored"
"""Whose trades they are: the policy's, on one account a symbol, or entries drawn by chance, each on an
account of its own."""
SCALP, RUNNER = "scalp", "runner"
"""The mode of a trade: whether stop and target stayed where they were, or the stop followed the price."""

_ENTRY_NOTIONAL = "of the entry notional"
_TRACE = (
    Column("policy_logits", SINGLES, "of the network alone, by action in the order of model.json"),
    Column("action_bias", SINGLES, "what the context added to each logit, by action"),
    Column("bias_terms", SINGLES, "how strongly each named term of the bias applied", "0 to 1"),
    Column("action_mask", FLAGS, "which actions were legal, by action"),
    Column("action_probabilities", SINGLES, "of logits and bias, after the mask, by action", "0 to 1"),
)
"""What led to a decision; `model.json` beside the table names actions and terms in order."""
_ENTRY_VOLATILITY = Column(
    "entry_volatility_bps",
    FLOAT,
    "standard deviation of one-bar returns over the rules' horizon, at the signal",
    "bps",
)
_VALUE = Column(
    "value_estimate", SINGLE, "sum of discounted rewards that the policy expected", "horizon volatilities"
)
"""A reward is a change of equity, in what a horizon volatility moves an entry of size 1 by."""
TRADE_ID = Column("trade_id", TEXT, "identity of the trade, the same whenever its day is made again")

TRADES_COLUMNS = (
    TRADE_ID,
    SYMBOL,
    Column("side", TEXT, "long or short"),
    Column("mode", TEXT, "runner where the stop was made to follow the price, else scalp"),
    Column("size_multiplier", FLOAT, "of the entry: its value over the notional of size 1; adds not counted"),
    Column("quantity", FLOAT, "all that was opened, adds included", "base currency"),
    Column("notional_usd", FLOAT, "quantity times entry_reference_price: what every bps is a part of", "USD"),
    Column("signal_time", TIME, "close of the bar at which the policy decided", "UTC"),
    Column("entry_time", TIME, "open of the bar that filled the entry", "UTC"),
    Column(
        "entry_reference_price",
        FLOAT,
        "open of that bar, before costs; with adds the mean by quantity",
        "quote currency",
    ),
    Column(
        "entry_price",
        FLOAT,
        "paid or received: half-spread, slippage and tick included, the fee not; mean by quantity",
        "quote currency",
    ),
    Column(
        "exit_time",
        TIME,
        "open of the bar in which the last part was closed; of DATA_GAP the one in which it was given up",
        "UTC",
    ),
    Column(
        "exit_reference_price", FLOAT, "met at the exit, before costs; mean of all parts", "quote currency"
    ),
    Column(
        "exit_price",
        FLOAT,
        "received or paid: half-spread, slippage and tick included, the fee not; mean of all parts",
        "quote currency",
    ),
    Column(
        "exit_reason",
        TEXT,
        "of the last part: STOP, TARGET, TIME_OUT, POLICY_EXIT, TRAILING_STOP, SCRATCH, LIQUIDATION,"
        " DATA_GAP, DELISTED, LEFT_UNIVERSE or TIMEFRAME_CHANGED; END_OF_SESSION where days still ended flat",
    ),
    Column("adds", INTEGER, "times that the position was added to"),
    Column("scale_outs", INTEGER, "times that half of the position was closed early"),
    Column("bars_held", INTEGER, "from the entry's bar to the exit's; 0 within one bar", "bars"),
    Column("stop_price", FLOAT, "where the stop stood at the exit", "quote currency"),
    Column("target_price", FLOAT, "where the target stood", "quote currency"),
    Column("gross_bps", FLOAT, f"result before all costs, {_ENTRY_NOTIONAL}", "bps"),
    Column("fee_bps", FLOAT, f"exchange fees of all fills, >= 0, {_ENTRY_NOTIONAL}", "bps"),
    Column("spread_bps", FLOAT, f"half-spreads of all fills, >= 0, {_ENTRY_NOTIONAL}", "bps"),
    Column(
        "slippage_bps",
        FLOAT,
        f"slippage of all fills, rounding to the tick included, {_ENTRY_NOTIONAL}",
        "bps",
    ),
    Column("funding_bps", FLOAT, f"funding paid, below 0 where received, {_ENTRY_NOTIONAL}", "bps"),
    Column("net_bps", FLOAT, f"gross less fee, spread, slippage and funding, {_ENTRY_NOTIONAL}", "bps"),
    Column("gross_usd", FLOAT, "result before all costs", "USD"),
    Column("fee_usd", FLOAT, "exchange fees of all fills, >= 0", "USD"),
    Column("spread_usd", FLOAT, "half-spreads of all fills, >= 0", "USD"),
    Column("slippage_usd", FLOAT, "slippage of all fills, rounding to the tick included", "USD"),
    Column("funding_usd", FLOAT, "funding paid, below 0 where received", "USD"),
    Column("net_usd", FLOAT, "gross less fee, spread, slippage and funding", "USD"),
    Column(
        "estimated_cost_bps", FLOAT, "of entering and leaving, without funding, known at the signal", "bps"
    ),
    Column("paid_cost_bps", FLOAT, "fee, spread, slippage and funding together", "bps"),
    Column("max_favourable_bps", FLOAT, "best price met against the entry's reference, >= 0", "bps"),
    Column("max_favourable_time", TIME, "open of the bar that met it", "UTC"),
    Column("max_adverse_bps", FLOAT, "worst price met against the entry's reference, <= 0", "bps"),
    Column("max_adverse_time", TIME, "open of the bar that met it", "UTC"),
    _ENTRY_VOLATILITY,
    Column("regime", TEXT, "of the signal bar: trend, range, high_volatility or panic"),
    *(
        Column(f"probability_{name}", SINGLE, f"that the signal bar's regime was {name}", "0 to 1")
        for name in REGIMES
    ),
    Column("exit_regime", TEXT, "of the bar before the exit's"),
    Column("exit_volatility_bps", FLOAT, "as entry_volatility_bps, at the bar before the exit's", "bps"),
    Column(
        "entry_features",
        SINGLES,
        "feature row of the signal bar, in the order of the recipe; NaN where that has changed since",
    ),
    Column("action", TEXT, "the entry that was decided, such as ENTER_FULL"),
    *_TRACE,
    replace(_VALUE, type=FLOAT),
    Column("nearest_patterns", TEXTS, "pattern_id of up to three patterns known then, nearest first"),
    Column("nearest_pattern_cosines", SINGLES, "their likeness to the entry, in the same order", "-1 to 1"),
    Column("model_id", TEXT, "checkpoint that decided the entry"),
    Column("exit_model_id", TEXT, "checkpoint in charge at the exit; null where none was"),
    Column("data_hash", TEXT, "content hash of the features of the entry's day"),
    Column("configuration_digest", TEXT, "digest of the settings of the entry's day"),
    Column("is_simulated", FLAG, "the candles were simulated"),
)
TRADES_SCHEMA = arrow_schema(TRADES_COLUMNS)
"""One row per closed trade, from flat to flat. Quantities and prices are of all that was opened and closed,
adds and scale-outs included (means weighted by quantity); all bps are of that entry notional at reference
price."""

ENTRY_COLUMNS = chosen(
    TRADES_COLUMNS,
    "trade_id",
    "regime",
    *(f"probability_{name}" for name in REGIMES),
    "entry_features",
    "action",
    *(column.name for column in _TRACE),
    "value_estimate",
    "nearest_patterns",
    "nearest_pattern_cosines",
    "model_id",
    "data_hash",
    "configuration_digest",
    "is_simulated",
)
"""What is known of a trade from its entry on."""
ENTRY_SCHEMA = arrow_schema(ENTRY_COLUMNS)
_MADE_BY = ("model_id", "data_hash", "configuration_digest", "is_simulated")

FILLS_COLUMNS = (
    TRADE_ID,
    SYMBOL,
    Column("time", TIME, "open of the bar that filled it", "UTC"),
    Column("kind", TEXT, "ENTRY, ADD, SCALE_OUT or an exit reason"),
    Column("side", TEXT, "buy or sell"),
    Column("is_maker", FLAG, "it rested in the book, and paid neither spread nor slippage"),
    Column(
        "ordered_quantity", FLOAT, "wanted; of it was filled what the bar's value allowed", "base currency"
    ),
    Column("quantity", FLOAT, "filled", "base currency"),
    Column("reference_price", FLOAT, "met, before costs", "quote currency"),
    Column("price", FLOAT, "paid or received: half-spread, slippage and tick included", "quote currency"),
    Column("fee_usd", FLOAT, "exchange fee, of the value filled", "USD"),
    Column("spread_usd", FLOAT, "half-spread", "USD"),
    Column("slippage_usd", FLOAT, "slippage, rounding to the tick included", "USD"),
)
FILLS_SCHEMA = arrow_schema(FILLS_COLUMNS)
"""One row per fill; the fills of a trade add up to it."""

SESSION_COLUMNS = (
    SYMBOL,
    OPEN_TIME,
    Column("action", TEXT, "decided at this bar's open; null where nothing could be decided"),
    Column("cash_usd", FLOAT, "of the symbol's own account, at this bar's close", "USD"),
    Column(
        "position_value_usd",
        FLOAT,
        "at this bar's close, or the last known one; below 0 where short, 0 where flat",
        "USD",
    ),
    Column("equity_usd", FLOAT, "cash and position value", "USD"),
    Column(
        "result_usd",
        FLOAT,
        "change of equity since the bar before, of the day's first bar since the day before's end",
        "USD",
    ),
    Column("exposure", FLOAT, "position value over equity; below 0 where short", "fraction"),
    Column("costs_usd", FLOAT, "fees, spread, slippage and funding paid since the account began", "USD"),
    Column("drawdown_bps", FLOAT, "fall from the account's peak, >= 0, of that peak", "bps"),
)
SESSION_SCHEMA = arrow_schema(SESSION_COLUMNS)
"""One row per symbol and decision bar of the day, and one at its first bar of a symbol that left the
universe holding something. Every symbol has its own account, which began with `starting_cash_usd`."""

DECISIONS_COLUMNS = (
    SYMBOL,
    Column("open_time", TIME, "open of the bar that the decision met: the close at which it was made", "UTC"),
    Column("action", TEXT, "the one taken: the most probable legal one of the most probable kind"),
    *_TRACE,
    _VALUE,
    Column("model_id", TEXT, "checkpoint that decided"),
)
DECISION_TRACE_SCHEMA = arrow_schema(DECISIONS_COLUMNS)
"""One row per decision of a policy: every symbol and decision bar of the day but those that none decided.
`model.json` beside the table names the actions and the terms in order."""

TRADED, LAPSED, MASKED, DECLINED = "traded", "lapsed", "masked", "declined"
"""What became of a signal: a trade, an order that was not filled, no legal entry, or none by the policy's own
choice."""

SIGNALS_COLUMNS = (
    SYMBOL,
    Column("signal_time", TIME, "close of the bar at which was decided", "UTC"),
    Column("action", TEXT, "the entry that was made, or wanted most; where declined, of the legal ones"),
    Column("side", TEXT, "of that entry: long or short"),
    Column("size_multiplier", FLOAT, "of that entry: its value over the notional of size 1"),
    Column(
        "status",
        TEXT,
        "traded, lapsed (order not filled), masked (that entry was not legal) or declined (all but entered)",
    ),
    Column(
        "reason",
        TEXT,
        "what came in its way: order_not_filled, policy_waited or why it was masked; null where traded",
    ),
    Column("trade_id", TEXT, "the trade that came of it; null where none did"),
    Column("probability", SINGLE, "of the entry, after the mask", "0 to 1"),
    Column("unmasked_probability", SINGLE, "among waiting and all entries, had all been legal", "0 to 1"),
    _VALUE,
    Column("regime", TEXT, "of the signal bar: trend, range, high_volatility or panic"),
    _ENTRY_VOLATILITY,
    Column(
        "would_net_bps",
        FLOAT,
        "net of a declined entry left to stop, target and time-out; null of others, where unfilled, and "
        "where it would still be open at the day's end",
        "bps",
    ),
    Column(
        "would_exit_reason",
        TEXT,
        "exit reason of the same; STILL_OPEN at the day's end; null of others and where unfilled",
    ),
    Column("would_bars_held", INTEGER, "from entry to exit of the same; null as would_net_bps", "bars"),
)
SIGNALS_SCHEMA = arrow_schema(SIGNALS_COLUMNS)
"""One row per signal, by symbol, day and time; made in `paper.signals`."""

UNTRADED_COLUMNS = (
    SYMBOL,
    *chosen(SIGNALS_COLUMNS, "signal_time"),
    Column("status", TEXT, "why no trade came of it: lapsed, masked or declined"),
    *chosen(TRADES_COLUMNS, "side", "size_multiplier", "estimated_cost_bps", "entry_volatility_bps"),
    *(column for column in ENTRY_COLUMNS[1:] if column.name not in _MADE_BY),
)
UNTRADED_SCHEMA = arrow_schema(UNTRADED_COLUMNS)
"""One row per signal without a trade, with what was known at it, as of those that made one; made in
`paper.untraded`."""
