"""The asset `champion_trades`: the day on paper of a champion whose place is challenged."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from huracan.market.ledger import FILLS_COLUMNS, TRADES_COLUMNS
from huracan.market.paper.guarded_columns import GUARDED_SESSION_COLUMNS
from huracan.market.paper.open_columns import OPEN_POSITIONS_COLUMNS
from huracan.tables import Always, Table
from huracan_assets import shown
from huracan_assets.inputs.accounts import OPEN_POSITIONS, accounts_of, carried_in
from huracan_assets.inputs.champion import (
    CHAMPION_FILE,
    bundle_facts,
    champion_before,
    frozen_brain,
    rules_of,
    watch_of,
    why_it_does_not_go_on,
)
from huracan_assets.inputs.crew import READS_OF_A_DAY_ON_PAPER
from huracan_assets.inputs.paper_day import PaperDay, paper_day
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs
from huracan_assets.shadow import plots
from huracan_assets.stage import Check, Outcome, StageContext, stage
from huracan_resources.lake.entry_features import TRACE_FILE

if TYPE_CHECKING:
    from huracan.brain.brain import Brain
    from huracan.market.paper.carrying import Carried


@stage(
    job=TRADE,
    kinds={"parquet"},
    reads=[*READS_OF_A_DAY_ON_PAPER, accounts_of("champion_trades")],
    tables={
        "data": Table(TRADES_COLUMNS, keep=Always()),
        "fills": Table(FILLS_COLUMNS, keep=Always()),
        "session": Table(GUARDED_SESSION_COLUMNS, keep=90),
        OPEN_POSITIONS: Table(
            OPEN_POSITIONS_COLUMNS,
            keep=Always("the day after goes on from what is open"),
            name="champion_open",
        ),
    },
    settings=["universe", "market"],
    checks=[
        Check("ledger_conservation", "As of shadow_trades: no money is made or lost between fills and days."),
        Check("replay_equals_ledger", "The stored actions and orders give the same ledger, to the bit."),
    ],
    reads_outside=True,
    is_record=True,
)
def champion_trades(inputs: Inputs, context: StageContext) -> Outcome:
    """What the champion would have made of the day, where the settings make another procedure now.

    Its last brain, frozen, goes on trading on accounts of its own, by its own rules, costs and gates, for as
    long as its recipe can be executed: whoever challenges it is set against these days.
    """
    rows = context.resources.trials.rows()
    champion, why = champion_before(rows, context.day), why_it_does_not_go_on(rows, context.day)
    if champion is None or why:
        return Outcome(note=why)
    brain = frozen_brain(champion, context)
    if isinstance(brain, str):
        told = json.dumps({"why_not": brain}).encode()
        return Outcome(files={CHAMPION_FILE: told}, note=f"The champion cannot be traded any more: {brain}")
    before = champion_before(rows, context.day - timedelta(days=1))
    goes_on = before is not None and before.brain_id == champion.brain_id
    carried = carried_in(inputs, context.settings, context.day) if goes_on else None
    day = _day_of(brain, inputs, context, carried)
    if isinstance(day, Outcome):
        return day
    session = day.trade([watch_of(brain, inputs)])
    facts, trace = bundle_facts(brain), day.crew.trace(day.block.feature_names)
    return Outcome(
        tables={
            "data": session.trades,
            "fills": session.fills,
            "session": session.bars,
            OPEN_POSITIONS: session.open_positions,
        },
        files={
            CHAMPION_FILE: json.dumps(facts, sort_keys=True).encode(),
            TRACE_FILE: json.dumps(
                trace | {"model_id": brain.brain_id, "model_id_before_handover": None}
            ).encode(),
        },
        verdicts=day.audit(session),
        metadata={
            "champion": f"{brain.brain_id}, in force since {champion.since}",
            "equity_curve": plots.equity_curve(session.bars),
            "trades": shown.top_rows(session.trades, 20),
        },
    )


def _day_of(
    brain: "Brain", inputs: Inputs, context: StageContext, carried: "Carried | None"
) -> PaperDay | Outcome:
    """The day by the brain's own rules and costs."""
    day = paper_day(inputs, context, carried, is_decided=True)
    if isinstance(day, Outcome):
        return day
    rules, costs = rules_of(bundle_facts(brain))
    return replace(day, market=context.settings.market.model_copy(update={"rules": rules, "costs": costs}))
