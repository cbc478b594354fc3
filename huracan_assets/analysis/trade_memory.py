"""The asset `trade_memory`: what each trade's entry looked like, and the trades that looked alike before."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.memory.agreement import judge_agreement
from huracan.analysis.memory.embedding import (
    EmbeddingStatistics,
    embed_trades,
    entry_features,
    fit_embedding,
)
from huracan.analysis.memory.rows import MEMORY_COLUMNS, memory_rows, with_entries_named
from huracan.analysis.trades.checks import judge_embeddings
from huracan.features.specification import FeatureRecipe
from huracan.tables import Always, Table
from huracan_assets import shown
from huracan_assets.inputs.file_names import EMBEDDING_FILE
from huracan_assets.inputs.named_features import EXPLORED_LEDGER, LEDGER, names_of_day
from huracan_assets.inputs.recipes import recipe_for
from huracan_assets.inputs.remembered import statistics_from
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, Read, record
from huracan_assets.stage import Check, Outcome, StageContext, stage
from huracan_resources.lake.entry_features import entry_timeframe
from huracan_resources.lake.manifest import Manifest
from huracan_resources.settings.settings import Settings

KEEP_DAYS = 10 * 365
"""Vectors of another fit cannot be compared, so a fit serves until the recipe changes."""

EMBEDDING_DAYS, MOST_EMBEDDING_DAYS, EMBEDDING_BARS = 14, 60, 1_000
"""Days of features that fit the embedding's statistics, the first time that they are fitted: with long bars
so many that they hold a thousand of each symbol, or sixty."""

AGREEMENT_DAYS = 30
"""Days before the day on whose trades it is measured whether distance means something."""


def embedding_days(settings: Settings) -> int:
    """The days before the first that is embedded whose bars fit the space."""
    days = -(-EMBEDDING_BARS // settings.decision_timeframe.bars_per_day)
    return max(EMBEDDING_DAYS, min(days, MOST_EMBEDDING_DAYS))


@stage(
    job=TRADE,
    kinds={"postgres"},
    reads=[
        record(LEDGER),
        # Days of before there was a second book have none.
        Read(EXPLORED_LEDGER, is_record=True, may_lack_days=True),
        Read("features", key="past", days=embedding_days, ends=-1, optional=True, edge=False),
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
    tables={
        "data": Table(MEMORY_COLUMNS, keep=Always("every search reads all of it"), in_database=True),
    },
    settings=["universe", "market.decision_timeframe"],
    checks=[
        Check("memory_embedding", "Embeddings are finite and point in different directions."),
        Check(
            "memory_agreement",
            "Near trades agree in regime and outcome more often than random ones do.",
            blocking=False,
        ),
    ],
)
def trade_memory(inputs: Inputs, context: StageContext) -> Outcome:
    """Each trade's entry context as a vector, searchable in pgvector.

    The vector's statistics are fitted once, on days before their first use, and then carried from night to
    night, so that distances stay comparable; a new recipe fits them anew. The trades of an older recipe are
    embedded by the columns that it shares with the one of now, and what they do not know counts as average;
    those that were decided on bars of another length are left out, for their columns mean other things. The
    explored trades of the day are remembered beside those of the policy.
    """
    recipe = recipe_for(context.settings)
    statistics = _space_of(recipe, inputs, context)
    if statistics is None:
        return Outcome(note=f"No bar before {context.day} has the features that the embedding is of.")
    files = {EMBEDDING_FILE: statistics.to_json().encode()}
    others = _told_of_others(inputs, context, statistics.version)
    found = [_with_names(book, recipe, inputs, context) for book in (LEDGER, EXPLORED_LEDGER)]
    known = [each for each in found if not isinstance(each, str)]
    whys = [each for each in found if isinstance(each, str) and each]
    if not known:
        return Outcome(files=files, note=f"{whys[0]} {others}".rstrip())
    trades = pa.concat_tables([table for table, _ in known], promote_options="default")
    embeddings = embed_trades(trades, statistics)
    # Of a position that was carried over from decisions on other bars no entry is known.
    is_told = np.isfinite(entry_features(trades, recipe.names)).any(axis=1)
    rows = memory_rows(trades, embeddings, statistics.version, context.day, context.timeframe)
    remembered = pa.concat_tables([*inputs.each_day("before"), rows], promote_options="default")
    return Outcome(
        tables={"data": rows},
        files=files,
        verdicts=[judge_embeddings(embeddings[is_told]), judge_agreement(remembered, statistics.version)],
        metadata={
            "embedding_version": statistics.version,
            "embedded_by_columns": min(columns for _, columns in known),
            "trades": shown.count_table(rows, ["book", "side"]),
            "trades_of_another_embedding": pc.sum(
                pc.not_equal(remembered["embedding_version"], statistics.version)
            ).as_py(),
        },
        note=" ".join(filter(None, [*whys[:1], others])),
    )


def _space_of(recipe: FeatureRecipe, inputs: Inputs, context: StageContext) -> EmbeddingStatistics | None:
    """The space of the night before, where it is of the recipe, or one that is fitted now, on the days before
    whose own table has the recipe's columns; None where none of them has a bar that is ready."""
    carried = inputs.file("earlier", EMBEDDING_FILE)
    known = statistics_from(carried) if carried else None
    if known is not None and known.serves(recipe.digest, context.day, KEEP_DAYS):
        return known
    days = [day for day in inputs.each_day("past") if set(recipe.names) <= set(day.column_names)]
    past = pa.concat_tables(days, promote_options="default") if days else None
    if past is None or not pc.sum(past["is_ready"]).as_py():
        return None
    return fit_embedding(past, recipe.names, context.day, recipe=recipe.digest)


def _with_names(
    book: str, recipe: FeatureRecipe, inputs: Inputs, context: StageContext
) -> tuple[pa.Table, int] | str:
    """The day's trades of a book with the columns of the recipe, and how many of those they know; or why they
    cannot be embedded."""
    if not inputs.has(book):
        return f"No session was traded on {context.day}." if book == LEDGER else ""
    decided, now = _decided_on(inputs.manifests(book)[0], context), context.decision_timeframe.name
    if decided != now:
        return f"Its trades were decided on bars of {decided}, and trades are now on bars of {now}."
    names = names_of_day(inputs, context, book)
    trades = with_entries_named(inputs.table(book), names, recipe.names)
    return trades, len(set(names) & set(recipe.names))


def _decided_on(ledger: Manifest, context: StageContext) -> str:
    return entry_timeframe(context.resources.lake, ledger) or context.timeframe.name


def _told_of_others(inputs: Inputs, context: StageContext, version: str) -> str:
    """What to run where days before have trades in another space, that could lie in this one; else empty."""
    lake, found = context.resources.lake, []
    for day, table in inputs.tables_by_day("before").items():
        ledger = lake.manifest(LEDGER, day)
        is_elsewhere = pc.any(pc.not_equal(table["embedding_version"], version)).as_py()
        if is_elsewhere and ledger and _decided_on(ledger, context) == context.decision_timeframe.name:
            found.append(day)
    if not found:
        return ""
    again = f"huracan backfill --from {found[0]} --to {context.day} --jobs all"
    return (
        f"The trades of {len(found)} of the {AGREEMENT_DAYS} days before lie in the space of an earlier"
        f" recipe, where none is found: {again} (--to the last night that is there) embeds them anew."
    )
