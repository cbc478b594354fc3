"""The asset `loss_analysis`: why the day's losing trades lost, and what the rules against it would have done
on the days before."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta

import pyarrow as pa

from huracan.analysis.rules.avoidance import distinct_rules
from huracan.analysis.rules.past_session import ANALYSED, PastDay
from huracan.analysis.rules.report import RULES_COLUMNS, rules_table, with_trials
from huracan.analysis.rules.trials import TRAILING_DAYS, UnusableDay, try_rules
from huracan.analysis.trades.checks import judge_coverage, judge_loss_reasons, judge_rules_tried
from huracan.analysis.trades.loss_cases import BarLengths
from huracan.analysis.trades.losses import LOSSES_COLUMNS, analyse_losses
from huracan.analysis.trades.trade_context import TradeContext
from huracan.errors import AgedOut, InputRefused, InvalidInput
from huracan.tables import Always, Table
from huracan_assets import shown
from huracan_assets.analysis import plots
from huracan_assets.inputs import market_block
from huracan_assets.inputs.accounts import OPEN_POSITIONS, carried_on, opening_again
from huracan_assets.inputs.windows import before_held_days, lead_candle_days
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, Read, record
from huracan_assets.stage import Check, Outcome, StageContext, stage
from huracan_resources.settings.settings import Settings

PAST = "past_"


def past(asset: str, days: int | Callable[[Settings], int] = TRAILING_DAYS + 1) -> Read:
    """The good partitions of the days before, and of one more, from which the first of them goes on; none is
    needed, and what they were made from by then stands."""
    return Read(asset, key=PAST + asset, days=days, ends=-1, edge=False, is_record=True, may_lack_days=True)


def _past_candles(settings: Settings) -> int:
    return TRAILING_DAYS + 1 + lead_candle_days(settings)


@stage(
    job=TRADE,
    kinds={"postgres"},
    reads=[
        record("shadow_trades"),
        Read("trade_context"),
        Read("win_analysis"),
        Read("ohlcv", days=before_held_days),
        *(past(asset) for asset in ("shadow_trades", "market_costs", "features")),
        replace(past("regimes"), table="data"),
        *(past(asset, TRAILING_DAYS) for asset in ("win_analysis", "loss_analysis")),
        past("ohlcv", _past_candles),
    ],
    tables={
        "data": Table(LOSSES_COLUMNS, keep=Always(), in_database=True),
        "rules": Table(RULES_COLUMNS, keep=Always()),
    },
    settings=["universe", "market", "analysis"],
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

    Each rule is tried on the days before: their stored actions are played with it and without, each day from
    the accounts that it began with to its end. What came of it, and whether that could be chance, stands
    beside the loss and in the table `rules`, the best first.
    """
    if not inputs.has("win_analysis"):
        return Outcome(note=f"No trade of {context.day} is in memory.")
    trades, wins = inputs.table("shadow_trades"), inputs.table("win_analysis")
    known = TradeContext.read(inputs.table("trade_context"), trades)
    candles, limits = inputs.table("ohlcv"), context.settings.analysis.losses
    lengths = BarLengths(context.timeframe, context.decision_timeframe)
    losses = analyse_losses(trades, known, context.day, lengths, candles, limits)
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
            yield _past_day(inputs, context, day)
        except AgedOut:
            # Made again years later, an analysis must not be replaced by one of a shorter past.
            raise
        except (InputRefused, InvalidInput) as refused:
            yield UnusableDay(day, refused.what)


def _past_day(inputs: Inputs, context: StageContext, day: date) -> PastDay:
    ledger, settings = PAST + "shadow_trades", context.settings
    hands_on = inputs.holds(ledger, day, f"{OPEN_POSITIONS}.parquet")
    if inputs.holds(ledger, day, "session.parquet") and not hands_on:
        # Its actions stand by the bar at whose close they were decided, and its positions all ended with it.
        raise InputRefused(
            f"{day} was traded by a version whose days ended flat.", "Later days are tried in its place."
        )
    block = market_block.priced_paper_block(inputs, settings, day, PAST)
    before, carried = day - timedelta(days=1), None
    if inputs.holds(ledger, before, f"{OPEN_POSITIONS}.parquet"):
        carried = carried_on(inputs.of_day(ledger, before, None, OPEN_POSITIONS), settings, day)
    opening = opening_again(carried, block, inputs, settings, day, PAST)
    trades = inputs.of_day(ledger, day, ["trade_id", "symbol", "entry_time", "net_usd"])
    return PastDay(
        day,
        opening.block,
        inputs.of_day(ledger, day, ["symbol", "open_time", "action"], "session"),
        trades.slice(opening.closures.trades.num_rows),
        _analysed(inputs, day),
        opening.state,
    )


def _analysed(inputs: Inputs, day: date) -> pa.Table | None:
    """What was known of the neighbourhoods of the day's trades; None where the day was not analysed."""
    tables = [
        inputs.of_day(PAST + asset, day, ["trade_id", *ANALYSED])
        for asset in ("win_analysis", "loss_analysis")
        if inputs.holds(PAST + asset, day)
    ]
    return pa.concat_tables(tables) if tables else None
