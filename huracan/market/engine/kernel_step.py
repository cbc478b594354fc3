"""One lane from the close of bar t to the close of bar t + 1. Compiled; the only place where a lane moves.

In the bar: funding at its open (that of untraded bars before it too), the orders decided at t at its open,
stop, liquidation and target inside it, at its close a gap that has lasted too long and the lane's end; then,
for the next bar, the trailing stop and the time-out.
"""

from huracan.compiled import compiled_inline
from huracan.market.actions import (
    ADD_INDEX,
    EXIT_INDEX,
    HOLD_INDEX,
    SCALE_OUT_INDEX,
    SCRATCH_INDEX,
    TRAIL_INDEX,
    WAIT_INDEX,
)
from huracan.market.engine.kernel_bars import Bar, Market, Moment
from huracan.market.engine.kernel_fills import (
    Order,
    at_step,
    leave_position,
    shared_quantity,
    slippage_bps,
    stop_slippage_bps,
)
from huracan.market.engine.kernel_numbers import TIER_NUMBERS, Conditions, RuleNumbers
from huracan.market.engine.kernel_open import add_to_position, entry_rests, open_position, scale_out
from huracan.market.engine.lane import NOTHING_PENDING, Lane
from huracan.market.engine.record_book import FillRecord, Scratch
from huracan.market.ledger import (
    DATA_GAP,
    EXIT_REASONS,
    LIQUIDATION,
    POLICY_EXIT,
    SCRATCH,
    STOP,
    TARGET,
    TIME_OUT,
    TRAILING_STOP,
    WINDOW_END,
)
from huracan.units import BASIS_POINT

(
    STOP_CODE, TARGET_CODE, TIME_OUT_CODE, POLICY_EXIT_CODE, WINDOW_END_CODE, TRAILING_STOP_CODE,
    SCRATCH_CODE, LIQUIDATION_CODE, DATA_GAP_CODE,
) = (
    EXIT_REASONS.index(reason)
    for reason in (
        STOP, TARGET, TIME_OUT, POLICY_EXIT, WINDOW_END, TRAILING_STOP, SCRATCH, LIQUIDATION, DATA_GAP,
    )
)  # fmt: skip
NOTHING_FILLED, AT_THE_OPEN, AT_THE_EXIT, CLOSED_NOW = 0, 1, 2, 4


@compiled_inline
def step_lane(lane: Lane, action: int, moment: Moment, conditions: Conditions, scratch: Scratch) -> int:
    """Takes the legal `action` that was decided, and lets the next bar happen.

    What was filled is in the scratch at the open, at the exit, and what was closed: the bits of the result
    say which. A lane that has ended stands still.
    """
    if lane.has_ended:
        return NOTHING_FILLED
    if lane.quantity == 0.0 and action == WAIT_INDEX:
        lane.bar += 1
        lane.has_ended = lane.bar >= lane.end_bar
        return NOTHING_FILLED
    bar, market, rules = moment.bar, moment.market, conditions.rules
    decide(lane, action, market.tick_size)
    lane.bar += 1
    filled, may_reach = NOTHING_FILLED, True
    reason, price = NOTHING_PENDING, 0.0
    if lane.quantity > 0.0:
        settle_funding(lane, bar, market, rules)
    if bar.is_tradable:
        if lane.pending != NOTHING_PENDING:
            reason, price = lane.pending, bar.open
            meet_prices(lane, price, price)
        elif action != HOLD_INDEX:
            was_flat = lane.quantity == 0.0
            if fill_at_open(lane, action, moment, conditions, scratch.at_open):
                filled = AT_THE_OPEN
                may_reach = not (was_flat and entry_rests(lane, rules))
        if lane.quantity > 0.0:
            lane.traded_bar = lane.bar
            if reason == NOTHING_PENDING:
                reason, price = meet_barriers(lane, moment, may_reach, rules)
    lane.has_ended = lane.bar >= lane.end_bar
    is_last = lane.has_ended and lane.closes_at_end
    if lane.quantity > 0.0 and reason == NOTHING_PENDING:
        if is_last:
            reason, price = WINDOW_END_CODE, bar.close
        elif lane.bar - lane.traded_bar > lane.maximum_holding_bars:
            reason, price = DATA_GAP_CODE, bar.close
    if reason != NOTHING_PENDING:
        filled += leave(lane, reason, price, moment, conditions, scratch)
    if lane.quantity > 0.0:
        prepare_next_bar(lane, market.tick_size)
    return filled


@compiled_inline
def leave(
    lane: Lane, reason: int, price: float, moment: Moment, conditions: Conditions, scratch: Scratch
) -> int:
    """Sells the position at `price`, or as much of it as the bar takes: the rest goes on at the next open.

    What is closed because its lane or its candles end meets no bar, and so no share of one.
    """
    bar, market, rules = moment.bar, moment.market, conditions.rules
    quantity = lane.quantity
    is_valued = reason in (WINDOW_END_CODE, DATA_GAP_CODE) or (lane.has_ended and lane.closes_at_end)
    if not is_valued:
        quantity = shared_quantity(quantity, price, bar, market, rules)
        if quantity <= 0.0:
            lane.pending = reason
            return NOTHING_FILLED
    is_at_the_open = lane.pending != NOTHING_PENDING
    is_stop = reason in (STOP_CODE, TRAILING_STOP_CODE, LIQUIDATION_CODE) and not is_at_the_open
    notional = quantity * price
    slippage = slippage_bps(notional, moment.decided, conditions.costs)
    if is_stop:
        slippage = stop_slippage_bps(notional, bar, conditions.costs)
    order = Order(
        trade=lane.trades - 1,
        bar=lane.bar if reason == DATA_GAP_CODE else lane.traded_bar,
        kind=reason,
        is_buy=lane.side < 0,
        is_maker=reason == TARGET_CODE and lane.targets_are_maker and not is_at_the_open,
        quantity=quantity,
        ordered=lane.quantity,
        reference=price,
        slippage=slippage,
    )
    if leave_position(lane, order, market, rules, scratch):
        return AT_THE_EXIT + CLOSED_NOW
    return AT_THE_EXIT


@compiled_inline
def decide(lane: Lane, action: int, tick: float) -> None:
    """What a decision changes before the next bar."""
    if action == EXIT_INDEX:
        lane.pending = POLICY_EXIT_CODE
    elif action == SCRATCH_INDEX:
        lane.pending = SCRATCH_CODE
    elif action == TRAIL_INDEX:
        lane.is_trailing = True
        follow_price(lane, tick)


@compiled_inline
def settle_funding(lane: Lane, bar: Bar, market: Market, rules: RuleNumbers) -> None:
    """A position open before the bar pays (or receives) at its open, and a short what it borrows.

    What falls due in bars that are not traded is paid at the next one that is: whoever holds can neither
    leave before nor, paying there, be left with a debt and no way to sell.
    """
    lane.funding_due += bar.funding_rate
    if not bar.is_tradable:
        return
    paid = lane.side * lane.quantity * bar.open * lane.funding_due
    lane.funding_due = 0.0
    if lane.side < 0:
        paid += lane.quantity * bar.open * market.borrow_rate * (lane.bar - lane.traded_bar)
    if paid == 0.0:
        return
    # Rules that lend no more do not call in what a long position was lent under those of before.
    is_lent = lane.side > 0 and lane.cash_usd < 0.0
    lane.cash_usd -= paid
    lane.costs_usd += paid
    lane.funding_usd += paid
    # Without leverage nobody lends: who cannot pay, or buy back what was sold, leaves at this open.
    owed = 0.0 if lane.side > 0 else lane.quantity * bar.open
    is_lent |= market.is_perpetual and rules.credit > 0.0
    if not is_lent and lane.cash_usd < owed and lane.pending == NOTHING_PENDING:
        lane.pending = STOP_CODE


@compiled_inline
def liquidation_price(lane: Lane, rules: RuleNumbers) -> float:
    """Where equity falls to what maintenance wants of the position.

    Rates rise and amounts make them meet, so what is wanted of a value is the most that any tier wants of it:
    the first tier that is not content, as the price comes nearer, is the one that counts.
    """
    is_long, price = lane.side > 0, 0.0
    for at in range(0, len(rules.maintenance), TIER_NUMBERS):
        if rules.maintenance[at] == 0.0:
            break
        rate, amount = rules.maintenance[at + 1], rules.maintenance[at + 2]
        if is_long:
            price = max(price, -(lane.cash_usd + amount) / (lane.quantity * (1.0 - rate)))
        else:
            forced = (lane.cash_usd + amount) / (lane.quantity * (1.0 + rate))
            price = forced if at == 0 else min(price, forced)
    return float(price)


@compiled_inline
def fill_at_open(lane: Lane, action: int, moment: Moment, conditions: Conditions, fill: FillRecord) -> bool:
    """The entry, add or scale-out that was decided; False where there is none or it lapses."""
    if lane.quantity == 0.0:
        return open_position(lane, action, moment, conditions, fill)
    if action == ADD_INDEX:
        return add_to_position(lane, moment, conditions, fill)
    if action == SCALE_OUT_INDEX:
        return scale_out(lane, moment, conditions, fill)
    return False


@compiled_inline
def meet_barriers(lane: Lane, moment: Moment, may_reach: bool, rules: RuleNumbers) -> tuple[int, float]:
    """Which barrier the bar touches, and the price met there: NOTHING_PENDING where none.

    Pessimistic where a bar cannot tell the order: both touched means the stop was first. A bar that opens
    beyond the stop fills at its open, one that opens beyond the target at the target. `may_reach` is False
    where the bar's best price may have come before the entry: then only its close is counted on. Liquidation
    is a stop of the exchange, met where it lies before the own one.
    """
    bar, is_long, side = moment.bar, lane.side > 0, lane.side
    best, worst = (bar.high, bar.low) if is_long else (bar.low, bar.high)
    stop, reason = lane.stop, (TRAILING_STOP_CODE if lane.stop_has_followed else STOP_CODE)
    if moment.market.is_perpetual and rules.maintenance[0] > 0.0:
        forced = liquidation_price(lane, rules)
        if side * (forced - stop) > 0.0:
            stop, reason = forced, LIQUIDATION_CODE
    if side * (worst - stop) <= 0.0:
        price = min(bar.open, stop) if is_long else max(bar.open, stop)
        # Of a bar that stops, only its open and the stop are sure to have been met.
        meet_prices(lane, bar.open, price)
        return reason, price
    beyond = side * (best - lane.target)
    if not may_reach:
        best = max(bar.open, bar.close) if is_long else min(bar.open, bar.close)
    elif beyond > 0.0 or (beyond == 0.0 and not lane.targets_are_maker):
        meet_prices(lane, lane.target, worst)
        return TARGET_CODE, lane.target
    meet_prices(lane, best, worst)
    return NOTHING_PENDING, 0.0


@compiled_inline
def meet_prices(lane: Lane, best: float, worst: float) -> None:
    """Lets the best and worst price since the entry meet those of the lane's bar."""
    if lane.side * (best - lane.best) > 0.0:
        lane.best, lane.best_bar = best, lane.bar
    if lane.side * (worst - lane.worst) < 0.0:
        lane.worst, lane.worst_bar = worst, lane.bar


@compiled_inline
def prepare_next_bar(lane: Lane, tick: float) -> None:
    """What the bar's close changes of an open position: its trailing stop, and whether its time is up."""
    if lane.is_trailing:
        follow_price(lane, tick)
    age = lane.bar - lane.entry_bar + 1
    if age >= lane.maximum_holding_bars and lane.pending == NOTHING_PENDING:
        lane.pending = TIME_OUT_CODE


@compiled_inline
def follow_price(lane: Lane, tick: float) -> None:
    """Moves a trailing stop towards the price, never back."""
    distance = lane.trail_volatilities * lane.unit_bps * BASIS_POINT * lane.entry_reference
    stop = at_step(lane.best - lane.side * distance, tick, lane.side < 0)
    if lane.side * (stop - lane.stop) > 0.0:
        lane.stop, lane.stop_has_followed = stop, True
