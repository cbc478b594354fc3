"""The assets `gate_decisions` and `gate_stats`: every signal judged, and what each judgement was worth."""

from dataclasses import replace
from datetime import timedelta

from huracan.gates.judge import judge_gate_coverage, judge_signals
from huracan.gates.roster import describe_gates, fit_gates
from huracan.gates.statistics import gate_statistics
from huracan.models.canonical import canonical_json
from huracan_assets import plots
from huracan_assets.models import TRAILING_TRADES, confidence_of, meta_label_of, trades_until
from huracan_assets.reads import Inputs, Read, yesterday
from huracan_assets.stage import Check, Night, Outcome, stage


@stage(
    group="gates",
    kinds={"parquet"},
    reads=[
        Read("shadow_trades"),
        replace(TRAILING_TRADES, key="past", ends=-1, optional=True, edge=False),
        yesterday("confidence_model"),
        yesterday("meta_label_model"),
    ],
    rooms=["features", "market", "models", "gates"],
    blocks=["gates", "models"],
    checks=[Check("gate_coverage", "Every trade is judged by every gate, exactly once.")],
)
def gate_decisions(inputs: Inputs, night: Night) -> Outcome:
    """What each gate says of each of the day's signals, judged by what was known before the day.

    Gates stand beside the ledger, not in its way: a refused signal is traded on paper too, so that the worth
    of a refusal can be counted. A gate that cannot judge yet abstains, and says why.
    """
    if not inputs.has("shadow_trades"):
        return Outcome(note=f"No session was traded on {night.day}.")
    trades = inputs.table("shadow_trades")
    past = trades_until(inputs, night.day - timedelta(days=1), night.settings, "past")
    gates = fit_gates(past, confidence_of(inputs, night), meta_label_of(inputs, night), night.settings.gates)
    decisions = judge_signals(trades, gates)
    return Outcome(
        tables={"data": decisions},
        files={"gates.json": canonical_json(describe_gates(gates))},
        verdicts=[judge_gate_coverage(decisions, trades, gates)],
        metadata={"decisions": plots.count_table(decisions, ["gate", "verdict"])},
    )


@stage(
    group="gates",
    kinds={"postgres"},
    reads=[Read("gate_decisions"), Read("shadow_trades")],
    rooms=["gates", "market"],
    blocks=[],
    database={"gate_stats": "data"},
)
def gate_stats(inputs: Inputs, night: Night) -> Outcome:
    """Per gate: how often it passed, blocked or abstained, and what the refused trades would have made."""
    if not inputs.has("gate_decisions"):
        return Outcome(note=f"No signal was judged on {night.day}.")
    table = gate_statistics(inputs.table("gate_decisions"), inputs.table("shadow_trades"))
    return Outcome(tables={"data": table}, metadata={"gates": plots.top_rows(table, 20)})
