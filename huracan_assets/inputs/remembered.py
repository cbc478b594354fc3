"""What the night's analyses read of the memory: the space that it lies in, and the neighbours of a trade."""

from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.memory.embedding import EmbeddingStatistics
from huracan.errors import InputRefused
from huracan_assets.inputs.file_names import EMBEDDING_FILE
from huracan_assets.reads import Inputs
from huracan_assets.stage import StageContext


def neighbours_of(inputs: Inputs, context: StageContext) -> pa.Table:
    """For each of the day's trades, the most similar ones of its side that had closed before its signal.

    Exactly, and all at once: what a night finds, it finds again.
    """
    from huracan_resources.database.memory import Queries, similar_trades
    from huracan_resources.database.memory_filter import MemoryFilter

    memory, trades = inputs.table("trade_memory"), inputs.table("shadow_trades")
    statistics, vectors = statistics_of(inputs), pc.list_flatten(memory["embedding"].combine_chunks())
    queries = Queries(
        vectors.to_numpy(zero_copy_only=False).reshape(trades.num_rows, statistics.dimensions),
        as_of=trades["signal_time"].to_pylist(),
        sides=trades["side"].to_pylist(),
    )
    with context.resources.database.connect() as connection:
        return similar_trades(connection, queries, MemoryFilter(statistics.version), is_exact=True)


def statistics_of(inputs: Inputs) -> EmbeddingStatistics:
    """The space that the day's memory lies in."""
    content = inputs.file("trade_memory", EMBEDDING_FILE)
    if content is None:
        raise InputRefused("trade_memory holds trades without statistics.", "Run trade_memory again.")
    return statistics_from(content)


@lru_cache(maxsize=4)
def statistics_from(content: bytes) -> EmbeddingStatistics:
    """Fitted once and carried from night to night, so a window of months holds few of them."""
    return EmbeddingStatistics.from_json(content.decode())
