"""The asset `pattern_library`: recurring entry contexts, and what later trades made of them."""

import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.memory.rows import MEMORY_SCHEMA
from huracan.analysis.patterns.checks import judge_patterns
from huracan.analysis.patterns.identity import with_features
from huracan.analysis.patterns.library import NightsJudgement
from huracan.analysis.patterns.library import pattern_library as find_patterns
from huracan.analysis.patterns.table import NIGHTS_COLUMNS, PATTERNS_COLUMNS
from huracan.analysis.patterns.trials import SettingTrials, try_settings
from huracan.tables import Always, Table
from huracan_assets import shown
from huracan_assets.analysis import pattern_plots
from huracan_assets.inputs import market_block
from huracan_assets.inputs.file_names import EMBEDDING_FILE
from huracan_assets.inputs.remembered import statistics_from, statistics_of
from huracan_assets.inputs.windows import trailing_days
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import Check, Outcome, StageContext, stage


@stage(
    job=TRADE,
    kinds={"postgres"},
    reads=[
        Read("trade_memory", days=trailing_days, is_record=True),
        Read("shadow_trades", is_record=True, edge=False),
        Read("ohlcv", days=2),
        Read("features"),
        Read("regimes"),
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

    The day's trades judge the patterns that the night before knew: only they can make one reliable. Each is
    entered again under other stops and targets, and what was best before is judged by them too. Trades that
    were remade after their night judge nothing.
    """
    if not inputs.has("earlier") and not inputs.has("trade_memory"):
        return Outcome(note=f"No trade up to {context.day} is in memory.")
    statistics = statistics_of(inputs)
    memory, left_out = _remembered(inputs, statistics.feature_names)
    earlier, settings = _earlier(inputs, statistics.feature_names), context.settings
    is_remade = any(ledger.remade for ledger in inputs.manifests("shadow_trades"))
    trials = None if is_remade else _trials(memory, inputs, context)
    judgement = NightsJudgement(settings.patterns, trials, settings.market.rules, not is_remade)
    found = find_patterns(memory, statistics, context.day, earlier, judgement)
    space = inputs.file("trade_memory", EMBEDDING_FILE)
    return Outcome(
        tables={"data": found.table, "nights": found.nights},
        # Whoever compares a bar with the library needs the space that it lies in.
        files={EMBEDDING_FILE: space} if space else {},
        verdicts=[judge_patterns(found)],
        note=" ".join(filter(None, [found.note, left_out, _REMADE if is_remade else ""])),
        metadata={
            "patterns": shown.top_rows(found.table.select(pattern_plots.SHOWN), 30),
            "later_trades": pattern_plots.forward_results(found.table),
        },
    )


_REMADE = "The day's trades were remade after their night: no pattern is judged by them."


def _remembered(inputs: Inputs, feature_names: tuple[str, ...]) -> tuple[pa.Table, str]:
    """The memory of the days whose entries have these features, and which days were left out, and why."""
    spaces, days = inputs.files_by_day("trade_memory", EMBEDDING_FILE), inputs.tables_by_day("trade_memory")
    kept = {
        day: table
        for day, table in days.items()
        if day in spaces and statistics_from(spaces[day]).feature_names == feature_names
    }
    others = [str(day) for day in days if day not in kept]
    # After weeks without a session there is nothing to find, but what was known is not forgotten.
    memory = MEMORY_SCHEMA.empty_table()
    if kept:
        memory = pa.concat_tables(kept.values(), promote_options="default")
    return memory, f"Left out, for entry features of other names: {', '.join(others)}." if others else ""


def _earlier(inputs: Inputs, feature_names: tuple[str, ...]) -> pa.Table | None:
    """The library of the day before, its mean features under tonight's names."""
    if not inputs.has("earlier"):
        return None
    space = inputs.file("earlier", EMBEDDING_FILE)
    before = statistics_from(space).feature_names if space else None
    return with_features(inputs.table("earlier"), before, feature_names)


def _trials(memory: pa.Table, inputs: Inputs, context: StageContext) -> SettingTrials | None:
    """The day's trades under every setting; None where the day has none."""
    today = memory.filter(pc.equal(memory["day"], pa.scalar(context.day, pa.date32())))
    if today.num_rows == 0:
        return None
    market = context.settings.market
    return try_settings(today, market_block.priced_block(inputs, context.day), market.rules, market.costs)
