"""`huracan prove patterns`: what it prints and its exit codes."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner, Result

from huracan.proof.pattern_proof_settings import PatternProofSettings
from huracan_console import prove_patterns
from huracan_console.main import main

QUICK = PatternProofSettings(markets=1, nights=2, lead_days=1, symbols=2)


@pytest.fixture(autouse=True)
def _quick_markets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prove_patterns, "PatternProofSettings", lambda: QUICK)


def _invoke(*words: str) -> Result:
    return CliRunner().invoke(main, ("prove", "patterns", *words))


def test_a_pattern_that_is_not_found_in_time_is_exit_code_1_and_said() -> None:
    result = _invoke("--case", "planted")
    assert result.exit_code == 1, result.output
    assert "MISSED" in result.stdout


def test_json_is_one_object_with_a_row_per_market() -> None:
    result = _invoke("--case", "none", "--case", "fair", "--markets", "2", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["is_met"] and [row["case"] for row in found["rows"]] == ["none", "none", "fair", "fair"]


def test_an_unknown_case_is_wrong_use_and_the_settings_are_the_nights_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unknown = _invoke("--case", "magic")
    assert unknown.exit_code == 2 and "Use one of planted, none, fair" in unknown.stderr
    sure = replace(QUICK, markets=1)
    monkeypatch.setattr(prove_patterns, "PatternProofSettings", lambda: sure)
    bad = _invoke("--set", "patterns.family_error=2")
    assert bad.exit_code == 2 and "family_error" in bad.stderr
