"""One lane from the close of bar t to the close of bar t + 1. Compiled; the only place where a lane moves.

In the bar: funding at its open (that of untraded bars before it too), the orders decided at t at its open,
stop and target inside it, the session's end at its close; then, for the next bar, the trailing stop and the
time-out.
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
from huracan.market.engine.kernel_bars import Bar, Moment
from huracan.market.engine.kernel_fills import Order, at_step, close_position, slippage_bps
from huracan.market.engine.kernel_numbers import Conditions, RuleNumbers
from huracan.market.engine.kernel_open import add_to_position, open_position, scale_out
from huracan.market.engine.lane import NOTHING_PENDING, Lane
from huracan.market.engine.record_book import FillRecord, Scratch
from huracan.market.ledger import (
    END_OF_SESSION,
    EXIT_REASONS,
    POLICY_EXIT,
    SCRATCH,
    STOP,
    TARGET,
    TIME_OUT,
    TRAILING_STOP,
)
from huracan.units import BASIS_POINT

(
    STOP_CODE, TARGET_CODE, TIME_OUT_CODE, POLICY_EXIT_CODE, END_OF_SESSION_CODE, TRAILING_STOP_CODE,
    SCRATCH_CODE,
) = (
    EXIT_REASONS.index(reason)
    for reason in (STOP, TARGET, TIME_OUT, POLICY_EXIT, END_OF_SESSION, TRAILING_STOP, SCRATCH)
)  # fmt: skip
NOTHING_FILLED, AT_THE_OPEN, AT_THE_EXIT = 0, 1, 2


@compiled_inline
def step_lane(lane: Lane, action: int, moment: Moment, conditions: Conditions, scratch: Scratch) -> int:
    """Takes the legal `action` that was decided, and lets the next bar happen.

    What was filled is in the scratch at the open, at the exit (and what was closed), or both: the bits of the
    result say which. A lane whose session is over stands still.
    """
    if lane.quantity == 0.0 and action == WAIT_INDEX:
        if not lane.has_ended:
            lane.bar += 1
            lane.has_ended = lane.bar >= lane.end_bar
        return NOTHING_FILLED
    bar, market, rules = moment.bar, moment.market, conditions.rules
    decide(lane, action, market.tick_size, rules)
    lane.bar += 1
    filled, may_reach = NOTHING_FILLED, True
    reason, price = NOTHING_PENDING, 0.0
    if lane.quantity > 0.0 and bar.funding_rate != 0.0:
        settle_funding(lane, bar)
    if bar.is_tradable:
        if lane.pending != NOTHING_PENDING:
            reason, price = lane.pending, bar.open
            meet_prices(lane, price, price)
        elif action != HOLD_INDEX:
            was_flat = lane.quantity == 0.0
            if fill_at_open(lane, action, moment, conditions, scratch.at_open):
                filled = AT_THE_OPEN
                may_reach = not (was_flat and rules.entries_are_maker)
        if lane.quantity > 0.0:
            lane.traded_bar = lane.bar
            if reason == NOTHING_PENDING:
                reason, price = meet_barriers(lane, bar, may_reach, rules)
    lane.has_ended = lane.bar >= lane.end_bar
    if lane.has_ended and lane.quantity > 0.0 and reason == NOTHING_PENDING:
        reason, price = END_OF_SESSION_CODE, bar.close
    if reason != NOTHING_PENDING:
        is_maker = reason == TARGET_CODE and rules.targets_are_maker
        slippage = slippage_bps(lane.quantity * price, moment.decided, conditions.costs)
        order = Order(
            trade=lane.trades - 1,
            bar=lane.traded_bar,
            kind=reason,
            is_buy=lane.side < 0,
            is_maker=is_maker,
            quantity=lane.quantity,
            reference=price,
            slippage=slippage,
        )
        close_position(lane, order, market.tick_size, conditions.costs, scratch)
        return filled + AT_THE_EXIT
    if lane.quantity > 0.0:
        prepare_next_bar(lane, market.tick_size, rules)
    return filled


@compiled_inline
def decide(lane: Lane, action: int, tick: float, rules: RuleNumbers) -> None:
    """What a decision changes before the next bar."""
    if action == EXIT_INDEX:
        lane.pending = POLICY_EXIT_CODE
    elif action == SCRATCH_INDEX:
        lane.pending = SCRATCH_CODE
    elif action == TRAIL_INDEX:
        lane.is_trailing = True
        follow_price(lane, tick, rules)


@compiled_inline
def settle_funding(lane: Lane, bar: Bar) -> None:
    """A position open before the bar pays (or receives) at its open."""
    paid = lane.side * lane.quantity * bar.open * bar.funding_rate
    lane.cash_usd -= paid
    lane.costs_usd += paid
    lane.funding_usd += paid
    # Nobody lends to us: who cannot pay, or buy back what was sold, leaves at this open, which is traded.
    owed = 0.0 if lane.side > 0 else lane.quantity * bar.open
    if lane.cash_usd < owed and lane.pending == NOTHING_PENDING:
        lane.pending = STOP_CODE


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
def meet_barriers(lane: Lane, bar: Bar, may_reach: bool, rules: RuleNumbers) -> tuple[int, float]:
    """Which barrier the bar touches, and the price met there: NOTHING_PENDING where none.

    Pessimistic where a bar cannot tell the order: both touched means the stop was first. A bar that opens
    beyond the stop fills at its open, one that opens beyond the target at the target. `may_reach` is False
    where the bar's best price may have come before the entry: then only its close is counted on.
    """
    is_long, side = lane.side > 0, lane.side
    best, worst = (bar.high, bar.low) if is_long else (bar.low, bar.high)
    if side * (worst - lane.stop) <= 0.0:
        price = min(bar.open, lane.stop) if is_long else max(bar.open, lane.stop)
        # Of a bar that stops, only its open and the stop are sure to have been met.
        meet_prices(lane, bar.open, price)
        return (TRAILING_STOP_CODE if lane.stop_has_followed else STOP_CODE), price
    beyond = side * (best - lane.target)
    if not may_reach:
        best = max(bar.open, bar.close) if is_long else min(bar.open, bar.close)
    elif beyond > 0.0 or (beyond == 0.0 and not rules.targets_are_maker):
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
def prepare_next_bar(lane: Lane, tick: float, rules: RuleNumbers) -> None:
    """What the bar's close changes of an open position: its trailing stop, and whether its time is up."""
    if lane.is_trailing:
        follow_price(lane, tick, rules)
    age = lane.bar - lane.entry_bar + 1
    if age >= rules.maximum_holding_bars and lane.pending == NOTHING_PENDING:
        lane.pending = TIME_OUT_CODE


@compiled_inline
def follow_price(lane: Lane, tick: float, rules: RuleNumbers) -> None:
    """Moves a trailing stop towards the price, never back."""
    distance = rules.trail_volatilities * lane.unit_bps * BASIS_POINT * lane.entry_reference
    stop = at_step(lane.best - lane.side * distance, tick, lane.side < 0)
    if lane.side * (stop - lane.stop) > 0.0:
        lane.stop, lane.stop_has_followed = stop, True
