"""The two loops over lanes: one decision of every lane, or whole action lists. Compiled; see `kernel_step`.

A decision is its action in the next detail bar, and doing nothing in those that follow until the next one.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from huracan.compiled import compiled, compiled_inline
from huracan.market.actions import HOLD_INDEX, WAIT_INDEX
from huracan.market.engine.kernel_bars import Bar, Bars, Market, Moment
from huracan.market.engine.kernel_fills import side_cost_bps
from huracan.market.engine.kernel_masks import is_legal
from huracan.market.engine.kernel_numbers import Conditions, CostNumbers, RuleNumbers
from huracan.market.engine.kernel_step import (
    AT_THE_EXIT,
    AT_THE_OPEN,
    CLOSED_NOW,
    NOTHING_FILLED,
    step_lane,
)
from huracan.market.engine.lane import Lane
from huracan.market.engine.market_step import MarketStep
from huracan.market.engine.order_terms import BY_THE_RULES, Played
from huracan.market.engine.record_book import Records, Scratch
from huracan.units import BASIS_POINT


@compiled_inline
def equity_usd(lane: Lane, close: float) -> float:
    """Cash and the position at the close of the lane's bar."""
    if lane.quantity == 0.0:
        return float(lane.cash_usd)
    return float(lane.cash_usd + lane.side * lane.quantity * close)


@compiled_inline
def pass_time(lane: Lane, bars: int) -> None:
    """Of a lane that waits for so many bars, or has ended."""
    if not lane.has_ended:
        lane.bar += bars
        lane.has_ended = lane.bar >= lane.end_bar


@compiled_inline
def liquidation_usd(lane: Lane, bar: Bar, market: Market, costs: CostNumbers) -> float:
    """What leaving at the close would cost."""
    if lane.quantity == 0.0:
        return 0.0
    value = lane.quantity * bar.close
    return float(value * side_cost_bps(value, bar, lane.side < 0, False, market, costs) * BASIS_POINT)


class Before(NamedTuple):
    """Of a lane before a step, in USD."""

    equity: float
    turnover: float
    owed: float
    """What leaving would have cost."""


@compiled_inline
def reward_of(lane: Lane, before: Before, moment: Moment, conditions: Conditions) -> tuple[float, float]:
    """The step's reward and change of equity in USD."""
    bar, terms = moment.bar, conditions.terms
    after_usd = equity_usd(lane, bar.close)
    per_usd = 1.0 / (conditions.rules.notional_usd * lane.unit_bps * BASIS_POINT)
    peak = max(lane.peak_usd, after_usd)
    deeper = (peak - after_usd) - (lane.peak_usd - before.equity)
    lane.peak_usd = peak
    reward = after_usd - before.equity
    if terms.drawdown_weight != 0.0 and deeper > 0.0:
        reward -= terms.drawdown_weight * deeper
    if terms.turnover_weight != 0.0:
        reward -= terms.turnover_weight * (lane.turnover_usd - before.turnover)
    if terms.liquidation_weight != 0.0:
        owed_now = liquidation_usd(lane, bar, moment.market, conditions.costs)
        reward -= terms.liquidation_weight * (terms.discount * owed_now - before.owed)
    return reward * per_usd, after_usd - before.equity


@compiled
def write_records(lane_index: int, filled: int, records: Records) -> None:
    """Appends what a step has left in the scratch records."""
    fills, scratch, counts = records.fills, records.scratch_fills, records.counts
    if filled & AT_THE_OPEN:
        fills[counts[0]] = scratch[0]
        fills[counts[0]].lane = lane_index
        counts[0] += 1
    if filled & AT_THE_EXIT:
        fills[counts[0]] = scratch[1]
        fills[counts[0]].lane = lane_index
        counts[0] += 1
    if filled & CLOSED_NOW:
        write_closed(lane_index, records)


@compiled_inline
def write_closed(lane_index: int, records: Records) -> None:
    """Appends the closed position that a step has left in the scratch record."""
    closed, counts = records.closed, records.counts
    closed[counts[1]] = records.scratch_closed[0]
    closed[counts[1]].lane = lane_index
    counts[1] += 1


@compiled
def first_illegal(state: NDArray[np.void], actions: NDArray[np.int64], bars: Bars, rules: RuleNumbers) -> int:
    """The first lane whose action is illegal, or -1."""
    rows, markets, length = bars.rows, bars.markets, bars.length
    for index in range(state.size):
        lane = state[index]
        bar = rows[lane.symbol * length + lane.bar]
        if not is_legal(lane, actions[index], bar, markets[bar.market], rules):
            return index
    return -1


@compiled
def advance_lanes(
    state: NDArray[np.void], actions: NDArray[np.int64], bars: Bars, conditions: Conditions,
    records: Records, step: MarketStep,
) -> None:  # fmt: skip
    """Moves every lane by one decision bar, into `step`; `actions` are legal."""
    rows, markets, length = bars.rows, bars.markets, bars.length
    rewards, rewards_usd, has_ended = step.rewards, step.rewards_usd, step.has_ended
    scratch = Scratch(records.scratch_fills[0], records.scratch_fills[1], records.scratch_closed[0])
    owes = conditions.terms.liquidation_weight != 0.0
    for index in range(state.size):
        lane, action = state[index], actions[index]
        rewards[index], rewards_usd[index] = 0.0, 0.0
        if lane.has_ended or (lane.quantity == 0.0 and action == WAIT_INDEX):
            pass_time(lane, bars.decision_bars)
            has_ended[index] = lane.has_ended
            continue
        first = lane.symbol * length
        decided = rows[first + lane.bar]
        owed = 0.0
        if owes:
            owed = liquidation_usd(lane, decided, markets[decided.market], conditions.costs)
        before = Before(equity_usd(lane, decided.close), lane.turnover_usd, owed)
        was_filled = False
        for _ in range(bars.decision_bars):
            row = first + lane.bar
            bar = rows[row + 1]
            moment = Moment(rows[row], bar, markets[bar.market])
            filled = step_lane(lane, action, moment, conditions, scratch)
            if filled != NOTHING_FILLED:
                was_filled = True
                if records.is_kept:
                    write_records(index, filled, records)
            action = WAIT_INDEX if lane.quantity == 0.0 else HOLD_INDEX
        if lane.quantity != 0.0 or was_filled:
            bar = rows[first + lane.bar]
            met = Moment(decided, bar, markets[bar.market])
            rewards[index], rewards_usd[index] = reward_of(lane, before, met, conditions)
        has_ended[index] = lane.has_ended


PLAYED, ILLEGAL, FULL = 0, 1, 2


class Place(NamedTuple):
    """Where a replay stands, and whether it is through, met an illegal action, or wants room for records."""

    is_lenient: bool
    """Then nothing is done in the place of what is illegal."""
    came_to: int
    lane: int
    column: int


@compiled
def replay_lanes(
    state: NDArray[np.void],
    played: Played,
    bars: Bars,
    conditions: Conditions,
    records: Records,
    begin: Place,
) -> Place:
    """Plays the orders from `begin` on, as far as the records have room."""
    actions, factors, rests = played.actions, played.terms.factor, played.terms.rests
    rows, markets, length = bars.rows, bars.markets, bars.length
    rules, fills_of_a_column = conditions.rules, 1 + bars.decision_bars
    scratch = Scratch(records.scratch_fills[0], records.scratch_fills[1], records.scratch_closed[0])
    for index in range(begin.lane, state.size):
        lane = state[index]
        first = lane.symbol * length
        for column in range(begin.column if index == begin.lane else 0, actions.shape[1]):
            is_short_of_room = records.counts[0] + fills_of_a_column > records.fills.size
            if is_short_of_room or records.counts[1] + 1 > records.closed.size:
                return Place(begin.is_lenient, FULL, index, column)
            action, decided = int(actions[index, column]), rows[first + lane.bar]
            if lane.quantity == 0.0 and action == WAIT_INDEX:
                pass_time(lane, bars.decision_bars)
                continue
            if not is_legal(lane, action, decided, markets[decided.market], rules):
                if not begin.is_lenient:
                    return Place(False, ILLEGAL, index, column)
                action = WAIT_INDEX if lane.quantity == 0.0 else HOLD_INDEX
            lane.order_factor, lane.order_rests = factors[index, column], rests[index, column]
            for _ in range(bars.decision_bars):
                if lane.has_ended:
                    break
                row = first + lane.bar
                bar = rows[row + 1]
                moment = Moment(rows[row], bar, markets[bar.market])
                filled = step_lane(lane, action, moment, conditions, scratch)
                if filled != NOTHING_FILLED:
                    write_records(index, filled, records)
                action = WAIT_INDEX if lane.quantity == 0.0 else HOLD_INDEX
            lane.order_factor, lane.order_rests = 1.0, BY_THE_RULES
    return Place(begin.is_lenient, PLAYED, state.size, 0)
