"""The asset `gate_decisions`: every signal that was traded, judged."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from huracan.gates.judge import decisions_columns, judge_by_night, judge_gate_coverage
from huracan.gates.roster import describe_gates, fit_gates, gate_kinds, modes_of
from huracan.market.facts.columns import FACTS_COLUMNS
from huracan.market.facts.signal_facts import signal_facts
from huracan.market.handover import as_date
from huracan.market.ledger import BOOKS
from huracan.models.canonical import canonical_json
from huracan.tables import Table
from huracan_assets import shown
from huracan_assets.inputs.gate_context import PAST_FACTS, gate_context
from huracan_assets.inputs.gate_thresholds import THRESHOLDS_IN_FORCE
from huracan_assets.inputs.in_force import models_in_force, nights_of
from huracan_assets.inputs.named_features import EXPLORED_LEDGER, LEDGER
from huracan_assets.inputs.past_trades import TRAILING_EXPLORED, TRAILING_TRADES, explored_key
from huracan_assets.inputs.windows import before_held_days, trailing_days_of_older_nights
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, Read, record
from huracan_assets.stage import Check, Outcome, StageContext, stage

PAST = "past"
_BOOKS = dict(zip(BOOKS, (LEDGER, EXPLORED_LEDGER), strict=True))
_OLDER: dict[str, Any] = {"days": trailing_days_of_older_nights, "ends": -1, "edge": False}
"""Of the trades that the gates of the nights in force were fitted on."""
COLUMNS = decisions_columns({name: kind.measures for name, kind in gate_kinds().items()})


@stage(
    job=TRADE,
    kinds={"parquet"},
    reads=[
        record(LEDGER),
        Read(EXPLORED_LEDGER, is_record=True, may_lack_days=True),
        replace(TRAILING_TRADES, key=PAST, optional=True, **_OLDER),
        replace(TRAILING_EXPLORED, key=explored_key(PAST), **_OLDER),
        replace(PAST_FACTS, days=trailing_days_of_older_nights, ends=-1),
        *models_in_force("confidence_model"),
        *models_in_force("meta_label_model"),
        *models_in_force("conformal_model"),
        *models_in_force("pattern_library"),
        THRESHOLDS_IN_FORCE,
        Read("ohlcv", days=before_held_days, edge=False),
    ],
    tables={"data": Table(COLUMNS, keep=90), "facts": Table(FACTS_COLUMNS)},
    settings=["gates", "gate_worth.adopts", "models", "market.handover", "market.rules.maximum_holding"],
    checks=[Check("gate_coverage", "Every trade is judged by every gate, exactly once.")],
    is_record=True,
)
def gate_decisions(inputs: Inputs, context: StageContext) -> Outcome:
    """What each gate says of each signal that the day's trades began with, by the models that were in force
    then: up to a day's handover those of the night before the last one, as for whoever runs a brain. The
    table `facts` says what the market was like at each of them. The entries of the exploration book are
    judged beside them: of a policy that stays out gates would learn nothing.

    Gates stand beside the ledger, not in its way: a refused signal is traded on paper too, so that the worth
    of a refusal can be counted. A gate that cannot judge yet abstains, and says why.
    """
    books = {book: inputs.table(asset) for book, asset in _BOOKS.items() if inputs.has(asset)}
    if not books:
        return Outcome(note=f"No session was traded on {context.day}.")
    modes = modes_of(context.settings.gates)
    candles = inputs.table("ohlcv")
    facts = {book: signal_facts(trades, candles) for book, trades in books.items()}
    nights = {book: nights_of(trades, context.settings) for book, trades in books.items()}
    in_force = {
        night: fit_gates(gate_context(inputs, context, as_date(night), PAST))
        for night in np.unique(np.concatenate(list(nights.values()))).tolist()
    }
    judged = [
        judge_by_night(books[book], nights[book], in_force, facts[book], book=book, modes=modes)
        for book in books
    ]
    decisions, trades = (
        pa.concat_tables(judged),
        pa.concat_tables([table.select(["trade_id"]) for table in books.values()]),
    )
    described = {as_date(night).isoformat(): describe_gates(gates) for night, gates in in_force.items()}
    return Outcome(
        tables={"data": decisions, "facts": pa.concat_tables(list(facts.values()))},
        files={"gates.json": canonical_json(described)},
        verdicts=[judge_gate_coverage(decisions, trades, modes)],
        metadata={"decisions": shown.count_table(decisions, ["book", "gate", "verdict"])},
    )
