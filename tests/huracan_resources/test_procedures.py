"""The procedure of settings and code: what makes brains is in its name, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

from huracan.promotion.procedure import differences
from huracan.proof import behaviour
from huracan_resources import procedures
from huracan_resources.lake.store import LocalStore
from huracan_resources.procedures import procedure_in_force
from huracan_resources.settings.settings import load_settings

MADE = "c" * 64


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often the behaviour was found out."""
    calls: list[int] = []

    def digest() -> str:
        calls.append(1)
        return MADE

    monkeypatch.setattr(behaviour, "behaviour_digest", digest)
    return calls


def _digest(tmp_path: Path, **settings: object) -> str:
    overrides = {name.replace("__", "."): value for name, value in settings.items()}
    own = load_settings(overrides, {"HURACAN_HOME": str(tmp_path)})
    return procedure_in_force(own, LocalStore(tmp_path / "lake")).digest


@pytest.mark.parametrize(
    ("name", "value", "changes"),
    [
        ("market__rules__stop_volatilities", 2.0, True),
        ("market__handover", "05:00", True),
        ("training__seed", 9, True),
        ("training__refits_whole_window", True, True),
        ("gates__cost__mode", "binding", True),
        ("models__trailing_days", 40, True),
        ("universe__timeframe", "5m", True),
        ("training__threads", 1, False),
        ("promotion__minimum_trades", 7, False),
        ("schedule__hour", 3, False),
    ],
)
def test_what_makes_brains_changes_the_procedure_and_what_judges_or_keeps_them_does_not(
    tmp_path: Path, made: list[int], name: str, value: object, changes: bool
) -> None:
    assert (_digest(tmp_path, **{name: value}) != _digest(tmp_path)) is changes


def test_the_behaviour_is_found_out_once_for_each_code_and_kept_with_the_lake(
    tmp_path: Path, made: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _digest(tmp_path)
    assert _digest(tmp_path) == first and len(made) == 1
    (kept,) = (tmp_path / "lake" / "behaviours").iterdir()
    kept.write_text("{")
    assert _digest(tmp_path) == first and len(made) == 2, "what is damaged is found out anew"
    monkeypatch.setattr(procedures, "digest_of", lambda _: "other code that does the same")
    assert _digest(tmp_path) == first and len(made) == 3


def test_other_behaviour_is_another_procedure_and_a_person_is_told_what_differs() -> None:
    before = {"settings": {"a": 1, "b": 2}, "behaviour": "x"}
    after = {"settings": {"a": 1, "b": 3, "c": 4}, "behaviour": "y"}
    told = list(differences(before, after))
    assert told == ["b: 2 -> 3", "c: None -> 4", "the code does something else"]


DEARER = """
import huracan.market.costs as costs
costs.CostAssumptions.__init__.__defaults__ = (2.0, None, None, 0.0, 1.0, 100.0, 1.0)
"""
CALMER = """
from dataclasses import replace
import huracan.proof.behaviour as behaviour
calmer = replace(behaviour._TRAINING.ppo, clip=0.02, learning_rate=1e-5)
behaviour._TRAINING = replace(behaviour._TRAINING, ppo=calmer)
"""


def _in_a_process(changes: str = "") -> str:
    program = f"{changes}\nfrom huracan.proof.behaviour import behaviour_digest as found\nprint(found())"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.slow
def test_the_same_code_behaves_the_same_in_any_process_and_other_costs_or_steps_do_not() -> None:
    usual = _in_a_process()
    assert usual == behaviour.behaviour_digest()
    assert len({usual, _in_a_process(DEARER), _in_a_process(CALMER)}) == 3
