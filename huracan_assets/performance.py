"""The asset `model_performance`: how the policy that traded the day did."""

import json

import pyarrow as pa

from huracan.evaluation.performance import judge_performance, performance_table
from huracan_assets import ledger_plots, plots
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import Check, Night, Outcome, stage


@stage(
    group="brain",
    kinds={"postgres"},
    reads=[Read("shadow_trades")],
    rooms=["evaluation", "market"],
    blocks=[],
    checks=[Check("performance_sums", "All, the symbols and the regimes each sum to the ledger.")],
    database={"model_performance": "data"},
)
def model_performance(inputs: Inputs, night: Night) -> Outcome:
    """How the policy that traded the day did: trades, net, Sharpe ratio with its error, drawdown, exposure,
    turnover and costs, of all, by symbol and by regime."""
    manifest = inputs.last("shadow_trades")
    if manifest is None or not inputs.has("shadow_trades"):
        return Outcome(note=f"No session was traded on {night.day}.")
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
            "performance": plots.top_rows(table, 30),
            "net_by_part": ledger_plots.net_by_part(table),
        },
    )
