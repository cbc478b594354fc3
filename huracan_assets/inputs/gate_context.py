"""What the gates of a night are fitted on, from the inputs of an asset that reads it."""

from dataclasses import replace
from datetime import date

import pyarrow as pa

from huracan.analysis.patterns.table import PATTERNS_SCHEMA, current_library
from huracan.gates.contract import GateContext, SettingsByName
from huracan.market.facts.columns import FACTS_SCHEMA, facts_of
from huracan.market.facts.marks_columns import MARKS_SCHEMA
from huracan_assets.inputs.gate_thresholds import gate_settings
from huracan_assets.inputs.in_force import key_of_night
from huracan_assets.inputs.past_trades import confidence_of, conformal_of, meta_label_of, past_until
from huracan_assets.inputs.windows import trailing_days
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import StageContext

PAST_FACTS = Read(
    "gate_decisions",
    key="past_facts",
    days=trailing_days,
    edge=False,
    is_record=True,
    may_lack_days=True,
    table="facts",
)
"""What the market was like at the signals of past trades; days of versions without facts have none."""
PAST_MARKS = replace(PAST_FACTS, key="past_marks", table="marks")
"""How past positions stood; days of versions without marks have none."""
PAST_MARKET = (PAST_FACTS, PAST_MARKS)
RULES_OF_MARKS = tuple(
    f"market.rules.{name}" for name in ("maximum_holding", "volatility_horizon", "minimum_volatility_bps")
)
"""The settings that marks are measured by."""


def gate_context(
    inputs: Inputs, context: StageContext, night: date | None = None, trades: str = "shadow_trades"
) -> GateContext[SettingsByName]:
    """Of the partition's own day, or of `night` where models are read by `models_in_force`, and by
    THRESHOLDS_IN_FORCE what their gates ask for.

    `trades` is the key of the read that the past trades are among; facts and marks are among PAST_MARKET.
    """
    day = night or context.day
    past = past_until(inputs, day, context.settings, trades)
    stored = _stored(inputs, "past_facts", "facts", FACTS_SCHEMA)
    return GateContext(
        day=day,
        past=past,
        facts=facts_of(stored, past.trades["trade_id"]),
        patterns=_patterns(inputs, context, night),
        confidence=confidence_of(inputs, context, night),
        meta_label=meta_label_of(inputs, context, night),
        conformal=conformal_of(inputs, context, night),
        marks=_stored(inputs, "past_marks", "marks", MARKS_SCHEMA),
        settings=gate_settings(inputs, context, night),
    )


def _stored(inputs: Inputs, key: str, table: str, schema: pa.Schema) -> pa.Table:
    if not inputs.has(key, f"{table}.parquet"):
        return schema.empty_table()
    return pa.concat_tables(inputs.tables(key, table))


def _patterns(inputs: Inputs, context: StageContext, night: date | None) -> pa.Table:
    """The library that the night left; no rows where it left none."""
    key, day = key_of_night("pattern_library", context, night), night or context.day
    if not inputs.holds(key, day):
        return PATTERNS_SCHEMA.empty_table()
    return current_library(inputs.of_day(key, day))
