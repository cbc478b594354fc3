"""The rows of the table `trade_memory`: a closed trade's entry context, its vector and its outcome.

Neither the vectors (`embedding`) nor the search live here.
"""

import zlib
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.memory.embedding import entry_features
from huracan.analysis.outcome import (
    IS_UNDECIDED,
    closed_at_ms,
    day_column,
    is_undecided,
    is_winning,
    times,
)
from huracan.candles.schema import TIME, Timeframe
from huracan.errors import InvalidInput
from huracan.features.naming import reordered
from huracan.market.ledger import EXPLORED, POLICY, TRADES_COLUMNS
from huracan.tables import DAY, FLAG, FLOAT, SINGLES, TEXT, Column, arrow_schema, chosen

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

MEMORY_COLUMNS = (
    DAY,
    *chosen(TRADES_COLUMNS, "trade_id", "symbol", "side", "regime", "signal_time", "entry_time"),
    Column(
        "closed_at",
        TIME,
        "close of the bar it left in, or the day's end where is_end_of_session: then its outcome is known",
        "UTC",
    ),
    *chosen(TRADES_COLUMNS, "exit_reason"),
    IS_UNDECIDED,
    Column("is_winner", FLAG, "net result above 0"),
    *chosen(TRADES_COLUMNS, "bars_held"),
    Column("holding_minutes", FLOAT, "the same as time", "minutes"),
    *chosen(TRADES_COLUMNS, "gross_bps", "net_bps", "net_usd", "max_favourable_bps", "max_adverse_bps"),
    *chosen(TRADES_COLUMNS, "entry_volatility_bps", "model_id", "is_simulated"),
    Column(
        "entry_features",
        SINGLES,
        "feature row of the signal bar, in the order of the recipe; NaN where unknown",
    ),
    Column("embedding_version", TEXT, "digest of the statistics that made the vector; others do not compare"),
    Column("embedding", SINGLES, "the entry as a vector of 64 numbers, of length 1: its cosine is likeness"),
    Column("book", TEXT, "policy, or explored: drawn at random, apart from the policy's ledger"),
    Column(
        "moment_weight",
        FLOAT,
        "chance that an explored entry was drawn from anywhere; null of the policy's, which all count",
        "0 to 1",
    ),
)
MEMORY_SCHEMA = arrow_schema(MEMORY_COLUMNS)
"""One row per closed trade, in the order of its ledger: the policy's, then the explored ones."""


def of_policy(memory: pa.Table) -> pa.Table:
    """The rows of the policy's own trades; versions before the second book had no others."""
    if "book" not in memory.column_names:
        return memory
    return memory.filter(pc.not_equal(pc.fill_null(memory["book"], POLICY), EXPLORED))


def drawn_from_anywhere(memory: pa.Table) -> pa.Table:
    """Without those explored entries that were drawn because the policy would have entered there.

    Each is kept with the chance `moment_weight`, by a number made of its identity and known at the entry:
    what is left is a sample of the moments that the half of the budget meets which goes anywhere, rare strata
    up to four times as densely as common ones, in which every trade counts alike (von Neumann 1951), as
    intervals and bets need it. The policy's own trades all stay.
    """
    if "moment_weight" not in memory.column_names:
        return memory
    chance = pc.fill_null(memory["moment_weight"], 1.0).to_numpy()
    number = [zlib.crc32(identity.encode()) / 2**32 for identity in memory["trade_id"].to_pylist()]
    return memory.filter(pa.array(np.array(number) < chance))


def memory_rows(
    trades: pa.Table,
    embeddings: npt.NDArray[np.float32],
    embedding_version: str,
    day: date,
    timeframe: Timeframe,
) -> pa.Table:
    """Rows MEMORY_SCHEMA of partition `day` from its trades and their vectors [trades, dimensions].

    A trade that has a `propensity` is an explored one.

    Raises InvalidInput where there is not exactly one vector per trade.
    """
    if embeddings.ndim != 2 or len(embeddings) != len(trades):
        raise InvalidInput(
            f"{len(trades)} trades of {day} came with vectors of shape {embeddings.shape}.",
            "Embed exactly the trades of that day.",
        )
    closed = closed_at_ms(trades, day, timeframe)
    columns = {name: trades.column(name) for name in _FROM_LEDGER}
    columns["entry_features"] = _without_nulls(trades.column("entry_features"))
    columns |= {
        "day": day_column(day, len(trades)),
        "trade_id": trades.column("trade_id"),
        "closed_at": times(closed),
        "is_end_of_session": pa.array(is_undecided(trades)),
        "is_winner": pa.array(is_winning(trades)),
        "holding_minutes": pa.array(
            trades.column("bars_held").to_numpy().astype(np.float64) * timeframe.minutes
        ),
        **_book_columns(trades),
        "embedding_version": pa.array([embedding_version] * len(trades), pa.string()),
        "embedding": vector_column(embeddings),
    }
    return pa.table({name: columns[name] for name in MEMORY_SCHEMA.names}).cast(MEMORY_SCHEMA)


def _book_columns(trades: pa.Table) -> dict[str, pa.Array]:
    if "propensity" not in trades.column_names:
        nothing = pa.nulls(len(trades), FLOAT)
        return {"book": pa.array([POLICY] * len(trades), pa.string()), "moment_weight": nothing}
    return {
        "book": pc.if_else(trades["propensity"].is_valid(), EXPLORED, POLICY),
        "moment_weight": pc.divide(trades["uniform_density"], trades["propensity"]),
    }


def with_entries_named(trades: pa.Table, before: tuple[str, ...], after: tuple[str, ...]) -> pa.Table:
    """Trades whose entry features are called `before`, with them as `after` has them: each value under its
    own name, NaN under one that the trades did not know."""
    if before == after:
        return trades
    rows = reordered(entry_features(trades, before).astype(np.float64), before, after)
    index = trades.column_names.index("entry_features")
    return trades.set_column(index, trades.schema.field(index), vector_column(rows))


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
