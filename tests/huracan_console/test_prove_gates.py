"""`huracan prove gates`: what it prints and its exit codes."""

import json

import pytest
from click.testing import CliRunner, Result

from huracan.proof.gate_nights import GateNights
from huracan.proof.gate_plants import PlantedCandlesConfig
from huracan.proof.gate_proof_settings import GateProofSettings
from huracan_console import prove_gates
from huracan_console.main import main

QUICK = GateProofSettings(
    first_seed=5,
    market=PlantedCandlesConfig(symbols=4, days=10),
    nights=GateNights(judged_days=1),
)


@pytest.fixture(autouse=True)
def _quick_markets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prove_gates, "GateProofSettings", lambda: QUICK)


def _invoke(*words: str) -> Result:
    return CliRunner().invoke(main, ("prove", "gates", *words))


def test_each_market_and_each_bar_is_said_and_a_bar_that_is_met_is_exit_code_0() -> None:
    result = _invoke("--case", "cost_trap", "--markets", "1")
    assert result.exit_code == 0, result.output
    assert "cost_trap, market 5: cost refuses" in " ".join(result.stderr.split())
    assert "Bars" in result.stdout and "MISSED" not in result.stdout


def test_the_settings_of_gates_count_and_a_bar_that_is_missed_is_exit_code_1() -> None:
    lax = ("--set", "gates.cost.buffer_bps=-500")
    result = _invoke("--case", "cost_trap", "--markets", "1", "--json", *lax)
    assert result.exit_code == 1, result.output
    found = json.loads(result.stdout)
    assert not found["is_met"] and found["rows"][0]["refused_of_oracle"] == 0.0


def test_an_unknown_case_is_wrong_use() -> None:
    unknown = _invoke("--case", "magic")
    assert unknown.exit_code == 2
    assert "Use one of toxic_flow, cost_trap, false_pattern" in unknown.stderr
