"""What the members of the ensemble know by a night, from the inputs of an asset that reads it."""

from collections import defaultdict
from dataclasses import replace
from datetime import date

import pyarrow.compute as pc

from huracan.analysis.patterns.table import PATTERNS_SCHEMA, current_library
from huracan.ensemble.members import Members, fit_members, usual_ratio
from huracan.ensemble.night import read_hedge
from huracan.ensemble.published import published_ensemble
from huracan.gates.contract import GateContext, SettingsByName
from huracan.market.paper.exploring.columns import EXPLORED_SCHEMA
from huracan.models.config import Unfit
from huracan.models.window import trailing_trades
from huracan_assets.inputs.file_names import HEDGE_FILE, seed_file
from huracan_assets.inputs.named_features import newest_names
from huracan_assets.inputs.past_trades import (
    TRAILING_EXPLORED,
    TRAILING_TRADES,
    confidence_of,
    explored_key,
    past_until,
)
from huracan_assets.inputs.windows import trailing_days, trailing_days_of_older_nights
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import StageContext

PAST, STATEMENTS = "past", "statements"
_OF_RATIOS = ("trade_id", "symbol", "signal_time", "exit_time", "propensity", "policy_density")
_OLDER = replace(TRAILING_TRADES, days=trailing_days_of_older_nights, ends=-1, edge=False)

STATEMENTS_READ = Read(
    "ensemble",
    key=STATEMENTS,
    days=trailing_days,
    edge=False,
    is_record=True,
    may_lack_days=True,
    table="data",
)
"""What seeds said at the signals of the trailing days."""
READS_OF_MEMBERS = (
    replace(_OLDER, key=PAST, optional=True),
    replace(
        TRAILING_EXPLORED, key=explored_key(PAST), days=trailing_days_of_older_nights, ends=-1, edge=False
    ),
    replace(STATEMENTS_READ, days=trailing_days_of_older_nights, ends=-1),
)
"""The past trades of the nights in force, and what seeds said of them at their signals."""


def members_of(inputs: Inputs, context: StageContext, night: date) -> Members:
    """As they were in force on the day by what was known at the end of `night`; the pattern libraries are
    among the reads of a day on paper, the confidence models among `models_in_force`."""
    library = PATTERNS_SCHEMA.empty_table()
    if inputs.holds("patterns", night):
        library = current_library(inputs.of_day("patterns", night))
    return fit_members(
        past_until(inputs, night, context.settings, PAST),
        statements_of(inputs),
        confidence_of(inputs, context, night),
        library,
        context.settings.gates["pattern_evidence"],
    )


def as_for_book(members: Members, inputs: Inputs, context: StageContext, asset: str) -> Members:
    """The same, without a confidence model that was fitted on other features than the day's trades of the
    book have: a night of an earlier version is met by a model of this one."""
    model = members.confidence
    if isinstance(model, Unfit) or model.feature_names == newest_names(inputs, context, asset):
        return members
    why = f"The confidence model was fitted on other entry features than those of {asset}."
    return replace(members, confidence=Unfit(why, 0))


def published_from(inputs: Inputs, learnt: GateContext[SettingsByName]) -> dict[str, object] | None:
    """The ensemble of a brain, from the reads `ensemble` and STATEMENTS_READ and what the gates of the night
    are fitted on; None where the night has none."""
    content = inputs.file("ensemble", HEDGE_FILE)
    if content is None:
        return None
    members = fit_members(
        learnt.past,
        statements_of(inputs),
        learnt.confidence,
        learnt.patterns,
        learnt.settings["pattern_evidence"],
    )
    return published_ensemble(read_hedge(content), members)


def statements_of(inputs: Inputs) -> dict[str, dict[str, float]]:
    """What each seed said at the signals of past days: by member, by trade."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for day in inputs.tables(STATEMENTS, "data"):
        own = day.filter(pc.is_valid(day["said"])).select(["member", "trade_id", "said"])
        for member, trade_id, said in zip(*(column.to_pylist() for column in own.columns), strict=True):
            found[member][trade_id] = said
    return dict(found)


def usual_ratio_of(inputs: Inputs, context: StageContext, night: date) -> float:
    """Of the explored trades that a model of `night` learns from; NaN without one."""
    stored = EXPLORED_SCHEMA.empty_table()
    if inputs.has(explored_key(PAST)):
        stored = inputs.table(explored_key(PAST), columns=_OF_RATIOS)
    settings = context.settings
    holding = settings.market.rules.maximum_holding
    return usual_ratio(trailing_trades(stored, night, settings.models.trailing_days, holding))


def seed_places(inputs: Inputs, names: tuple[str, ...]) -> list[int]:
    """The places of the seeds whose checkpoints any of the reads holds."""
    places: list[int] = []
    while any(inputs.has(name, seed_file(len(places))) for name in names):
        places.append(len(places))
    return places
