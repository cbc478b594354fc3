"""The asset `loss_analysis`: why the day's losing trades lost, and what the rules against it would have done
on the days before."""

from collections.abc import Iterator
from datetime import date, timedelta

import pyarrow as pa

from huracan.analysis.rules.avoidance import distinct_rules
from huracan.analysis.rules.past_session import ANALYSED, PastDay
from huracan.analysis.rules.report import RULES_COLUMNS, rules_table, with_trials
from huracan.analysis.rules.trials import TRAILING_DAYS, UnusableDay, try_rules
from huracan.analysis.trades.checks import judge_coverage, judge_loss_reasons, judge_rules_tried
from huracan.analysis.trades.losses import LOSSES_COLUMNS, analyse_losses
from huracan.analysis.trades.trade_context import TradeContext
from huracan.errors import AgedOut, InputRefused, InvalidInput
from huracan.tables import Always, Table
from huracan_assets import shown
from huracan_assets.analysis import plots
from huracan_assets.inputs import market_block
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, Read, record
from huracan_assets.stage import Check, Outcome, StageContext, stage

PAST = "past_"


def past(asset: str, days: int = TRAILING_DAYS) -> Read:
    """The good partitions of the days before; none of them is needed, and what they were made from by then
    stands."""
    return Read(asset, key=PAST + asset, days=days, ends=-1, edge=False, is_record=True, may_lack_days=True)


@stage(
    job=TRADE,
    kinds={"postgres"},
    reads=[
        record("shadow_trades"),
        Read("trade_context"),
        Read("win_analysis"),
        Read("ohlcv"),
        *(past(asset) for asset in ("shadow_trades", "features", "regimes", "win_analysis", "loss_analysis")),
        past("ohlcv", TRAILING_DAYS + 1),
    ],
    tables={
        "data": Table(LOSSES_COLUMNS, keep=Always(), in_database=True),
        "rules": Table(RULES_COLUMNS, keep=Always()),
    },
    settings=["market", "analysis"],
    checks=[
        Check(
            "analysis_coverage", "Every closed trade is analysed exactly once and the sums are the ledger's."
        ),
        Check("loss_reasons", "Every loss has a reason with its evidence."),
        Check("avoidance_rules", "Every loss has the verdict of its rule on the days before."),
    ],
)
def loss_analysis(inputs: Inputs, context: StageContext) -> Outcome:
    """Why each losing trade lost: one primary reason, further ones, evidence, and the rule that avoids it.

    Each rule is tried on the days before: their stored actions are played with it and without. What came of
    it, and whether that could be chance, stands beside the loss and in the table `rules`, the best first.
    """
    if not inputs.has("win_analysis"):
        return Outcome(note=f"No trade of {context.day} is in memory.")
    trades, wins = inputs.table("shadow_trades"), inputs.table("win_analysis")
    known = TradeContext.read(inputs.table("trade_context"), trades)
    candles, limits = inputs.table("ohlcv"), context.settings.analysis.losses
    losses = analyse_losses(trades, known, context.day, context.timeframe, candles, limits)
    suggested = distinct_rules(losses["rule"])
    market = context.settings.market
    trials = try_rules(suggested, past_days(inputs, context), context.day, market.rules, market.costs)
    tried = rules_table(losses, trials, context.day)
    losses = with_trials(losses, tried)
    return Outcome(
        tables={"data": losses, "rules": tried},
        verdicts=[
            judge_coverage(trades, wins, losses),
            judge_loss_reasons(losses),
            judge_rules_tried(losses, tried, trials),
        ],
        metadata={
            "lost_by_reason": plots.lost_by_reason(losses),
            "rules": shown.top_rows(tried.drop_columns(["day", "rule"]), 20),
            "losses": shown.count_table(losses, ["primary_reason"]),
        },
    )


def past_days(inputs: Inputs, context: StageContext) -> Iterator[PastDay | UnusableDay]:
    """The days before on which a policy traded, oldest first, one at a time; those that cannot be read with
    the reason."""
    ledgers = inputs.days(PAST + "shadow_trades")
    for back in range(TRAILING_DAYS, 0, -1):
        day = context.day - timedelta(days=back)
        if not ledgers or day < min(ledgers):
            continue
        if day in ledgers and not inputs.holds(PAST + "shadow_trades", day, "session.parquet"):
            continue  # No policy was there to trade.
        try:
            yield PastDay(
                day,
                market_block.priced_block(inputs, day, PAST),
                inputs.of_day(PAST + "shadow_trades", day, ["symbol", "open_time", "action"], "session"),
                inputs.of_day(PAST + "shadow_trades", day, ["trade_id", "symbol", "entry_time", "net_usd"]),
                _analysed(inputs, day),
            )
        except AgedOut:
            # Made again years later, an analysis must not be replaced by one of a shorter past.
            raise
        except (InputRefused, InvalidInput) as refused:
            yield UnusableDay(day, refused.what)


def _analysed(inputs: Inputs, day: date) -> pa.Table | None:
    """What was known of the neighbourhoods of the day's trades; None where the day was not analysed."""
    tables = [
        inputs.of_day(PAST + asset, day, ["trade_id", *ANALYSED])
        for asset in ("win_analysis", "loss_analysis")
        if inputs.holds(PAST + asset, day)
    ]
    return pa.concat_tables(tables) if tables else None
