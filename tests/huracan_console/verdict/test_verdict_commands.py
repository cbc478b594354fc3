"""`huracan trials`, `huracan brain` and doctor's look at the ledger, on a real database and a lake."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from click.testing import CliRunner, Result

from huracan.brain.bundle import build_bundle
from huracan.brain.signature import generate_key_pair
from huracan.promotion.day import DayResult
from huracan.promotion.record import TrialRecord, registration
from huracan.promotion.trial_rows import DAY, DECISION, NIGHT, PROCEDURE
from huracan_console.main import main
from huracan_console.verdict.trials import _course
from huracan_resources.brains import BrainRecord, bundle_key, read_latest, register_brain, write_bundle
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.conftest import NewHome
from tests.huracan.brain.conftest import ACTIONS, make_parts, make_policy

pytestmark = pytest.mark.server
FIRST = date(2025, 6, 1)
PRIVATE, _ = generate_key_pair()
ONE, OTHER = "1" * 64, "2" * 64


@pytest.fixture(scope="module")
def home(new_home: NewHome) -> Iterator[Path]:
    """Two procedures, of which the first has twelve days and two brains; two more are of none."""
    with new_home() as folder:
        variables = {"HURACAN_HOME": str(folder), "HURACAN_SIGNING_KEY": PRIVATE}
        with mock.patch.dict(os.environ, variables):
            resources = Resources(load_settings())
            _fill(resources)
        yield folder


def _fill(resources: Resources) -> None:
    ledger = resources.trials
    for digest, seed in ((ONE, 1), (OTHER, 9)):
        told = {"settings": {"training.seed": seed, "universe.symbols": ["B"]}, "behaviour": "same"}
        record = TrialRecord(ledger.rows(), FIRST)
        moment = datetime(2025, 6, seed, 3, tzinfo=UTC)
        ledger.append(PROCEDURE, digest, registration(digest, record, ("B",), moment, told))
    for number in range(12):
        day = FIRST + timedelta(days=number)
        night = {
            "day": day.isoformat(),
            "procedure": ONE,
            "model_id": "m",
            "held_out_usd": [],
            "contrast": None,
        }
        ledger.append(NIGHT, f"{day}:m", night | {"contradicts": False, "is_remade": False})
        result = DayResult(
            day=day + timedelta(days=1),
            result_usd=20.0 + number,
            rival_usd=-5.0,
            unit_usd=100.0,
            rival_unit_usd=100.0,
            opening_usd=30_000.0,
            costs_usd=3.0,
        )
        ledger.append(DAY, f"{ONE}:{result.day}", {"procedure": ONE, **result.plain()})
    unheard_of = {"procedure": "9" * 64}
    made_by: tuple[dict[str, Any], ...] = ({"procedure": ONE}, {"procedure": ONE}, {}, unheard_of)
    for number, numbers in enumerate(made_by):
        day = FIRST + timedelta(days=number)
        parts = make_parts(make_policy(ACTIONS, None))
        verdict = replace(parts.verdict, numbers=numbers)
        files = build_bundle(replace(parts, day=day, verdict=verdict), PRIVATE)
        brain_id = json.loads(files["manifest.json"])["brain_id"]
        write_bundle(resources.brains, day, brain_id, files)
        with resources.database.connect() as connection:
            register_brain(connection, BrainRecord.of(files, day, resources.brains.url, ""))


def _invoke(home: Path, *words: str, **variables: str) -> Result:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HURACAN", "DATABASE"))}
    own = {"HURACAN_HOME": str(home), "HURACAN_SIGNING_KEY": PRIVATE, "COLUMNS": "200"}
    with mock.patch.dict(os.environ, kept | own | variables, clear=True):
        return CliRunner().invoke(main, words)


def _resources(home: Path) -> Resources:
    with mock.patch.dict(os.environ, {"HURACAN_HOME": str(home)}):
        return Resources(load_settings())


def _brains(home: Path) -> list[str]:
    with _resources(home).database.connect() as connection:
        return [row[0] for row in connection.execute("SELECT brain_id FROM brain_registry ORDER BY day")]


def test_trials_shows_every_procedure_with_its_evidence_its_bar_and_what_it_changed(home: Path) -> None:
    shown = _invoke(home, "trials")
    assert shown.exit_code == 0, shown.output
    first = next(line for line in shown.output.splitlines() if ONE[:8] in line)
    assert "2025-06-02" in first and "2025-06-13" in first and "+306.00" in first and " 40 " in first
    assert first.rstrip().endswith(" ▅▅▅▅▅▅▅▆▆▆▆▇"), "towards 6.41 of 40"
    assert "The course is of the lesser of both bets" in shown.output
    assert "22222222 differs from 11111111: training.seed: 1 -> 9." in shown.output
    assert "The count began with this home" in shown.output
    told = json.loads(_invoke(home, "trials", "show", "--json").output)
    one, other = told["procedures"]
    assert (one["number"], one["bar"], one["days"]) == (1, 40.0, 12)
    assert (other["number"], other["bar"], other["days"]) == (2, 120.0, 0)
    assert len(one["course"]) == 12 and one["course"][-1]["result"] == one["evidence_result"]
    assert told["rows"] == 26 and len(told["head"]) == 64


def test_few_days_tell_no_rate(home: Path) -> None:
    line = next(line for line in _invoke(home, "trials").output.splitlines() if OTHER[:8] in line)
    assert "too few days" in line


def test_the_course_is_full_where_the_bar_was_reached_and_fits_a_line() -> None:
    assert _course([0.0, 1 / 40, 0.99, 1.0, 39.9, 40.0, 1e9], 40.0) == "▁▁▄▅▇██"
    assert _course([1.0] * 49 + [40.0], 40.0).endswith("▅█"), "the last day is always shown"
    assert len(_course([1.0] * 1000, 40.0)) <= 24 and _course([], 40.0) == ""


def test_rows_are_chosen_by_kind_procedure_and_number(home: Path) -> None:
    rows = json.loads(_invoke(home, "trials", "rows", "--kind", "day", "--limit", "3", "--json").output)
    assert [row["kind"] for row in rows] == ["day"] * 3 and rows[-1]["content"]["day"] == "2025-06-13"
    own = json.loads(_invoke(home, "trials", "rows", "--procedure", OTHER[:6], "--json").output)
    assert [row["key"] for row in own] == [OTHER]
    shown = _invoke(home, "trials", "rows", "--limit", "1").output
    assert "+31.00 USD" in shown
    wrong = _invoke(home, "trials", "rows", "--kind", "nothing")
    assert wrong.exit_code == 2 and "Use one of procedure, night, day" in wrong.output


def test_doctor_reads_every_row_and_says_which_copy_lacked_some(home: Path) -> None:
    def found() -> dict[str, Any]:
        findings = json.loads(_invoke(home, "doctor", "--json").stdout)
        return next(each for each in findings if each["part"] == "trial ledger")

    assert found()["found"] == "26 rows, the same in database and lake"
    with _resources(home).database.connect() as connection:
        connection.execute("DELETE FROM trials WHERE sequence > 20")
    assert found()["found"] == (
        "26 rows, the same in database and lake; the database lacked 6, written again"
    )
    assert found()["found"] == "26 rows, the same in database and lake"


def test_a_row_that_was_edited_is_named_by_verify_and_by_doctor(home: Path) -> None:
    assert "All 26 rows of both copies" in _invoke(home, "trials", "verify").output
    file = next((home / "lake" / "trials").glob("00000005-*.json"))
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"2025-06-", b"2024-06-"))
    try:
        refused = _invoke(home, "trials", "verify")
        assert refused.exit_code != 0 and "Row 5 of the trial ledger" in refused.output
        findings = json.loads(_invoke(home, "doctor", "--json").stdout)
        (own,) = [each for each in findings if each["part"] == "trial ledger"]
        assert not own["is_ok"] and "was changed in the lake" in own["found"] and "Delete" in own["remedy"]
    finally:
        file.write_bytes(whole)


def test_a_ledger_is_taken_over_where_the_lake_lost_it_and_nowhere_else(home: Path) -> None:
    adopted = _invoke(home, "trials", "adopt")
    assert adopted.exit_code != 0 and "no ledger to take over" in adopted.output
    held = home / "lake" / "trials"
    before = {path.name: path.read_bytes() for path in held.iterdir()}
    shutil.rmtree(held)
    refused = _invoke(home, "trials")
    assert refused.exit_code != 0 and "huracan trials adopt" in refused.output
    adopted = _invoke(home, "trials", "adopt")
    assert adopted.exit_code == 0 and f"{len(before) - 1} rows were taken over" in adopted.output
    assert {path.name: path.read_bytes() for path in held.iterdir()} == before


def test_a_person_promotes_rolls_back_and_demotes_and_latest_follows(home: Path) -> None:
    first, second, of_nobody, of_another_ledger = _brains(home)
    assert "Nothing is in force." in _invoke(home, "brain").output
    for wrong, says in (
        (("brain", "demote", "--reason", "why"), "Nothing is in force"),
        (("brain", "promote", first, "--reason", "  "), "The reason is empty"),
        (("brain", "promote", "nobody", "--reason", "why"), "There is no brain 'nobody'"),
        (("brain", "promote", of_nobody, "--reason", "why"), "was made by no procedure"),
        (("brain", "promote", of_another_ledger, "--reason", "why"), "before the ledger began anew"),
        (("brain", "promote", first), "--reason"),
    ):
        refused = _invoke(home, *wrong)
        assert refused.exit_code != 0 and says in refused.output, refused.output
    research = _invoke(home, "brain", "promote", first, "--reason", "why", HURACAN__MODE="research")
    assert research.exit_code != 0 and "nothing comes into force" in research.output

    def latest() -> str | None:
        pointer = read_latest(_resources(home).brains)
        return pointer and pointer["brain_id"]

    promoted = _invoke(home, "brain", "promote", first, "--reason", "I looked at it.")
    assert promoted.exit_code == 0 and f"{first} is in force." in promoted.output
    assert "It was made for days before 2025-06-08." in promoted.output, "a brain of last year is late"
    assert latest() == first
    other = _invoke(home, "brain", "rollback", "--reason", "back")
    assert other.exit_code != 0 and "No other brain was ever in force" in other.output
    assert _invoke(home, "brain", "promote", second, "--reason", "Better.").exit_code == 0
    assert latest() == second
    assert _invoke(home, "brain", "rollback", "--reason", "Worse.").exit_code == 0
    assert latest() == first
    assert _invoke(home, "brain", "demote", "--reason", "Enough.").exit_code == 0
    assert latest() is None
    told = json.loads(_invoke(home, "brain", "show", "--json").output)
    assert told["in_force"] is None
    decided = [(each["act"], each["brain_id"], each["reason"]) for each in told["decisions"]]
    assert decided == [
        ("promote", first, "I looked at it."),
        ("promote", second, "Better."),
        ("rollback", first, "Worse."),
        ("demote", None, "Enough."),
    ]
    assert all(each["by"] for each in told["decisions"])
    rows = json.loads(_invoke(home, "trials", "rows", "--kind", DECISION, "--json").output)
    assert len(rows) == 4


def test_a_bundle_that_was_changed_is_not_brought_into_force(home: Path) -> None:
    first = _brains(home)[0]
    brains = _resources(home).brains
    key = f"{bundle_key(FIRST, first)}/policy.safetensors"
    whole = brains.get(key)
    brains.put(key, whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        refused = _invoke(home, "brain", "promote", first, "--reason", "why")
        assert refused.exit_code != 0 and "policy.safetensors" in refused.output
    finally:
        brains.put(key, whole)
