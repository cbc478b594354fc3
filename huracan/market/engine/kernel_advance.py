"""The two loops over lanes: one bar of every lane, or whole action lists. Compiled; see `kernel_step`."""

import numpy as np
from numpy.typing import NDArray

from huracan.compiled import compiled, compiled_inline
from huracan.market.actions import HOLD_INDEX, WAIT_INDEX
from huracan.market.costs import Floats
from huracan.market.engine.kernel_bars import Bar, Bars
from huracan.market.engine.kernel_fills import side_cost_bps
from huracan.market.engine.kernel_masks import is_legal
from huracan.market.engine.kernel_numbers import CostNumbers, RewardNumbers, RuleNumbers
from huracan.market.engine.kernel_step import AT_THE_EXIT, AT_THE_OPEN, NOTHING_FILLED, step_lane
from huracan.market.engine.lane import Lane
from huracan.market.engine.record_book import Records
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


@compiled_inline
def reward_of(
    lane: Lane, before_usd: float, turnover: float, owed: float, bar: Bar, tick: float, rules: RuleNumbers,
    costs: CostNumbers, terms: RewardNumbers,
) -> tuple[float, float]:  # fmt: skip
    """The step's reward and change of equity in USD; equity, `turnover` and `owed` are from before it."""
    after_usd = equity_usd(lane, bar.close)
    per_usd = 1.0 / (rules.notional_usd * lane.unit_bps * BASIS_POINT)
    peak = max(lane.peak_usd, after_usd)
    deeper = (peak - after_usd) - (lane.peak_usd - before_usd)
    lane.peak_usd = peak
    reward = after_usd - before_usd
    if terms.drawdown_weight != 0.0 and deeper > 0.0:
        reward -= terms.drawdown_weight * deeper
    if terms.turnover_weight != 0.0:
        reward -= terms.turnover_weight * (lane.turnover_usd - turnover)
    if terms.liquidation_weight != 0.0:
        owed_now = liquidation_usd(lane, bar, tick, costs)
        reward -= terms.liquidation_weight * (terms.discount * owed_now - owed)
    return reward * per_usd, after_usd - before_usd


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
    state: NDArray[np.void], actions: NDArray[np.int64], bars: Bars, rules: RuleNumbers, costs: CostNumbers,
    terms: RewardNumbers, records: Records, rewards: Floats, rewards_usd: Floats,
    has_ended: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Moves every lane by one bar; `actions` are legal."""
    rows, markets, length, is_kept = bars.rows, bars.markets, bars.length, records.is_kept
    at_open, at_exit = records.scratch_fills[0], records.scratch_fills[1]
    closed = records.scratch_closed[0]
    for index in range(state.size):
        lane, action = state[index], actions[index]
        row, market = lane.symbol * length + lane.bar, markets[lane.symbol]
        decided = rows[row]
        bar = rows[row if lane.has_ended else row + 1]
        before, turnover, owed = equity_usd(lane, decided.close), lane.turnover_usd, 0.0
        if terms.liquidation_weight != 0.0:
            owed = liquidation_usd(lane, decided, market.tick_size, costs)
        filled = step_lane(lane, action, decided, bar, market, rules, costs, at_open, at_exit, closed)
        rewards[index], rewards_usd[index] = 0.0, 0.0
        if lane.quantity != 0.0 or filled != NOTHING_FILLED:
            rewards[index], rewards_usd[index] = reward_of(
                lane, before, turnover, owed, bar, market.tick_size, rules, costs, terms
            )
        if is_kept and filled != NOTHING_FILLED:
            write_records(index, filled, records)
        has_ended[index] = lane.has_ended


@compiled
def replay_lanes(
    state: NDArray[np.void], actions: NDArray[np.int8], is_lenient: bool, bars: Bars, rules: RuleNumbers,
    costs: CostNumbers, records: Records,
) -> tuple[int, int]:  # fmt: skip
    """Plays `actions` [lanes, bars]; (-1, -1), or lane and column of the first illegal action.

    The records have room for all that the lists can bring. A lenient replay does nothing instead of what is
    illegal.
    """
    rows, markets, length = bars.rows, bars.markets, bars.length
    at_open, at_exit = records.scratch_fills[0], records.scratch_fills[1]
    closed = records.scratch_closed[0]
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
            filled = step_lane(
                lane, action, decided, rows[row], market, rules, costs, at_open, at_exit, closed
            )
            if filled != NOTHING_FILLED:
                write_records(index, filled, records)
    return -1, -1
