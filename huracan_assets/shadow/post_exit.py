"""The asset `post_exit`: what came after yesterday's exits, and how good exits are over time."""

from huracan.analysis.trades.exit_quality import (
    EXIT_QUALITY_COLUMNS,
    WINDOWS_DAYS,
    judge_exits,
    summarise_exits,
)
from huracan.analysis.trades.post_exit import POST_EXIT_COLUMNS, track_post_exit
from huracan.tables import Always, Table
from huracan_assets import shown
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, Read, yesterday
from huracan_assets.shadow import plots
from huracan_assets.stage import Check, Outcome, StageContext, stage


@stage(
    job=TRADE,
    kinds={"postgres"},
    reads=[
        yesterday("shadow_trades"),
        Read("ohlcv", days=2),
        Read(
            "post_exit", key="earlier", days=max(WINDOWS_DAYS) - 1, ends=-1, edge=False, is_record=True,
            may_lack_days=True,
        ),
    ],
    tables={
        "data": Table(POST_EXIT_COLUMNS, keep=Always(), name="post_exit_tracking", in_database=True),
        "quality": Table(EXIT_QUALITY_COLUMNS, keep=Always(), name="exit_quality", in_database=True),
    },
    settings=["universe", "analysis"],
    checks=[Check("post_exit_coverage", "Each trade of the day before is tracked exactly once.")],
)  # fmt: skip
def post_exit(inputs: Inputs, context: StageContext) -> Outcome:
    """What came after yesterday's exits: the price 1, 4 and 24 hours on, missed profit and saved loss.

    The table `quality` sums it up by exit reason and by the pattern of the entry, of the day alone and of the
    last 30 days.
    """
    if not inputs.has("shadow_trades"):
        return Outcome(note=f"No session was traded on the day before {context.day}.")
    trades = inputs.table("shadow_trades")
    fills = inputs.table("shadow_trades", "fills")
    limits = context.settings.analysis.exits
    table = track_post_exit(trades, fills, inputs.table("ohlcv"), context.day, context.timeframe, limits)
    earlier = inputs.table("earlier") if inputs.has("earlier") else None
    quality = summarise_exits(table, earlier, context.day)
    return Outcome(
        tables={"data": table, "quality": quality},
        verdicts=[judge_exits(trades, table, quality)],
        metadata={
            "exits": shown.top_rows(table, 10),
            "quality": shown.top_rows(quality, 30),
            "after_the_exit": plots.after_the_exit(quality),
        },
    )
