"""The shadow ledger's tables. Every trade carries what was known at its signal and what came of it."""

import pyarrow as pa

from huracan.candles.schema import TIME

STOP, TARGET, TIME_OUT, POLICY_EXIT, END_OF_SESSION, TRAILING_STOP, SCRATCH = EXIT_REASONS = (
    "STOP",
    "TARGET",
    "TIME_OUT",
    "POLICY_EXIT",
    "END_OF_SESSION",
    "TRAILING_STOP",  # a stop that had followed the price
    "SCRATCH",
)
"""Why a position's last part was closed."""
ENTRY, ADD, SCALE_OUT = "ENTRY", "ADD", "SCALE_OUT"
FILL_KINDS = (*EXIT_REASONS, ENTRY, ADD, SCALE_OUT)
LONG, SHORT = "long", "short"
SCALP, RUNNER = "scalp", "runner"
"""The mode of a trade: whether stop and target stayed where they were, or the stop followed the price."""

TRADES_SCHEMA = pa.schema(
    [
        ("trade_id", pa.string()),
        ("symbol", pa.string()),
        ("side", pa.string()),
        ("mode", pa.string()),  # scalp or runner
        ("size_multiplier", pa.float64()),
        ("quantity", pa.float64()),
        ("notional_usd", pa.float64()),
        ("signal_time", TIME),  # close of the bar at which the policy decided
        ("entry_time", TIME),  # open of the bar that filled it
        ("entry_reference_price", pa.float64()),  # that bar's open, before costs
        ("entry_price", pa.float64()),  # paid, with half-spread and slippage
        # Open time of the bar in which it was closed; of END_OF_SESSION the session's last traded bar.
        ("exit_time", TIME),
        ("exit_reference_price", pa.float64()),
        ("exit_price", pa.float64()),
        ("exit_reason", pa.string()),
        ("adds", pa.int64()),
        ("scale_outs", pa.int64()),
        ("bars_held", pa.int64()),
        ("stop_price", pa.float64()),
        ("target_price", pa.float64()),
        ("gross_bps", pa.float64()),
        ("fee_bps", pa.float64()),
        ("spread_bps", pa.float64()),
        ("slippage_bps", pa.float64()),  # the rounding of prices to the tick included
        ("funding_bps", pa.float64()),  # paid; negative where received
        ("net_bps", pa.float64()),
        ("gross_usd", pa.float64()),
        ("fee_usd", pa.float64()),
        ("spread_usd", pa.float64()),
        ("slippage_usd", pa.float64()),
        ("funding_usd", pa.float64()),
        ("net_usd", pa.float64()),  # gross - fee - spread - slippage - funding
        ("estimated_cost_bps", pa.float64()),  # for the round trip, known at the signal
        ("paid_cost_bps", pa.float64()),  # fee + spread + slippage + funding
        ("max_favourable_bps", pa.float64()),
        ("max_favourable_time", TIME),
        ("max_adverse_bps", pa.float64()),  # <= 0
        ("max_adverse_time", TIME),
        ("entry_volatility_bps", pa.float64()),  # of one bar, known at the signal
        ("regime", pa.string()),
        ("probability_trend", pa.float32()),
        ("probability_range", pa.float32()),
        ("probability_high_volatility", pa.float32()),
        ("probability_panic", pa.float32()),
        ("exit_regime", pa.string()),  # at the bar before the exit
        ("exit_volatility_bps", pa.float64()),
        ("entry_features", pa.list_(pa.float32())),  # the feature row of the signal bar, in recipe order
        ("action", pa.string()),
        ("policy_logits", pa.list_(pa.float32())),  # of the network alone
        ("action_bias", pa.list_(pa.float32())),  # added to the logits by the context
        ("bias_terms", pa.list_(pa.float32())),  # how strongly each named term of the bias applied
        ("action_mask", pa.list_(pa.bool_())),
        ("action_probabilities", pa.list_(pa.float32())),
        ("value_estimate", pa.float64()),
        ("nearest_patterns", pa.list_(pa.string())),  # of the library of the day before, nearest first
        ("nearest_pattern_cosines", pa.list_(pa.float32())),
        ("model_id", pa.string()),
        ("data_hash", pa.string()),
        ("configuration_digest", pa.string()),
        ("is_simulated", pa.bool_()),
    ]
)
"""One row per closed trade, from flat to flat. Quantities and prices are of all that was opened and closed,
adds and scale-outs included (means weighted by quantity); all bps are of that entry notional at reference
price."""

FILLS_SCHEMA = pa.schema(
    [
        ("trade_id", pa.string()),
        ("symbol", pa.string()),
        ("time", TIME),  # open of the bar that filled it
        ("kind", pa.string()),  # ENTRY, ADD, SCALE_OUT or an exit reason
        ("side", pa.string()),  # buy or sell
        ("is_maker", pa.bool_()),
        ("quantity", pa.float64()),
        ("reference_price", pa.float64()),
        ("price", pa.float64()),
        ("fee_usd", pa.float64()),
        ("spread_usd", pa.float64()),
        ("slippage_usd", pa.float64()),
    ]
)
"""One row per fill; the fills of a trade add up to it."""

SESSION_SCHEMA = pa.schema(
    [
        ("symbol", pa.string()),
        ("open_time", TIME),
        ("action", pa.string()),  # decided at this bar's close
        ("cash_usd", pa.float64()),
        ("position_value_usd", pa.float64()),  # at this bar's close (last known close where missing)
        ("equity_usd", pa.float64()),
        ("exposure", pa.float64()),  # position / equity; below 0 where short
        ("costs_usd", pa.float64()),  # fees, spread, slippage and funding paid so far
        ("drawdown_bps", pa.float64()),
    ]
)
"""One row per symbol and bar of the session. Every symbol has its own account of `starting_cash_usd`."""

DECISION_TRACE_SCHEMA = pa.schema(
    [
        ("symbol", pa.string()),
        ("open_time", TIME),  # of the bar at whose close was decided
        ("action", pa.string()),
        ("policy_logits", pa.list_(pa.float32())),  # of the network alone
        ("action_bias", pa.list_(pa.float32())),
        ("bias_terms", pa.list_(pa.float32())),
        ("action_mask", pa.list_(pa.bool_())),
        ("action_probabilities", pa.list_(pa.float32())),  # of logits + bias, after the mask
        ("value_estimate", pa.float32()),
    ]
)
"""One row per decision: every symbol and bar but a session's last. `model.json` beside the table names the
actions and the terms in order."""
