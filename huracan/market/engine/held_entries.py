"""Entries that are taken and then only held: what each of them makes by the market's own fills and costs.

Baselines, and whatever asks what other bars would have brought, are made of these; nothing is drawn here.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from huracan.errors import InvalidInput
from huracan.market.actions import entry_indices
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions, Floats
from huracan.market.engine.lane import LANE
from huracan.market.engine.records import CLOSED
from huracan.market.rules import TradingRules
from huracan.units import BASIS_POINT

_BATCH = 16_384
"""Lanes that are stepped at once: their states and fills take some ten megabytes."""

Integers = NDArray[np.integer]


def bars_to_enter(block: MarketBlock) -> NDArray[np.bool_]:
    """[S, T] the bars at whose close an entry may be decided: ready, traded, and not the block's last.

    Whether the order is worth the minimum is not asked: that depends on its size.
    """
    able = block.is_tradable & np.isfinite(block.volatility_bps)
    able[:, -1] = False
    decided = np.zeros_like(able)
    closes = block.decision_closes
    decided[:, closes] = block.is_ready & able[:, closes]
    return decided


def hold_entries(
    block: MarketBlock,
    rules: TradingRules,
    costs: CostAssumptions,
    indices: Integers,
    entries: Integers,
    holding_bars: Integers,
) -> NDArray[np.void]:
    """CLOSED records of those of the `entries` that were filled; a record's `lane` is the entry's number.

    Entry e, an action that opens a position, is decided at the close of index `symbol x bars + bar` on an
    account of its own, and left at the first tradable open `holding_bars[e]` (at least 1) bars after its
    entry bar, unless stop, target or time-out came first. What is open at the block's end is closed at the
    last price (WINDOW_END). InvalidInput where an action is no entry of the market or an index is no decision
    of the block.
    """
    hold = np.maximum(np.asarray(holding_bars, dtype=np.int64), 1)
    held = _hold(block, rules, costs, Orders(indices, entries, hold), closes_at_end=True)
    return np.concatenate([closed for closed, _ in held]) if held else np.zeros(0, CLOSED)


def enter_and_hold(
    block: MarketBlock, rules: TradingRules, costs: CostAssumptions, indices: Integers, entries: Integers
) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """The same, left by stop, target and time-out alone: CLOSED records, and LANE [entries] at the end, which
    hold what is still open there."""
    longest = np.full(len(indices), np.iinfo(np.int64).max)
    held = _hold(block, rules, costs, Orders(indices, entries, longest), closes_at_end=False)
    if not held:
        return np.zeros(0, CLOSED), np.zeros(0, LANE)
    return np.concatenate([closed for closed, _ in held]), np.concatenate([state for _, state in held])


class Orders(NamedTuple):
    """Entries to take, [entries]."""

    indices: Integers
    actions: Integers
    holding_bars: NDArray[np.int64]


def _hold(
    block: MarketBlock, rules: TradingRules, costs: CostAssumptions, orders: Orders, *, closes_at_end: bool
) -> list[tuple[NDArray[np.void], NDArray[np.void]]]:
    """CLOSED records and LANE of the orders, by batches."""
    # Compiled code loads slowly; who asks for no entry does not wait for it.
    from huracan.market.engine.environment import beginning
    from huracan.market.engine.kernel_bars import packed_bars
    from huracan.market.engine.kernel_entries import hold_lanes
    from huracan.market.engine.kernel_numbers import conditions_of
    from huracan.market.engine.record_book import RecordBook

    actions = np.ascontiguousarray(orders.actions, dtype=np.int64)
    if not np.isin(actions, entry_indices(rules.allow_short)).all():
        raise InvalidInput("An action was no entry of this market.", "Give actions that open a position.")
    bars, conditions = packed_bars(block, costs), conditions_of(rules, costs, block.bar_minutes)
    found = []
    for first in range(0, actions.size, _BATCH):
        batch = slice(first, first + _BATCH)
        at = np.asarray(orders.indices[batch], dtype=np.int64)
        state = beginning(block, rules, at // block.bar_count, at % block.bar_count)
        state["closes_at_end"] = closes_at_end
        book = RecordBook(True)
        records = book.with_room(0, state.size)
        hold_lanes(state, actions[batch], orders.holding_bars[batch], bars, conditions, records)
        closed = book.closed()
        closed["lane"] += first
        found.append((closed, state))
    return found


def net_bps(closed: NDArray[np.void]) -> Floats:
    """[positions] net results of CLOSED records in bps of what each entered with, as the ledger has them."""
    notional_usd = closed["quantity"] * closed["entry_reference"]
    return np.asarray(closed["net_usd"] / (notional_usd * BASIS_POINT), dtype=np.float64)
