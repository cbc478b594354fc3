"""What a night changes of what gates ask for holds for signals that its gates judge, and for none before."""

from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest

from huracan.durations import minute_of_day
from huracan.gates.roster import gate_kinds
from huracan.gates.worth.carried import Moved, Thresholds
from huracan.gates.worth.shifts import threshold_values
from huracan.market.block import EPOCH
from huracan_assets.brain.baseline_brain import baseline_brain
from huracan_assets.gates.gate_decisions import gate_decisions
from huracan_assets.inputs.file_names import THRESHOLDS_FILE
from huracan_assets.inputs.gate_thresholds import configured_gates, gate_settings
from huracan_assets.reads import Read, resolve_all
from huracan_assets.stage import StageContext
from huracan_resources.settings.settings import Settings, load_settings
from tests.huracan_assets.shadow.paper_home import BEFORE, DAY, FIRST, HOURS, Paper

ASKED = {
    "gates.cost.minimum_past_trades": 1,
    "gates.cost.buffer_bps": 5.0,
    "gate_worth.adopts": "both",
    # So that trades of the two days before are past ones.
    "market.rules.maximum_holding": "6h",
}


def _settings(**said: Any) -> Settings:
    changed = {key.replace("__", "."): value for key, value in said.items()}
    return load_settings({**HOURS, **ASKED, **changed}, {"HURACAN_HOME": "/nowhere"})


def _leave(home: Paper, night: date, shift: float) -> None:
    """What `gate_stats` of the night leaves."""
    moved = {"cost": Moved(shift, (night - EPOCH).days, 0, "proposal", "It gained.")}
    content = Thresholds(configured_gates(_settings()), moved).to_bytes()
    home.resources.lake.write("gate_stats", night, {THRESHOLDS_FILE: content})


def _judged(home: Paper, settings: Settings) -> tuple[dict[str, float], dict[str, pa.Table]]:
    """Buffer over the cost of each signal by its trade; the tables."""
    inputs = resolve_all(home.resources.lake, gate_decisions.reads, DAY, settings)
    context = StageContext("gate_decisions", DAY, settings, home.resources, "")
    made = dict(gate_decisions.body(inputs, context).tables)
    trades = home.resources.lake.read_table("shadow_trades", DAY).to_pylist()
    costs = {row["trade_id"]: row["estimated_cost_bps"] for row in trades}
    rows = [row for row in made["data"].to_pylist() if row["gate"] == "cost" and row["book"] == "policy"]
    asked = {
        row["trade_id"]: round(row["threshold"] - costs[row["trade_id"]], 6)
        for row in rows
        if row["threshold"] is not None
    }
    return asked, made


@pytest.fixture
def traded(paper: Paper) -> Paper:
    paper.train(*(DAY - timedelta(days=back) for back in (3, 2, 1)))
    for day in (FIRST, BEFORE, DAY):
        paper.trade(day)
    return paper


def _is_of_before(traded: Paper) -> dict[str, bool]:
    """Whether the gates of the night before were in force at each signal of the day."""
    rows = traded.resources.lake.read_table("shadow_trades", DAY).to_pylist()
    handover = minute_of_day(_settings().market.handover)
    return {
        row["trade_id"]: row["signal_time"].date() == DAY
        and row["signal_time"].hour * 60 + row["signal_time"].minute >= handover
        for row in rows
    }


def test_each_signal_is_asked_what_the_night_in_force_at_it_left(traded: Paper) -> None:
    _leave(traded, BEFORE, 2.0)
    asked, _ = _judged(traded, _settings())
    is_of_before = _is_of_before(traded)
    assert {is_of_before[trade] for trade in asked} == {True, False}
    assert asked == {trade: 7.0 if is_of_before[trade] else 5.0 for trade in asked}
    _leave(traded, FIRST, -1.0)
    asked, _ = _judged(traded, _settings())
    later = {trade: each for trade, each in asked.items() if is_of_before[trade]}
    assert set(later.values()) == {7.0}
    assert 4.0 in [each for trade, each in asked.items() if not is_of_before[trade]]


def test_a_change_of_a_night_touches_no_answer_of_that_night(traded: Paper) -> None:
    _, before = _judged(traded, _settings())
    _leave(traded, DAY, 50.0)
    _, after = _judged(traded, _settings())
    assert all(before[name].equals(after[name]) for name in before)


@pytest.mark.parametrize(
    ("said", "buffer_bps"),
    [({"gate_worth__adopts": "nothing"}, 5.0), ({"gates__cost__buffer_bps": 6.0}, 6.0)],
)
def test_a_person_who_says_otherwise_is_obeyed_at_once(
    traded: Paper, said: dict[str, Any], buffer_bps: float
) -> None:
    for night in (FIRST, BEFORE):
        _leave(traded, night, 2.0)
    asked, _ = _judged(traded, _settings(**said))
    assert asked and set(asked.values()) == {buffer_bps}


def test_every_threshold_is_found_among_the_configured_settings() -> None:
    configured = configured_gates(_settings())
    found = {
        name: threshold_values(configured, kind) for name, kind in gate_kinds().items() if kind.threshold
    }
    assert found["cost"] == {"gates.cost.buffer_bps": 5.0}
    assert len(found["meta_label"]) == len(found["confidence"]) == 4 and len(found["regret"]) == 2
    assert all(isinstance(value, float) for values in found.values() for value in values.values())


def test_a_brain_asks_for_what_its_own_night_left(traded: Paper) -> None:
    for night, shift in ((BEFORE, 2.0), (DAY, 3.0)):
        _leave(traded, night, shift)
    assert "gate_stats" in {read.name for read in baseline_brain.reads}
    inputs = resolve_all(traded.resources.lake, [Read("gate_stats")], DAY, _settings())
    context = StageContext("baseline_brain", DAY, _settings(), traded.resources, "")
    found = gate_settings(inputs, context, None)
    assert found["cost"].buffer_bps == 8.0
    others = [name for name in gate_kinds() if name != "cost"]
    assert all(found[name] == _settings().gates[name] for name in others)
