"""`huracan status`: what it says of homes of every kind, and that it leaves no trace in them."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pyarrow as pa
import pytest
from click.testing import CliRunner

from huracan.verdict import Verdict
from huracan_console.instance import open_instance
from huracan_console.main import main
from huracan_console.servers.up_record import UpRecord
from huracan_console.status.facts import next_night
from huracan_console.status.night_record import Failure, NightRecord
from huracan_console.status.screen import run_status
from huracan_resources.brains import LATEST, bundle_key
from huracan_resources.database.database import Database
from huracan_resources.database.incidents import Incidents
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.manifest import Origin
from huracan_resources.lake.parquet import encode_table
from huracan_resources.lake.store import LocalStore
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.conftest import S3_KEY, S3_SECRET
from tests.made_once import NewHome

DAY = date(2025, 6, 29)
NOW = datetime(2025, 6, 30, 8, 30, tzinfo=UTC)
ONE = timedelta(days=1)
TABLE = {"data.parquet": encode_table(pa.table({"trade_id": ["a"]}))}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def _lake(home: Path) -> Lake:
    return Lake(LocalStore(home / "lake"))


def _night(home: Path, day: date = DAY, **brain: Any) -> None:
    """A finished night."""
    judged = {"brain_id": f"{day}-b1", "verdict": "refused", "reasons": ["It lost 3 USD."], "bundle": "b"}
    lake = _lake(home)
    for asset in ("ohlcv", "shadow_trades"):
        lake.write(asset, day, TABLE, origin=Origin(source="simulated#1234"))
    lake.write("baseline_brain", day, {"brain.json": json.dumps(judged | brain).encode()})


def _told(
    home: Path, capsys: pytest.CaptureFixture[str], now: datetime = NOW, **settings: Any
) -> dict[str, str]:
    """Name of each line to what it says."""
    run_status(_settings(home, settings), now, as_json=False)
    lines = [line.split("  ", 1) for line in capsys.readouterr().out.splitlines()]
    return {name: rest[0].strip() if rest else "" for name, *rest in lines}


def _object(home: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    run_status(_settings(home, {}), NOW, as_json=True)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def _settings(home: Path, settings: dict[str, Any]) -> Any:
    named = {name.replace("__", "."): value for name, value in settings.items()}
    return load_settings({"storage.home": str(home), **named}, {})


def _files(home: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in sorted(home.rglob("*"))}


def test_an_empty_home_is_told_what_to_run_and_is_not_made(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = _told(home, capsys)
    assert told["last night"] == "no night yet; run: huracan nightly"
    assert (told["days"], told["incidents"]) == ("none", "none is open")
    assert told["brain in force"] == "none: no brain was promoted yet"
    assert not home.exists()
    assert _object(home, capsys)["night"] is None and not home.exists()


def test_a_finished_night_is_told_with_its_end_its_verdict_and_its_first_reason(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _night(home, reasons=["It lost 3 USD.", "It is no better than random.", "It had bad luck."])
    manifest = home / f"lake/baseline_brain/day={DAY}/manifest.json"
    ended = datetime(2025, 6, 30, 2, 14, 9, tzinfo=UTC).timestamp()
    os.utime(manifest, (ended, ended))
    before = _files(home)
    told = _told(home, capsys)
    assert told["last night"] == "2025-06-29, finished 2025-06-30 02:14 UTC, 6 h ago"
    assert told["verdict"] == "refused: It lost 3 USD. (and 2 reasons more)"
    assert told["days"] == "2025-06-29 to 2025-06-29: 1 day of candles, no gap"
    assert (told["source"], told["symbols"]) == ("simulated", "3: BTC/USDT, ETH/USDT, SOL/USDT")
    assert _files(home) == before


@pytest.mark.parametrize(("eligible", "standing"), [(True, ""), (False, " (not eligible for live trading)")])
def test_a_promoted_brain_that_may_not_trade_live_is_told_so(
    home: Path, capsys: pytest.CaptureFixture[str], eligible: bool, standing: str
) -> None:
    _night(home, verdict="promoted", reasons=["It earned 3 USD."], is_live_eligible=eligible)
    assert _told(home, capsys)["verdict"] == f"promoted{standing}: It earned 3 USD."


def test_days_that_closed_without_their_night_are_counted_once_they_are_due(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _night(home)
    assert "closed since" not in _told(home, capsys, NOW + 17 * ONE / 24)["last night"]
    one = _told(home, capsys, NOW + ONE)["last night"]
    assert one.endswith("; 1 day has closed since, run: huracan nightly")
    assert "; 3 days have closed since" in _told(home, capsys, NOW + 3 * ONE)["last night"]
    files = {"source__kind": "files", "source__files__directory": str(home)}
    assert "closed since" not in _told(home, capsys, NOW + 3 * ONE, **files)["last night"]


def test_gaps_among_the_days_of_candles_are_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for back in (0, 1, 3, 9):
        _lake(home).write("ohlcv", DAY - back * ONE, TABLE)
    told = _told(home, capsys)["days"]
    assert told == "2025-06-20 to 2025-06-29: 4 days of candles, without 2025-06-21 to 2025-06-25; 2025-06-27"


def test_a_night_that_failed_is_told_with_the_asset_the_day_and_the_reason(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _night(home, DAY - ONE)
    reason = "The exchange did not answer. Run again."
    NightRecord(DAY, NOW - 2 * ONE / 24, [Failure("ohlcv", DAY, reason)]).write(home)
    told = _told(home, capsys)
    assert told["last night"] == (
        f"2025-06-29, failed 2025-06-30 06:30 UTC, 2 h ago. ohlcv of 2025-06-29: {reason}"
        " Go on: huracan nightly"
    )
    assert told["verdict"] == "none: the night made no brain"
    failure = {"what": "ohlcv", "day": "2025-06-29", "reason": reason}
    assert _object(home, capsys)["night"]["failures"] == [failure]
    _night(home)  # the daemon has made it good
    assert "finished" in _told(home, capsys)["last night"]


def test_without_a_record_the_lake_says_what_was_judged_bad_or_is_missing(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = _lake(home)
    for asset in ("ohlcv", "features", "regimes", "shadow_trades"):
        lake.write(asset, DAY, TABLE)
    assert _told(home, capsys)["last night"] == (
        "2025-06-29, broken off before ppo_checkpoint. Go on: huracan nightly"
    )
    bad = Verdict("policy_is_finite", passed=False, reason="A weight is NaN.", blocking=True)
    lake.write("ppo_checkpoint", DAY, TABLE, verdicts=[bad])
    told = _told(home, capsys)["last night"]
    assert "failed. ppo_checkpoint of 2025-06-29: policy_is_finite: A weight is NaN." in told


@pytest.mark.parametrize("content", ["", "[]", '{"day": 1}', '{"day": "2025-06-29", "failures": [1]}'])
def test_a_damaged_record_says_nothing(home: Path, content: str) -> None:
    home.mkdir()
    (home / "last_night.json").write_text(content)
    assert NightRecord.read(home) is None


def test_a_record_is_read_as_it_was_written(home: Path) -> None:
    home.mkdir()
    record = NightRecord(DAY, NOW, [Failure("ohlcv", DAY, "Why.")])
    record.write(home)
    assert NightRecord.read(home) == record
    NightRecord(DAY, NOW).write(home / "gone")
    assert not (home / "gone").exists()


def test_the_brain_in_force_is_the_one_that_latest_names_and_a_damaged_pointer_hides_nothing_else(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _night(home)
    pointer = {"day": "2025-06-27", "brain_id": "b7", "bundle": bundle_key(date(2025, 6, 27), "b7")}
    brains = LocalStore(home / "brains")
    brains.put(LATEST, json.dumps(pointer | {"manifest_sha256": "ab" * 32}).encode())
    assert _told(home, capsys)["brain in force"] == "b7, of the night of 2025-06-27"
    brains.put(LATEST, b"{")
    told = _told(home, capsys)
    assert told["brain in force"].startswith("not known: ") and "is damaged" in told["brain in force"]
    assert "finished" in told["last night"]


def test_the_next_night_is_at_the_hour_of_the_schedule_if_something_keeps_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert next_night(2, NOW) == datetime(2025, 7, 1, 2, tzinfo=UTC)
    assert next_night(9, NOW) == datetime(2025, 6, 30, 9, tzinfo=UTC)
    assert _told(home, capsys)["next night"].startswith("2025-07-01 02:00 UTC, if huracan up runs by then")
    off = _told(home, capsys, schedule__is_enabled=False)
    assert off["next night"] == "by hand: schedule.is_enabled is false"
    home.mkdir()
    parent = psutil.Process(psutil.Process().ppid())
    record = {"up": parent.pid, "port": 3000, "servers": {os.getpid(): psutil.Process().create_time()}}
    (home / "up.json").write_text(json.dumps(record))
    told = _told(home, capsys)["next night"]
    assert told.startswith(f"2025-07-01 02:00 UTC, in 18 h, by huracan up (process {parent.pid}, http://127")
    (home / "up.json").write_text(json.dumps(record | {"servers": {os.getpid(): 1.0}}))
    assert UpRecord(home).running() is None
    (home / "up.json").write_text(json.dumps(record | {"up": 1_000_000_000}))
    assert UpRecord(home).running() is None


def test_incidents_are_told_while_the_database_runs_which_nobody_starts_for_it(
    new_home: NewHome, capsys: pytest.CaptureFixture[str]
) -> None:
    with new_home() as home:
        incidents = Incidents(Database(home))
        for number in range(4):
            incidents.open_incident(f"run:{number}", "run failed", f"market of day {number} failed", NOW)
        lines = _shown(home, capsys)
        at = next(number for number, line in enumerate(lines) if line.startswith("incidents"))
        assert lines[at].split("  ")[-1].strip() == "4 open, the newest 3:"
        assert [line.split()[-2] for line in lines[at + 1 : at + 4]] == ["3", "2", "1"]
        for number in range(4):
            incidents.resolve(f"run:{number}", NOW)
        assert _told(home, capsys)["incidents"] == "none is open"


def test_a_night_that_is_under_way_is_not_called_broken_off(
    new_home: NewHome, capsys: pytest.CaptureFixture[str]
) -> None:
    @dg.job
    def learn() -> None:
        return None

    with new_home() as home, open_instance(_settings(home, {})) as instance:
        for asset in ("ohlcv", "features", "regimes", "shadow_trades"):
            _lake(home).write(asset, DAY, TABLE)
        tags = {"dagster/partition": DAY.isoformat()}
        run = instance.create_run_for_job(learn, status=dg.DagsterRunStatus.STARTED, tags=tags)
        assert _told(home, capsys)["last night"] == "2025-06-29, under way: learn of 2025-06-29"
        instance.report_run_canceled(run)
        assert "broken off before ppo_checkpoint" in _told(home, capsys)["last night"]


def _shown(home: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    run_status(_settings(home, {}), NOW, as_json=False)
    return capsys.readouterr().out.splitlines()


def test_a_database_that_sleeps_is_not_woken_and_one_that_does_not_answer_hides_nothing_else(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "postgres").mkdir(parents=True)
    assert _told(home, capsys)["incidents"].startswith("not known: PostgreSQL does not run now")
    assert list(home.iterdir()) == [home / "postgres"]
    told = _told(home, capsys, database__url="postgresql://me:hunter2@127.0.0.1:1/x")
    assert told["incidents"].startswith("not known: ") and "hunter2" not in str(told)
    assert told["last night"] == "no night yet; run: huracan nightly"


def test_a_lake_in_a_bucket_is_looked_at_too(
    home: Path, s3_endpoint: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", S3_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", S3_SECRET)
    there = {"storage__lake_url": "s3://bucket/status", "storage__s3_endpoint_url": s3_endpoint}
    there |= {"storage__s3_region": "us-east-1"}
    lake = Resources(_settings(home, there)).lake
    lake.write("baseline_brain", DAY, {}, note="There is no policy to publish.")
    told = _told(home, capsys, **there)
    assert told["last night"] == "2025-06-29, finished"
    assert told["verdict"] == "none: There is no policy to publish."
    assert "lake in s3://bucket/status" in told["disk"]
    gone = _told(home, capsys, **{**there, "storage__lake_url": "s3://nowhere/status"})
    assert "The bucket 'nowhere' does not exist" in gone["last night"] == gone["days"]


def test_the_command_is_one_screen_and_one_object(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _night(home)
    monkeypatch.setenv("HURACAN_HOME", str(home))
    shown = CliRunner().invoke(main, ("status",))
    assert shown.exit_code == 0 and len(shown.stdout.splitlines()) <= 24
    told = CliRunner().invoke(main, ("status", "--json"))
    assert told.exit_code == 0 and told.stdout.count("\n") == 1
    found = json.loads(told.stdout)
    assert set(found) == {
        *("home", "asked_at", "night", "latest", "candles", "database", "next_at", "up", "disk"),
        *("symbols", "source"),
    }
    assert found["night"]["brain"]["verdict"] == "refused"
    assert found["candles"] == {
        **{"first": "2025-06-29", "last": "2025-06-29", "days": 1, "gaps": [], "source": "simulated"}
    }


@pytest.fixture(autouse=True)
def _no_other_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith(("HURACAN", "DATABASE"))]:
        monkeypatch.delenv(name)
    yield
