"""The asset `win_analysis`: why the day's winning trades won, and what of it to repeat."""

from huracan.analysis.trades.trade_context import TradeContext
from huracan.analysis.trades.wins import WINS_COLUMNS, analyse_wins
from huracan.tables import Always, Table
from huracan_assets import shown
from huracan_assets.analysis import plots
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, Read, record
from huracan_assets.stage import Outcome, StageContext, stage


@stage(
    job=TRADE,
    kinds={"postgres"},
    reads=[record("shadow_trades"), Read("trade_context")],
    tables={"data": Table(WINS_COLUMNS, keep=Always(), in_database=True)},
)
def win_analysis(inputs: Inputs, context: StageContext) -> Outcome:
    """Why each winning trade won: what spoke for it to the confidence model of the day before, its percentile
    among entries that chance could have made, entry and exit quality, pattern strength, what to repeat."""
    if not inputs.has("trade_context"):
        return Outcome(note=f"No trade of {context.day} is in memory.")
    trades = inputs.table("shadow_trades")
    table = analyse_wins(trades, TradeContext.read(inputs.table("trade_context"), trades), context.day)
    return Outcome(
        tables={"data": table},
        metadata={
            "drivers_and_luck": plots.drivers_and_luck(table),
            "repeat": shown.count_table(table, ["repeat", "pattern_strength"]),
            "wins": shown.top_rows(table, 10),
        },
    )
