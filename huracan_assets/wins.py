"""The asset `win_analysis`: why the day's winning trades won, and what of it to repeat."""

from huracan.analysis.trades.checks import judge_neighbours
from huracan.analysis.trades.drivers import explain_trades
from huracan.analysis.trades.luck import measure_luck
from huracan.analysis.trades.wins import analyse_wins
from huracan_assets import analysis_plots, market_block, plots
from huracan_assets.memory import neighbours_of, statistics_of
from huracan_assets.models import confidence_of
from huracan_assets.reads import Inputs, Read, yesterday
from huracan_assets.stage import Check, Night, Outcome, stage

ROOMS = [*market_block.ROOMS, "models"]


@stage(
    group="analysis",
    kinds={"postgres"},
    reads=[
        Read("shadow_trades"),
        Read("trade_memory"),
        yesterday("confidence_model"),
        Read("ohlcv", days=2),
        Read("features"),
        Read("regimes"),
    ],
    rooms=ROOMS,
    blocks=["market"],
    checks=[Check("memory_as_of", "Every similar trade had closed before the signal it was found for.")],
    database={"win_analysis": "data"},
    searches=["trade_memory"],
    reads_outside=True,
)
def win_analysis(inputs: Inputs, night: Night) -> Outcome:
    """Why each winning trade won: what spoke for it to the confidence model of the day before, its percentile
    among entries that chance could have made, entry and exit quality, pattern strength, what to repeat."""
    if not inputs.has("trade_memory"):
        return Outcome(note=f"No trade of {night.day} is in memory.")
    trades, neighbours = inputs.table("shadow_trades"), neighbours_of(inputs, night)
    drivers = explain_trades(trades, statistics_of(inputs), confidence_of(inputs, night))
    market = night.settings.market
    luck = measure_luck(trades, market_block.priced_block(inputs, night.day), market.rules, market.costs)
    table = analyse_wins(trades, neighbours, drivers, luck, night.day)
    return Outcome(
        tables={"data": table},
        verdicts=[judge_neighbours(trades, neighbours)],
        metadata={
            "drivers_and_luck": analysis_plots.drivers_and_luck(table),
            "repeat": plots.count_table(table, ["repeat", "pattern_strength"]),
            "wins": plots.top_rows(table, 10),
        },
    )
