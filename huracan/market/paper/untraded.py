"""What was known at the signals that made no trade: what gates are shown of them, as of those that did."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from huracan.market.actions import action_names
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.ledger import SHORT, UNTRADED_SCHEMA
from huracan.market.paper.session_arrays import SessionArrays
from huracan.market.paper.signal_context import POSITION, bar_columns, pattern_columns, trace_columns
from huracan.market.paper.signals import Found, entry_columns
from huracan.market.paper.watch import Watch
from huracan.market.rules import TradingRules
from huracan.tables import as_array


def untraded_table(
    found: Found,
    arrays: SessionArrays,
    block: MarketBlock,
    watches: Sequence[Watch],
    rules: TradingRules,
    costs: CostAssumptions,
) -> pa.Table:
    """UNTRADED_SCHEMA: of the signals of a session those of which no trade came, in their order."""
    rows = np.flatnonzero(found.trade < 0)
    if not rows.size:
        return UNTRADED_SCHEMA.empty_table()
    entered = {name: values[rows] for name, values in entry_columns(found, rules).items()}
    lane, column, at = found.lane[rows], found.column[rows], found.at[rows]
    symbol, entry = found.symbol[rows], found.entry[rows]
    signals = np.zeros(rows.size, POSITION)
    signals["lane"], signals["signal_bar"], signals["entry_bar"] = lane, at, at + 1
    signals["side"] = np.where(entered["side"] == SHORT, -1, 1)
    data: dict[str, Any] = {
        "symbol": np.array(block.symbols, dtype=object)[symbol],
        "signal_time": block.time_of(at + 1),
        "status": found.status[rows],
        **entered,
        "action": np.array(action_names(rules.allow_short), dtype=object)[entry],
        "estimated_cost_bps": pa.array(_costs_bps(found, rows, block, rules, costs), from_pandas=True),
        "entry_volatility_bps": pa.array(block.volatility_bps[symbol, at], from_pandas=True),
        **bar_columns(signals, block, arrays),
        **trace_columns(arrays.trace, lane, column),
        "value_estimate": arrays.trace.values[lane, column].astype(np.float64),
        **pattern_columns(signals, arrays.in_charge[column], block, arrays, watches),
    }
    return pa.table({field.name: as_array(data[field.name], field.type) for field in UNTRADED_SCHEMA})


def _costs_bps(
    found: Found,
    rows: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    block: MarketBlock,
    rules: TradingRules,
    costs: CostAssumptions,
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Of each entry as its trade would have told it; NaN where nothing was known to tell it by."""
    environment = MarketEnvironment(block, rules, costs, rows.size)
    environment.begin(np.arange(rows.size), found.symbol[rows], found.at[rows])
    told = environment.entry_costs_bps()
    return np.asarray(told[np.arange(rows.size), found.entry[rows]], dtype=np.float64)
