"""The asset `ensemble`: what seeds, models, patterns and regimes say of signals, combined by how each did."""

from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.ensemble.columns import SIGNALS_COLUMNS, WEIGHTS_COLUMNS
from huracan.ensemble.members import ask_members, seed_member, weights_at_signal
from huracan.ensemble.night import (
    DaySignals,
    combine_day,
    judge_bound,
    read_hedge,
    weights_table,
    write_hedge,
)
from huracan.ensemble.signals import signals_of_day
from huracan.market.handover import as_date
from huracan.market.ledger import EXPLORED, POLICY, TRADES_SCHEMA
from huracan.tables import Table
from huracan_assets import shown
from huracan_assets.inputs import market_block
from huracan_assets.inputs.accounts import OPEN_POSITIONS
from huracan_assets.inputs.crew import EARLIER, READS_OF_A_DAY_ON_PAPER, Crew
from huracan_assets.inputs.ensemble_members import (
    READS_OF_MEMBERS,
    as_for_book,
    members_of,
    seed_places,
    usual_ratio_of,
)
from huracan_assets.inputs.file_names import HEDGE_FILE, seed_file
from huracan_assets.inputs.in_force import models_in_force, nights_of
from huracan_assets.inputs.named_features import EXPLORED_LEDGER, LEDGER
from huracan_assets.jobs import TRADE
from huracan_assets.learning import ensemble_plots
from huracan_assets.reads import Inputs, Read, record
from huracan_assets.shown import Picture
from huracan_assets.stage import Check, Outcome, StageContext, stage

_BOOKS = {POLICY: LEDGER, EXPLORED: EXPLORED_LEDGER}
HISTORY = "history"
_OUTCOME = ["trade_id", "symbol", "signal_time", "exit_time", "net_bps"]
Floats = NDArray[np.float64]


@stage(
    job=TRADE,
    kinds={"postgres"},
    reads=[
        record(LEDGER),
        Read(EXPLORED_LEDGER, is_record=True, may_lack_days=True),
        *READS_OF_A_DAY_ON_PAPER,
        *models_in_force("confidence_model"),
        *READS_OF_MEMBERS,
        Read("ensemble", key="before", ends=-1, optional=True, edge=False, is_record=True),
        Read(
            "ensemble",
            key=HISTORY,
            days=59,
            ends=-1,
            edge=False,
            is_record=True,
            may_lack_days=True,
            table="weights",
        ),
    ],
    tables={
        "data": Table(SIGNALS_COLUMNS, name="ensemble_signals", in_database=True),
        "weights": Table(WEIGHTS_COLUMNS, in_database=True),
    },
    settings=["universe", "market", "models", "gates.pattern_evidence"],
    checks=[
        Check(
            "ensemble_within_bound",
            "All members together are no worse than the best of them by more than the bound of Hedge.",
        )
    ],
    is_record=True,
)
def ensemble(inputs: Inputs, context: StageContext) -> Outcome:
    """How likely each signal of the day is to end above 0 net of costs, by all who can say: the seeds of the
    policy, the confidence model, the forward records of patterns, and the rates of its regime and side;
    combined by weights that each member earns on signals that had ended before.

    What they disagree by tells how unsure the combined probability is. Signals of both books are asked, by
    what was in force at each; of one that is still open the end is learnt on the night it closes. The weights
    go on from night to night, and no member can be better than all together by more than the bound.
    """
    before, day, bar_minutes = inputs.file("before", HEDGE_FILE), context.day, context.timeframe.minutes
    held = [
        inputs.table(asset, OPEN_POSITIONS)
        for asset in _BOOKS.values()
        if inputs.has(asset, f"{OPEN_POSITIONS}.parquet")
    ]
    closed = [inputs.table(asset, columns=_OUTCOME) for asset in _BOOKS.values() if inputs.has(asset)]
    signals = pa.concat_tables([_signals_of(inputs, context, book) for book in _BOOKS])
    if before is None and not signals.num_rows:
        return Outcome(note=f"No signal became a trade up to {day}.")
    hedge = read_hedge(before)
    ended = pa.concat_tables([TRADES_SCHEMA.empty_table().select(_OUTCOME), *closed])
    still_open = {each for table in held for each in table["trade_id"].to_pylist()}
    combined = combine_day(hedge, _asked(inputs, context, signals), ended, still_open, bar_minutes)
    weights = weights_table(hedge)
    return Outcome(
        tables={"data": combined.table, "weights": weights},
        files={HEDGE_FILE: write_hedge(hedge)},
        verdicts=[judge_bound(weights)],
        metadata={
            **({"weights": _picture(inputs, weights, day)} if weights.num_rows else {}),
            "members": shown.top_rows(weights, 20),
            "signals": signals.num_rows,
            "ended_signals_learnt": combined.learnt,
            "ended_signals_of_which_nobody_had_spoken": combined.unasked,
            "open_signals_that_vanished": combined.vanished,
        },
    )


def _signals_of(inputs: Inputs, context: StageContext, book: str) -> pa.Table:
    """Of one book, whether they have ended or not."""
    asset = _BOOKS[book]
    held = f"{OPEN_POSITIONS}.parquet"
    return signals_of_day(
        inputs.table(asset) if inputs.has(asset) else None,
        inputs.table(asset, OPEN_POSITIONS) if inputs.has(asset, held) else None,
        book,
        context.day,
    )


def _asked(inputs: Inputs, context: StageContext, signals: pa.Table) -> DaySignals:
    """What each member says of the signals, and what they count for."""
    nights, books = nights_of(signals, context.settings), np.array(signals["book"].to_pylist(), dtype=object)
    weight, parts = np.ones(signals.num_rows), []
    for night in np.unique(nights).tolist():
        members = members_of(inputs, context, as_date(night))
        for book, asset in _BOOKS.items():
            rows = np.flatnonzero((nights == night) & (books == book))
            parts.append((rows, as_for_book(members, inputs, context, asset)))
        usual = usual_ratio_of(inputs, context, as_date(night))
        drawn = np.flatnonzero((nights == night) & (books == EXPLORED))
        weight[drawn] = weights_at_signal(signals.take(pa.array(drawn)), usual)
    said = _said_by_seeds(inputs, context, signals) if signals.num_rows else {}
    told = signals.select(["trade_id", "symbol", "signal_time", "book"])
    told = told.append_column("night", pa.array([as_date(each) for each in nights.tolist()], pa.date32()))
    told = told.append_column("signal_weight", pa.array(weight))
    return DaySignals(told, said, ask_members(parts, signals, said))


def _said_by_seeds(inputs: Inputs, context: StageContext, signals: pa.Table) -> dict[str, Floats]:
    """What each seed of the nights in force would have done at the signals, by member."""
    # Compiled; definitions must load fast.
    from huracan.ensemble.seeds import entry_probabilities

    places = seed_places(inputs, (EARLIER, "ppo_checkpoint"))
    if not places:
        return {}
    block, market = market_block.paper_block(inputs, context.settings), context.settings.market
    crews = {place: Crew.of(inputs, context, seed_file(place)) for place in places}
    return {
        seed_member(place): entry_probabilities(
            block, crew.watches(inputs), market.rules, market.costs, signals
        )
        for place, crew in crews.items()
    }


def _picture(inputs: Inputs, weights: pa.Table, day: date) -> Picture:
    held = [each.day for each in inputs.manifests(HISTORY) if "weights.parquet" in each.files]
    nights = dict(zip(held, inputs.tables(HISTORY, "weights"), strict=True))
    return ensemble_plots.weights_over_nights(nights | {day: weights})
