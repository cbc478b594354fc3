"""The asset `trade_memory`: what each trade's entry looked like, and the trades that looked alike before."""

import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.memory.agreement import judge_agreement
from huracan.analysis.memory.embedding import EmbeddingStatistics, embed_trades, fit_embedding
from huracan.analysis.memory.rows import memory_rows
from huracan.analysis.trades.checks import judge_embeddings
from huracan.errors import InputRefused
from huracan.features.recipe import RECIPE
from huracan_assets.market_block import EMBEDDING_FILE
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import Check, Night, Outcome, stage
from huracan_resources.database.memory import similar_trades
from huracan_resources.database.memory_filter import MemoryFilter

ROOMS = ["features", "market", "analysis"]
KEEP_DAYS = 10 * 365
"""Vectors of another fit cannot be compared, so a fit serves until the recipe changes."""

EMBEDDING_DAYS = 14
"""Days of features that fit the embedding's statistics, the first time that they are fitted."""

AGREEMENT_DAYS = 30
"""Days before the day on whose trades it is measured whether distance means something."""


@stage(
    group="analysis",
    kinds={"postgres"},
    reads=[
        Read("shadow_trades"),
        Read("features", key="past", days=EMBEDDING_DAYS, ends=-1, optional=True, edge=False),
        Read("trade_memory", key="earlier", ends=-1, optional=True, edge=False, is_record=True),
        Read(
            "trade_memory",
            key="before",
            days=AGREEMENT_DAYS,
            ends=-1,
            edge=False,
            is_record=True,
            may_lack_days=True,
        ),
    ],
    rooms=ROOMS,
    blocks=["universe"],
    checks=[
        Check("memory_embedding", "Embeddings are finite and point in different directions."),
        Check(
            "memory_agreement",
            "Near trades agree in regime and outcome more often than random ones do.",
            blocking=False,
        ),
    ],
    database={"trade_memory": "data"},
)
def trade_memory(inputs: Inputs, night: Night) -> Outcome:
    """Each trade's entry context as a vector, searchable in pgvector.

    The vector's statistics are fitted once, on days before their first use, and then carried from night to
    night, so that distances stay comparable; a new recipe fits them anew.
    """
    carried = inputs.file("earlier", EMBEDDING_FILE)
    statistics = EmbeddingStatistics.from_json(carried.decode()) if carried else None
    if statistics is None or not statistics.serves(RECIPE.names, night.day, KEEP_DAYS):
        past = inputs.table("past") if inputs.has("past") else None
        if past is None or not pc.sum(past["is_ready"]).as_py():
            return Outcome(note=f"No bar before {night.day} has features to fit the embedding on.")
        statistics = fit_embedding(past, RECIPE.names, night.day)
    files = {EMBEDDING_FILE: statistics.to_json().encode()}
    if not inputs.has("shadow_trades"):
        return Outcome(files=files, note=f"No session was traded on {night.day}.")
    trades = inputs.table("shadow_trades")
    embeddings = embed_trades(trades, statistics)
    rows = memory_rows(trades, embeddings, statistics.version, night.day, night.timeframe)
    remembered = pa.concat_tables([*inputs.each_day("before"), rows])
    return Outcome(
        tables={"data": rows},
        files=files,
        verdicts=[judge_embeddings(embeddings), judge_agreement(remembered, statistics.version)],
        metadata={"embedding_version": statistics.version},
    )


def neighbours_of(inputs: Inputs, night: Night) -> pa.Table:
    """For each of the day's trades, the most similar ones of its side that had closed before its signal.

    Exactly, and all at once: what a night finds, it finds again.
    """
    memory, trades = inputs.table("trade_memory"), inputs.table("shadow_trades")
    statistics, vectors = statistics_of(inputs), pc.list_flatten(memory["embedding"].combine_chunks())
    with night.outside.database.connect() as connection:
        return similar_trades(
            connection,
            vectors.to_numpy(zero_copy_only=False).reshape(trades.num_rows, statistics.dimensions),
            MemoryFilter(statistics.version),
            as_of=trades["signal_time"].to_pylist(),
            sides=trades["side"].to_pylist(),
            is_exact=True,
        )


def statistics_of(inputs: Inputs) -> EmbeddingStatistics:
    """The space that the day's memory lies in."""
    content = inputs.file("trade_memory", EMBEDDING_FILE)
    if content is None:
        raise InputRefused("trade_memory holds trades without statistics.", "Run trade_memory again.")
    return EmbeddingStatistics.from_json(content.decode())
