"""Makes the ledger's tables of closed trades and of their fills, with what was known at each signal.

The numbers are the market's records; nothing is traded and nothing is judged here.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.market.block import MarketBlock
from huracan.market.ledger import (
    EXIT_REASONS,
    FILL_KINDS,
    FILLS_SCHEMA,
    LONG,
    RUNNER,
    SCALP,
    SHORT,
    TRADES_SCHEMA,
)
from huracan.market.paper.session_arrays import SessionArrays
from huracan.market.paper.signal_context import (
    KnowsPatterns,
    context_columns,
    decision_columns,
    pattern_columns,
)
from huracan.units import BASIS_POINT

BUY, SELL = "buy", "sell"
_COSTS = ("fee", "spread", "slippage", "funding")
_USD = ("gross_usd", "fee_usd", "spread_usd", "slippage_usd", "funding_usd", "net_usd")

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Provenance:
    """Where a session's decisions and candles came from; written on every trade."""

    model_id: str
    data_hash: str
    configuration_digest: str
    is_simulated: bool
    feature_names: tuple[str, ...] | None = None
    """The columns that the model was trained on; where given they must be the block's."""


def trades_table(
    arrays: SessionArrays,
    block: MarketBlock,
    actions: tuple[str, ...],
    provenance: Provenance,
    patterns: KnowsPatterns | None = None,
) -> pa.Table:
    """TRADES_SCHEMA of sessions whose trace was kept, ordered by symbol, day and entry.

    `actions` are the names of the market's action list, in order; without `patterns` no trade resembles any.
    """
    closed = arrays.closed
    if closed.size == 0:
        return TRADES_SCHEMA.empty_table()
    symbol = closed["symbol"].astype(np.int64)
    made_by = {
        "model_id": provenance.model_id,
        "data_hash": provenance.data_hash,
        "configuration_digest": provenance.configuration_digest,
        "is_simulated": provenance.is_simulated,
    }
    data: dict[str, Any] = {
        "trade_id": trade_ids(arrays, block, provenance),
        "symbol": np.array(block.symbols, dtype=object)[symbol],
        **outcome_columns(closed, block.open_time_ms),
        **context_columns(closed, block),
        **decision_columns(arrays, actions),
        **pattern_columns(closed, block, patterns),
        **{name: [value] * closed.size for name, value in made_by.items()},
    }
    return pa.table({field.name: _as(data[field.name], field.type) for field in TRADES_SCHEMA})


def fills_table(arrays: SessionArrays, block: MarketBlock, provenance: Provenance) -> pa.Table:
    """FILLS_SCHEMA of the same trades, in their order, the fills of a trade in the order of time."""
    fills = arrays.fills
    if fills.size == 0:
        return FILLS_SCHEMA.empty_table()
    identities = np.array(trade_ids(arrays, block, provenance), dtype=object)
    owner = owners(fills, arrays.closed)
    data: dict[str, Any] = {
        "trade_id": identities[owner],
        "symbol": np.array(block.symbols, dtype=object)[arrays.closed["symbol"][owner]],
        **fill_columns(fills, block.open_time_ms),
    }
    return pa.table({field.name: pa.array(data[field.name], field.type) for field in FILLS_SCHEMA})


def owners(fills: NDArray[np.void], closed: NDArray[np.void]) -> Integers:
    """[fills] the index in `closed` of the trade that each fill belongs to. Both ordered by lane, trade."""
    return np.searchsorted(_keys(closed), _keys(fills))


def outcome_columns(closed: NDArray[np.void], times: Integers) -> dict[str, Any]:
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
        "signal_time": times[closed["signal_bar"] + 1],
        "entry_time": times[closed["entry_bar"]],
        "entry_reference_price": reference,
        "entry_price": closed["entry_price"],
        "exit_time": times[closed["exit_bar"]],
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
        "max_favourable_time": times[closed["best_bar"]],
        "max_adverse_bps": np.minimum(moved["worst"], 0.0),
        "max_adverse_time": times[closed["worst_bar"]],
        "entry_volatility_bps": closed["volatility_bps"],
    }


def fill_columns(fills: NDArray[np.void], times: Integers) -> dict[str, Any]:
    """The columns of FILLS_SCHEMA that the market's records hold by themselves."""
    return {
        "time": times[fills["bar"]],
        "kind": np.array(FILL_KINDS, dtype=object)[fills["kind"]],
        "side": np.where(fills["is_buy"], BUY, SELL).astype(object),
        "is_maker": fills["is_maker"],
        "quantity": fills["quantity"],
        "reference_price": fills["reference"],
        "price": fills["price"],
        **{name: fills[name] for name in ("fee_usd", "spread_usd", "slippage_usd")},
    }


def _as(values: Any, kind: pa.DataType) -> pa.Array:
    """An Arrow array of a type: one that is there already is cast, which `pa.array` would not do."""
    return values.cast(kind) if isinstance(values, pa.Array) else pa.array(values, kind)


def _keys(records: NDArray[np.void]) -> Integers:
    return np.asarray(records["lane"].astype(np.int64) << 32 | records["trade"], dtype=np.int64)


def trade_ids(arrays: SessionArrays, block: MarketBlock, provenance: Provenance) -> list[str]:
    """Of the closed trades, in order: a function of what each is, so that a rebuilt day has the same."""
    closed = arrays.closed
    made_by = (provenance.model_id, provenance.data_hash, provenance.configuration_digest)
    entries = block.open_time_ms[closed["entry_bar"]].tolist()
    identities = []
    for symbol, side, entry in zip(closed["symbol"].tolist(), closed["side"].tolist(), entries, strict=True):
        words = "|".join((block.symbols[symbol], str(entry), SHORT if side < 0 else LONG, *made_by))
        identities.append(hashlib.sha256(words.encode()).hexdigest()[:32])
    return identities
