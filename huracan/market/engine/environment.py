"""The batched market: one step moves every lane from one decision to the next.

Training, the shadow ledger and the judgement of held-out days step this class; `replay` plays whole action
lists through the same compiled step. Nothing here draws a random number or knows a policy.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.compiled import prepared
from huracan.errors import InputRefused, InvalidInput
from huracan.market.actions import action_names
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions, Floats
from huracan.market.engine.kernel_advance import advance_lanes, first_illegal
from huracan.market.engine.kernel_bars import packed_bars, sights_of
from huracan.market.engine.kernel_idle import IdleTime, foresee_lanes, idle_lanes
from huracan.market.engine.kernel_masks import mask_lanes
from huracan.market.engine.kernel_numbers import conditions_of
from huracan.market.engine.kernel_observe import entry_cost_lanes, equity_lanes, observe_lanes
from huracan.market.engine.lane import LANE, NOTHING_PENDING, new_lanes
from huracan.market.engine.market_step import MarketStep
from huracan.market.engine.order_terms import BY_THE_RULES, OrderTerms
from huracan.market.engine.record_book import RecordBook
from huracan.market.observation import observation_names
from huracan.market.reward import RewardTerms
from huracan.market.rules import TradingRules

Lanes = NDArray[np.int64]


class MarketEnvironment:
    """Lanes (symbol x bar) over one block. A lane's results do not depend on the other lanes.

    `state` is all that it remembers (records aside): copied and given to `restore`, it goes on to the bit.
    """

    def __init__(
        self,
        block: MarketBlock,
        rules: TradingRules,
        costs: CostAssumptions,
        lanes: int,
        reward: RewardTerms | None = None,
        *,
        records: bool = False,
    ) -> None:
        self.block, self.rules, self.lanes = block, rules, lanes
        self.action_names = action_names(rules.allow_short)
        self.observation_names = observation_names(block.feature_names)
        self.state = new_lanes(lanes)
        self._sights, self._reward = sights_of(block), reward
        self._book = RecordBook(records)
        self._observe_lanes, self._mask_lanes = prepared(observe_lanes), prepared(mask_lanes)
        self._first_illegal, self._advance_lanes = prepared(first_illegal), prepared(advance_lanes)
        self.set_costs(costs)

    @property
    def symbol(self) -> NDArray[np.int32]:
        """[lanes]"""
        return np.asarray(self.state["symbol"])

    @property
    def bar(self) -> NDArray[np.int32]:
        """[lanes] the bar at whose close the lane stands."""
        return np.asarray(self.state["bar"])

    @property
    def has_ended(self) -> NDArray[np.bool_]:
        """[lanes]"""
        return np.asarray(self.state["has_ended"])

    def set_costs(self, costs: CostAssumptions) -> None:
        """Changes what fills from now on cost."""
        self.costs, self._bars = costs, packed_bars(self.block, costs)
        self._conditions = conditions_of(self.rules, costs, self.block.bar_minutes, self._reward)

    def begin(
        self,
        lanes: NDArray[np.integer],
        symbols: NDArray[np.integer],
        bars: NDArray[np.integer],
        actions: NDArray[np.integer] | None = None,
        *,
        ends: NDArray[np.integer] | None = None,
        closes_at_end: bool = False,
    ) -> None:
        """Puts `lanes` at the close of `bars` of `symbols`, flat and with the starting cash.

        They end with the close of `ends`, the block's last bar where it is left out. With `closes_at_end`
        what is open there is closed at the last price; else it stays open, and `state` has it. With `actions`
        [lanes] each of them has decided that there, and is met one decision later: holding, where it was an
        entry and was filled. What that brought is in the account and in nobody's reward.
        InvalidInput where one is illegal: then nothing has begun.
        """
        fresh = beginning(self.block, self.rules, symbols, bars, ends)
        fresh["closes_at_end"] = closes_at_end
        # The records of a lane that begins again must not be taken for those from before.
        fresh["trades"] = self.state["trades"][lanes]
        if actions is not None:
            written = self._book.counts()
            self._move(fresh, actions)
            self._book.name_lanes(written, lanes)
        self.state[lanes] = fresh

    def restore(self, state: NDArray[np.void]) -> None:
        """Takes over a copy of `state`. InputRefused where it cannot be of these lanes and this block."""
        if state.shape != self.state.shape:
            raise InputRefused("The lanes are of another number than these.", "Begin anew.")
        symbol, bar, end = state["symbol"], state["bar"], state["end_bar"]
        known = (symbol >= 0) & (symbol < self.block.symbol_count) & (bar >= 0) & (end < self.block.bar_count)
        # Compiled code looks ahead of a lane that goes on, and checks no bounds.
        known &= ((bar + 1) % self.block.decision_bars == 0) & ((end + 1) % self.block.decision_bars == 0)
        if not (known & ((bar < end) | (state["has_ended"] & (bar == end)))).all():
            raise InputRefused("The lanes stand at bars that the block lacks.", "Begin anew on this block.")
        self.state[:] = state

    def observe(self, out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Raw observations [lanes, names] at the close of each lane's bar; into `out` where it is given."""
        return self._observe(self.state, out)

    def observe_only(self, lanes: NDArray[np.integer]) -> NDArray[np.float32]:
        """The rows of `observe` that are of these lanes."""
        return self._observe(self.state.take(lanes))

    def _observe(
        self, state: NDArray[np.void], out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        shape = (state.size, len(self.observation_names))
        seen = np.empty(shape, np.float32) if out is None else out
        _require_fit(seen, shape, np.float32)
        rules, costs = self._conditions.rules, self._conditions.costs
        self._observe_lanes(state, self._bars, self._sights, rules, costs, seen)
        return seen

    def masks(self, out: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
        """Legal actions bool [lanes, actions]; into `out` where it is given. No row is empty."""
        shape = (self.lanes, len(self.action_names))
        legal = np.empty(shape, np.bool_) if out is None else out
        _require_fit(legal, shape, np.bool_)
        self._mask_lanes(self.state, self._bars, self._conditions.rules, legal)
        return legal

    def advance(self, actions: NDArray[np.integer], terms: OrderTerms | None = None) -> MarketStep:
        """Orders decided at a close meet the next detail bar; then nothing is done until the next decision.

        `actions` [lanes] are indices into `action_names`; `terms` change what an entry among them is sent as.
        InvalidInput where an action is illegal: then no lane has moved.
        """
        if terms is None:
            return self._move(self.state, actions)
        self.state["order_factor"], self.state["order_rests"] = terms.factor, terms.rests
        try:
            return self._move(self.state, actions)
        finally:
            self.state["order_factor"], self.state["order_rests"] = 1.0, BY_THE_RULES

    def _move(self, state: NDArray[np.void], actions: NDArray[np.integer]) -> MarketStep:
        wanted, lanes = np.ascontiguousarray(actions, dtype=np.int64), state.size
        if wanted.shape != (lanes,):
            raise InvalidInput(f"Actions were {wanted.shape}, not ({lanes},).", "Give one per lane.")
        stuck = self._first_illegal(state, wanted, self._bars, self._conditions.rules)
        if stuck >= 0:
            raise illegal_action(int(wanted[stuck]), state[stuck], self.block, self.rules)
        step = MarketStep(np.empty(lanes), np.empty(lanes), np.empty(lanes, np.bool_))
        records = self._book.with_room(lanes * (1 + self.block.decision_bars), lanes)
        self._advance_lanes(state, wanted, self._bars, self._conditions, records, step)
        return step

    def foresee(self, decisions: int) -> IdleTime:
        """What the lanes would meet at so many closes from theirs on if nothing were decided; none moves."""
        time = IdleTime.empty(decisions, self.lanes, len(self.observation_names), len(self.action_names))
        records = RecordBook(False).with_room(0, 0)
        foresee_lanes(self.state.copy(), self._bars, self._sights, self._conditions, records, time)
        return time

    def idle(self, decisions: int) -> None:
        """Moves every lane by so many decisions at which nothing is decided."""
        closes = decisions * self.lanes
        # Whoever decides nothing may still leave, in as many parts as there are bars.
        records = self._book.with_room(closes * self.block.decision_bars, closes)
        idle_lanes(self.state, decisions, self._bars, self._conditions, records)

    def equity_usd(self) -> Floats:
        """Cash and the position at the close [lanes]."""
        equity = np.empty(self.lanes)
        equity_lanes(self.state, self._bars, equity)
        return equity

    def entry_costs_bps(self) -> Floats:
        """Estimated round trip of each entry [lanes, actions], as its trade would tell it; NaN of others."""
        found = np.empty((self.lanes, len(self.action_names)))
        entry_cost_lanes(self.state, self._bars, self._conditions.rules, self._conditions.costs, found)
        return found

    def fills(self) -> NDArray[np.void]:
        """FILL records by lane and time; none without `records`."""
        return self._book.fills()

    def closed(self) -> NDArray[np.void]:
        """CLOSED records by lane and trade; none without `records`."""
        return self._book.closed()


def beginning(
    block: MarketBlock,
    rules: TradingRules,
    symbols: NDArray[np.integer],
    bars: NDArray[np.integer],
    ends: NDArray[np.integer] | None = None,
) -> NDArray[np.void]:
    """Fresh lanes at the close of `bars` of `symbols`, which end with that of `ends`, or of the block.

    InvalidInput where there is nothing to trade or nothing is decided.
    """
    symbols, bars = np.atleast_1d(symbols), np.atleast_1d(bars)
    last = np.atleast_1d(block.bar_count - 1 if ends is None else ends)
    if symbols.size and not (symbols.min() >= 0 and symbols.max() < block.symbol_count):
        raise InvalidInput(
            "A lane was to begin at a symbol that the block lacks.", f"Give 0 to {block.symbol_count - 1}."
        )
    if bars.size and not (bars.min() >= 0 and max(bars.max(), last.max()) < block.bar_count):
        raise InvalidInput(
            "A lane was to begin or end at a bar that the block lacks.", f"Give 0 to {block.bar_count - 1}."
        )
    if ((bars + 1) % block.decision_bars).any() or ((last + 1) % block.decision_bars).any():
        raise InvalidInput(
            "A lane was to begin or end inside a decision bar.",
            f"Give the last bar of {block.decision_bars}: see `MarketBlock.decision_closes`.",
        )
    if (bars >= last).any():
        raise InvalidInput("A lane was to begin at its last bar.", "Give it at least one bar to trade.")
    fresh = np.zeros(np.broadcast(symbols, bars).size, dtype=LANE)
    fresh["symbol"], fresh["bar"], fresh["end_bar"] = symbols, bars, last
    fresh["cash_usd"] = fresh["peak_usd"] = rules.starting_cash_usd
    fresh["pending"], fresh["unit_bps"], fresh["order_factor"] = NOTHING_PENDING, 1.0, 1.0
    return fresh


def illegal_action(action: int, lane: np.void, block: MarketBlock, rules: TradingRules) -> InvalidInput:
    """The error of an action that its lane's mask forbids."""
    names = action_names(rules.allow_short)
    name = names[action] if 0 <= action < len(names) else f"number {action}"
    place = f"{block.symbols[lane['symbol']]} at bar {lane['bar']}"
    return InvalidInput(
        f"The action {name} of {place} is one that its lane's mask forbids.", "Apply the masks."
    )


def _require_fit(out: NDArray[Any], shape: tuple[int, int], kind: type[np.generic]) -> None:
    if out.shape != shape or out.dtype != kind or not (out.flags.c_contiguous and out.flags.writeable):
        raise InvalidInput(
            f"`out` was {out.dtype} {out.shape}.", f"Give a writeable C-contiguous {np.dtype(kind)} {shape}."
        )
