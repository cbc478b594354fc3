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
from huracan.market.costs import CostAssumptions
from huracan.market.engine.held_entries import hold_entries, net_bps
from huracan.market.engine.kernel_numbers import cost_numbers
from huracan.market.ledger import EXIT_REASONS, LONG, SHORT, SIGNALS_SCHEMA
from huracan.market.paper.session_arrays import DecisionTrace, SessionArrays
from huracan.market.rules import TradingRules
from huracan.regimes.model import REGIMES

TRADED, LAPSED, MASKED, DECLINED = "traded", "lapsed", "masked", "declined"
DECLINED_FROM = 0.25
"""A bar is a signal that the policy declined where its entries together had this probability."""

NOT_FILLED, POLICY_WAITED = "order_not_filled", "policy_waited"
SESSION_ENDS, NOT_TRADED, NOT_READY, NO_VOLATILITY, NO_CASH, TOO_SMALL = MASK_REASONS = (
    "session_ends",
    "bar_not_traded",
    "features_incomplete",
    "volatility_unknown",
    "cash_short",
    "order_too_small",
)
"""Why a mask forbade an entry, in the order in which they are looked at."""

_KINDS = {field.name: field.type for field in SIGNALS_SCHEMA}


@dataclass(frozen=True, eq=False)
class _Found:
    """The signals [n] of sessions: where they stand, and which entry was made or wanted."""

    lane: NDArray[np.int64]
    bar: NDArray[np.int64]
    """Of the session, from 0."""
    symbol: NDArray[np.int64]
    at: NDArray[np.int64]
    """Bar of the block."""
    entry: NDArray[np.int64]
    """Index in the action list."""
    status: NDArray[np.object_]
    trade: NDArray[np.int64]
    """Index among the closed trades; -1 where none."""
    unmasked: NDArray[np.float32]


def signals_table(
    arrays: SessionArrays,
    block: MarketBlock,
    rules: TradingRules,
    costs: CostAssumptions,
    trade_ids: Sequence[str] | pa.ChunkedArray,
) -> pa.Table:
    """SIGNALS_SCHEMA of sessions whose trace was kept. `trade_ids`: of `arrays.closed`, in order."""
    trace = arrays.trace
    if trace is None or arrays.action.shape[1] < 2:
        return SIGNALS_SCHEMA.empty_table()
    found = _find(arrays, trace, rules)
    identities = np.array([*(str(each) for each in trade_ids), None], dtype=object)
    data: dict[str, Any] = {
        "symbol": np.array(block.symbols, dtype=object)[found.symbol],
        "signal_time": block.open_time_ms[found.at + 1],
        **_entry_columns(found, rules),
        "status": found.status,
        "reason": _reasons(found, arrays, block, rules, costs),
        "trade_id": identities[found.trade],
        "probability": trace.probabilities[found.lane, found.bar, found.entry],
        "unmasked_probability": found.unmasked,
        "value_estimate": trace.values[found.lane, found.bar],
        "regime": np.array(REGIMES, dtype=object)[block.regime[found.symbol, found.at]],
        "entry_volatility_bps": block.volatility_bps[found.symbol, found.at],
        **_would_have_made(found, block, rules, costs),
    }
    columns = {name: pa.array(data[name], kind, from_pandas=True) for name, kind in _KINDS.items()}
    return pa.table(columns, schema=SIGNALS_SCHEMA)


def _find(arrays: SessionArrays, trace: DecisionTrace, rules: TradingRules) -> _Found:
    last = arrays.action.shape[1] - 1
    entries = np.array([index for index, action in enumerate(actions_of(rules.allow_short)) if action.side])
    chosen, masks = arrays.action[:, :last].astype(np.int64), trace.masks[:, :last]
    chances = _chances(trace, last, entries)
    wanted = entries[chances[:, :, 1:].argmax(axis=2)]
    is_wanted = chances[:, :, 1:].max(axis=2) > chances[:, :, 0]
    entered = np.isin(chosen, entries)
    waited = masks[:, :, WAIT_INDEX] & ~entered
    may = np.take_along_axis(masks, wanted[:, :, None], axis=2)[:, :, 0]
    masked = waited & is_wanted & ~may
    declined = waited & ~masked & (trace.probabilities[:, :last][:, :, entries].sum(axis=2) >= DECLINED_FROM)
    lane, bar = np.nonzero(entered | masked | declined)
    entry = np.where(entered, chosen, wanted)[lane, bar]
    trade = _trades(arrays)[lane, bar]
    conditions = [trade >= 0, entered[lane, bar], masked[lane, bar]]
    status = np.select(conditions, [TRADED, LAPSED, MASKED], DECLINED).astype(object)
    index = np.searchsorted(entries, entry) + 1
    return _Found(
        lane=lane,
        bar=bar,
        symbol=arrays.symbol[lane],
        at=arrays.first_bar[lane] + bar,
        entry=entry,
        status=status,
        trade=trade,
        unmasked=chances[lane, bar, index],
    )


def _chances(trace: DecisionTrace, last: int, entries: NDArray[np.int64]) -> NDArray[np.float32]:
    """[lanes, bars, 1 + entries] of waiting and of each entry, had all of them been legal."""
    scores = (trace.logits + trace.bias)[:, :last][:, :, np.concatenate([[WAIT_INDEX], entries])]
    powers = np.exp(scores - scores.max(axis=2, keepdims=True))
    return np.asarray(powers / powers.sum(axis=2, keepdims=True), dtype=np.float32)


def _trades(arrays: SessionArrays) -> NDArray[np.int64]:
    """[lanes, bars] index among the closed trades of the one that was signalled there, or -1."""
    closed = arrays.closed
    found = np.full(arrays.action.shape, -1, np.int64)
    found[closed["lane"], closed["signal_bar"] - arrays.first_bar[closed["lane"]]] = np.arange(closed.size)
    return found


def _entry_columns(found: _Found, rules: TradingRules) -> dict[str, Any]:
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
    found: _Found, arrays: SessionArrays, block: MarketBlock, rules: TradingRules, costs: CostAssumptions
) -> NDArray[np.object_]:
    """What came in the way of each signal; None of a traded one. Masks by the rules of `kernel_masks`."""
    symbol, at = found.symbol, found.at
    needed_usd = rules.notional_usd * _sizes(rules)[found.entry] * cost_numbers(costs).cash_per_usd
    forbidden = [
        block.session_last[at] - at < rules.entry_margin_bars,
        ~block.is_tradable[symbol, at],
        ~block.is_ready[symbol, at],
        ~np.isfinite(block.volatility_bps[symbol, at]),
        arrays.cash_usd[found.lane, found.bar] < needed_usd,
    ]
    reasons = np.select(forbidden, MASK_REASONS[:-1], TOO_SMALL).astype(object)
    for status, reason in ((TRADED, None), (LAPSED, NOT_FILLED), (DECLINED, POLICY_WAITED)):
        reasons[found.status == status] = reason
    return reasons


def _would_have_made(
    found: _Found, block: MarketBlock, rules: TradingRules, costs: CostAssumptions
) -> dict[str, Any]:
    """What the declined entries would have come to, each by itself; null for the others."""
    rows, count = np.flatnonzero(found.status == DECLINED), found.status.size
    net, held = np.full(count, np.nan), np.full(count, np.nan)
    reason = np.full(count, None, dtype=object)
    if rows.size:
        indices = found.symbol[rows] * block.bar_count + found.at[rows]
        longest = np.full(rows.size, rules.maximum_holding_bars)
        closed = hold_entries(block, rules, costs, indices, found.entry[rows], longest)
        filled = rows[closed["lane"]]
        net[filled] = net_bps(closed)
        reason[filled] = np.array(EXIT_REASONS, dtype=object)[closed["reason"]]
        held[filled] = closed["exit_bar"] - closed["entry_bar"]
    return {"would_net_bps": net, "would_exit_reason": reason, "would_bars_held": held}
