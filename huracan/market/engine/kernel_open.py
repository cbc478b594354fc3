"""How a position begins and changes its size at an open: entry, add, scale-out. Compiled."""

from huracan.compiled import compiled, compiled_inline
from huracan.market.engine.kernel_bars import Moment
from huracan.market.engine.kernel_fills import (
    ADD_KIND,
    ENTRY_KIND,
    SCALE_OUT_KIND,
    UNPAID,
    Order,
    at_step,
    fill_order,
    is_large_enough,
    round_trip_bps,
    shared_quantity,
    slippage_bps,
)
from huracan.market.engine.kernel_masks import FIRST_SHORT, entry_slot, may_order
from huracan.market.engine.kernel_numbers import Conditions, RuleNumbers
from huracan.market.engine.lane import Lane
from huracan.market.engine.order_terms import BY_THE_RULES
from huracan.market.engine.record_book import FillRecord
from huracan.units import BASIS_POINT

FARTHEST_BPS = 9_000.0
"""No barrier lies farther below the entry: prices stay above 0."""


@compiled_inline
def volatility_unit_bps(volatility_bps: float, rules: RuleNumbers) -> float:
    """`TradingRules.volatility_unit_bps` of one bar."""
    least = rules.minimum_volatility_bps
    return float((volatility_bps if volatility_bps > least else least) * rules.horizon_factor)


@compiled_inline
def entry_rests(lane: Lane, rules: RuleNumbers) -> bool:
    """Whether the entry that is decided rests at the open it is for."""
    return bool(rules.entries_are_maker if lane.order_rests == BY_THE_RULES else lane.order_rests > 0)


@compiled
def open_position(lane: Lane, action: int, moment: Moment, conditions: Conditions, fill: FillRecord) -> bool:
    """Fills the entry that was decided at the open of the next bar; False where it lapses.

    Size, costs, stop, target and the rules that the position lives by are fixed here; of one in another size
    adds are so much smaller or larger too. A maker entry rests at
    the open and needs a price beyond it.
    """
    decided, bar, market = moment.decided, moment.bar, moment.market
    rules, costs = conditions.rules, conditions.costs
    side, is_maker = -1 if action >= FIRST_SHORT else 1, entry_rests(lane, rules)
    reference, multiplier = bar.open, rules.size_multipliers[entry_slot(action)] * lane.order_factor
    if side < 0 and not market.may_short:
        return False
    if is_maker and not (bar.low < reference if side > 0 else bar.high > reference):
        return False
    notional = rules.notional_usd * multiplier
    # The masks have asked whether the account bears the whole size, and not a larger one.
    if lane.order_factor > 1.0 and not may_order(lane.cash_usd, 0.0, notional, decided, market, rules):
        return False
    ordered = at_step(notional / reference, market.step_size, False)
    quantity = shared_quantity(ordered, reference, bar, market, rules)
    if not is_large_enough(quantity, reference, market, rules):
        return False
    clear_position(lane)
    slippage = slippage_bps(notional if quantity == ordered else quantity * reference, decided, costs)
    order = Order(
        trade=lane.trades,
        bar=lane.bar,
        kind=ENTRY_KIND,
        is_buy=side > 0,
        is_maker=is_maker,
        quantity=quantity,
        ordered=ordered,
        reference=reference,
        slippage=slippage,
    )
    price = fill_order(lane, order, market, rules, fill)
    if price == UNPAID:
        return False
    lane.trades += 1
    lane.side, lane.size_multiplier = side, multiplier
    lane.entry_reference, lane.entry_price, lane.best, lane.worst = reference, price, reference, reference
    lane.signal_bar, lane.entry_bar, lane.traded_bar = lane.bar - 1, lane.bar, lane.bar
    lane.best_bar, lane.worst_bar = lane.bar, lane.bar
    lane.volatility_bps = decided.volatility_bps
    lane.unit_bps = volatility_unit_bps(decided.volatility_bps, rules)
    lane.estimated_cost_bps = round_trip_bps(notional, decided, side, is_maker, market, costs)
    lane.maximum_holding_bars, lane.scratch_bars = rules.maximum_holding_bars, rules.scratch_bars
    lane.maximum_adds, lane.add_notional_usd = rules.maximum_adds, rules.add_notional_usd * lane.order_factor
    lane.scratch_volatilities, lane.trail_volatilities = rules.scratch_volatilities, rules.trail_volatilities
    lane.targets_are_maker = rules.targets_are_maker
    set_barriers(lane, market.tick_size, rules)
    return True


@compiled_inline
def clear_position(lane: Lane) -> None:
    """Nothing of the position before is left."""
    lane.is_trailing, lane.stop_has_followed = False, False
    lane.adds, lane.scale_outs, lane.exit_parts = 0, 0, 0
    lane.opened_quantity, lane.opened_reference_usd, lane.opened_price_usd = 0.0, 0.0, 0.0
    lane.closed_reference_usd, lane.closed_price_usd = 0.0, 0.0
    lane.fee_usd, lane.spread_usd, lane.slippage_usd = 0.0, 0.0, 0.0
    lane.funding_usd, lane.funding_due = 0.0, 0.0


@compiled_inline
def set_barriers(lane: Lane, tick: float, rules: RuleNumbers) -> None:
    """Stop and target at their distances, on ticks: the next one away from the entry."""
    stop_bps = max(rules.stop_volatilities * lane.unit_bps, rules.stop_floor_bps)
    target_bps = max(rules.target_volatilities * lane.unit_bps, rules.target_floor_bps)
    if lane.side < 0:
        target_bps = min(target_bps, FARTHEST_BPS)
    stop = lane.entry_reference * (1.0 - lane.side * min(stop_bps, FARTHEST_BPS) * BASIS_POINT)
    target = lane.entry_reference * (1.0 + lane.side * target_bps * BASIS_POINT)
    lane.stop = at_step(stop, tick, lane.side < 0)
    lane.target = at_step(target, tick, lane.side > 0)


@compiled
def add_to_position(lane: Lane, moment: Moment, conditions: Conditions, fill: FillRecord) -> bool:
    """More of the same side at the open; False where it may not be sold short, rounding leaves too little
    or cash does not pay it."""
    reference, market, rules = moment.bar.open, moment.market, conditions.rules
    if lane.side < 0 and not market.may_short:
        return False
    notional = lane.add_notional_usd
    ordered = at_step(notional / reference, market.step_size, False)
    quantity = shared_quantity(ordered, reference, moment.bar, market, rules)
    if not is_large_enough(quantity, reference, market, rules):
        return False
    met = notional if quantity == ordered else quantity * reference
    slippage = slippage_bps(met, moment.decided, conditions.costs)
    order = Order(
        trade=lane.trades - 1,
        bar=lane.bar,
        kind=ADD_KIND,
        is_buy=lane.side > 0,
        is_maker=False,
        quantity=quantity,
        ordered=ordered,
        reference=reference,
        slippage=slippage,
    )
    price = fill_order(lane, order, market, rules, fill)
    if price == UNPAID:
        return False
    lane.adds += 1
    lane.entry_reference = lane.opened_reference_usd / lane.opened_quantity
    lane.entry_price = lane.opened_price_usd / lane.opened_quantity
    return True


@compiled
def scale_out(lane: Lane, moment: Moment, conditions: Conditions, fill: FillRecord) -> bool:
    """Half of the position at the open, or what the bar takes of it; False where either part is too small."""
    reference, market, rules = moment.bar.open, moment.market, conditions.rules
    ordered = at_step(0.5 * lane.quantity, market.step_size, False)
    half = shared_quantity(ordered, reference, moment.bar, market, rules)
    is_enough = is_large_enough(half, reference, market, rules)
    if not (is_enough and is_large_enough(lane.quantity - half, reference, market, rules)):
        return False
    slippage = slippage_bps(half * reference, moment.decided, conditions.costs)
    order = Order(
        trade=lane.trades - 1,
        bar=lane.bar,
        kind=SCALE_OUT_KIND,
        is_buy=lane.side < 0,
        is_maker=False,
        quantity=half,
        ordered=ordered,
        reference=reference,
        slippage=slippage,
    )
    fill_order(lane, order, market, rules, fill)
    lane.scale_outs += 1
    return True
