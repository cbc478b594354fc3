"""Writes down closed trades with what was known at their signals, and makes the ledger's table of them.

It reads the environment's accounts when they close; it never changes them.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.market import exits
from huracan.market.actions import ACTION_NAMES
from huracan.market.block import MarketBlock
from huracan.market.costs import Floats
from huracan.market.environment import Lanes, MarketEnvironment
from huracan.market.fills import BPS, Fill
from huracan.market.ledger import EXIT_REASONS, TRADES_SCHEMA
from huracan.market.policy import Decision
from huracan.regimes.model import REGIMES

LONG = "long"
_KEPT = [
    "size_multiplier",
    "quantity",
    "entry_reference",
    "entry_price",
    "stop",
    "target",
    "volatility_bps",
    "estimated_cost_bps",
    "fee_usd",
    "spread_usd",
    "slippage_usd",
    "best",
    "worst",
    "best_bar",
    "worst_bar",
    "signal_bar",
    "entry_bar",
]


@dataclass(frozen=True)
class Provenance:
    """Where a session's decisions and candles came from; written on every trade."""

    model_id: str
    data_hash: str
    configuration_digest: str
    is_simulated: bool
    feature_names: tuple[str, ...] | None = None
    """The columns that the model was trained on; where given they must be the block's."""


class TradeLog:
    """Collects the closed trades of an environment. `attach` it before the first step."""

    def __init__(self) -> None:
        self._rows: list[dict[str, NDArray[np.generic]]] = []

    def attach(self, environment: MarketEnvironment) -> None:
        """Becomes the environment's sink."""
        self._environment = environment
        environment.sink = self
        width = (environment.lanes, len(ACTION_NAMES))
        self._action = np.zeros(environment.lanes, np.int64)
        self._logits = np.zeros(width, np.float32)
        self._probabilities = np.zeros(width, np.float32)
        self._value = np.zeros(environment.lanes, np.float32)

    def decided(self, decision: Decision) -> None:
        """Keeps the decisions of flat lanes: the last one before a fill is the signal of that trade."""
        flat = self._environment.accounts.quantity == 0
        self._action[flat] = decision.actions[flat]
        self._logits[flat] = decision.logits[flat]
        self._probabilities[flat] = decision.probabilities[flat]
        self._value[flat] = decision.values[flat]

    def trades_closed(
        self, lanes: Lanes, exit_bars: Lanes, codes: exits.Codes, reference: Floats, fill: Fill
    ) -> None:
        """Of the environment, before its accounts are closed."""
        accounts = self._environment.accounts
        row: dict[str, NDArray[np.generic]] = {name: getattr(accounts, name)[lanes] for name in _KEPT}
        row["symbol_index"] = self._environment.symbol[lanes]
        row["lane"] = lanes
        row |= {"exit_bar": exit_bars, "code": codes, "exit_reference": reference, "exit_price": fill.price}
        row |= {"exit_fee": fill.fee_usd, "exit_spread": fill.spread_usd, "exit_slippage": fill.slippage_usd}
        row |= {"action": self._action[lanes], "value": self._value[lanes]}
        row |= {"logits": self._logits[lanes], "probabilities": self._probabilities[lanes]}
        self._rows.append(row)

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """All closed trades as arrays, ordered by lane and entry; empty where there are none."""
        if not self._rows:
            return {}
        joined = {name: np.concatenate([row[name] for row in self._rows]) for name in self._rows[0]}
        order = np.lexsort((joined["entry_bar"], joined["lane"]))
        return {name: values[order] for name, values in joined.items()}


def net_parts(rows: dict[str, NDArray[np.generic]]) -> dict[str, Floats]:
    """Gross result and costs of both sides in USD, and `net_usd` = gross - fee - spread - slippage."""
    got = {name: np.asarray(values, dtype=np.float64) for name, values in rows.items() if values.ndim == 1}
    parts = {
        "gross_usd": got["quantity"] * (got["exit_reference"] - got["entry_reference"]),
        "fee_usd": got["fee_usd"] + got["exit_fee"],
        "spread_usd": got["spread_usd"] + got["exit_spread"],
        "slippage_usd": got["slippage_usd"] + got["exit_slippage"],
    }
    parts["net_usd"] = parts["gross_usd"] - parts["fee_usd"] - parts["spread_usd"] - parts["slippage_usd"]
    return parts


def trades_table(
    rows: dict[str, NDArray[np.generic]], block: MarketBlock, provenance: Provenance
) -> pa.Table:
    """The ledger's TRADES_SCHEMA table of `TradeLog.columns()`."""
    if not rows:
        return TRADES_SCHEMA.empty_table()
    symbol = rows["symbol_index"].astype(np.int64)
    entry = block.open_time_ms[rows["entry_bar"].astype(np.int64)]
    names = np.array(block.symbols, dtype=object)[symbol]
    made_by = {
        "model_id": provenance.model_id,
        "data_hash": provenance.data_hash,
        "configuration_digest": provenance.configuration_digest,
        "is_simulated": provenance.is_simulated,
    }
    data: dict[str, Any] = {
        "trade_id": [_trade_id(*key, provenance) for key in zip(names, entry.tolist(), strict=True)],
        "symbol": names,
        "side": [LONG] * len(names),
        **_outcome_columns(rows, block.open_time_ms),
        **_context_columns(rows, block),
        **{name: [value] * len(names) for name, value in made_by.items()},
    }
    return pa.table({field.name: pa.array(data[field.name], field.type) for field in TRADES_SCHEMA})


def _outcome_columns(rows: dict[str, NDArray[np.generic]], times: NDArray[np.int64]) -> dict[str, Any]:
    """Sizes, times, prices, results and the best and worst on the way."""
    entry, leave = rows["entry_bar"].astype(np.int64), rows["exit_bar"].astype(np.int64)
    reference = rows["entry_reference"].astype(np.float64)
    notional = rows["quantity"].astype(np.float64) * reference
    parts = net_parts(rows)
    return {
        "size_multiplier": rows["size_multiplier"],
        "quantity": rows["quantity"],
        "notional_usd": notional,
        # The close of the signal bar is the open of the bar after it, which the order met.
        "signal_time": times[entry],
        "entry_time": times[entry],
        "entry_reference_price": reference,
        "entry_price": rows["entry_price"],
        "exit_time": times[leave],
        "exit_reference_price": rows["exit_reference"],
        "exit_price": rows["exit_price"],
        "exit_reason": np.array(EXIT_REASONS, dtype=object)[rows["code"].astype(np.int64)],
        "bars_held": leave - entry,
        "stop_price": rows["stop"],
        "target_price": rows["target"],
        **parts,
        **{name.replace("_usd", "_bps"): value / (notional * BPS) for name, value in parts.items()},
        "estimated_cost_bps": rows["estimated_cost_bps"],
        "max_favourable_bps": (rows["best"].astype(np.float64) / reference - 1.0) / BPS,
        "max_favourable_time": times[rows["best_bar"].astype(np.int64)],
        "max_adverse_bps": (rows["worst"].astype(np.float64) / reference - 1.0) / BPS,
        "max_adverse_time": times[rows["worst_bar"].astype(np.int64)],
        "entry_volatility_bps": rows["volatility_bps"],
    }


def _context_columns(rows: dict[str, NDArray[np.generic]], block: MarketBlock) -> dict[str, Any]:
    """What was known at the signal bar, and at the bar before the exit."""
    symbol, signal = rows["symbol_index"].astype(np.int64), rows["signal_bar"].astype(np.int64)
    before = np.maximum(rows["exit_bar"].astype(np.int64) - 1, 0)
    probabilities = {
        f"probability_{name}": block.regime_probabilities[symbol, signal, place]
        for place, name in enumerate(REGIMES)
    }
    return {
        "regime": _regimes(block, symbol, signal),
        **probabilities,
        "exit_regime": _regimes(block, symbol, before),
        "exit_volatility_bps": block.volatility_bps[symbol, before],
        "entry_features": _lists(block.features[symbol, signal]),
        "action": np.array(ACTION_NAMES, dtype=object)[rows["action"].astype(np.int64)],
        "policy_logits": _lists(rows["logits"]),
        "action_probabilities": _lists(rows["probabilities"]),
        "value_estimate": rows["value"].astype(np.float64),
    }


def _regimes(block: MarketBlock, symbol: Lanes, bars: Lanes) -> NDArray[np.object_]:
    return np.array(REGIMES, dtype=object)[block.regime[symbol, bars]]


def _lists(rows: NDArray[np.generic]) -> pa.Array:
    width = rows.shape[1]
    flat = pa.array(np.ascontiguousarray(rows, dtype=np.float32).reshape(-1), pa.float32())
    return pa.ListArray.from_arrays(pa.array(np.arange(0, len(flat) + 1, width), pa.int32()), flat)


def _trade_id(symbol: str, entry_time_ms: int, provenance: Provenance) -> str:
    """A pure function of what the trade is, so that a rebuilt day has the same identifiers."""
    made_by = (provenance.model_id, provenance.data_hash, provenance.configuration_digest)
    words = "|".join((symbol, str(entry_time_ms), LONG, *made_by))
    return hashlib.sha256(words.encode()).hexdigest()[:32]
