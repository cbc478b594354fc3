"""The asset `gate_stats`: what each gate's judgements were worth."""

from huracan.gates.statistics import GATE_STATISTICS_COLUMNS, gate_statistics
from huracan.tables import Table
from huracan_assets import shown
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, record
from huracan_assets.stage import Outcome, StageContext, stage


@stage(
    job=TRADE,
    kinds={"postgres"},
    reads=[record("gate_decisions"), record("shadow_trades")],
    tables={"data": Table(GATE_STATISTICS_COLUMNS, in_database=True)},
)
def gate_stats(inputs: Inputs, context: StageContext) -> Outcome:
    """Per gate: how often it passed, blocked or abstained, and what the refused trades would have made."""
    if not inputs.has("gate_decisions"):
        return Outcome(note=f"No signal was judged on {context.day}.")
    table = gate_statistics(inputs.table("gate_decisions"), inputs.table("shadow_trades"))
    return Outcome(tables={"data": table}, metadata={"gates": shown.top_rows(table, 20)})
