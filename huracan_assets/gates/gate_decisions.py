"""The asset `gate_decisions`: every signal that was traded, judged."""

from dataclasses import replace

import numpy as np

from huracan.gates.judge import decisions_columns, judge_by_night, judge_gate_coverage
from huracan.gates.roster import describe_gates, fit_gates, gate_kinds, modes_of
from huracan.market.facts.columns import FACTS_COLUMNS
from huracan.market.facts.signal_facts import signal_facts
from huracan.market.handover import as_date
from huracan.models.canonical import canonical_json
from huracan.tables import Table
from huracan_assets import shown
from huracan_assets.inputs.gate_context import PAST_FACTS, gate_context
from huracan_assets.inputs.in_force import models_in_force, nights_of
from huracan_assets.inputs.past_trades import TRAILING_TRADES
from huracan_assets.inputs.windows import before_held_days, trailing_days_of_older_nights
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, Read, record
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
        replace(PAST_FACTS, days=trailing_days_of_older_nights, ends=-1),
        *models_in_force("confidence_model"),
        *models_in_force("meta_label_model"),
        *models_in_force("conformal_model"),
        *models_in_force("pattern_library"),
        Read("ohlcv", days=before_held_days, edge=False),
    ],
    tables={"data": Table(COLUMNS, keep=90), "facts": Table(FACTS_COLUMNS)},
    settings=["gates", "models", "market.handover", "market.rules.maximum_holding"],
    checks=[Check("gate_coverage", "Every trade is judged by every gate, exactly once.")],
    is_record=True,
)
def gate_decisions(inputs: Inputs, context: StageContext) -> Outcome:
    """What each gate says of each signal that the day's trades began with, by the models that were in force
    then: up to a day's handover those of the night before the last one, as for whoever runs a brain. The
    table `facts` says what the market was like at each of them.

    Gates stand beside the ledger, not in its way: a refused signal is traded on paper too, so that the worth
    of a refusal can be counted. A gate that cannot judge yet abstains, and says why.
    """
    if not inputs.has("shadow_trades"):
        return Outcome(note=f"No session was traded on {context.day}.")
    trades, modes = inputs.table("shadow_trades"), modes_of(context.settings.gates)
    facts = signal_facts(trades, inputs.table("ohlcv"))
    nights = nights_of(trades, context.settings)
    in_force = {
        night: fit_gates(gate_context(inputs, context, as_date(night), "past"))
        for night in np.unique(nights).tolist()
    }
    decisions = judge_by_night(trades, nights, in_force, facts, modes=modes)
    described = {as_date(night).isoformat(): describe_gates(gates) for night, gates in in_force.items()}
    return Outcome(
        tables={"data": decisions, "facts": facts},
        files={"gates.json": canonical_json(described)},
        verdicts=[judge_gate_coverage(decisions, trades, modes)],
        metadata={"decisions": shown.count_table(decisions, ["gate", "verdict"])},
    )
