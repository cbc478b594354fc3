"""The asset `gated_trades`: the day on paper as whoever runs the brain trades it."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from huracan.gates.roster import binding_of
from huracan.market.handover import as_night
from huracan.market.ledger import FILLS_COLUMNS, TRADES_COLUMNS
from huracan.market.paper.guarded_columns import (
    BINDING_COLUMNS,
    GUARDED_SESSION_COLUMNS,
    INTERVENTIONS_COLUMNS,
)
from huracan.market.paper.open_columns import OPEN_POSITIONS_COLUMNS, OPEN_POSITIONS_SCHEMA
from huracan.tables import Always, Table
from huracan_assets import shown
from huracan_assets.inputs.accounts import (
    CARRIED_IN,
    OPEN_POSITIONS,
    accounts_of,
    carried_in,
    carried_on,
)
from huracan_assets.inputs.crew import READS_OF_A_DAY_ON_PAPER
from huracan_assets.inputs.gates_in_force import gates_in_force, reads_of_gates
from huracan_assets.inputs.named_features import LEDGER
from huracan_assets.inputs.paper_day import PaperDay, paper_day
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, record
from huracan_assets.shadow import plots
from huracan_assets.stage import Check, Outcome, StageContext, stage
from huracan_resources.lake.entry_features import TRACE_FILE

if TYPE_CHECKING:
    from huracan.market.paper.carrying import Carried
    from huracan.market.paper.watch import Watch

UNGATED = "ungated"


@stage(
    job=TRADE,
    kinds={"parquet"},
    reads=[
        *READS_OF_A_DAY_ON_PAPER,
        accounts_of("gated_trades"),
        replace(CARRIED_IN, key=UNGATED),
        record(LEDGER),
        *reads_of_gates(need_models=False),
    ],
    tables={
        "data": Table(TRADES_COLUMNS, keep=Always()),
        "fills": Table(FILLS_COLUMNS, keep=Always()),
        "session": Table(GUARDED_SESSION_COLUMNS, keep=90),
        "interventions": Table(INTERVENTIONS_COLUMNS, keep=Always()),
        "binding": Table(BINDING_COLUMNS, keep=Always(), name="binding_worth", in_database=True),
        OPEN_POSITIONS: Table(
            OPEN_POSITIONS_COLUMNS,
            keep=Always("the day after goes on from what is open"),
            name="gated_open",
        ),
    },
    settings=["universe", "market", "gates", "gate_worth.adopts", "models"],
    checks=[
        Check("ledger_conservation", "As of shadow_trades: no money is made or lost between fills and days."),
        Check("replay_equals_ledger", "The stored actions and orders give the same ledger, to the bit."),
        Check("books_agree", "Without a gate that binds this is the policy's own ledger, to the bit."),
    ],
    is_record=True,
)
def gated_trades(inputs: Inputs, context: StageContext) -> Outcome:
    """What would really be run: the policy with all gates that bind in the way of its orders, on accounts of
    its own that go on over midnight.

    A gate that binds refuses an entry, changes its size or sends it as another order, leaves a position, or
    forbids an action, by the models that are in force; `interventions` tells each. Without any the book is
    that of `shadow_trades`. What binding was worth on the day is the difference of the two: `binding_worth`.
    """
    from huracan.market.paper.binding import binding_worth, judge_books_agree

    carried = _carried(inputs, context)
    day = paper_day(inputs, context, carried)
    if isinstance(day, Outcome):
        return day
    binding = binding_of(context.settings.gates)
    session = day.trade(_guarded(day, inputs, context, binding))
    alone = {name: inputs.table(LEDGER, name) for name in ("data", "session")}
    worth = binding_worth(session, alone["data"], alone["session"])
    # As text: what is not a number equals nothing.
    begins_alike = carried is None or repr(carried.accounts.to_pylist()) == repr(_ungated(inputs).to_pylist())
    return Outcome(
        tables={
            "data": session.trades,
            "fills": session.fills,
            "session": session.bars,
            "interventions": session.interventions,
            "binding": worth,
            OPEN_POSITIONS: session.open_positions,
        },
        files={TRACE_FILE: json.dumps(day.crew.trace(day.block.feature_names)).encode()},
        verdicts=[
            *day.audit(session),
            judge_books_agree(session, alone["data"], alone["session"], binding, begins_alike),
        ],
        metadata={
            "binding": ", ".join(binding) or "none: every gate is advisory",
            "equity_curve": plots.equity_curve(session.bars),
            "worth": shown.top_rows(worth, 40),
            "interventions": shown.top_rows(session.interventions, 40),
        },
    )


def _carried(inputs: Inputs, context: StageContext) -> "Carried | None":
    """Its own accounts of the day before; those of the policy where it begins."""
    own = carried_in(inputs, context.settings, context.day)
    if own is not None or not inputs.has(UNGATED, f"{OPEN_POSITIONS}.parquet"):
        return own
    return carried_on(inputs.table(UNGATED, OPEN_POSITIONS), context.settings, context.day)


def _ungated(inputs: Inputs) -> pa.Table:
    """The policy's accounts of the day before; no rows where they are not there."""
    has = inputs.has(UNGATED, f"{OPEN_POSITIONS}.parquet")
    return inputs.table(UNGATED, OPEN_POSITIONS) if has else OPEN_POSITIONS_SCHEMA.empty_table()


def _guarded(day: PaperDay, inputs: Inputs, context: StageContext, binding: tuple[str, ...]) -> "list[Watch]":
    """Those who decide, each with the gates of its night."""
    from huracan.gates.binding.guard import GateGuard
    from huracan.market.facts.signal_facts import MarketFacts

    watches, nights = day.crew.watches(inputs), [as_night(each) for each in day.crew.nights]
    gates = gates_in_force(inputs, context, nights, binding) if binding else {}
    facts = MarketFacts(inputs.table("ohlcv")) if binding else None
    return [
        replace(watch, guard=GateGuard(gates.get(night, {})), facts=facts)
        for watch, night in zip(watches, nights, strict=True)
    ]
