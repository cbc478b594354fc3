"""The state of one lane: its place in the block, its money, its position. It moves in `kernel_step`.

An array of these is all that an environment remembers: copied out and in again, it goes on to the bit.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

NOTHING_PENDING = -1

LANE = np.dtype(
    [
        # What a flat lane that waits needs comes first: one cache line.
        ("quantity", np.float64),  # held, >= 0
        ("cash_usd", np.float64),
        ("symbol", np.int32),
        ("bar", np.int32),  # the lane stands at its close
        ("end_bar", np.int32),  # the lane's last
        ("has_ended", np.bool_),
        ("closes_at_end", np.bool_),  # what is open there is closed at its close, else it stays open
        ("side", np.int8),  # +1 long, -1 short; of the last position where flat
        ("pending", np.int8),  # exit reason of an order on its way, or NOTHING_PENDING
        ("is_trailing", np.bool_),
        ("stop_has_followed", np.bool_),
        ("adds", np.int32),
        ("scale_outs", np.int32),
        ("exit_parts", np.int32),  # of an exit that took several bars, those that are filled
        ("trades", np.int32),  # positions opened so far
        ("signal_bar", np.int32),
        ("entry_bar", np.int32),
        ("traded_bar", np.int32),  # the last tradable one while holding; WINDOW_END is dated there
        ("best_bar", np.int32),
        ("worst_bar", np.int32),
        ("costs_usd", np.float64),  # fees, spread, slippage and funding paid so far
        ("turnover_usd", np.float64),  # filled so far, at reference prices
        ("peak_usd", np.float64),  # highest equity so far
        ("size_multiplier", np.float64),
        ("entry_reference", np.float64),  # means over all that was opened
        ("entry_price", np.float64),
        ("opened_quantity", np.float64),
        ("opened_reference_usd", np.float64),  # sums of quantity x price
        ("opened_price_usd", np.float64),
        ("closed_reference_usd", np.float64),
        ("closed_price_usd", np.float64),
        ("stop", np.float64),
        ("target", np.float64),
        ("best", np.float64),  # most favourable and most adverse price met
        ("worst", np.float64),
        ("volatility_bps", np.float64),  # of one bar, at the signal
        ("unit_bps", np.float64),  # of the position's distances and rewards; fixed at the signal
        ("estimated_cost_bps", np.float64),
        ("fee_usd", np.float64),  # of the position
        ("spread_usd", np.float64),
        ("slippage_usd", np.float64),
        ("funding_usd", np.float64),
        ("funding_due", np.float64),  # rate that fell due in untraded bars, to be paid in the next traded one
        # The rules that the position was opened under.
        ("maximum_holding_bars", np.int32),
        ("scratch_bars", np.int32),
        ("maximum_adds", np.int32),
        ("targets_are_maker", np.bool_),
        ("scratch_volatilities", np.float64),
        ("add_notional_usd", np.float64),
        ("trail_volatilities", np.float64),
        # Of the entry that is decided: see `OrderTerms`. Nothing of it outlasts the step.
        ("order_factor", np.float64),
        ("order_rests", np.int8),
    ],
    align=True,
)

Lane = Any
"""One record of LANE inside compiled code."""


def new_lanes(lanes: int) -> NDArray[np.void]:
    """`lanes` lanes that stand still until they begin."""
    state = np.zeros(lanes, LANE)
    state["has_ended"], state["pending"], state["unit_bps"] = True, NOTHING_PENDING, 1.0
    state["order_factor"] = 1.0
    return state
