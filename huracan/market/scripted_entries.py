"""Entries at given bars, left after a fixed time unless stop, target or time-out come first.

They are what guessing makes, and what an entry that was not made would have made. Nothing is chosen here.
"""

import numpy as np
from numpy.typing import NDArray

from huracan.market.actions import EXIT_INDEX, HOLD_INDEX, WAIT_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules


def trade_entries(
    block: MarketBlock,
    rules: TradingRules,
    costs: CostAssumptions,
    places: NDArray[np.int64],
    entries: NDArray[np.int64],
    holding_bars: NDArray[np.int64] | int,
) -> NDArray[np.void]:
    """CLOSED records of those of the `entries` (actions) that were legal and filled; `lane` is their row.

    `places` [n]: symbol x bars of the block + bar at whose close is decided. Each entry has an account of its
    own; EXIT is decided `holding_bars` bars after it (one for all, or one each).
    """
    # Compiled code loads slowly; who asks for nothing does not wait for it.
    from huracan.market.environment import MarketEnvironment

    environment = MarketEnvironment(block, rules, costs, places.size, records=True)
    lanes = np.arange(places.size)
    environment.begin(lanes, places // block.bar_count, places % block.bar_count)
    environment.advance(np.where(environment.masks()[lanes, entries], entries, WAIT_INDEX))
    hold = np.clip(holding_bars, 1, rules.maximum_holding_bars)
    steps = 0
    while (is_open := environment.state["quantity"] > 0).any():
        steps += 1
        stay = np.where(is_open, HOLD_INDEX, WAIT_INDEX)
        leaves = environment.masks()[:, EXIT_INDEX] & (steps >= hold)
        environment.advance(np.where(leaves, EXIT_INDEX, stay))
    return environment.closed()
