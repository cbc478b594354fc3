"""The shadow ledger's tables. Every trade carries what was known at its signal and what came of it."""

import pyarrow as pa

from huracan.candles.schema import TIME

STOP, TARGET, TIME_OUT, POLICY_EXIT, END_OF_SESSION = (
    "STOP",
    "TARGET",
    "TIME_OUT",
    "POLICY_EXIT",
    "END_OF_SESSION",
)
EXIT_REASONS = (STOP, TARGET, TIME_OUT, POLICY_EXIT, END_OF_SESSION)

TRADES_SCHEMA = pa.schema(
    [
        ("trade_id", pa.string()),
        ("symbol", pa.string()),
        ("side", pa.string()),
        ("size_multiplier", pa.float64()),
        ("quantity", pa.float64()),
        ("notional_usd", pa.float64()),
        ("signal_time", TIME),  # close of the bar at which the policy decided
        ("entry_time", TIME),  # open of the bar that filled it
        ("entry_reference_price", pa.float64()),  # that bar's open, before costs
        ("entry_price", pa.float64()),  # paid, with half-spread and slippage
        ("exit_time", TIME),  # open time of the bar in which it was closed
        ("exit_reference_price", pa.float64()),
        ("exit_price", pa.float64()),
        ("exit_reason", pa.string()),
        ("bars_held", pa.int64()),
        ("stop_price", pa.float64()),
        ("target_price", pa.float64()),
        ("gross_bps", pa.float64()),
        ("fee_bps", pa.float64()),
        ("spread_bps", pa.float64()),
        ("slippage_bps", pa.float64()),
        ("net_bps", pa.float64()),
        ("gross_usd", pa.float64()),
        ("fee_usd", pa.float64()),
        ("spread_usd", pa.float64()),
        ("slippage_usd", pa.float64()),
        ("net_usd", pa.float64()),  # gross - fee - spread - slippage
        ("estimated_cost_bps", pa.float64()),  # for the round trip, known at the signal
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
        ("policy_logits", pa.list_(pa.float32())),
        ("action_probabilities", pa.list_(pa.float32())),
        ("value_estimate", pa.float64()),
        ("model_id", pa.string()),
        ("data_hash", pa.string()),
        ("configuration_digest", pa.string()),
        ("is_simulated", pa.bool_()),
    ]
)
"""One row per closed trade. All bps are of the entry notional at reference price."""

SESSION_SCHEMA = pa.schema(
    [
        ("symbol", pa.string()),
        ("open_time", TIME),
        ("action", pa.string()),  # decided at this bar's close
        ("cash_usd", pa.float64()),
        ("position_value_usd", pa.float64()),  # at this bar's close (last known close where missing)
        ("equity_usd", pa.float64()),
        ("costs_usd", pa.float64()),  # fees, spread and slippage paid so far
        ("drawdown_bps", pa.float64()),
    ]
)
"""One row per symbol and bar of the session. Every symbol has its own account of `starting_cash_usd`."""
