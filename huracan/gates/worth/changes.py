"""What gates ask for, changed: by the configuration, or by what a night takes over of its own proposals.

Each change is an event with its reason; what goes on from night to night belongs in `carried`.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyarrow as pa

from huracan.gates.contract import GateKind
from huracan.gates.worth.adoption import Wanted, wanted_change
from huracan.gates.worth.carried import Kinds, Moved, Thresholds, is_as_configured, values_in_force
from huracan.gates.worth.config import GateWorthConfig
from huracan.gates.worth.night import Moment
from huracan.gates.worth.shifts import (
    Values,
    possible_shift,
    shifted_values,
    threshold_values,
)
from huracan.market.block import EPOCH, MS_PER_DAY
from huracan.tables import TEXT, Column, arrow_schema

CONFIGURED = "configured"

CHANGES_COLUMNS = (
    Column("gate", TEXT, "name of the gate"),
    Column("setting", TEXT, "what of it changed, such as gates.cost.buffer_bps"),
    Column("old_value", TEXT, "what it was, moved as it was; null where there was no such setting", "JSON"),
    Column("new_value", TEXT, "what it is from now on; null where there is none any more", "JSON"),
    Column(
        "cause",
        TEXT,
        "configured: the configuration says otherwise than on the night before; proposal, governor: the night"
        " took it over",
    ),
    Column("reason", TEXT, "why, in a sentence with its numbers"),
)
CHANGES_SCHEMA = arrow_schema(CHANGES_COLUMNS)
"""One row per setting that a night changed, or found changed. What is configured was in force on the night
itself, what is taken over is from the next handover on."""


Row = dict[str, str | None]


def as_configured(
    before: Thresholds | None, configured: Values, kinds: Kinds, config: GateWorthConfig, moment: Moment
) -> tuple[Thresholds, list[Row]]:
    """What the night `before` left with the configuration of now, and rows of CHANGES_SCHEMA of what that
    says otherwise: a threshold that is configured anew is moved no more, and none is where nothing is
    adopted."""
    if before is None:
        return Thresholds(configured, {}), []
    moved = {gate: each for gate, each in before.moved.items() if gate in kinds and kinds[gate].threshold}
    dropped = {gate: _why_dropped(before, configured, kind, config) for gate, kind in kinds.items()}
    for gate, why in dropped.items():
        if why:
            moved[gate] = Moved(0.0, moment.night, moment.night * MS_PER_DAY, CONFIGURED, why)
    kept = Thresholds(configured, moved)
    old, new = values_in_force(before, kinds), values_in_force(kept, kinds)
    whys = {name: dropped[gate] for gate, kind in kinds.items() for name in threshold_values(old | new, kind)}
    rows = list[Row]()
    for name in sorted({*old, *new}):
        was, says = before.configured.get(name), configured.get(name)
        if was != says or old.get(name) != new.get(name):
            told = f"The configuration says {json.dumps(says)} where it said {json.dumps(was)}."
            reason = " ".join(each for each in (told if was != says else "", whys.get(name)) if each)
            rows.append(_row(name, old.get(name), new.get(name), CONFIGURED, reason))
    return kept, rows


def _why_dropped(before: Thresholds, configured: Values, kind: GateKind[Any], config: GateWorthConfig) -> str:
    """Why the gate's threshold is moved no more, or begins anew; empty where it goes on."""
    last = before.moved.get(kind.name)
    told = ""
    if last is not None and last.shift != 0.0:
        told = f" It had been moved by {last.shift:+.4g} since {_date(last.night)}."
    if not is_as_configured(before.configured, configured, kind):
        return f"The threshold is configured anew.{told}"
    return f"gate_worth.adopts is nothing.{told}" if told and config.adopts == "nothing" else ""


def taken_over(
    thresholds: Thresholds,
    proposals: pa.Table,
    kinds: Kinds,
    config: GateWorthConfig,
    moment: Moment,
) -> tuple[Thresholds, list[Row]]:
    """`thresholds` with what the night takes over of its `proposals` (PROPOSALS_SCHEMA), and rows of
    CHANGES_SCHEMA of it. A gate that is off, or was changed lately, stays as it is."""
    moved, rows = dict(thresholds.moved), list[Row]()
    asked: dict[str, list[dict[str, Any]]] = {}
    for row in proposals.to_pylist():
        asked.setdefault(row["gate"], []).append(row)
    for gate, kind in kinds.items():
        last = moved.get(gate)
        is_early = last is not None and moment.night - last.night < config.nights_between_changes
        is_off = thresholds.configured.get(f"gates.{gate}.mode") == "off"
        wanted = None if is_early or is_off else wanted_change(asked.get(gate, []), config)
        if wanted is None or not threshold_values(thresholds.configured, kind):
            continue
        changed = _changed(thresholds, kind, wanted, moment)
        if changed.shift == (last.shift if last else 0.0):
            continue
        old = shifted_values(thresholds.configured, kind, last.shift if last else 0.0)
        new = shifted_values(thresholds.configured, kind, changed.shift)
        moved[gate] = changed
        rows += [_row(name, old[name], new[name], changed.cause, changed.reason) for name in sorted(new)]
    return replace(thresholds, moved=moved), rows


def changes_table(rows: Sequence[Row]) -> pa.Table:
    """CHANGES_SCHEMA of the rows of both."""
    return pa.Table.from_pylist(list(rows), schema=CHANGES_SCHEMA)


def _changed(thresholds: Thresholds, kind: GateKind[Any], wanted: Wanted, moment: Moment) -> Moved:
    last = thresholds.moved.get(kind.name)
    asked = (last.shift if last else 0.0) + wanted.shift
    shift = possible_shift(thresholds.configured, kind, asked)
    reason = f"Moved by {wanted.shift:+.4g}, to {shift:+.4g} from what is configured. {wanted.reason}"
    if shift != asked:
        setting = f"gates.{kind.name}.{kind.threshold}"
        reason = (
            f"Moved to {shift:+.4g} from what is configured: {asked:+.4g} would take {setting} out of its"
            f" range. {wanted.reason}"
        )
    return Moved(shift, moment.night, moment.in_force_ms, wanted.cause, reason)


def _row(name: str, old: Any, new: Any, cause: str, reason: str) -> Row:
    values = {"old_value": old, "new_value": new}
    told = {key: None if value is None else json.dumps(value) for key, value in values.items()}
    return {"gate": _gate(name), "setting": name, **told, "cause": cause, "reason": reason}


def _gate(name: str) -> str:
    return name.split(".")[1]


def _date(night: int) -> str:
    return (EPOCH + timedelta(days=night)).isoformat()
