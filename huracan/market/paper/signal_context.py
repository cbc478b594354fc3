"""What was known at a trade's signal: regime, features, the decision's trace, patterns that it resembles.

What came of the trade is in `trade_log`.
"""

from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.market.block import MarketBlock
from huracan.market.ledger import LONG, SHORT
from huracan.market.paper.session_arrays import SessionArrays
from huracan.regimes.model import REGIMES


class KnowsPatterns(Protocol):
    """Who can say which known patterns an entry resembles."""

    def nearest(self, rows: NDArray[np.float32], sides: NDArray[np.object_]) -> tuple[pa.Array, pa.Array]:
        """Per feature row of [n, features] and side [n] a list of identities, nearest first, and a list of
        cosines."""
        ...


def context_columns(closed: NDArray[np.void], block: MarketBlock) -> dict[str, Any]:
    """What was known at the signal bar, and at the bar before the exit."""
    symbol, signal = closed["symbol"], closed["signal_bar"]
    before = np.maximum(closed["exit_bar"] - 1, 0)
    names = np.array(REGIMES, dtype=object)
    probabilities = {
        f"probability_{name}": block.regime_probabilities[symbol, signal, index]
        for index, name in enumerate(REGIMES)
    }
    return {
        "regime": names[block.regime[symbol, signal]],
        **probabilities,
        "exit_regime": names[block.regime[symbol, before]],
        "exit_volatility_bps": block.volatility_bps[symbol, before],
        "entry_features": lists(block.features[symbol, signal].astype(np.float32)),
    }


def decision_columns(arrays: SessionArrays, actions: tuple[str, ...]) -> dict[str, Any]:
    """What led to the entry: the trace of the signal bar."""
    trace = arrays.trace
    assert trace is not None  # the ledger's sessions keep it
    lane = arrays.closed["lane"]
    bar = arrays.closed["signal_bar"] - arrays.first_bar[lane]
    return {
        "action": np.array(actions, dtype=object)[arrays.action[lane, bar]],
        "policy_logits": lists(trace.logits[lane, bar]),
        "action_bias": lists(trace.bias[lane, bar]),
        "bias_terms": lists(trace.bias_terms[lane, bar]),
        "action_mask": lists(trace.masks[lane, bar]),
        "action_probabilities": lists(trace.probabilities[lane, bar]),
        "value_estimate": trace.values[lane, bar].astype(np.float64),
    }


def pattern_columns(
    closed: NDArray[np.void], block: MarketBlock, patterns: KnowsPatterns | None
) -> dict[str, Any]:
    """The known patterns that the entries resemble; none where there are no `patterns`."""
    if patterns is None:
        nothing = pa.array([[]] * closed.size, pa.list_(pa.null()))
        return dict.fromkeys(("nearest_patterns", "nearest_pattern_cosines"), nothing)
    rows = block.features[closed["symbol"], closed["signal_bar"]].astype(np.float32)
    sides = np.where(closed["side"] < 0, SHORT, LONG).astype(object)
    identities, cosines = patterns.nearest(rows, sides)
    return {"nearest_patterns": identities, "nearest_pattern_cosines": cosines}


def lists(rows: NDArray[Any]) -> pa.Array:
    """Rows of an array [n, width] as n lists."""
    offsets = np.arange(rows.shape[0] + 1, dtype=np.int32) * rows.shape[1]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.ascontiguousarray(rows).reshape(-1)))
