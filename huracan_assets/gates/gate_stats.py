"""The asset `gate_stats`: what each gate's judgements were worth."""

import json
from datetime import timedelta

from huracan.analysis.outcome import as_milliseconds
from huracan.candles.schema import day_end
from huracan.durations import minute_of_day, minutes_of
from huracan.gates.roster import gate_kinds, thresholds_of
from huracan.gates.worth.bets import bets_as_plain, bets_from_plain
from huracan.gates.worth.carried import Thresholds
from huracan.gates.worth.changes import CHANGES_COLUMNS, as_configured, changes_table, taken_over
from huracan.gates.worth.judged import of_book, of_trades
from huracan.gates.worth.night import Moment, gate_worth
from huracan.gates.worth.proposals import PROPOSALS_COLUMNS, Asking
from huracan.gates.worth.statistics import GATE_STATISTICS_COLUMNS, GATE_STATISTICS_SCHEMA, gate_statistics
from huracan.gates.worth.trailing_columns import TRAILING_COLUMNS
from huracan.market.block import EPOCH
from huracan.market.ledger import POLICY
from huracan.models.canonical import canonical_json
from huracan.tables import Always, Table
from huracan_assets import shown
from huracan_assets.gates import plots
from huracan_assets.inputs.file_names import BETS_FILE, THRESHOLDS_FILE
from huracan_assets.inputs.gate_thresholds import configured_gates
from huracan_assets.inputs.judged_books import JUDGED_SIGNALS, has_judged, judged_books
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import Check, Outcome, StageContext, stage


@stage(
    job=TRADE,
    kinds={"postgres"},
    reads=[
        *JUDGED_SIGNALS,
        Read("gate_stats", key="before", ends=-1, optional=True, edge=False, is_record=True),
    ],
    tables={
        "data": Table(GATE_STATISTICS_COLUMNS, in_database=True),
        "trailing": Table(TRAILING_COLUMNS, in_database=True),
        "proposals": Table(PROPOSALS_COLUMNS, in_database=True),
        "changes": Table(
            CHANGES_COLUMNS,
            keep=Always("what a gate asked for on a night is told by it"),
            name="gate_changes",
            in_database=True,
        ),
    },
    settings=["gate_worth", "gates", "market.handover", "market.rules.maximum_holding"],
    checks=[
        Check(
            "gates_earn_their_place",
            "No gate that is asked does harm, by evidence that nightly looking cannot make. It stops nothing:"
            " what is to be done a person decides, and a night without a brain would be the greater harm.",
            blocking=False,
        )
    ],
)
def gate_stats(inputs: Inputs, context: StageContext) -> Outcome:
    """What each gate's answers were worth: on the night, over trailing nights with intervals, alone and among
    the others, of the policy's signals and of explored ones apart; the evidence that one does harm, which is
    carried from night to night; what is proposed to change; and each change of what a gate asks for, by the
    configuration or, where `gate_worth.adopts` says so, taken over of what is proposed."""
    bets, left = inputs.file("before", BETS_FILE), inputs.file("before", THRESHOLDS_FILE)
    if bets is None and not has_judged(inputs):
        return Outcome(note=f"No signal was judged up to {context.day}.")
    books, moment, config, kinds = (
        judged_books(inputs),
        _moment(context),
        context.settings.gate_worth,
        gate_kinds(),
    )
    before = Thresholds.from_bytes(left) if left else None
    thresholds, changes = as_configured(before, configured_gates(context.settings), kinds, config, moment)
    asking = Asking(thresholds_of(), len(books), thresholds.since_ms)
    found = gate_worth(books, bets_from_plain(json.loads(bets)) if bets else {}, moment, config, asking)
    thresholds, taken = taken_over(thresholds, found.proposals, kinds, config, moment)
    changed = changes_table(changes + taken)
    own = GATE_STATISTICS_SCHEMA.empty_table()
    if inputs.has("gate_decisions") and inputs.has("shadow_trades"):
        decisions = of_trades(of_book(inputs.table("gate_decisions"), POLICY))
        own = gate_statistics(decisions, inputs.table("shadow_trades"))
    return Outcome(
        tables={
            "data": own,
            "trailing": found.trailing,
            "proposals": found.proposals,
            "changes": changed,
        },
        files={
            BETS_FILE: canonical_json(bets_as_plain(found.bets)),
            THRESHOLDS_FILE: thresholds.to_bytes(),
        },
        verdicts=[found.verdict],
        metadata={
            **({"worth": plots.gate_worth(found.trailing)} if found.trailing.num_rows else {}),
            "gates": shown.top_rows(own, 20),
            "trailing": shown.top_rows(found.trailing.select(plots.SHOWN), 60),
            "proposals": shown.top_rows(found.proposals, 40),
            **({"changes": shown.top_rows(changed, 40)} if changed.num_rows else {}),
        },
    )


def _moment(context: StageContext) -> Moment:
    market, end = context.settings.market, day_end(context.day)
    ripe = end - timedelta(minutes=minutes_of(market.rules.maximum_holding))
    in_force = end + timedelta(minutes=minute_of_day(market.handover))
    return Moment((context.day - EPOCH).days, as_milliseconds(ripe), as_milliseconds(in_force))
