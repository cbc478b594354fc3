"""The two loops over lanes: one bar of every lane, or whole action lists. Compiled; see `kernel_step`."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from huracan.compiled import compiled, compiled_inline
from huracan.market.actions import HOLD_INDEX, WAIT_INDEX
from huracan.market.engine.kernel_bars import Bar, Bars, Moment
from huracan.market.engine.kernel_fills import side_cost_bps
from huracan.market.engine.kernel_masks import is_legal
from huracan.market.engine.kernel_numbers import Conditions, CostNumbers, RuleNumbers
from huracan.market.engine.kernel_step import AT_THE_EXIT, AT_THE_OPEN, NOTHING_FILLED, step_lane
from huracan.market.engine.lane import Lane
from huracan.market.engine.market_step import MarketStep
from huracan.market.engine.record_book import Records, Scratch
from huracan.units import BASIS_POINT


@compiled_inline
def equity_usd(lane: Lane, close: float) -> float:
    """Cash and the position at the close of the lane's bar."""
    if lane.quantity == 0.0:
        return float(lane.cash_usd)
    return float(lane.cash_usd + lane.side * lane.quantity * close)


@compiled_inline
def liquidation_usd(lane: Lane, bar: Bar, tick: float, costs: CostNumbers) -> float:
    """What leaving at the close would cost."""
    if lane.quantity == 0.0:
        return 0.0
    value = lane.quantity * bar.close
    return float(value * side_cost_bps(value, bar, lane.side < 0, False, tick, costs) * BASIS_POINT)


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
        owed_now = liquidation_usd(lane, bar, moment.market.tick_size, conditions.costs)
        reward -= terms.liquidation_weight * (terms.discount * owed_now - before.owed)
    return reward * per_usd, after_usd - before.equity


@compiled
def write_records(lane_index: int, filled: int, records: Records) -> None:
    """Appends what a step has left in the scratch records."""
    fills, closed, scratch, counts = records.fills, records.closed, records.scratch_fills, records.counts
    if filled & AT_THE_OPEN:
        fills[counts[0]] = scratch[0]
        fills[counts[0]].lane = lane_index
        counts[0] += 1
    if filled & AT_THE_EXIT:
        fills[counts[0]] = scratch[1]
        fills[counts[0]].lane = lane_index
        counts[0] += 1
        closed[counts[1]] = records.scratch_closed[0]
        closed[counts[1]].lane = lane_index
        counts[1] += 1


@compiled
def first_illegal(
    state: NDArray[np.void], actions: NDArray[np.int64], bars: Bars, rules: RuleNumbers, costs: CostNumbers
) -> int:
    """The first lane whose action is illegal, or -1."""
    rows, markets, length = bars.rows, bars.markets, bars.length
    for index in range(state.size):
        lane = state[index]
        bar, market = rows[lane.symbol * length + lane.bar], markets[lane.symbol]
        if not is_legal(lane, actions[index], bar, market, rules, costs):
            return index
    return -1


@compiled
def advance_lanes(
    state: NDArray[np.void], actions: NDArray[np.int64], bars: Bars, conditions: Conditions,
    records: Records, step: MarketStep,
) -> None:  # fmt: skip
    """Moves every lane by one bar, into `step`; `actions` are legal."""
    rows, markets, length, is_kept = bars.rows, bars.markets, bars.length, records.is_kept
    rewards, rewards_usd, has_ended = step.rewards, step.rewards_usd, step.has_ended
    scratch = Scratch(records.scratch_fills[0], records.scratch_fills[1], records.scratch_closed[0])
    for index in range(state.size):
        lane, action = state[index], actions[index]
        row, market = lane.symbol * length + lane.bar, markets[lane.symbol]
        moment = Moment(rows[row], rows[row if lane.has_ended else row + 1], market)
        owed = 0.0
        if conditions.terms.liquidation_weight != 0.0:
            owed = liquidation_usd(lane, moment.decided, market.tick_size, conditions.costs)
        before = Before(equity_usd(lane, moment.decided.close), lane.turnover_usd, owed)
        filled = step_lane(lane, action, moment, conditions, scratch)
        rewards[index], rewards_usd[index] = 0.0, 0.0
        if lane.quantity != 0.0 or filled != NOTHING_FILLED:
            rewards[index], rewards_usd[index] = reward_of(lane, before, moment, conditions)
        if is_kept and filled != NOTHING_FILLED:
            write_records(index, filled, records)
        has_ended[index] = lane.has_ended


@compiled
def replay_lanes(
    state: NDArray[np.void], actions: NDArray[np.int8], is_lenient: bool, bars: Bars,
    conditions: Conditions, records: Records,
) -> tuple[int, int]:  # fmt: skip
    """Plays `actions` [lanes, bars]; (-1, -1), or lane and column of the first illegal action.

    The records have room for all that the lists can bring. A lenient replay does nothing instead of what is
    illegal.
    """
    rows, markets, length = bars.rows, bars.markets, bars.length
    rules, costs = conditions.rules, conditions.costs
    scratch = Scratch(records.scratch_fills[0], records.scratch_fills[1], records.scratch_closed[0])
    for index in range(state.size):
        lane, market = state[index], markets[state[index].symbol]
        row = lane.symbol * length + lane.bar
        for column in range(actions.shape[1]):
            action, decided = int(actions[index, column]), rows[row]
            if not is_legal(lane, action, decided, market, rules, costs):
                if not is_lenient:
                    return index, column
                action = WAIT_INDEX if lane.quantity == 0.0 else HOLD_INDEX
            row += 0 if lane.has_ended else 1
            filled = step_lane(lane, action, Moment(decided, rows[row], market), conditions, scratch)
            if filled != NOTHING_FILLED:
                write_records(index, filled, records)
    return -1, -1
