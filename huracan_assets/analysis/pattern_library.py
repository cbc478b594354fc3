"""The asset `pattern_library`: recurring entry contexts, and what later trades made of them."""

from dataclasses import replace
from datetime import date

import pyarrow as pa

from huracan.analysis.memory.embedding import EmbeddingStatistics
from huracan.analysis.memory.rows import MEMORY_SCHEMA, drawn_from_anywhere
from huracan.analysis.patterns.checks import judge_patterns
from huracan.analysis.patterns.identity import with_features
from huracan.analysis.patterns.library import NightsJudgement, known_patterns, known_trades
from huracan.analysis.patterns.library import pattern_library as find_patterns
from huracan.analysis.patterns.table import NIGHTS_COLUMNS, PATTERNS_COLUMNS
from huracan.analysis.patterns.trials import SettingTrials, try_settings
from huracan.tables import Always, Table
from huracan_assets import shown
from huracan_assets.analysis import pattern_plots
from huracan_assets.inputs import market_block
from huracan_assets.inputs.file_names import EMBEDDING_FILE
from huracan_assets.inputs.remembered import statistics_from, statistics_of
from huracan_assets.inputs.windows import before_held_days, held_days, trailing_days, with_held_days
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import Check, Outcome, StageContext, stage


@stage(
    job=TRADE,
    kinds={"postgres"},
    reads=[
        Read("trade_memory", days=trailing_days, is_record=True),
        Read("shadow_trades", days=with_held_days, is_record=True, edge=False, may_lack_days=True),
        Read("ohlcv", days=before_held_days),
        Read("market_costs", days=with_held_days),
        Read("features", days=with_held_days),
        Read("regimes", days=with_held_days, table="data"),
        Read("pattern_library", key="earlier", ends=-1, optional=True, edge=False, is_record=True),
    ],
    tables={
        "data": Table(PATTERNS_COLUMNS, keep=Always(), in_database=True),
        "nights": Table(NIGHTS_COLUMNS, keep=Always(), name="pattern_nights", in_database=True),
    },
    settings=["market", "models", "patterns"],
    checks=[Check("pattern_accounts", "Each new trade counts once, and no pattern is reliable by its own.")],
)
def pattern_library(inputs: Inputs, context: StageContext) -> Outcome:
    """Recurring entry contexts in memory up to the day, under identities that last from night to night.

    The trades that became known since the night before judge the patterns that it knew: only they can make
    one reliable. A signal younger than the longest holding waits: its winners may still be open. Each is
    entered again under other stops and targets, and what was best before is judged by them too. Trades that
    were remade after their night judge nothing. Of the explored entries those count that were drawn from
    anywhere.
    """
    if not inputs.has("earlier") and not inputs.has("trade_memory"):
        return Outcome(note=f"No trade up to {context.day} is in memory.")
    statistics = statistics_of(inputs)
    memory, left_out = _remembered(inputs, statistics)
    earlier, settings = _earlier(inputs, statistics), context.settings
    remade = frozenset(ledger.day for ledger in inputs.manifests("shadow_trades") if ledger.remade)
    judgement = NightsJudgement(settings.patterns, None, settings.market.rules, remade)
    judgement = replace(judgement, trials=_trials(memory, earlier, judgement, inputs, context))
    found = find_patterns(memory, statistics, context.day, earlier, judgement)
    space = inputs.file("trade_memory", EMBEDDING_FILE)
    return Outcome(
        tables={"data": found.table, "nights": found.nights},
        # Whoever compares a bar with the library needs the space that it lies in.
        files={EMBEDDING_FILE: space} if space else {},
        verdicts=[judge_patterns(found)],
        note=" ".join(filter(None, [found.note, left_out, _told(remade)])),
        metadata={
            "patterns": shown.top_rows(found.table.select(pattern_plots.SHOWN), 30),
            "later_trades": pattern_plots.forward_results(found.table),
        },
    )


def _told(remade: frozenset[date]) -> str:
    days = ", ".join(str(day) for day in sorted(remade))
    return (
        f"The trades of {days} were remade after their night: no pattern is judged by them." if days else ""
    )


def _remembered(inputs: Inputs, statistics: EmbeddingStatistics) -> tuple[pa.Table, str]:
    """The memory of the days whose entries have the features of this space, and which days were left out, and
    why. Names alone do not tell: bars of another length have columns of the same names."""
    spaces, days = inputs.files_by_day("trade_memory", EMBEDDING_FILE), inputs.tables_by_day("trade_memory")
    kept = {
        day: table
        for day, table in days.items()
        if day in spaces and _sees_alike(statistics_from(spaces[day]), statistics)
    }
    others = [str(day) for day in days if day not in kept]
    # After weeks without a session there is nothing to find, but what was known is not forgotten.
    memory = MEMORY_SCHEMA.empty_table()
    if kept:
        memory = pa.concat_tables(kept.values(), promote_options="default")
    return drawn_from_anywhere(
        memory
    ), f"Left out, for entry features of another recipe: {', '.join(others)}." if others else ""


def _sees_alike(one: EmbeddingStatistics, other: EmbeddingStatistics) -> bool:
    return (one.feature_names, one.recipe) == (other.feature_names, other.recipe)


def _earlier(inputs: Inputs, statistics: EmbeddingStatistics) -> pa.Table | None:
    """The library of the day before, its mean features under tonight's names; unknown where those are of
    bars of another length."""
    if not inputs.has("earlier"):
        return None
    space = inputs.file("earlier", EMBEDDING_FILE)
    known = statistics_from(space) if space else None
    names = None if known is None else known.feature_names
    if known is not None and names == statistics.feature_names and known.recipe != statistics.recipe:
        return with_features(inputs.table("earlier"), None, statistics.feature_names)
    return with_features(inputs.table("earlier"), names, statistics.feature_names)


def _trials(
    memory: pa.Table,
    earlier: pa.Table | None,
    judgement: NightsJudgement,
    inputs: Inputs,
    context: StageContext,
) -> SettingTrials | None:
    """The night's new trades under every setting; None where there are none."""
    known = [] if earlier is None else known_patterns(earlier)
    _, new, _ = known_trades(memory, context.day, known, judgement)
    if new.num_rows == 0:
        return None
    settings = context.settings
    block = market_block.priced_block(inputs, settings, context.day, days_before=held_days(settings))
    return try_settings(new, block, settings.market.rules, settings.market.costs)
