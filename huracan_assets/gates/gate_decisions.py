"""The asset `gate_decisions`: every signal that was traded, judged."""

from datetime import timedelta

import numpy as np
import pyarrow as pa

from huracan.durations import minute_of_day
from huracan.gates.judging.coverage import judge_gate_coverage
from huracan.gates.judging.judge import decisions_columns
from huracan.gates.judging.judged_day import (
    BESIDE_SCHEMA,
    BookOfDay,
    MarketOfDay,
    judge_day,
    judge_untraded,
    still_open,
)
from huracan.gates.roster import describe_gates, gate_kinds, modes_of
from huracan.market.facts.columns import FACTS_COLUMNS
from huracan.market.facts.marks_columns import MARKS_COLUMNS
from huracan.market.facts.signal_facts import MarketFacts
from huracan.market.handover import as_date, as_night
from huracan.market.ledger import BOOKS, POLICY, UNTRADED_SCHEMA
from huracan.models.canonical import canonical_json
from huracan.tables import Table
from huracan_assets import shown
from huracan_assets.inputs.accounts import OPEN_POSITIONS
from huracan_assets.inputs.gate_context import RULES_OF_MARKS
from huracan_assets.inputs.gates_in_force import PAST, gates_in_force, reads_of_gates
from huracan_assets.inputs.in_force import nights_of
from huracan_assets.inputs.named_features import EXPLORED_LEDGER, LEDGER
from huracan_assets.inputs.windows import before_held_days, held_days
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, Read, record
from huracan_assets.stage import Check, Outcome, StageContext, stage

_BOOKS = dict(zip(BOOKS, (LEDGER, EXPLORED_LEDGER), strict=True))
COLUMNS = decisions_columns({name: kind.measures for name, kind in gate_kinds().items()})


@stage(
    job=TRADE,
    kinds={"parquet"},
    reads=[
        record(LEDGER),
        Read(EXPLORED_LEDGER, is_record=True, may_lack_days=True),
        *reads_of_gates(),
        Read("ohlcv", days=before_held_days, edge=False),
    ],
    tables={
        "data": Table(COLUMNS, keep=90),
        "facts": Table(FACTS_COLUMNS),
        "marks": Table(MARKS_COLUMNS),
    },
    settings=["gates", "gate_worth.adopts", "models", "market.handover", *RULES_OF_MARKS],
    checks=[Check("gate_coverage", "Every signal is judged by every gate, exactly once.")],
    is_record=True,
)
def gate_decisions(inputs: Inputs, context: StageContext) -> Outcome:
    """What each gate says of each signal that the day's trades began with, by the models that were in force
    then: up to a day's handover those of the night before the last one, as for whoever runs a brain. The
    table `facts` says what the market was like at each of them, and `marks` how their positions stood while
    they were open. The entries of the exploration book are judged beside them: of a policy that stays out
    gates would learn nothing.

    Signals of the day of which no trade came (the order was not filled, no entry was legal, or the policy all
    but entered) are judged as if they had been entered; they have no `trade_id`.

    Gates stand beside the ledger, not in its way: a refused signal is traded on paper too, so that the worth
    of a refusal can be counted. A gate that cannot judge yet abstains, and says why.
    """
    books = [_book(inputs, context, name) for name, asset in _BOOKS.items() if inputs.has(asset)]
    if not books:
        return Outcome(note=f"No session was traded on {context.day}.")
    settings, modes = context.settings, modes_of(context.settings.gates)
    untraded = _untraded(inputs)
    first = min(np.concatenate([*(book.nights for book in books), nights_of(untraded, settings)]).tolist())
    # While a position is open gates of later nights come into force, up to that of the day before.
    in_force = gates_in_force(inputs, context, range(first, as_night(context.day)), modes)
    candles = inputs.table("ohlcv")
    market = MarketOfDay(
        candles,
        MarketFacts(candles),
        settings.market.rules,
        settings.decision_timeframe.minutes,
        minute_of_day(settings.market.handover),
    )
    judged = [judge_day(book, market, in_force, modes) for book in books]
    decisions, facts, marks = (
        pa.concat_tables([getattr(each, name) for each in judged]) for name in ("decisions", "facts", "marks")
    )
    others = judge_untraded(books[0], untraded, nights_of(untraded, settings), market, in_force, modes)
    decisions = pa.concat_tables([decisions, others])
    trades = pa.concat_tables([book.trades.select(["trade_id"]) for book in books])
    described = {as_date(night).isoformat(): describe_gates(gates) for night, gates in in_force.items()}
    return Outcome(
        tables={"data": decisions, "facts": facts, "marks": marks},
        files={"gates.json": canonical_json(described)},
        verdicts=[judge_gate_coverage(decisions, trades, modes, untraded)],
        metadata={"decisions": shown.count_table(decisions, ["book", "gate", "verdict"])},
    )


def _untraded(inputs: Inputs) -> pa.Table:
    """The signals of the day of which no trade came."""
    if not inputs.has(LEDGER, "untraded.parquet"):
        return UNTRADED_SCHEMA.empty_table()
    return inputs.table(LEDGER, "untraded")


def _book(inputs: Inputs, context: StageContext, name: str) -> BookOfDay:
    """What closed of a book on the day; of the policy's, whose positions share its accounts, what else was
    open."""
    trades = inputs.table(_BOOKS[name])
    beside = [BESIDE_SCHEMA.empty_table()]
    if name == POLICY:
        days = [context.day - timedelta(days=1 + back) for back in range(held_days(context.settings))]
        recent = [inputs.of_day(PAST, day, BESIDE_SCHEMA.names) for day in days if inputs.holds(PAST, day)]
        beside += [each.cast(BESIDE_SCHEMA) for each in recent]
        if inputs.has(LEDGER, f"{OPEN_POSITIONS}.parquet"):
            beside.append(still_open(inputs.table(LEDGER, OPEN_POSITIONS)))
    return BookOfDay(name, trades, nights_of(trades, context.settings), pa.concat_tables(beside))
