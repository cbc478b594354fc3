"""The loop over entries that are taken and then only held: one lane, one position. Compiled."""

import numpy as np
from numpy.typing import NDArray

from huracan.compiled import compiled
from huracan.market.actions import EXIT_INDEX, HOLD_INDEX
from huracan.market.engine.kernel_advance import write_closed
from huracan.market.engine.kernel_bars import Bars, Moment
from huracan.market.engine.kernel_masks import is_legal
from huracan.market.engine.kernel_numbers import Conditions
from huracan.market.engine.kernel_step import CLOSED_NOW, step_lane
from huracan.market.engine.lane import NOTHING_PENDING
from huracan.market.engine.record_book import Records, Scratch


@compiled
def hold_lanes(
    state: NDArray[np.void], entries: NDArray[np.int64], holding_bars: NDArray[np.int64], bars: Bars,
    conditions: Conditions, records: Records,
) -> None:  # fmt: skip
    """Takes `entries` [lanes] and steps every lane, bar by bar, until it is flat again or has ended.

    The order to leave is sent as soon as the position is `holding_bars` [lanes] old, if nothing has closed it
    before. Only closed positions are written down: a lane whose entry is illegal, or lapses, has none.
    """
    rows, markets, length = bars.rows, bars.markets, bars.length
    scratch = Scratch(records.scratch_fills[0], records.scratch_fills[1], records.scratch_closed[0])
    for index in range(state.size):
        lane, action, age = state[index], entries[index], 0
        first = lane.symbol * length
        decided = rows[first + lane.bar]
        if not is_legal(lane, action, decided, markets[decided.market], conditions.rules):
            continue
        while not lane.has_ended:
            row = first + lane.bar
            bar = rows[row + 1]
            moment = Moment(rows[row], bar, markets[bar.market])
            filled = step_lane(lane, action, moment, conditions, scratch)
            if filled & CLOSED_NOW:
                write_closed(index, records)
            if lane.quantity == 0.0:
                break
            age += 1
            may_leave = age >= holding_bars[index] and lane.pending == NOTHING_PENDING
            action = EXIT_INDEX if may_leave else HOLD_INDEX
