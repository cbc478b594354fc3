"""The asset `pattern_library`: recurring entry contexts, and what later trades made of them."""

import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.memory.rows import MEMORY_SCHEMA
from huracan.analysis.patterns.checks import judge_patterns
from huracan.analysis.patterns.library import pattern_library as find_patterns
from huracan.analysis.patterns.table import NIGHTS_COLUMNS, PATTERNS_COLUMNS
from huracan.analysis.patterns.trials import SettingTrials, try_settings
from huracan.tables import Always, Table
from huracan_assets import shown
from huracan_assets.analysis import pattern_plots
from huracan_assets.inputs import market_block
from huracan_assets.inputs.file_names import EMBEDDING_FILE
from huracan_assets.inputs.remembered import statistics_of
from huracan_assets.inputs.windows import trailing_days
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import Check, Outcome, StageContext, stage


@stage(
    job=TRADE,
    kinds={"postgres"},
    reads=[
        Read("trade_memory", days=trailing_days, is_record=True),
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
    entered again under other stops and targets, and what was best before is judged by them too.
    """
    earlier = inputs.table("earlier") if inputs.has("earlier") else None
    if earlier is None and not inputs.has("trade_memory"):
        return Outcome(note=f"No trade up to {context.day} is in memory.")
    # After weeks without a session there is nothing to find, but what was known is not forgotten.
    memory = inputs.table("trade_memory") if inputs.has("trade_memory") else MEMORY_SCHEMA.empty_table()
    settings = context.settings
    trials, rules = _trials(memory, inputs, context), settings.market.rules
    found = find_patterns(
        memory, statistics_of(inputs), context.day, earlier, settings.patterns, trials, rules
    )
    statistics = inputs.file("trade_memory", EMBEDDING_FILE)
    return Outcome(
        tables={"data": found.table, "nights": found.nights},
        # Whoever compares a bar with the library needs the space that it lies in.
        files={EMBEDDING_FILE: statistics} if statistics else {},
        verdicts=[judge_patterns(found)],
        note=found.note,
        metadata={
            "patterns": shown.top_rows(found.table.select(pattern_plots.SHOWN), 30),
            "later_trades": pattern_plots.forward_results(found.table),
        },
    )


def _trials(memory: pa.Table, inputs: Inputs, context: StageContext) -> SettingTrials | None:
    """The day's trades under every setting; None where the day has none."""
    today = memory.filter(pc.equal(memory["day"], pa.scalar(context.day, pa.date32())))
    if today.num_rows == 0:
        return None
    market = context.settings.market
    return try_settings(today, market_block.priced_block(inputs, context.day), market.rules, market.costs)
