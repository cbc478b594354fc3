"""The asset `gate_decisions`: every signal that was traded, judged."""

from dataclasses import replace

import numpy as np

from huracan.gates.contract import Gate, GateContext
from huracan.gates.judge import decisions_columns, judge_by_night, judge_gate_coverage
from huracan.gates.roster import describe_gates, fit_gates, gate_kinds
from huracan.market.handover import as_date
from huracan.models.canonical import canonical_json
from huracan.tables import Table
from huracan_assets import shown
from huracan_assets.inputs.in_force import models_in_force, nights_of
from huracan_assets.inputs.past_trades import TRAILING_TRADES, confidence_of, meta_label_of, trades_until
from huracan_assets.inputs.windows import trailing_days_of_older_nights
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, record
from huracan_assets.stage import Check, Outcome, StageContext, stage

COLUMNS = decisions_columns({name: kind.measures for name, kind in gate_kinds().items()})


@stage(
    job=TRADE,
    kinds={"parquet"},
    reads=[
        record("shadow_trades"),
        replace(
            TRAILING_TRADES,
            key="past",
            days=trailing_days_of_older_nights,
            ends=-1,
            optional=True,
            edge=False,
        ),
        *models_in_force("confidence_model"),
        *models_in_force("meta_label_model"),
    ],
    tables={"data": Table(COLUMNS, keep=90)},
    settings=["gates", "models", "market.handover", "market.rules.maximum_holding"],
    checks=[Check("gate_coverage", "Every trade is judged by every gate, exactly once.")],
    is_record=True,
)
def gate_decisions(inputs: Inputs, context: StageContext) -> Outcome:
    """What each gate says of each signal that the day's trades began with, by the models that were in force
    then: up to a day's handover those of the night before the last one, as for whoever runs a brain.

    Gates stand beside the ledger, not in its way: a refused signal is traded on paper too, so that the worth
    of a refusal can be counted. A gate that cannot judge yet abstains, and says why.
    """
    if not inputs.has("shadow_trades"):
        return Outcome(note=f"No session was traded on {context.day}.")
    trades = inputs.table("shadow_trades")
    nights = nights_of(trades, context.settings)
    in_force = {night: _gates_of(night, inputs, context) for night in np.unique(nights).tolist()}
    decisions = judge_by_night(trades, nights, in_force)
    described = {as_date(night).isoformat(): describe_gates(gates) for night, gates in in_force.items()}
    return Outcome(
        tables={"data": decisions},
        files={"gates.json": canonical_json(described)},
        verdicts=[judge_gate_coverage(decisions, trades, gate_kinds())],
        metadata={"decisions": shown.count_table(decisions, ["gate", "verdict"])},
    )


def _gates_of(night: int, inputs: Inputs, context: StageContext) -> dict[str, Gate]:
    """Every gate as the night left it."""
    day = as_date(night)
    return fit_gates(
        GateContext(
            past_trades=trades_until(inputs, day, context.settings, "past"),
            confidence=confidence_of(inputs, context, day),
            meta_label=meta_label_of(inputs, context, day),
            settings=context.settings.gates,
        )
    )
