"""The rows of the table `trade_memory`: a closed trade's entry context, its vector and its outcome.

Neither the vectors (`embedding`) nor the search live here.
"""

from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.outcome import closed_at_ms, day_column, is_end_of_session, is_winning, times
from huracan.candles.schema import TIME, Timeframe
from huracan.errors import InvalidInput

_FROM_LEDGER = (
    "symbol",
    "side",
    "regime",
    "signal_time",
    "entry_time",
    "exit_reason",
    "bars_held",
    "gross_bps",
    "net_bps",
    "net_usd",
    "max_favourable_bps",
    "max_adverse_bps",
    "entry_volatility_bps",
    "model_id",
    "is_simulated",
)

MEMORY_SCHEMA = pa.schema(
    [
        ("day", pa.date32()),
        ("trade_id", pa.string()),
        ("symbol", pa.string()),
        ("side", pa.string()),
        ("regime", pa.string()),
        ("signal_time", TIME),
        ("entry_time", TIME),
        ("closed_at", TIME),  # close of the bar it left in: from then on the outcome is known
        ("exit_reason", pa.string()),
        ("is_end_of_session", pa.bool_()),
        ("is_winner", pa.bool_()),
        ("bars_held", pa.int64()),
        ("holding_minutes", pa.float64()),
        ("gross_bps", pa.float64()),
        ("net_bps", pa.float64()),
        ("net_usd", pa.float64()),
        ("max_favourable_bps", pa.float64()),
        ("max_adverse_bps", pa.float64()),
        ("entry_volatility_bps", pa.float64()),
        ("model_id", pa.string()),
        ("is_simulated", pa.bool_()),
        ("entry_features", pa.list_(pa.float32())),
        ("embedding_version", pa.string()),
        ("embedding", pa.list_(pa.float32())),
    ]
)
"""One row per closed trade, in the ledger's order."""


def memory_rows(
    trades: pa.Table,
    embeddings: npt.NDArray[np.float32],
    embedding_version: str,
    day: date,
    timeframe: Timeframe,
) -> pa.Table:
    """Rows MEMORY_SCHEMA of partition `day` from its ledger and the trades' vectors [trades, dimensions].

    Raises InvalidInput where there is not exactly one vector per trade.
    """
    if embeddings.ndim != 2 or len(embeddings) != len(trades):
        raise InvalidInput(
            f"{len(trades)} trades of {day} came with vectors of shape {embeddings.shape}.",
            "Embed exactly the trades of that day.",
        )
    closed = closed_at_ms(trades, timeframe)
    columns = {name: trades.column(name) for name in _FROM_LEDGER}
    columns["entry_features"] = _without_nulls(trades.column("entry_features"))
    columns |= {
        "day": day_column(day, len(trades)),
        "trade_id": trades.column("trade_id"),
        "closed_at": times(closed),
        "is_end_of_session": pa.array(is_end_of_session(trades)),
        "is_winner": pa.array(is_winning(trades)),
        "holding_minutes": pa.array(
            trades.column("bars_held").to_numpy().astype(np.float64) * timeframe.minutes
        ),
        "embedding_version": pa.array([embedding_version] * len(trades), pa.string()),
        "embedding": vector_column(embeddings),
    }
    return pa.table({name: columns[name] for name in MEMORY_SCHEMA.names}).cast(MEMORY_SCHEMA)


def vector_column(vectors: npt.NDArray[np.floating]) -> pa.Array:
    """Vectors [n, dimensions] as a column of lists of float32."""
    offsets = np.arange(len(vectors) + 1, dtype=np.int32) * vectors.shape[1]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(vectors.astype(np.float32).reshape(-1)))


def _without_nulls(column: pa.ChunkedArray) -> pa.Array:
    """The lists with NaN for every null element: one way to say unknown, in the database as well."""
    whole = column.combine_chunks()
    lengths = pc.fill_null(pc.list_value_length(whole), 0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pc.fill_null(pc.list_flatten(whole), float("nan")))
