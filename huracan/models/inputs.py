"""What the models see of a trade: only what was known at its signal.

Each function gives a matrix with named columns. No outcome, fill or exit column may be read here.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.errors import InvalidInput

Floats = NDArray[np.float64]

REGIME_COLUMNS = (
    "probability_trend",
    "probability_range",
    "probability_high_volatility",
    "probability_panic",
)

SIGNAL_COLUMNS = (
    "trade_id",
    "symbol",
    "side",
    "size_multiplier",
    "signal_time",
    "estimated_cost_bps",
    "entry_volatility_bps",
    "regime",
    *REGIME_COLUMNS,
    "entry_features",
    "action",
    "policy_logits",
    "action_bias",
    "bias_terms",
    "action_mask",
    "action_probabilities",
    "value_estimate",
    "nearest_patterns",
    "nearest_pattern_cosines",
    "model_id",
    "data_hash",
    "configuration_digest",
    "is_simulated",
)
"""The columns of TRADES_SCHEMA that exist at the signal; gates and models are shown no others."""

META_LABEL_NAMES = (
    "action_margin",
    "action_entropy",
    "value_estimate",
    "cost_to_volatility",
    "size_multiplier",
    *REGIME_COLUMNS,
)


def confidence_names(feature_names: Sequence[str]) -> tuple[str, ...]:
    """Column names of `confidence_inputs`."""
    return (*feature_names, *REGIME_COLUMNS, "entry_volatility_bps", "estimated_cost_bps", "is_short")


def confidence_inputs(trades: pa.Table, feature_names: Sequence[str]) -> Floats:
    """[n, columns] feature row of the signal bar, regime probabilities, bar volatility, cost and side.

    NaN where a feature is not defined. Raises InvalidInput where a row has another number of features.
    """
    features = _rows(trades, "entry_features", len(feature_names))
    context = [
        _column(trades, name) for name in (*REGIME_COLUMNS, "entry_volatility_bps", "estimated_cost_bps")
    ]
    is_short = pc.fill_null(pc.equal(trades["side"], "short"), False).to_numpy(zero_copy_only=False)
    matrix: Floats = np.column_stack([features, *context, is_short])
    return matrix


def meta_label_inputs(trades: pa.Table) -> Floats:
    """[n, 9] META_LABEL_NAMES: how sure the policy was, what the trade costs, its size and regime."""
    count = trades.num_rows
    margin, entropy = np.full(count, np.nan), np.full(count, np.nan)
    lengths = pc.fill_null(pc.list_value_length(trades["action_probabilities"]), 0).to_numpy()
    # Trades of a market with another action list lie in the same window after a change of it.
    for width in np.unique(lengths):
        rows = np.flatnonzero(lengths == width)
        chances = _rows(trades.take(rows), "action_probabilities", int(width))
        if width > 1:
            ordered = np.sort(chances, axis=1)
            margin[rows] = ordered[:, -1] - ordered[:, -2]
        floor = np.clip(chances, 1e-12, None)
        entropy[rows] = -(chances * np.log(floor)).sum(axis=1)
    volatility, cost = _column(trades, "entry_volatility_bps"), _column(trades, "estimated_cost_bps")
    ratio = np.divide(cost, volatility, out=np.full(count, np.nan), where=volatility > 0)
    columns = [margin, entropy, _column(trades, "value_estimate"), ratio, _column(trades, "size_multiplier")]
    matrix: Floats = np.column_stack([*columns, *(_column(trades, name) for name in REGIME_COLUMNS)])
    return matrix


def _column(trades: pa.Table, name: str) -> Floats:
    values: Floats = trades[name].to_numpy(zero_copy_only=False).astype(np.float64)
    return values


def _rows(trades: pa.Table, name: str, width: int) -> Floats:
    lists = trades[name].combine_chunks()
    lengths = np.diff(lists.offsets.to_numpy()) if trades.num_rows else np.zeros(0, dtype=np.int64)
    if lists.null_count or (lengths != width).any():
        raise InvalidInput(
            f"A trade's {name} does not hold {width} values.",
            "Use the recipe that the trades were made with.",
        )
    flat = lists.flatten().to_numpy(zero_copy_only=False).astype(np.float64)
    rows: Floats = flat.reshape(trades.num_rows, width)
    return rows
