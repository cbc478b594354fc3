"""Every signal of a session, those that made no trade included: what was wanted, and what came in its way.

A signal is a bar at whose close a flat policy entered, would have entered but for a mask, or all but did.
What a gate says of the signals that were traded is the gates' affair.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.market.actions import WAIT_INDEX, action_names, actions_of
from huracan.market.block import MarketBlock
from huracan.market.choice import choose
from huracan.market.costs import CostAssumptions
from huracan.market.engine.held_entries import hold_entries, net_bps
from huracan.market.engine.kernel_bars import packed_bars
from huracan.market.engine.kernel_numbers import rule_numbers
from huracan.market.ledger import (
    DECLINED,
    EXIT_REASONS,
    LAPSED,
    LONG,
    MASKED,
    SHORT,
    SIGNALS_SCHEMA,
    TRADED,
    WINDOW_END,
)
from huracan.market.paper.session_arrays import DecisionTrace, SessionArrays
from huracan.market.paper.signal_context import held_positions
from huracan.market.paper.watch import NOBODY
from huracan.market.rules import TradingRules
from huracan.regimes.model import REGIMES

DECLINED_FROM = 0.25
"""A bar is a signal that the policy declined where the legal entries of the side that it wanted had this
probability together."""

NOT_FILLED, POLICY_WAITED = "order_not_filled", "policy_waited"
STILL_OPEN = "STILL_OPEN"
"""Of what a declined entry would have made, where that is not known by the day's end."""
NOT_TRADED, NOT_READY, NO_VOLATILITY, NO_SHORTS, NO_CASH, TOO_SMALL = MASK_REASONS = (
    "bar_not_traded",
    "features_incomplete",
    "volatility_unknown",
    "not_sold_short",
    "cash_short",
    "order_too_small",
)
"""Why a mask forbade an entry, in the order in which they are looked at."""

_KINDS = {field.name: field.type for field in SIGNALS_SCHEMA}


@dataclass(frozen=True, eq=False)
class Found:
    """The signals [n] of a session: where they stand, and which entry was made or wanted."""

    lane: NDArray[np.int64]
    column: NDArray[np.int64]
    """Of the session's decisions, from 0."""
    symbol: NDArray[np.int64]
    at: NDArray[np.int64]
    """Bar of the block at whose close was decided."""
    row: NDArray[np.int64]
    """Row of what the block shows there."""
    entry: NDArray[np.int64]
    """Index in the action list."""
    status: NDArray[np.object_]
    trade: NDArray[np.int64]
    """Index among the trades; -1 where none."""
    unmasked: NDArray[np.float32]


def signals_table(
    found: Found,
    arrays: SessionArrays,
    block: MarketBlock,
    rules: TradingRules,
    costs: CostAssumptions,
    trade_ids: Sequence[str],
) -> pa.Table:
    """SIGNALS_SCHEMA of a session. `trade_ids`: of `arrays.closed`, in order, and of what its lanes still
    hold."""
    trace = arrays.trace
    identities = np.array([*trade_ids, None], dtype=object)
    data: dict[str, Any] = {
        "symbol": np.array(block.symbols, dtype=object)[found.symbol],
        "signal_time": block.time_of(found.at + 1),
        **entry_columns(found, rules),
        "status": found.status,
        "reason": _reasons(found, arrays, block, rules, costs),
        "trade_id": identities[found.trade],
        "probability": trace.probabilities[found.lane, found.column, found.entry],
        "unmasked_probability": found.unmasked,
        "value_estimate": trace.values[found.lane, found.column],
        "regime": np.array(REGIMES, dtype=object)[block.regime[found.symbol, found.row]],
        "entry_volatility_bps": block.volatility_bps[found.symbol, found.at],
        **_would_have_made(found, block, rules, costs),
    }
    columns = {name: pa.array(data[name], kind, from_pandas=True) for name, kind in _KINDS.items()}
    return pa.table(columns, schema=SIGNALS_SCHEMA)


def find_signals(arrays: SessionArrays, block: MarketBlock, rules: TradingRules) -> Found:
    """All of a session, by lane and time."""
    trace, last = arrays.trace, arrays.action.shape[1] - 1
    entries = np.array([index for index, action in enumerate(actions_of(rules.allow_short)) if action.side])
    chosen, masks = arrays.action[:, :last].astype(np.int64), trace.masks[:, :last]
    is_entry = np.broadcast_to(_sides(rules) != 0, masks.shape)
    wanted = _choices(trace, is_entry | (np.arange(masks.shape[2]) == WAIT_INDEX))
    entered = np.isin(chosen, entries)
    waited = masks[:, :, WAIT_INDEX] & ~entered
    may = np.take_along_axis(masks, wanted[:, :, None], axis=2)[:, :, 0]
    masked = waited & (wanted != WAIT_INDEX) & ~may
    # Of what was legal: another entry could not have been made.
    second = _choices(trace, is_entry & masks)
    is_of_side = (_sides(rules) == _sides(rules)[second][:, :, None]) & is_entry & masks
    together = np.where(is_of_side, trace.probabilities[:, :last], 0.0).sum(axis=2)
    declined = waited & ~masked & (together >= DECLINED_FROM)
    lane, column = np.nonzero((entered | masked | declined) & (arrays.in_charge[:last] != NOBODY))
    entry = np.select([entered, masked], [chosen, wanted], second)[lane, column]
    trade = _trades(arrays, block)[lane, column]
    conditions = [trade >= 0, entered[lane, column], masked[lane, column]]
    status = np.select(conditions, [TRADED, LAPSED, MASKED], DECLINED).astype(object)
    index = np.searchsorted(entries, entry) + 1
    return Found(
        lane=lane,
        column=column,
        symbol=arrays.symbol[lane],
        at=arrays.first_bar[lane] + column * block.decision_bars,
        row=block.row_of(arrays.first_bar[lane]) + column,
        entry=entry,
        status=status,
        trade=trade,
        unmasked=_chances(trace, last, entries)[lane, column, index],
    )


def _choices(trace: DecisionTrace, legal: NDArray[np.bool_]) -> NDArray[np.int64]:
    """[lanes, bars] what those in charge would have done, had this been `legal` [lanes, bars, actions].

    Each says itself what it takes together: a policy of before may decide otherwise than that of now.
    """
    last = legal.shape[1]
    scores, chosen = (trace.logits + trace.bias)[:, :last], np.empty(legal.shape[:2], np.int64)
    for kinds in dict.fromkeys(trace.kinds[:last]):
        at = np.array([each == kinds for each in trace.kinds[:last]])
        chosen[:, at] = choose(scores[:, at], legal[:, at], kinds)
    return chosen


def _chances(trace: DecisionTrace, last: int, entries: NDArray[np.int64]) -> NDArray[np.float32]:
    """[lanes, bars, 1 + entries] of waiting and of each entry, had all of them been legal."""
    scores = (trace.logits + trace.bias)[:, :last][:, :, np.concatenate([[WAIT_INDEX], entries])]
    powers = np.exp(scores - scores.max(axis=2, keepdims=True))
    return np.asarray(powers / powers.sum(axis=2, keepdims=True), dtype=np.float32)


def _trades(arrays: SessionArrays, block: MarketBlock) -> NDArray[np.int64]:
    """[symbols, decisions] index, among the closed trades and then what is held, of the one signalled there;
    -1 where none was."""
    found = np.full(arrays.action.shape, -1, np.int64)
    held = held_positions(arrays.state)
    lane, signal = (np.concatenate([arrays.closed[name], held[name]]) for name in ("lane", "signal_bar"))
    column = block.row_of(signal) - block.row_of(arrays.first_bar)[lane]
    own = column >= 0  # the others were signalled before the span
    found[lane[own], column[own]] = np.flatnonzero(own)
    return found


def entry_columns(found: Found, rules: TradingRules) -> dict[str, Any]:
    sides = np.where(_sides(rules)[found.entry] < 0, SHORT, LONG)
    return {
        "action": np.array(action_names(rules.allow_short), dtype=object)[found.entry],
        "side": sides.astype(object),
        "size_multiplier": _sizes(rules)[found.entry],
    }


def _sides(rules: TradingRules) -> NDArray[np.int64]:
    return np.array([action.side for action in actions_of(rules.allow_short)])


def _sizes(rules: TradingRules) -> NDArray[np.float64]:
    """[actions] of an entry; meaningless of any other action."""
    return np.array([rules.size_multipliers[each.size_slot or 0] for each in actions_of(rules.allow_short)])


def _reasons(
    found: Found, arrays: SessionArrays, block: MarketBlock, rules: TradingRules, costs: CostAssumptions
) -> NDArray[np.object_]:
    """What came in the way of each signal; None of a traded one. Masks by the rules of `kernel_masks`."""
    symbol, at = found.symbol, found.at
    markets = packed_bars(block, costs).markets.reshape(block.symbol_count, -1)[symbol, block.day_of_bar[at]]
    needed_usd = rules.notional_usd * _sizes(rules)[found.entry] * markets["cash_per_usd"]
    leverage = np.where(markets["is_perpetual"], rules.maximum_leverage, 1.0)
    forbidden = [
        ~block.is_tradable[symbol, at],
        ~block.is_ready[symbol, found.row],
        ~np.isfinite(block.volatility_bps[symbol, at]),
        (_sides(rules)[found.entry] < 0) & ~markets["may_short"],
        arrays.cash_usd[found.lane, found.column] * leverage < needed_usd,
    ]
    reasons = np.select(forbidden, MASK_REASONS[:-1], TOO_SMALL).astype(object)
    for status, reason in ((TRADED, None), (LAPSED, NOT_FILLED), (DECLINED, POLICY_WAITED)):
        reasons[found.status == status] = reason
    return reasons


def _would_have_made(
    found: Found, block: MarketBlock, rules: TradingRules, costs: CostAssumptions
) -> dict[str, Any]:
    """What the declined entries would have come to, each by itself; null for the others, and for those that
    are still open where the block ends: what they had made by then would say that they ended so."""
    rows, count = np.flatnonzero(found.status == DECLINED), found.status.size
    net, held = np.full(count, np.nan), np.full(count, np.nan)
    reason = np.full(count, None, dtype=object)
    if rows.size:
        indices = found.symbol[rows] * block.bar_count + found.at[rows]
        longest = np.full(rows.size, rule_numbers(rules, block.bar_minutes).maximum_holding_bars)
        closed = hold_entries(block, rules, costs, indices, found.entry[rows], longest)
        is_open = closed["reason"] == EXIT_REASONS.index(WINDOW_END)
        reason[rows[closed["lane"]]] = np.array(EXIT_REASONS, dtype=object)[closed["reason"]]
        reason[rows[closed["lane"][is_open]]] = STILL_OPEN
        closed = closed[~is_open]
        filled = rows[closed["lane"]]
        net[filled] = net_bps(closed)
        held[filled] = closed["exit_bar"] - closed["entry_bar"]
    return {"would_net_bps": net, "would_exit_reason": reason, "would_bars_held": held}
