"""Makes the ledger's tables of closed trades and of their fills.

The numbers are the market's records; nothing is traded and nothing is judged here.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.market.actions import EXIT_INDEX, SCRATCH_INDEX
from huracan.market.block import MarketBlock
from huracan.market.ledger import (
    EXIT_REASONS,
    FILL_KINDS,
    FILLS_SCHEMA,
    LONG,
    POLICY_EXIT,
    RUNNER,
    SCALP,
    SCRATCH,
    SHORT,
    TRADES_SCHEMA,
)
from huracan.market.paper.session_arrays import SessionArrays
from huracan.market.paper.signal_context import Entries, keys_of
from huracan.market.paper.watch import NOBODY, Watch
from huracan.regimes.model import REGIMES
from huracan.tables import as_array
from huracan.units import BASIS_POINT

BUY, SELL = "buy", "sell"
DECIDED_EXITS = tuple(EXIT_REASONS.index(reason) for reason in (POLICY_EXIT, SCRATCH))
_COSTS = ("fee", "spread", "slippage", "funding")
_USD = ("gross_usd", "fee_usd", "spread_usd", "slippage_usd", "funding_usd", "net_usd")

Integers = NDArray[np.int64]


def trades_table(
    closed: NDArray[np.void], entries: Entries, block: MarketBlock, exit_models: Sequence[str | None]
) -> pa.Table:
    """TRADES_SCHEMA of CLOSED records (ordered by symbol and entry), whose `entries` are known."""
    if closed.size == 0:
        return TRADES_SCHEMA.empty_table()
    entered = entries.of(closed)
    data: dict[str, Any] = {
        **{name: entered[name].combine_chunks() for name in entered.column_names},
        "symbol": np.array(block.symbols, dtype=object)[closed["symbol"]],
        **outcome_columns(closed, block),
        **_exit_columns(closed, block),
        "exit_model_id": list(exit_models),
    }
    columns = {field.name: as_array(data[field.name], field.type) for field in TRADES_SCHEMA}
    return pa.table(columns, schema=TRADES_SCHEMA)


def fills_table(
    fills: NDArray[np.void], closed: NDArray[np.void], entries: Entries, block: MarketBlock
) -> pa.Table:
    """FILLS_SCHEMA of those `fills` (by lane, trade, time) whose positions are `closed`, in their order."""
    fills = fills[np.isin(keys_of(fills), keys_of(closed))]
    if fills.size == 0:
        return FILLS_SCHEMA.empty_table()
    owner = np.searchsorted(keys_of(closed), keys_of(fills))
    data: dict[str, Any] = {
        "trade_id": entries.trade_ids(fills).combine_chunks(),
        "symbol": np.array(block.symbols, dtype=object)[closed["symbol"][owner]],
        **fill_columns(fills, block),
    }
    columns = {field.name: as_array(data[field.name], field.type) for field in FILLS_SCHEMA}
    return pa.table(columns, schema=FILLS_SCHEMA)


def exit_models(
    arrays: SessionArrays, block: MarketBlock, watches: Sequence[Watch], carried: Sequence[str | None]
) -> list[str | None]:
    """The model in charge at the exit of each closed position.

    Of an exit that a policy decided, the model of that decision, which may have waited long for a bar that
    was traded: `carried` by lane where that was before the span.
    """
    closed = arrays.closed
    last = _column(arrays, block, closed["lane"], closed["exit_bar"] - 1)
    found = [_model_at(int(at), arrays, watches) for at in last]
    decided = np.flatnonzero(np.isin(closed["reason"], DECIDED_EXITS))
    ordered = _last_orders(arrays)
    entered = _column(arrays, block, closed["lane"], closed["signal_bar"])
    for index in decided.tolist():
        lane = int(closed["lane"][index])
        at = int(ordered[lane, last[index]]) if last[index] >= 0 else -1
        is_new = at > max(int(entered[index]), -1)
        found[index] = _model_at(at, arrays, watches) if is_new else carried[lane]
    return found


def waiting_models(
    arrays: SessionArrays, block: MarketBlock, watches: Sequence[Watch], carried: Sequence[str | None]
) -> list[str | None]:
    """[symbols] the model that decided the exit that still waits at the end; None where none does."""
    state, ordered = arrays.state, _last_orders(arrays)[:, -1]
    lanes = np.arange(state.size)
    entered = _column(arrays, block, lanes, state["signal_bar"])
    waits = (state["quantity"] > 0.0) & np.isin(state["pending"], DECIDED_EXITS)
    is_new = ordered > np.maximum(entered, -1)
    return [
        None
        if not waits[lane]
        else _model_at(int(ordered[lane]), arrays, watches)
        if is_new[lane]
        else carried[lane]
        for lane in lanes.tolist()
    ]


def _model_at(column: int, arrays: SessionArrays, watches: Sequence[Watch]) -> str | None:
    decider = int(arrays.in_charge[column]) if column >= 0 else NOBODY
    return None if decider == NOBODY else watches[decider].model_id


def _column(
    arrays: SessionArrays, block: MarketBlock, lanes: NDArray[np.integer], bars: NDArray[np.integer]
) -> NDArray[np.integer]:
    """The column of the last decision that was made by the close of `bars` of `lanes`; below 0 before all."""
    return np.asarray(block.row_of(bars) - block.row_of(arrays.first_bar)[lanes])


def _last_orders(arrays: SessionArrays) -> NDArray[np.int64]:
    """[symbols, decisions] the column of the last order to leave up to each decision, -1 before any."""
    orders = np.isin(arrays.action, (EXIT_INDEX, SCRATCH_INDEX))
    columns = np.where(orders, np.arange(orders.shape[1]), -1)
    return np.asarray(np.maximum.accumulate(columns, axis=1), dtype=np.int64)


def _exit_columns(closed: NDArray[np.void], block: MarketBlock) -> dict[str, Any]:
    """What was known when the exit's bar opened."""
    symbol, before = closed["symbol"], np.maximum(closed["exit_bar"] - 1, 0)
    row = np.maximum(block.row_of(before), 0)
    return {
        "exit_regime": np.array(REGIMES, dtype=object)[block.regime[symbol, row]],
        "exit_volatility_bps": block.volatility_bps[symbol, before],
    }


def outcome_columns(closed: NDArray[np.void], block: MarketBlock) -> dict[str, Any]:
    """Sizes, times, prices, results and the best and worst on the way: what a replay must give again."""
    side, reference = closed["side"].astype(np.float64), closed["entry_reference"]
    notional = closed["quantity"] * reference
    usd = {name: closed[name] for name in _USD}
    moved = {name: side * (closed[name] / reference - 1.0) / BASIS_POINT for name in ("best", "worst")}
    return {
        "side": np.where(closed["side"] < 0, SHORT, LONG).astype(object),
        "mode": np.where(closed["is_trailing"], RUNNER, SCALP).astype(object),
        "size_multiplier": closed["size_multiplier"],
        "quantity": closed["quantity"],
        "notional_usd": notional,
        # The close of the signal bar is the open of the bar after it, which the order met.
        "signal_time": block.time_of(closed["signal_bar"] + 1),
        "entry_time": block.time_of(closed["entry_bar"]),
        "entry_reference_price": reference,
        "entry_price": closed["entry_price"],
        "exit_time": block.time_of(closed["exit_bar"]),
        "exit_reference_price": closed["exit_reference"],
        "exit_price": closed["exit_price"],
        "exit_reason": np.array(EXIT_REASONS, dtype=object)[closed["reason"]],
        "adds": closed["adds"].astype(np.int64),
        "scale_outs": closed["scale_outs"].astype(np.int64),
        "bars_held": (closed["exit_bar"] - closed["entry_bar"]).astype(np.int64),
        "stop_price": closed["stop"],
        "target_price": closed["target"],
        **usd,
        **{name.replace("_usd", "_bps"): value / (notional * BASIS_POINT) for name, value in usd.items()},
        "estimated_cost_bps": closed["estimated_cost_bps"],
        "paid_cost_bps": sum(usd[f"{cost}_usd"] for cost in _COSTS) / (notional * BASIS_POINT),
        "max_favourable_bps": np.maximum(moved["best"], 0.0),
        "max_favourable_time": block.time_of(closed["best_bar"]),
        "max_adverse_bps": np.minimum(moved["worst"], 0.0),
        "max_adverse_time": block.time_of(closed["worst_bar"]),
        "entry_volatility_bps": closed["volatility_bps"],
    }


def fill_columns(fills: NDArray[np.void], block: MarketBlock) -> dict[str, Any]:
    """The columns of FILLS_SCHEMA that the market's records hold by themselves."""
    return {
        "time": block.time_of(fills["bar"]),
        "kind": np.array(FILL_KINDS, dtype=object)[fills["kind"]],
        "side": np.where(fills["is_buy"], BUY, SELL).astype(object),
        "is_maker": fills["is_maker"],
        "ordered_quantity": fills["ordered_quantity"],
        "quantity": fills["quantity"],
        "reference_price": fills["reference"],
        "price": fills["price"],
        **{name: fills[name] for name in ("fee_usd", "spread_usd", "slippage_usd")},
    }
