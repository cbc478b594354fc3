"""The what-ifs and the gates of a day on paper that began with open positions and left some open."""

import json
from datetime import date, datetime, timedelta

import pytest

from huracan_assets.gates.gate_decisions import gate_decisions
from huracan_assets.reads import resolve_all
from huracan_assets.shadow.shadow_scenarios import shadow_scenarios
from huracan_assets.stage import Outcome, Stage, StageContext
from tests.huracan_assets.shadow.paper_home import BEFORE, DAY, FIRST, Paper


def _made(home: Paper, asset: Stage, day: date) -> Outcome:
    settings, lake = home.resources.settings, home.resources.lake
    inputs = resolve_all(lake, asset.reads, day, settings)
    outcome = asset.body(inputs, StageContext(asset.name, day, settings, home.resources, ""))
    for verdict in outcome.verdicts:
        assert verdict.passed, verdict.reason
    return outcome


@pytest.fixture
def traded(paper: Paper) -> dict[date, Outcome]:
    paper.train(*(DAY - timedelta(days=back) for back in (3, 2, 1)))
    return {day: paper.trade(day) for day in (FIRST, BEFORE, DAY)}


def test_a_day_that_began_with_positions_is_replayed_to_its_ledger_and_to_what_it_left_open(
    paper: Paper, traded: dict[date, Outcome]
) -> None:
    carried = traded[BEFORE].tables["open_positions"]
    assert any(carried["quantity"].to_numpy() > 0), "nothing is open at midnight: the test would say nothing"
    scenarios = _made(paper, shadow_scenarios, DAY).tables["data"]
    made = {row["scenario"]: row for row in scenarios.to_pylist() if row["symbol"] == "all"}
    assert made["costs_x2"]["net_usd"] < made["costs_x1.5"]["net_usd"] < made["as_traded"]["net_usd"]
    closed, left = traded[DAY].tables["data"], traded[DAY].tables["open_positions"]
    still_open = int((left["quantity"].to_numpy() > 0).sum())
    assert made["as_traded"]["trades"] == closed.num_rows + still_open


def test_a_days_gates_are_those_in_force_at_each_signal_also_of_days_before(
    paper: Paper, traded: dict[date, Outcome]
) -> None:
    signals = traded[DAY].tables["data"]["signal_time"].to_pylist()
    nights = {_night_in_force(signal) for signal in signals}
    assert any(signal.date() < DAY for signal in signals) and len(nights) > 1
    outcome = _made(paper, gate_decisions, DAY)
    assert set(json.loads(outcome.files["gates.json"])) == {night.isoformat() for night in nights}


def _night_in_force(signal: datetime) -> date:
    """By the clock: whoever runs a brain has the newest at 04:00."""
    return signal.date() - timedelta(days=1 if signal.hour >= 4 else 2)
