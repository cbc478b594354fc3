"""The worth of gates as the nights of a lake tell it: windows, bets that go on, and nights that lack."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from huracan.gates.judging.judge import DECISIONS_SCHEMA
from huracan_assets.shown import Picture, Rows
from huracan_assets.stage import Outcome
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.huracan.gates.columns import with_column
from tests.judged_nights import TRADES, fill_night, run_gate_stats

FIRST = date(2025, 3, 1)


@pytest.fixture
def resources(tmp_path: Path) -> Resources:
    return Resources(load_settings(environ={"HURACAN_HOME": str(tmp_path)}))


def _trailing(outcome: Outcome) -> dict[tuple[str, int], dict[str, Any]]:
    return {(row["gate"], row["nights"]): row for row in outcome.tables["trailing"].to_pylist()}


def test_the_windows_look_back_and_the_bets_go_on_from_night_to_night(
    resources: Resources,
) -> None:
    days = [FIRST + timedelta(days=back) for back in range(9)]
    for day in days:
        fill_night(resources, day)
        outcome = run_gate_stats(resources, day)
    row = _trailing(outcome)
    nets = [resources.lake.read_table("shadow_trades", day)["net_bps"].to_numpy() for day in days]
    for nights, held in ((1, nets[-1:]), (7, nets[-7:]), (30, nets)):
        assert row["harms", nights]["judged"] == TRADES * len(held)
        assert row["harms", nights]["saved_bps"] == pytest.approx(-np.concatenate(held).mean())
    assert row["harms", 30]["always"] == "refuses" and row["silent", 30]["always"] == "passes"
    assert row["harms", 7]["saved_high_bps"] < 0.0 and row["harms", 1]["saved_low_bps"] is None
    assert row["harms", 1]["harm_nights"] == 9 and row["silent", 1]["harm_evidence"] == pytest.approx(1.0)
    (verdict,) = outcome.verdicts
    assert verdict.check == "gates_earn_their_place" and not verdict.passed and not verdict.blocking
    assert "Set gates.harms.mode to off" in verdict.reason
    assert outcome.tables["data"].num_rows == 3 and outcome.tables["proposals"].num_rows == 2
    picture, table = outcome.metadata["worth"], outcome.metadata["trailing"]
    assert isinstance(picture, Picture) and "bps per signal" in picture.told
    assert isinstance(table, Rows) and len(table.records) == 9


def test_a_night_made_again_is_the_same_to_the_byte(
    resources: Resources,
) -> None:
    for back in range(6):
        fill_night(resources, FIRST + timedelta(days=back))
        first = run_gate_stats(resources, FIRST + timedelta(days=back))
    again = run_gate_stats(resources, FIRST + timedelta(days=5))
    assert first.files == again.files
    assert all(encode_table(first.tables[name]) == encode_table(again.tables[name]) for name in first.tables)


def test_a_night_without_trades_keeps_what_was_known(
    resources: Resources,
) -> None:
    second, third = FIRST + timedelta(days=1), FIRST + timedelta(days=2)
    fill_night(resources, FIRST)
    run_gate_stats(resources, FIRST)
    for asset in ("shadow_trades", "gate_decisions"):
        resources.lake.write(asset, second, {}, note="No policy.")
    outcome = run_gate_stats(resources, second)
    assert outcome.tables["data"].num_rows == 0 and not outcome.note
    assert ("harms", 1) not in _trailing(outcome) and _trailing(outcome)["harms", 7]["judged"] == TRADES
    fill_night(resources, third)
    assert _trailing(run_gate_stats(resources, third))["harms", 1]["harm_nights"] == 3


def test_the_first_night_without_a_signal_says_so(resources: Resources) -> None:
    for asset in ("shadow_trades", "gate_decisions"):
        resources.lake.write(asset, FIRST, {}, note="No policy.")
    assert run_gate_stats(resources, FIRST).note == f"No signal was judged up to {FIRST}."


def test_a_night_that_was_remade_under_its_answers_is_left_out_of_the_windows(
    resources: Resources,
) -> None:
    days = [FIRST + timedelta(days=back) for back in range(3)]
    for day in days:
        fill_night(resources, day)
        run_gate_stats(resources, day)
    remade = with_column(
        resources.lake.read_table("shadow_trades", days[1]), "trade_id", [f"new-{n}" for n in range(TRADES)]
    )
    resources.lake.write("shadow_trades", days[1], {"data.parquet": encode_table(remade)})
    assert _trailing(run_gate_stats(resources, days[2]))["harms", 7]["judged"] == 2 * TRADES


def test_what_positions_that_were_left_came_to_counts_as_worth(resources: Resources) -> None:
    trades = fill_night(resources, FIRST)
    net = dict(zip(trades["trade_id"].to_pylist(), trades["net_bps"].to_pylist(), strict=True))
    rows = resources.lake.read_table("gate_decisions", FIRST).to_pylist()
    for row in rows:
        if row["gate"] == "silent":
            row |= {"verdict": "pass, close 2025-03-01T00:10Z", "left_net_bps": net[row["trade_id"]] + 10.0}
    left = pa.Table.from_pylist(rows, schema=DECISIONS_SCHEMA)
    resources.lake.write("gate_decisions", FIRST, {"data.parquet": encode_table(left)})
    found = _trailing(run_gate_stats(resources, FIRST))["silent", 1]
    assert found["left"] == TRADES and found["saved_bps"] == pytest.approx(10.0)
    assert found["precision"] == 1.0
