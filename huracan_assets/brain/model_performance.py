"""The asset `model_performance`: how the policy that traded the day did."""

import json

import pyarrow as pa

from huracan.evaluation.performance import PERFORMANCE_COLUMNS, judge_performance, performance_table
from huracan.market.ledger import TRADES_COLUMNS
from huracan.tables import Table, chosen
from huracan_assets import shown
from huracan_assets.brain import plots
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, record
from huracan_assets.stage import Check, Outcome, StageContext, stage

MADE_BY = chosen(TRADES_COLUMNS, "model_id", "is_simulated")


@stage(
    job=TRADE,
    kinds={"postgres"},
    reads=[record("shadow_trades")],
    tables={"data": Table((*PERFORMANCE_COLUMNS, *MADE_BY), in_database=True)},
    checks=[Check("performance_sums", "All, the symbols and the regimes each sum to the ledger.")],
)
def model_performance(inputs: Inputs, context: StageContext) -> Outcome:
    """How the policy that traded the day did: closed trades and their net, the day's result (the change of
    marked equity), Sharpe ratio with its error, drawdown, exposure, turnover and costs, of all, by symbol and
    by regime."""
    manifest = inputs.last("shadow_trades")
    if manifest is None or not inputs.has("shadow_trades"):
        return Outcome(note=f"No session was traded on {context.day}.")
    trades = inputs.table("shadow_trades")
    table = performance_table(trades, inputs.tables("shadow_trades", "session"))
    model_id = json.loads(inputs.file("shadow_trades", "model.json") or b"{}").get("model_id", "")
    made_by = {
        "model_id": pa.array([model_id] * len(table)),
        "is_simulated": [manifest.is_simulated] * len(table),
    }
    for name, column in made_by.items():
        table = table.append_column(name, pa.array(column))
    return Outcome(
        tables={"data": table},
        verdicts=[judge_performance(table, trades)],
        metadata={
            "performance": shown.top_rows(table, 30),
            "net_by_part": plots.net_by_part(table),
        },
    )
