"""The asset `shadow_trades`: the day on paper."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from huracan.market.ledger import (
    DECISIONS_COLUMNS,
    FILLS_COLUMNS,
    SESSION_COLUMNS,
    SIGNALS_COLUMNS,
    TRADES_COLUMNS,
    UNTRADED_COLUMNS,
)
from huracan.market.paper.open_columns import OPEN_POSITIONS_COLUMNS
from huracan.tables import Always, Table
from huracan_assets import shown
from huracan_assets.inputs.accounts import CARRIED_IN, OPEN_POSITIONS, carried_in, told_of_a_gap
from huracan_assets.inputs.crew import READS_OF_A_DAY_ON_PAPER
from huracan_assets.inputs.paper_day import RULES_OF_A_DAY, paper_day
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs
from huracan_assets.shadow import plots
from huracan_assets.stage import Check, Outcome, StageContext, stage
from huracan_resources.lake.entry_features import TRACE_FILE

if TYPE_CHECKING:
    from huracan.market.paper.session import Session


@stage(
    job=TRADE,
    kinds={"parquet", "postgres"},
    reads=[*READS_OF_A_DAY_ON_PAPER, CARRIED_IN],
    tables={
        "data": Table(TRADES_COLUMNS, keep=Always(), in_database=True),
        "fills": Table(FILLS_COLUMNS, keep=Always()),
        "session": Table(SESSION_COLUMNS, keep=90),
        "decisions": Table(DECISIONS_COLUMNS, keep=90),
        "signals": Table(SIGNALS_COLUMNS, keep=90, name="shadow_signals", in_database=True),
        "untraded": Table(UNTRADED_COLUMNS, keep=90, name="shadow_untraded"),
        OPEN_POSITIONS: Table(
            OPEN_POSITIONS_COLUMNS,
            keep=Always("the day after goes on from what is open, also where it is made again years later"),
            name=OPEN_POSITIONS,
        ),
    },
    settings=list(RULES_OF_A_DAY),
    checks=[
        Check(
            "ledger_conservation",
            "Equity = cash + position, results = trades = their fills, to the cent, from the day before's end"
            " to the day's; every fill was possible.",
        ),
        Check(
            "replay_equals_ledger",
            "The stored actions and the accounts of the day before give the same trades, fills and accounts,"
            " to the bit.",
        ),
        Check(
            "signal_coverage", "Every position that was opened is a signal and every signal has one status."
        ),
    ],
    is_record=True,
)
def shadow_trades(inputs: Inputs, context: StageContext) -> Outcome:
    """The day on paper: the accounts go on from the end of the day before, with every cost and full context.

    The table `data` holds the trades that were closed on the day, `open_positions` what is open at its end.
    Decisions at a decision bar's close fill at the next stored bar's open; stop and target are tested inside
    each stored bar, the worse one first. Up to the handover the policy of the night before the last decides,
    from then on that of the last; without one nothing is entered. Every signal is traded, also those that a
    gate would refuse: so a gate's worth is known. Every single fill of the trades lies in the table `fills`;
    the account and the action of each bar, in `session`; logits, bias, mask and probabilities of each
    decision, in `decisions`; and in `signals` every bar at which the policy entered, would have entered but
    for a mask, or all but entered.
    """
    # What they import is compiled or takes a second to load; definitions must load fast.
    from huracan.market.paper.conservation import judge_signals_told
    from huracan.market.paper.turnover import turnover_usd

    carried = carried_in(inputs, context.settings, context.day)
    day = paper_day(inputs, context, carried)
    if isinstance(day, Outcome):
        return day
    session = day.trade(day.crew.watches(inputs))
    turned_over = round(turnover_usd(session, day.crew.handover_ms, minutes=60), 2)
    ledger, replayed = day.audit(session)
    numbers = {**ledger.numbers, "turnover_after_handover_usd": turned_over}
    return Outcome(
        tables={
            "data": session.trades,
            "fills": session.fills,
            "session": session.bars,
            "decisions": session.decisions,
            "signals": session.signals,
            "untraded": session.untraded,
            OPEN_POSITIONS: session.open_positions,
        },
        files={TRACE_FILE: json.dumps(day.crew.trace(day.block.feature_names)).encode()},
        verdicts=[replace(ledger, numbers=numbers), replayed, judge_signals_told(session)],
        metadata={
            **day.crew.told(),
            **told_of_a_gap(carried, context.resources.lake, context.day),
            "turnover_after_handover_usd": turned_over,
            **_shown(session),
        },
    )


def _shown(session: "Session") -> dict[str, Any]:
    return {
        "equity_curve": plots.equity_curve(session.bars),
        "wins_and_losses": plots.win_loss_table(session.trades),
        "open_positions": plots.held_table(session.open_positions),
        "fills": shown.count_table(session.fills, ["kind", "side"]),
        "signals": shown.count_table(session.signals, ["status", "reason"]),
    }
