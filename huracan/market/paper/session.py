"""A day on paper: every symbol's account from one midnight to the next, into the shadow ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.errors import InputRefused
from huracan.market.actions import action_names
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions, Floats
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.ledger import DECISION_TRACE_SCHEMA, SESSION_SCHEMA
from huracan.market.paper.carrying import Carried, Opening, begin_flat, carried_in
from huracan.market.paper.interventions import interventions_table, with_orders
from huracan.market.paper.open_positions import Ending, carried_out
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.session_arrays import SessionArrays, run_lanes
from huracan.market.paper.signal_context import entries_of, held_positions, trace_columns
from huracan.market.paper.signals import find_signals, signals_table
from huracan.market.paper.trade_log import exit_models, fills_table, trades_table, waiting_models
from huracan.market.paper.untraded import untraded_table
from huracan.market.paper.watch import NOBODY, Watch
from huracan.market.policy import Policy
from huracan.market.rules import TradingRules
from huracan.tables import as_array
from huracan.units import WHOLE_BPS


@dataclass(frozen=True, eq=False)
class Session:
    """The ledger of a span: TRADES_SCHEMA, FILLS_SCHEMA, SESSION_SCHEMA, DECISION_TRACE_SCHEMA,
    SIGNALS_SCHEMA, UNTRADED_SCHEMA, INTERVENTIONS_SCHEMA and, at its end, OPEN_POSITIONS_SCHEMA. Where guards
    decided too the bars have ORDER_COLUMNS as well."""

    trades: pa.Table
    fills: pa.Table
    bars: pa.Table
    decisions: pa.Table
    signals: pa.Table
    untraded: pa.Table
    interventions: pa.Table
    open_positions: pa.Table


def trade_session(
    block: MarketBlock,
    policy: Policy | Sequence[Watch],
    rules: TradingRules,
    costs: CostAssumptions,
    provenance: Provenance,
    carried: Carried | None = None,
) -> Session:
    """The shadow ledger from the close of the block's first decision bar to the block's end.

    `policy` decides alone, or several do, each from a moment on. The accounts go on as `carried` has them,
    and begin flat without it; what is held at the end stays open. Every signal is told of in `signals`, also
    one that made no trade. InputRefused where the model is of another recipe, or the accounts stand
    elsewhere.
    """
    if provenance.feature_names is not None and provenance.feature_names != block.feature_names:
        raise InputRefused(
            "The model was trained on other features than the day has.", "Train it on this recipe."
        )
    watches = policy if isinstance(policy, Sequence) else [Watch(policy, provenance.model_id)]
    opening = opening_of(block, rules, costs, provenance, carried)
    block = opening.block
    environment = MarketEnvironment(block, rules, costs, block.symbol_count, records=True)
    environment.restore(opening.state)
    arrays = run_lanes(environment, watches)
    names = action_names(rules.allow_short)
    entries = entries_of(arrays, block, watches, names, provenance, opening.entries)
    models = exit_models(arrays, block, watches, opening.exit_models)
    fills = all_fills(opening, arrays.fills)
    equity = _equity(arrays)
    # What the day before left, and not what its last bar is worth by candles that may be others today.
    equity[:, 0] = opening.equity_usd
    peak = np.maximum.accumulate(np.maximum(equity, opening.state["peak_usd"][:, None]), axis=1)
    waiting = waiting_models(arrays, block, watches, opening.exit_models)
    ending = Ending(equity[:, -1], peak[:, -1], waiting)
    before = opening.closures
    trades = trades_table(arrays.closed, entries, block, models)
    held = entries.trade_ids(held_positions(arrays.state))
    found, names_of_trades = find_signals(arrays, block, rules), trades["trade_id"].to_pylist()
    return Session(
        trades=pa.concat_tables([before.trades, trades]),
        fills=pa.concat_tables([before.fills, fills_table(fills, arrays.closed, entries, block)]),
        bars=pa.concat_tables(
            [_bars_table(arrays, block, equity, peak, names), before.bars(block.symbols)],
            promote_options="default",
        ),
        decisions=_decisions_table(arrays, block, watches, names),
        signals=signals_table(found, arrays, block, rules, costs, [*names_of_trades, *held.to_pylist()]),
        untraded=untraded_table(found, arrays, block, watches, rules, costs),
        interventions=interventions_table(arrays, block, names),
        open_positions=carried_out(arrays.state, fills, entries, block, ending, provenance),
    )


def opening_of(
    block: MarketBlock,
    rules: TradingRules,
    costs: CostAssumptions,
    provenance: Provenance,
    carried: Carried | None,
) -> Opening:
    """With what a span begins: what was carried, or every account with its starting cash."""
    if carried is None:
        return begin_flat(block, rules)
    return carried_in(carried, block, rules, costs, provenance)


def all_fills(opening: Opening, fills: NDArray[np.void]) -> NDArray[np.void]:
    """FILL records by lane, trade and time: of what was held before the span, and of the span."""
    both = np.concatenate([opening.fills, fills])
    return both[np.argsort(both["lane"], kind="stable")]


def _equity(arrays: SessionArrays) -> Floats:
    """[symbols, decisions]"""
    return arrays.cash_usd + arrays.position_usd


def _bars_table(
    arrays: SessionArrays, block: MarketBlock, equity: Floats, peak: Floats, names: Sequence[str]
) -> pa.Table:
    """SESSION_SCHEMA: a row for every decision bar that a decision meets."""
    before = equity[:, :-1]
    lane, at = np.divmod(np.arange(before.size), before.shape[1])
    now = equity[:, 1:]
    data = {
        **_decided(arrays, block, lane, at, names),
        "cash_usd": arrays.cash_usd[:, 1:].reshape(-1),
        "position_value_usd": arrays.position_usd[:, 1:].reshape(-1),
        "equity_usd": now.reshape(-1),
        "result_usd": (now - before).reshape(-1),
        "exposure": (arrays.position_usd[:, 1:] / now).reshape(-1),
        "costs_usd": arrays.costs_usd[:, 1:].reshape(-1),
        "drawdown_bps": ((peak[:, 1:] - now) / peak[:, 1:] * WHOLE_BPS).reshape(-1),
    }
    bars = pa.table({field.name: pa.array(data[field.name], field.type) for field in SESSION_SCHEMA})
    return with_orders(bars, arrays, lane, at)


def _decisions_table(
    arrays: SessionArrays, block: MarketBlock, watches: Sequence[Watch], names: Sequence[str]
) -> pa.Table:
    """DECISION_TRACE_SCHEMA: a row for every decision that somebody made."""
    trace, decided = arrays.trace, np.flatnonzero(arrays.in_charge != NOBODY)
    lane = np.repeat(np.arange(arrays.symbol.size), decided.size)
    at = np.tile(decided, arrays.symbol.size)
    models = np.array([each.model_id for each in watches], dtype=object)
    data: dict[str, Any] = {
        **_decided(arrays, block, lane, at, names),
        **trace_columns(trace, lane, at),
        "value_estimate": trace.values[lane, at],
        "model_id": models[arrays.in_charge[at]],
    }
    columns = {field.name: as_array(data[field.name], field.type) for field in DECISION_TRACE_SCHEMA}
    return pa.table(columns, schema=DECISION_TRACE_SCHEMA)


def _decided(
    arrays: SessionArrays,
    block: MarketBlock,
    lane: NDArray[np.int64],
    at: NDArray[np.int64],
    names: Sequence[str],
) -> dict[str, Any]:
    """Symbol, time and action of decisions: the time is the open of the bar that each of them meets."""
    symbols, actions = pa.array(block.symbols), pa.array(names)
    times = block.time_of(block.decision_closes[at] + 1)
    return {
        "symbol": pa.DictionaryArray.from_arrays(
            arrays.symbol[lane].astype(np.int32), symbols
        ).dictionary_decode(),
        "open_time": times,
        "action": pa.DictionaryArray.from_arrays(arrays.action[lane, at], actions).dictionary_decode(),
    }
