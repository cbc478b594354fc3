"""`huracan prove learner`: what it prints, what it draws, and its exit codes."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from huracan.agent.config import TrainingConfig
from huracan.proof.proof_settings import ProofSettings
from huracan.proof.stopping_program import Grid
from huracan_console import prove
from huracan_console.main import main

QUICK = ProofSettings(
    training=TrainingConfig(window_days=5, held_out_days=1, embargo_days=1, minimum_training_days=2),
    symbols=1,
    exam_days=1,
    grid=Grid(signals=25, places=9, bars=60, nodes=3),
)
LITTLE = ("--seeds", "1", "--set", "training.seed_count=1", "--set", "training.lanes=64")


@pytest.fixture(autouse=True)
def _quick_markets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prove, "ProofSettings", lambda: QUICK)


def _invoke(*words: str) -> Result:
    return CliRunner().invoke(main, ("prove", "learner", *words))


def test_a_bar_that_is_missed_is_exit_code_1_and_said(tmp_path: Path) -> None:
    picture = tmp_path / "proof.png"
    result = _invoke("--case", "planted", "--steps", "4000", "--plot", str(picture), *LITTLE)
    assert result.exit_code == 1, result.output
    assert "MISSED" in result.stdout
    assert "share of the best causal policy's profit" in " ".join(result.stdout.split())
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_json_is_one_object_on_standard_output_with_every_number(monkeypatch: pytest.MonkeyPatch) -> None:
    lenient = replace(QUICK, minimum_net_bps=-1e9)
    monkeypatch.setattr(prove, "ProofSettings", lambda: lenient)
    result = _invoke("--case", "none", "--case", "weak", "--steps", "4000", "--json", *LITTLE)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["is_met"]
    assert [bar["case"] for bar in found["bars"]] == ["weak", "none"]
    assert {row["steps"] for row in found["rows"]} == {4000}


def test_an_unknown_case_and_a_folder_that_is_not_there_are_wrong_use(tmp_path: Path) -> None:
    unknown = _invoke("--case", "magic")
    assert unknown.exit_code == 2
    assert "Use one of planted, weak, none, switch, costs" in unknown.stderr
    nowhere = _invoke("--plot", str(tmp_path / "no" / "proof.png"))
    assert nowhere.exit_code == 2
    assert "does not exist" in nowhere.stderr


def test_the_proof_trains_with_the_nights_own_settings_on_its_own_window() -> None:
    training = TrainingConfig(total_steps=7, lanes=9, seed_count=2)
    settings = prove.proof_settings(training, seeds=3, steps=None)
    assert (settings.training.total_steps, settings.training.lanes, settings.training.seed_count) == (7, 9, 2)
    assert settings.training.window_days == QUICK.training.window_days
    assert settings.seeds == 3
    assert prove.proof_settings(training, None, 11).training.total_steps == 11
