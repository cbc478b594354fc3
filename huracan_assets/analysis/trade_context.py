"""The asset `trade_context`: what is known of each of the day's trades beside the ledger."""

from huracan.analysis.trades.checks import judge_neighbours
from huracan.analysis.trades.drivers import explain_trades
from huracan.analysis.trades.luck import measure_luck
from huracan.analysis.trades.trade_context import TRADE_CONTEXT_COLUMNS, TradeContext
from huracan.tables import Table
from huracan_assets import shown
from huracan_assets.inputs import market_block
from huracan_assets.inputs.past_trades import confidence_of
from huracan_assets.inputs.remembered import neighbours_of, statistics_of
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, Read, record, yesterday
from huracan_assets.stage import DATABASE_RETRY, Check, Outcome, StageContext, stage


@stage(
    job=TRADE,
    kinds={"parquet"},
    reads=[
        record("shadow_trades"),
        Read("trade_memory"),
        yesterday("confidence_model"),
        Read("ohlcv", days=2),
        Read("features"),
        Read("regimes"),
    ],
    tables={"data": Table(TRADE_CONTEXT_COLUMNS)},
    settings=["market"],
    checks=[Check("memory_as_of", "Every similar trade had closed before the signal it was found for.")],
    searches=["trade_memory"],
    retry=DATABASE_RETRY,
    reads_outside=True,
)
def trade_context(inputs: Inputs, context: StageContext) -> Outcome:
    """What wins and losses are both explained by: similar trades in memory, the percentile among the entries
    that chance could have made, and what spoke for the trade to the confidence model of the day before."""
    if not inputs.has("trade_memory"):
        return Outcome(note=f"No trade of {context.day} is in memory.")
    trades, neighbours = inputs.table("shadow_trades"), neighbours_of(inputs, context)
    drivers = explain_trades(trades, statistics_of(inputs), confidence_of(inputs, context))
    market = context.settings.market
    luck = measure_luck(trades, market_block.priced_block(inputs, context.day), market.rules, market.costs)
    table = TradeContext.of(trades, neighbours, luck, drivers).table(trades, context.day)
    return Outcome(
        tables={"data": table},
        verdicts=[judge_neighbours(trades, neighbours)],
        metadata={"similar_trades": len(neighbours), "luck": shown.count_table(table, ["luck_scope"])},
    )
