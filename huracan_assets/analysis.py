"""The asset `pattern_library`: the recurring entry contexts among the trades in memory."""

from huracan.analysis.patterns import pattern_library as find_patterns
from huracan_assets import plots
from huracan_assets.market_block import EMBEDDING_FILE
from huracan_assets.memory import ROOMS, statistics_of
from huracan_assets.models import trailing_days
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import Night, Outcome, stage


@stage(
    group="analysis",
    kinds={"postgres"},
    reads=[
        Read("trade_memory", days=trailing_days, is_record=True),
        Read("pattern_library", key="earlier", ends=-1, optional=True, edge=False, is_record=True),
    ],
    rooms=ROOMS,
    blocks=["models", "patterns"],
    database={"pattern_library": "data"},
)
def pattern_library(inputs: Inputs, night: Night) -> Outcome:
    """Recurring entry contexts in memory up to the day, under identities that last from night to night."""
    if not inputs.has("trade_memory"):
        return Outcome(note=f"No trade up to {night.day} is in memory.")
    earlier = inputs.table("earlier") if inputs.has("earlier") else None
    found = find_patterns(
        inputs.table("trade_memory"), statistics_of(inputs), night.day, earlier, night.settings.patterns
    )
    statistics = inputs.file("trade_memory", EMBEDDING_FILE)
    return Outcome(
        tables={"data": found.table},
        # Whoever compares a bar with the library needs the space that it lies in.
        files={EMBEDDING_FILE: statistics} if statistics else {},
        note=found.note,
        metadata={"patterns": plots.top_rows(found.table, 20)},
    )
