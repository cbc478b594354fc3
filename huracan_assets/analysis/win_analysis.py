"""The asset `win_analysis`: why the day's winning trades won, and what of it to repeat."""

from huracan.analysis.trades.checks import judge_neighbours
from huracan.analysis.trades.drivers import explain_trades
from huracan.analysis.trades.luck import measure_luck
from huracan.analysis.trades.wins import WINS_COLUMNS, analyse_wins
from huracan.tables import Always, Table
from huracan_assets import shown
from huracan_assets.analysis import plots
from huracan_assets.inputs import market_block
from huracan_assets.inputs.past_trades import confidence_of
from huracan_assets.inputs.remembered import neighbours_of, statistics_of
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, Read, record, yesterday
from huracan_assets.stage import Check, Outcome, StageContext, stage


@stage(
    job=TRADE,
    kinds={"postgres"},
    reads=[
        record("shadow_trades"),
        Read("trade_memory"),
        yesterday("confidence_model"),
        Read("ohlcv", days=2),
        Read("features"),
        Read("regimes"),
    ],
    tables={"data": Table(WINS_COLUMNS, keep=Always(), in_database=True)},
    settings=["market"],
    checks=[Check("memory_as_of", "Every similar trade had closed before the signal it was found for.")],
    searches=["trade_memory"],
    reads_outside=True,
)
def win_analysis(inputs: Inputs, context: StageContext) -> Outcome:
    """Why each winning trade won: what spoke for it to the confidence model of the day before, its percentile
    among entries that chance could have made, entry and exit quality, pattern strength, what to repeat."""
    if not inputs.has("trade_memory"):
        return Outcome(note=f"No trade of {context.day} is in memory.")
    trades, neighbours = inputs.table("shadow_trades"), neighbours_of(inputs, context)
    drivers = explain_trades(trades, statistics_of(inputs), confidence_of(inputs, context))
    market = context.settings.market
    luck = measure_luck(trades, market_block.priced_block(inputs, context.day), market.rules, market.costs)
    table = analyse_wins(trades, neighbours, drivers, luck, context.day)
    return Outcome(
        tables={"data": table},
        verdicts=[judge_neighbours(trades, neighbours)],
        metadata={
            "drivers_and_luck": plots.drivers_and_luck(table),
            "repeat": shown.count_table(table, ["repeat", "pattern_strength"]),
            "wins": shown.top_rows(table, 10),
        },
    )
