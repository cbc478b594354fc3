"""The loop over entries that are taken and then only held: one lane, one position. Compiled."""

import numpy as np
from numpy.typing import NDArray

from huracan.compiled import compiled
from huracan.market.actions import EXIT_INDEX, HOLD_INDEX
from huracan.market.engine.kernel_advance import write_records
from huracan.market.engine.kernel_bars import Bars, Moment
from huracan.market.engine.kernel_masks import is_legal
from huracan.market.engine.kernel_numbers import Conditions
from huracan.market.engine.kernel_step import NOTHING_FILLED, step_lane
from huracan.market.engine.lane import NOTHING_PENDING
from huracan.market.engine.record_book import Records, Scratch


@compiled
def hold_lanes(
    state: NDArray[np.void], entries: NDArray[np.int64], holding_bars: NDArray[np.int64], bars: Bars,
    conditions: Conditions, records: Records,
) -> None:  # fmt: skip
    """Takes `entries` [lanes] and steps every lane until it is flat again.

    The order to leave is sent as soon as the position is `holding_bars` [lanes] old, if nothing has closed it
    before. A lane whose entry is illegal, or lapses, has no record.
    """
    rows, markets, length = bars.rows, bars.markets, bars.length
    rules, costs = conditions.rules, conditions.costs
    scratch = Scratch(records.scratch_fills[0], records.scratch_fills[1], records.scratch_closed[0])
    for index in range(state.size):
        lane, market = state[index], markets[state[index].symbol]
        action, age = entries[index], 0
        if not is_legal(lane, action, rows[lane.symbol * length + lane.bar], market, rules, costs):
            continue
        while True:
            row = lane.symbol * length + lane.bar
            moment = Moment(rows[row], rows[row + 1], market)
            filled = step_lane(lane, action, moment, conditions, scratch)
            if filled != NOTHING_FILLED:
                write_records(index, filled, records)
            if lane.quantity == 0.0:
                break
            age += 1
            may_leave = age >= holding_bars[index] and lane.pending == NOTHING_PENDING
            action = EXIT_INDEX if may_leave else HOLD_INDEX
