"""The asset `gate_decisions`: every signal that was traded, judged."""

from dataclasses import replace
from datetime import timedelta

from huracan.gates.contract import GateContext
from huracan.gates.judge import decisions_columns, judge_gate_coverage, judge_signals
from huracan.gates.roster import describe_gates, fit_gates, gate_kinds
from huracan.models.canonical import canonical_json
from huracan.tables import Table
from huracan_assets import shown
from huracan_assets.inputs.past_trades import TRAILING_TRADES, confidence_of, meta_label_of, trades_until
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, record, yesterday
from huracan_assets.stage import Check, Outcome, StageContext, stage

COLUMNS = decisions_columns({name: kind.measures for name, kind in gate_kinds().items()})


@stage(
    job=TRADE,
    kinds={"parquet"},
    reads=[
        record("shadow_trades"),
        replace(TRAILING_TRADES, key="past", ends=-1, optional=True, edge=False),
        yesterday("confidence_model"),
        yesterday("meta_label_model"),
    ],
    tables={"data": Table(COLUMNS, keep=90)},
    settings=["gates", "models"],
    checks=[Check("gate_coverage", "Every trade is judged by every gate, exactly once.")],
    is_record=True,
)
def gate_decisions(inputs: Inputs, context: StageContext) -> Outcome:
    """What each gate says of each signal that the day's trades began with, by what was known before the day.

    Gates stand beside the ledger, not in its way: a refused signal is traded on paper too, so that the worth
    of a refusal can be counted. A gate that cannot judge yet abstains, and says why.
    """
    if not inputs.has("shadow_trades"):
        return Outcome(note=f"No session was traded on {context.day}.")
    trades = inputs.table("shadow_trades")
    past = trades_until(inputs, context.day - timedelta(days=1), context.settings, "past")
    gates = fit_gates(
        GateContext(
            past_trades=past,
            confidence=confidence_of(inputs, context),
            meta_label=meta_label_of(inputs, context),
            settings=context.settings.gates,
        )
    )
    decisions = judge_signals(trades, gates)
    return Outcome(
        tables={"data": decisions},
        files={"gates.json": canonical_json(describe_gates(gates))},
        verdicts=[judge_gate_coverage(decisions, trades, gates)],
        metadata={"decisions": shown.count_table(decisions, ["gate", "verdict"])},
    )
