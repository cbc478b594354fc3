"""Nights that change what a gate asks for: each is an event with its reason, and the nights after obey it."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from huracan.gates.contract import Answers, require_above
from huracan.gates.cost import CostGateSettings
from huracan.gates.judging.judge import judge_signals
from huracan_assets.inputs.file_names import THRESHOLDS_FILE
from huracan_assets.inputs.gate_thresholds import THRESHOLDS_IN_FORCE, gate_settings
from huracan_assets.reads import resolve_all
from huracan_assets.stage import Outcome, StageContext
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.judged_nights import TRADES, fill_night, run_gate_stats

FIRST = date(2025, 3, 1)
EDGES = np.arange(1.0, TRADES + 1.0)
"""Expected edge of each signal of a night over its cost, in bps."""
GOVERNED = {
    "gate_worth.adopts": "governor",
    "gate_worth.highest_pass_rate": 0.5,
    "gate_worth.minimum_signals": TRADES,
    "gate_worth.nights_between_changes": 2,
    "gates.cost.buffer_bps": 0.0,
    # All signals of a day are then judged by the night before it.
    "market.handover": "00:00",
}


class _Edges:
    """Judges the signals of a night by EDGES and a buffer, as the cost gate does."""

    def __init__(self, buffer_bps: float) -> None:
        self.buffer_bps = buffer_bps

    def judge(self, signals: pa.Table) -> Answers:
        return require_above(EDGES, np.full(TRADES, self.buffer_bps), "edge", " bps", 1)

    def describe(self) -> dict[str, object]:
        return {}


def _resources(path: Path, **said: Any) -> Resources:
    settings = {**GOVERNED, **{key.replace("__", "."): value for key, value in said.items()}}
    return Resources(load_settings(settings, {"HURACAN_HOME": str(path)}))


def _night(resources: Resources, day: date) -> tuple[Outcome, float]:
    """The day judged by what the night before left, and what its own night makes of it; its pass rate."""
    trades = fill_night(resources, day)
    inputs = resolve_all(resources.lake, [THRESHOLDS_IN_FORCE], day, resources.settings)
    context = StageContext("gate_decisions", day, resources.settings, resources, "")
    asked: CostGateSettings = gate_settings(inputs, context, day - timedelta(days=1))["cost"]
    decisions = judge_signals(trades, {"cost": _Edges(asked.buffer_bps)})
    resources.lake.write("gate_decisions", day, {"data.parquet": encode_table(decisions)})
    passed = [row["verdict"] == "pass" for row in decisions.to_pylist() if row["gate"] == "cost"]
    return run_gate_stats(resources, day), float(np.mean(passed))


def _changes(outcome: Outcome) -> list[tuple[str, str, str, str]]:
    rows = outcome.tables["changes"].to_pylist()
    return [(row["setting"], row["old_value"], row["new_value"], row["cause"]) for row in rows]


def test_a_pass_rate_above_its_bound_makes_the_next_night_pass_fewer(tmp_path: Path) -> None:
    resources = _resources(tmp_path)
    first, rate = _night(resources, FIRST)
    assert rate == 1.0
    assert _changes(first) == [("gates.cost.buffer_bps", "0.0", "3.5", "governor")]
    (reason,) = first.tables["changes"]["reason"].to_pylist()
    assert "it passes 1.000 of its signals, and 0.500 is asked for" in reason
    # Of the night after, half of the signals exceed it, which is what is asked for.
    for back in (1, 2, 3):
        later, rate = _night(resources, FIRST + timedelta(days=back))
        assert rate == 0.5 and _changes(later) == []
    (proposal,) = later.tables["proposals"].to_pylist()
    # Signals of before the change do not count.
    assert proposal["pass_rate"] == 0.5


def test_by_default_nothing_is_changed_and_nothing_recorded(tmp_path: Path) -> None:
    resources = _resources(tmp_path, gate_worth__adopts="nothing")
    for back in range(3):
        made, rate = _night(resources, FIRST + timedelta(days=back))
        assert rate == 1.0 and _changes(made) == []
    (proposal,) = made.tables["proposals"].to_pylist()
    assert proposal["governed_factor"] == 0.5 and proposal["governed_shift"] == 3.5


def test_what_passes_and_surely_loses_tightens_and_never_loosens(tmp_path: Path) -> None:
    resources = _resources(
        tmp_path,
        gate_worth__highest_pass_rate=1.0,
        gate_worth__lowest_pass_rate=0.0,
        gates__cost__buffer_bps=0.5,
    )
    buffers = [0.5]
    for back in range(9):
        day = FIRST + timedelta(days=back)
        fill_night(resources, day)
        trades = resources.lake.read_table("shadow_trades", day)
        # Four of six lose.
        net = pa.array([10.0, -30.0, -30.0, 10.0, -30.0, -30.0 + back % 2])
        losing = trades.set_column(trades.schema.get_field_index("net_bps"), "net_bps", net)
        decisions = judge_signals(losing, {"cost": _Edges(buffers[-1])})
        resources.lake.write("shadow_trades", day, {"data.parquet": encode_table(losing)})
        resources.lake.write("gate_decisions", day, {"data.parquet": encode_table(decisions)})
        changes = _changes(run_gate_stats(resources, day))
        buffers += [float(new) for _, _, new, cause in changes if cause == "governor"]
    assert len(buffers) > 1 and buffers == sorted(buffers)


def test_a_person_who_configures_the_threshold_anew_resets_it(tmp_path: Path) -> None:
    _night(_resources(tmp_path), FIRST)
    anew = _resources(tmp_path, gates__cost__buffer_bps=2.0, gates__regret__mode="off")
    made, rate = _night(anew, FIRST + timedelta(days=1))
    assert rate == pytest.approx(4 / 6)
    assert _changes(made) == [
        ("gates.cost.buffer_bps", "3.5", "2.0", "configured"),
        ("gates.regret.mode", '"advisory"', '"off"', "configured"),
    ]
    # The night after next may move it again, by answers to the new threshold alone.
    made, _ = _night(anew, FIRST + timedelta(days=2))
    assert _changes(made) == []
    made, _ = _night(anew, FIRST + timedelta(days=3))
    assert _changes(made) == [("gates.cost.buffer_bps", "2.0", "3.5", "governor")]


def test_a_night_made_again_changes_the_same_to_the_byte(tmp_path: Path) -> None:
    resources = _resources(tmp_path)
    made = [_night(resources, FIRST + timedelta(days=back))[0] for back in range(3)]
    for back in (0, 2, 1):
        again = run_gate_stats(resources, FIRST + timedelta(days=back))
        assert again.files[THRESHOLDS_FILE] == made[back].files[THRESHOLDS_FILE]
        assert again.tables["changes"].equals(made[back].tables["changes"])


def test_a_home_of_before_thresholds_were_carried_begins_with_what_is_configured(tmp_path: Path) -> None:
    resources = _resources(tmp_path)
    made, _ = _night(resources, FIRST)
    old = {name: content for name, content in made.files.items() if name != THRESHOLDS_FILE}
    resources.lake.write("gate_stats", FIRST, old)
    made, rate = _night(resources, FIRST + timedelta(days=1))
    assert rate == 1.0 and _changes(made) == [("gates.cost.buffer_bps", "0.0", "3.5", "governor")]
