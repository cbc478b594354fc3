"""A day traded by a frozen policy: every symbol from flat to flat, bar by bar, into the shadow ledger."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.errors import InputRefused
from huracan.market.actions import action_names
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.ledger import DECISION_TRACE_SCHEMA, SESSION_SCHEMA
from huracan.market.paper.session_arrays import SessionArrays, run_sessions
from huracan.market.paper.signal_context import KnowsPatterns, lists
from huracan.market.paper.signals import signals_table
from huracan.market.paper.trade_log import Provenance, fills_table, trades_table
from huracan.market.policy import Policy
from huracan.market.rules import TradingRules
from huracan.units import WHOLE_BPS


@dataclass(frozen=True, eq=False)
class Session:
    """The ledger of one or more days: TRADES_SCHEMA, FILLS_SCHEMA, SESSION_SCHEMA, DECISION_TRACE_SCHEMA and
    SIGNALS_SCHEMA."""

    trades: pa.Table
    fills: pa.Table
    bars: pa.Table
    decisions: pa.Table
    signals: pa.Table


def trade_session(
    block: MarketBlock,
    policy: Policy,
    rules: TradingRules,
    costs: CostAssumptions,
    provenance: Provenance,
    patterns: KnowsPatterns | None = None,
) -> Session:
    """The shadow ledger of the block's day (or days), made by `policy` from decisions at each bar's close.

    Every signal is told of in `signals`, also one that made no trade. `patterns`: those known before the day.

    What is open at the last bar is closed at its close with END_OF_SESSION. At that bar nothing can be
    decided any more; its action reads WAIT. InputRefused where the model is of another recipe.
    """
    if provenance.feature_names is not None and provenance.feature_names != block.feature_names:
        raise InputRefused(
            "The model was trained on other features than the day has.", "Train it on this recipe."
        )
    arrays = run_sessions(block, policy, rules, costs, keeps_trace=True)
    trades = trades_table(arrays, block, action_names(rules.allow_short), provenance, patterns)
    return Session(
        trades=trades,
        fills=fills_table(arrays, block, provenance),
        bars=_bars_table(arrays, block, rules),
        decisions=_decisions_table(arrays, block, rules),
        signals=signals_table(arrays, block, rules, costs, trades["trade_id"]),
    )


def _bars_table(arrays: SessionArrays, block: MarketBlock, rules: TradingRules) -> pa.Table:
    equity = arrays.cash_usd + arrays.position_usd
    peak = np.maximum.accumulate(equity, axis=1)
    data = {
        **_decided(arrays, block, rules, arrays.cash_usd.shape[1]),
        "cash_usd": arrays.cash_usd.reshape(-1),
        "position_value_usd": arrays.position_usd.reshape(-1),
        "equity_usd": equity.reshape(-1),
        "exposure": (arrays.position_usd / equity).reshape(-1),
        "costs_usd": arrays.costs_usd.reshape(-1),
        "drawdown_bps": ((peak - equity) / rules.starting_cash_usd * WHOLE_BPS).reshape(-1),
    }
    return pa.table({field.name: pa.array(data[field.name], field.type) for field in SESSION_SCHEMA})


def _decisions_table(arrays: SessionArrays, block: MarketBlock, rules: TradingRules) -> pa.Table:
    trace, bars = arrays.trace, arrays.action.shape[1] - 1
    assert trace is not None  # the ledger's sessions keep it

    def rows(values: NDArray[Any]) -> NDArray[Any]:
        return values[:, :bars].reshape(values.shape[0] * bars, *values.shape[2:])

    data = {
        **_decided(arrays, block, rules, bars),
        "policy_logits": lists(rows(trace.logits)),
        "action_bias": lists(rows(trace.bias)),
        "bias_terms": lists(rows(trace.bias_terms)),
        "action_mask": lists(rows(trace.masks)),
        "action_probabilities": lists(rows(trace.probabilities)),
        "value_estimate": rows(trace.values),
    }
    return pa.table({field.name: pa.array(data[field.name], field.type) for field in DECISION_TRACE_SCHEMA})


def _decided(arrays: SessionArrays, block: MarketBlock, rules: TradingRules, bars: int) -> dict[str, Any]:
    """Symbol, time and action of the first `bars` bars of every lane."""
    indices = (arrays.first_bar[:, None] + np.arange(bars)).reshape(-1)
    symbols = np.repeat(arrays.symbol, bars).astype(np.int32)
    names, actions = pa.array(block.symbols), pa.array(action_names(rules.allow_short))
    chosen = arrays.action[:, :bars].reshape(-1)
    return {
        "symbol": pa.DictionaryArray.from_arrays(symbols, names).dictionary_decode(),
        "open_time": block.open_time_ms[indices],
        "action": pa.DictionaryArray.from_arrays(chosen, actions).dictionary_decode(),
    }
