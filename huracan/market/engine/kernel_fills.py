"""What an order becomes: its price, its costs, its place in the account and in the records. Compiled.

When an order is sent and which price it meets is `kernel_step`'s.
"""

import math
from typing import NamedTuple

import numpy as np

from huracan.compiled import compiled, compiled_inline
from huracan.market.engine.kernel_bars import Bar, Market
from huracan.market.engine.kernel_numbers import CostNumbers, RuleNumbers
from huracan.market.engine.lane import NOTHING_PENDING, Lane
from huracan.market.engine.record_book import FillRecord, Scratch
from huracan.market.ledger import ADD, ENTRY, FILL_KINDS, SCALE_OUT
from huracan.units import BASIS_POINT

ENTRY_KIND, ADD_KIND, SCALE_OUT_KIND = (FILL_KINDS.index(kind) for kind in (ENTRY, ADD, SCALE_OUT))
ON_A_STEP = 1e-6
"""Share of a step within which a price or quantity already lies on it: decimals are not exact in binary."""
ROUNDING = 1e-9
UNPAID = -1.0
"""The price of an order that cash could not pay: it lapses."""


@compiled_inline
def at_step(value: float, step: float, up: bool) -> float:
    """`value` rounded to a multiple of `step`, up or down; as it is where there is no step."""
    if step <= 0.0:
        return value
    steps = value / step
    if abs(steps - np.rint(steps)) <= ON_A_STEP:
        return value
    return float((np.ceil(steps) if up else np.floor(steps)) * step)


@compiled_inline
def slippage_bps(notional_usd: float, decided: Bar, costs: CostNumbers) -> float:
    """Of a market order decided at the close of the bar `decided`; see `CostAssumptions`."""
    raw = costs.slippage_coefficient * decided.impact_bps * math.sqrt(notional_usd)
    # Not a number where there was no volume or no volatility yet: then it costs the cap.
    return float(raw if raw < costs.maximum_slippage_bps else costs.maximum_slippage_bps)


@compiled_inline
def stop_slippage_bps(notional_usd: float, bar: Bar, costs: CostNumbers) -> float:
    """Of a stop that is met inside `bar`: of the volatility before or that of the bar itself, the larger."""
    raw = costs.slippage_coefficient * bar.stop_impact_bps * math.sqrt(notional_usd)
    return float(raw if raw < costs.maximum_slippage_bps else costs.maximum_slippage_bps)


@compiled_inline
def shared_quantity(wanted: float, price: float, bar: Bar, market: Market, rules: RuleNumbers) -> float:
    """What of an order the bar can fill: at most its share of what was traded there."""
    room = rules.maximum_participation * bar.value_usd / price
    return wanted if wanted <= room else at_step(room, market.step_size, False)


@compiled_inline
def side_cost_bps(
    notional_usd: float, decided: Bar, is_buy: bool, is_maker: bool, market: Market, costs: CostNumbers
) -> float:
    """Fee, half-spread and slippage of one side, as they can be estimated at the close of `decided`.

    The slippage holds the rounding to the tick that an order at that close would meet.
    """
    if is_maker:
        return float(market.maker_fee_bps)
    away_bps = market.half_spread_bps + slippage_bps(notional_usd, decided, costs)
    if market.tick_size > 0.0:
        sign = 1.0 if is_buy else -1.0
        price = at_step(decided.close * (1.0 + sign * away_bps * BASIS_POINT), market.tick_size, is_buy)
        away_bps = sign * (price / decided.close - 1.0) / BASIS_POINT
    return float(market.taker_fee_bps + away_bps)


@compiled_inline
def round_trip_bps(
    notional_usd: float, decided: Bar, side: int, is_maker: bool, market: Market, costs: CostNumbers
) -> float:
    """`side_cost_bps` of an entry on `side`, by a maker order or not, and of leaving by a market order."""
    enter = side_cost_bps(notional_usd, decided, side > 0, is_maker, market, costs)
    return enter + side_cost_bps(notional_usd, decided, side < 0, False, market, costs)


@compiled_inline
def is_large_enough(quantity: float, price: float, market: Market, rules: RuleNumbers) -> bool:
    """Whether rules and exchange take an order of this value; rounding may have taken a little off it."""
    least = max(rules.minimum_notional_usd, market.minimum_notional_usd) * (1.0 - ROUNDING)
    return bool(quantity > 0.0 and quantity * price >= least)


class Order(NamedTuple):
    """An order as it is met."""

    trade: int
    """The how-many-th position of the lane it belongs to."""
    bar: int
    kind: int
    is_buy: bool
    is_maker: bool
    quantity: float
    ordered: float
    """The quantity that was asked for."""
    reference: float
    slippage: float
    """In bps; a maker order has none."""


@compiled
def fill_order(lane: Lane, order: Order, market: Market, rules: RuleNumbers, fill: FillRecord) -> float:
    """Books an order; the price of its fill, or UNPAID.

    A market order pays above the reference or receives below it, rounded to the tick against us; the
    rounding counts as slippage. A maker order is filled at its own price. The fee is of the value filled.
    """
    is_buy, quantity, reference, slippage = order.is_buy, order.quantity, order.reference, order.slippage
    sign = 1.0 if is_buy else -1.0
    if order.is_maker:
        price, spread_usd, slippage_usd, fee_bps = reference, 0.0, 0.0, market.maker_fee_bps
    else:
        raw = reference * (1.0 + sign * (market.half_spread_bps + slippage) * BASIS_POINT)
        price, fee_bps = at_step(raw, market.tick_size, is_buy), market.taker_fee_bps
        spread_usd = quantity * reference * market.half_spread_bps * BASIS_POINT
        slippage_usd = quantity * (reference * slippage * BASIS_POINT + (price - raw) * sign)
    fee_usd = quantity * price * fee_bps * BASIS_POINT
    paid = sign * quantity * price + fee_usd
    opens = order.kind in (ENTRY_KIND, ADD_KIND)
    is_lent = is_buy and market.is_perpetual
    lent_usd = (lane.quantity + quantity) * reference * rules.credit if is_lent else 0.0
    if opens and lane.cash_usd + lent_usd < paid:
        return UNPAID
    lane.cash_usd -= paid
    lane.costs_usd += fee_usd + spread_usd + slippage_usd
    lane.turnover_usd += quantity * reference
    lane.fee_usd += fee_usd
    lane.spread_usd += spread_usd
    lane.slippage_usd += slippage_usd
    if opens:
        lane.quantity += quantity
        lane.opened_quantity += quantity
        lane.opened_reference_usd += quantity * reference
        lane.opened_price_usd += quantity * price
    else:
        lane.quantity -= quantity
        lane.closed_reference_usd += quantity * reference
        lane.closed_price_usd += quantity * price
    fill.trade, fill.bar, fill.kind = order.trade, order.bar, order.kind
    fill.is_buy, fill.is_maker = is_buy, order.is_maker
    fill.quantity, fill.ordered_quantity = quantity, order.ordered
    fill.reference, fill.price = reference, price
    fill.fee_usd, fill.spread_usd, fill.slippage_usd = fee_usd, spread_usd, slippage_usd
    return price


@compiled
def leave_position(lane: Lane, order: Order, market: Market, rules: RuleNumbers, scratch: Scratch) -> bool:
    """Fills the order to leave; False where some of the position is left, to be sold in the next bar.

    Of a position that is closed is written down what it came to.
    """
    price, closed = fill_order(lane, order, market, rules, scratch.at_exit), scratch.closed
    if lane.quantity > 0.0:
        lane.pending = order.kind
        lane.exit_parts += 1
        return False
    lane.pending = NOTHING_PENDING
    closed.trade, closed.symbol, closed.side, closed.reason = order.trade, lane.symbol, lane.side, order.kind
    closed.adds, closed.scale_outs, closed.is_trailing = lane.adds, lane.scale_outs, lane.is_trailing
    closed.signal_bar, closed.entry_bar, closed.exit_bar = lane.signal_bar, lane.entry_bar, order.bar
    closed.best_bar, closed.worst_bar = lane.best_bar, lane.worst_bar
    closed.size_multiplier, closed.quantity = lane.size_multiplier, lane.opened_quantity
    closed.entry_reference, closed.entry_price = lane.entry_reference, lane.entry_price
    closed.exit_reference, closed.exit_price = order.reference, price
    if lane.scale_outs + lane.exit_parts > 0:
        closed.exit_reference = lane.closed_reference_usd / lane.opened_quantity
        closed.exit_price = lane.closed_price_usd / lane.opened_quantity
    closed.stop, closed.target, closed.best, closed.worst = lane.stop, lane.target, lane.best, lane.worst
    closed.volatility_bps, closed.unit_bps = lane.volatility_bps, lane.unit_bps
    closed.estimated_cost_bps = lane.estimated_cost_bps
    gross = lane.side * (lane.closed_reference_usd - lane.opened_reference_usd)
    closed.gross_usd, closed.fee_usd, closed.spread_usd = gross, lane.fee_usd, lane.spread_usd
    closed.slippage_usd, closed.funding_usd = lane.slippage_usd, lane.funding_usd
    closed.net_usd = gross - (lane.fee_usd + lane.spread_usd + lane.slippage_usd + lane.funding_usd)
    return True
