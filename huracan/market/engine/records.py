"""What the market writes down while it trades: one record per fill, one per closed position.

Arrow tables are made of these in `trade_log`; here are only their layouts, shared with the compiled kernel.
"""

import numpy as np

FILL = np.dtype(
    [
        ("lane", np.int32),
        ("trade", np.int32),  # the lane's positions, counted from 0
        ("bar", np.int32),
        ("kind", np.int8),  # index into ledger.FILL_KINDS
        ("is_buy", np.bool_),
        ("is_maker", np.bool_),
        ("quantity", np.float64),
        ("ordered_quantity", np.float64),  # what the order was for; the rest was beyond the bar's share
        ("reference", np.float64),  # price before costs
        ("price", np.float64),  # with half-spread, slippage and the rounding to the tick
        ("fee_usd", np.float64),
        ("spread_usd", np.float64),
        ("slippage_usd", np.float64),
    ],
    align=True,
)

CLOSED = np.dtype(
    [
        ("lane", np.int32),
        ("trade", np.int32),
        ("symbol", np.int32),  # index in the block
        ("side", np.int8),  # +1 long, -1 short
        ("reason", np.int8),  # index into ledger.EXIT_REASONS, of the last fill
        ("adds", np.int32),
        ("scale_outs", np.int32),
        ("is_trailing", np.bool_),
        ("signal_bar", np.int32),
        ("entry_bar", np.int32),
        ("exit_bar", np.int32),  # of WINDOW_END: the last bar that was traded
        ("best_bar", np.int32),
        ("worst_bar", np.int32),
        ("size_multiplier", np.float64),  # of the entry
        ("quantity", np.float64),  # all that was opened, adds included
        ("entry_reference", np.float64),  # mean over all that was opened
        ("entry_price", np.float64),
        ("exit_reference", np.float64),  # mean over all that was closed
        ("exit_price", np.float64),
        ("stop", np.float64),  # where it stood at the exit
        ("target", np.float64),
        ("best", np.float64),  # most favourable and most adverse price met
        ("worst", np.float64),
        ("volatility_bps", np.float64),  # of one bar, at the signal
        ("unit_bps", np.float64),
        ("estimated_cost_bps", np.float64),
        ("gross_usd", np.float64),
        ("fee_usd", np.float64),
        ("spread_usd", np.float64),
        ("slippage_usd", np.float64),
        ("funding_usd", np.float64),  # paid; negative where received
        ("net_usd", np.float64),  # gross - fee - spread - slippage - funding
    ],
    align=True,
)
