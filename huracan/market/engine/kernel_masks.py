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
from huracan.market.engine.kernel_numbers import RuleNumbers
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
def may_enter(lane: Lane, bar: Bar) -> bool:
    """Of a flat lane: the bar is ready and traded."""
    return bool(not lane.has_ended and bar.is_tradable and bar.is_ready and math.isfinite(bar.volatility_bps))


@compiled_inline
def may_order(
    equity_usd: float, held_usd: float, notional_usd: float, bar: Bar, market: Market, rules: RuleNumbers
) -> bool:
    """Equity, as often as a perpetual lends it, covers an order of `notional_usd` beside what is held, and at
    the close's price it is as large as the market demands."""
    quantity = at_step(notional_usd / bar.close, market.step_size, False)
    able_usd = equity_usd * (rules.leverage if market.is_perpetual else 1.0) - held_usd
    return able_usd >= notional_usd * market.cash_per_usd and is_large_enough(
        quantity, bar.close, market, rules
    )


@compiled_inline
def may_add(lane: Lane, bar: Bar, market: Market, rules: RuleNumbers) -> bool:
    if lane.side < 0 and not market.may_short:
        return False
    held_usd = lane.quantity * bar.close
    return lane.adds < lane.maximum_adds and may_order(
        lane.cash_usd + lane.side * held_usd, held_usd, lane.add_notional_usd, bar, market, rules
    )


@compiled_inline
def may_scale_out(lane: Lane, bar: Bar, market: Market, rules: RuleNumbers) -> bool:
    half = at_step(0.5 * lane.quantity, market.step_size, False)
    return is_large_enough(half, bar.close, market, rules) and is_large_enough(
        lane.quantity - half, bar.close, market, rules
    )


@compiled_inline
def may_scratch(lane: Lane, bar: Bar) -> bool:
    if lane.bar - lane.entry_bar + 1 > lane.scratch_bars:
        return False
    gain = lane.side * (bar.close / lane.entry_reference - 1.0)
    return bool(-lane.scratch_volatilities * lane.unit_bps * BASIS_POINT <= gain < 0.0)


@compiled_inline
def may_manage(lane: Lane, action: int, bar: Bar, market: Market, rules: RuleNumbers) -> bool:
    """Of a lane that holds with no exit on its way: EXIT, SCRATCH, ADD, SCALE_OUT, TRAIL."""
    if action == SCRATCH_INDEX:
        return may_scratch(lane, bar)
    if action == ADD_INDEX:
        return may_add(lane, bar, market, rules)
    if action == SCALE_OUT_INDEX:
        return may_scale_out(lane, bar, market, rules)
    return bool(action == EXIT_INDEX or (action == TRAIL_INDEX and not lane.is_trailing))


@compiled
def is_legal_order(lane: Lane, action: int, bar: Bar, market: Market, rules: RuleNumbers) -> bool:
    """Whether the lane may do `action`, which is neither WAIT nor HOLD, at the close of its bar."""
    if action < 0 or action >= rules.action_count:
        return False
    if lane.quantity == 0.0:
        slot = entry_slot(action)
        if slot == NO_SLOT or not may_enter(lane, bar) or (action >= FIRST_SHORT and not market.may_short):
            return False
        notional = rules.notional_usd * rules.size_multipliers[slot]
        return may_order(lane.cash_usd, 0.0, notional, bar, market, rules)
    return (
        not lane.has_ended
        and lane.pending == NOTHING_PENDING
        and may_manage(lane, action, bar, market, rules)
    )


@compiled_inline
def is_legal(lane: Lane, action: int, bar: Bar, market: Market, rules: RuleNumbers) -> bool:
    """Whether the lane may do `action` at the close of its bar."""
    is_flat = lane.quantity == 0.0
    if action in (WAIT_INDEX, HOLD_INDEX):
        return bool((action == WAIT_INDEX) == is_flat)
    return is_legal_order(lane, action, bar, market, rules)


@compiled
def mask_lanes(state: NDArray[np.void], bars: Bars, rules: RuleNumbers, out: NDArray[np.bool_]) -> None:
    """Legal actions bool [lanes, actions] into `out`; no row is empty."""
    rows, markets, length = bars.rows, bars.markets, bars.length
    for index in range(state.size):
        lane = state[index]
        bar = rows[lane.symbol * length + lane.bar]
        market = markets[bar.market]
        for action in range(rules.action_count):
            out[index, action] = False
        if lane.quantity == 0.0:
            out[index, WAIT_INDEX] = True
            if may_enter(lane, bar):
                for slot in range(SLOTS):
                    notional = rules.notional_usd * rules.size_multipliers[slot]
                    able = may_order(lane.cash_usd, 0.0, notional, bar, market, rules)
                    out[index, ENTER_HALF_INDEX + slot] = able
                    if rules.action_count > FIRST_SHORT:
                        out[index, FIRST_SHORT + slot] = able and market.may_short
        else:
            out[index, HOLD_INDEX] = True
            if lane.pending == NOTHING_PENDING and not lane.has_ended:
                out[index, EXIT_INDEX] = True
                for action in range(SCRATCH_INDEX, TRAIL_INDEX + 1):
                    out[index, action] = may_manage(lane, action, bar, market, rules)
