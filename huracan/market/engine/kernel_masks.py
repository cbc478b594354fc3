"""Which actions are legal in a lane's state. Compiled; the words for these rules are in `actions`."""

import math

import numpy as np
from numpy.typing import NDArray

from huracan.compiled import compiled, compiled_inline
from huracan.market.actions import (
    ACTIONS,
    ADD_INDEX,
    ENTER_HALF_INDEX,
    EXIT_INDEX,
    HOLD_INDEX,
    SCALE_OUT_INDEX,
    SCRATCH_INDEX,
    TRAIL_INDEX,
    WAIT_INDEX,
)
from huracan.market.engine.kernel_bars import Bar, Bars, Market
from huracan.market.engine.kernel_fills import at_step, is_large_enough
from huracan.market.engine.kernel_numbers import CostNumbers, RuleNumbers
from huracan.market.engine.lane import NOTHING_PENDING, Lane
from huracan.units import BASIS_POINT

FIRST_SHORT = len(ACTIONS)
SLOTS = 3
NO_SLOT = -1


@compiled_inline
def entry_slot(action: int) -> int:
    """The index in `size_multipliers` of an entry, long or short; NO_SLOT of any other action."""
    if ENTER_HALF_INDEX <= action < ENTER_HALF_INDEX + SLOTS:
        return action - ENTER_HALF_INDEX
    return action - FIRST_SHORT if action >= FIRST_SHORT else NO_SLOT


@compiled_inline
def may_enter(lane: Lane, bar: Bar, rules: RuleNumbers) -> bool:
    """Of a flat lane: the bar is ready and traded, and the session has room for a trade."""
    return bool(
        not lane.has_ended
        and lane.end_bar - lane.bar >= rules.entry_margin_bars
        and bar.is_tradable
        and bar.is_ready
        and math.isfinite(bar.volatility_bps)
    )


@compiled_inline
def may_order(
    cash_usd: float, notional_usd: float, bar: Bar, market: Market, rules: RuleNumbers, costs: CostNumbers
) -> bool:
    """Cash pays an order of `notional_usd`, and at the close's price it is as large as the market demands."""
    quantity = at_step(notional_usd / bar.close, market.step_size, False)
    return cash_usd >= notional_usd * costs.cash_per_usd and is_large_enough(
        quantity, bar.close, market, rules
    )


@compiled_inline
def may_add(lane: Lane, bar: Bar, market: Market, rules: RuleNumbers, costs: CostNumbers) -> bool:
    # A short's equity must still cover it once over: what it owes has been paid out in cash.
    owed = 0.0 if lane.side > 0 else 2.0 * lane.quantity * bar.close
    return lane.adds < rules.maximum_adds and may_order(
        lane.cash_usd - owed, rules.add_notional_usd, bar, market, rules, costs
    )


@compiled_inline
def may_scale_out(lane: Lane, bar: Bar, market: Market, rules: RuleNumbers) -> bool:
    half = at_step(0.5 * lane.quantity, market.step_size, False)
    return is_large_enough(half, bar.close, market, rules) and is_large_enough(
        lane.quantity - half, bar.close, market, rules
    )


@compiled_inline
def may_scratch(lane: Lane, bar: Bar, rules: RuleNumbers) -> bool:
    if lane.bar - lane.entry_bar + 1 > rules.scratch_bars:
        return False
    gain = lane.side * (bar.close / lane.entry_reference - 1.0)
    return bool(-rules.scratch_volatilities * lane.unit_bps * BASIS_POINT <= gain < 0.0)


@compiled_inline
def may_manage(
    lane: Lane, action: int, bar: Bar, market: Market, rules: RuleNumbers, costs: CostNumbers
) -> bool:
    """Of a lane that holds with no exit on its way: EXIT, SCRATCH, ADD, SCALE_OUT, TRAIL."""
    if action == SCRATCH_INDEX:
        return may_scratch(lane, bar, rules)
    if action == ADD_INDEX:
        return may_add(lane, bar, market, rules, costs)
    if action == SCALE_OUT_INDEX:
        return may_scale_out(lane, bar, market, rules)
    return bool(action == EXIT_INDEX or (action == TRAIL_INDEX and not lane.is_trailing))


@compiled
def is_legal_order(
    lane: Lane, action: int, bar: Bar, market: Market, rules: RuleNumbers, costs: CostNumbers
) -> bool:
    """Whether the lane may do `action`, which is neither WAIT nor HOLD, at the close of its bar."""
    if action < 0 or action >= rules.action_count:
        return False
    if lane.quantity == 0.0:
        slot = entry_slot(action)
        if slot == NO_SLOT or not may_enter(lane, bar, rules):
            return False
        notional = rules.notional_usd * rules.size_multipliers[slot]
        return may_order(lane.cash_usd, notional, bar, market, rules, costs)
    return lane.pending == NOTHING_PENDING and may_manage(lane, action, bar, market, rules, costs)


@compiled_inline
def is_legal(
    lane: Lane, action: int, bar: Bar, market: Market, rules: RuleNumbers, costs: CostNumbers
) -> bool:
    """Whether the lane may do `action` at the close of its bar."""
    is_flat = lane.quantity == 0.0
    if action in (WAIT_INDEX, HOLD_INDEX):
        return bool((action == WAIT_INDEX) == is_flat)
    return is_legal_order(lane, action, bar, market, rules, costs)


@compiled
def mask_lanes(
    state: NDArray[np.void], bars: Bars, rules: RuleNumbers, costs: CostNumbers, out: NDArray[np.bool_]
) -> None:
    """Legal actions bool [lanes, actions] into `out`; no row is empty."""
    rows, markets, length = bars.rows, bars.markets, bars.length
    for index in range(state.size):
        lane = state[index]
        bar, market = rows[lane.symbol * length + lane.bar], markets[lane.symbol]
        for action in range(rules.action_count):
            out[index, action] = False
        if lane.quantity == 0.0:
            out[index, WAIT_INDEX] = True
            if may_enter(lane, bar, rules):
                for slot in range(SLOTS):
                    notional = rules.notional_usd * rules.size_multipliers[slot]
                    able = may_order(lane.cash_usd, notional, bar, market, rules, costs)
                    out[index, ENTER_HALF_INDEX + slot] = able
                    if rules.action_count > FIRST_SHORT:
                        out[index, FIRST_SHORT + slot] = able
        else:
            out[index, HOLD_INDEX] = True
            if lane.pending == NOTHING_PENDING:
                out[index, EXIT_INDEX] = True
                for action in range(SCRATCH_INDEX, TRAIL_INDEX + 1):
                    out[index, action] = may_manage(lane, action, bar, market, rules, costs)
