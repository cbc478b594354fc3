"""Whole action lists through the market at once, by the same compiled step: the same fills to the bit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from huracan.errors import InvalidInput
from huracan.market.actions import HOLD_INDEX, WAIT_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions, Floats
from huracan.market.engine.environment import beginning, illegal_action
from huracan.market.engine.kernel_advance import FULL, ILLEGAL, Place, replay_lanes
from huracan.market.engine.kernel_bars import packed_bars
from huracan.market.engine.kernel_numbers import conditions_of
from huracan.market.engine.kernel_observe import equity_lanes
from huracan.market.engine.order_terms import OrderTerms, Played
from huracan.market.engine.record_book import RecordBook
from huracan.market.paper.stored_actions import ActionLists
from huracan.market.rules import TradingRules


@dataclass(frozen=True)
class Replay:
    """What the action lists came to."""

    fills: NDArray[np.void]
    """FILL records by lane and time."""
    closed: NDArray[np.void]
    """CLOSED records by lane and trade."""
    cash_usd: Floats
    """[lanes] at the end, as is the equity."""
    equity_usd: Floats
    state: NDArray[np.void]
    """LANE [lanes] as it was left."""


def replay(
    block: MarketBlock,
    rules: TradingRules,
    costs: CostAssumptions,
    lists: ActionLists,
    *,
    begin: NDArray[np.void] | None = None,
    is_lenient: bool = False,
) -> Replay:
    """Lane l of `lists` begins at the close of its first bar and takes `actions[l, j]` j decisions later.

    It begins flat, or as lane l of `begin`. Once it has ended nothing but waiting is legal. InvalidInput
    at the first illegal action, unless
    `is_lenient`: then doing nothing (WAIT or HOLD) takes its place.
    """
    state = beginning(block, rules, lists.symbols, lists.first_bars) if begin is None else begin.copy()
    listed = np.asarray(lists.actions)
    if listed.ndim != 2 or listed.shape[0] != state.size:
        raise InvalidInput(
            f"The action lists were {listed.shape} for {state.size} lanes.", "Give [lanes, bars]."
        )
    if listed.dtype != np.int8:
        listed = np.clip(listed, -1, np.iinfo(np.int8).max).astype(np.int8)
    listed = np.ascontiguousarray(listed)
    terms = OrderTerms.of_the_rules(listed.shape) if lists.terms is None else lists.terms.checked()
    played = Played(listed, terms)
    bars, conditions = packed_bars(block, costs), conditions_of(rules, costs, block.bar_minutes)
    book, place = RecordBook(True), Place(is_lenient, FULL, 0, 0)
    # Most orders fill once and end in one exit; only those that are large for their bars take more room.
    room = 2 * np.count_nonzero((listed != WAIT_INDEX) & (listed != HOLD_INDEX)) + 1 + block.decision_bars
    while place.came_to == FULL:
        records = book.with_room(int(room), int(room))
        place = replay_lanes(state, played, bars, conditions, records, place)
    if place.came_to == ILLEGAL:
        raise illegal_action(int(listed[place.lane, place.column]), state[place.lane], block, rules)
    equity = np.empty(state.size)
    equity_lanes(state, bars, equity)
    return Replay(book.fills(), book.closed(), state["cash_usd"].copy(), equity, state)
