"""What `huracan nightly` leaves for `huracan status`, however the night ends."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from huracan.errors import InvalidInput
from huracan_console import nightly
from huracan_console.runs import FinishedRun
from huracan_console.status.night_record import Failure, NightRecord
from huracan_console.walk import Walk
from huracan_resources.settings.settings import Settings, load_settings
from tests.made_once import NewHome

DAY = date(2025, 6, 29)


@pytest.fixture(scope="module")
def home(new_home: NewHome) -> Iterator[Path]:
    with new_home() as path:
        yield path


def _settings(home: Path, **settings: Any) -> Settings:
    return load_settings({"storage.home": str(home), **settings}, {})


def _run(settings: Settings) -> int:
    now, quiet = datetime.now(UTC), Console(quiet=True)
    return nightly.run_night(settings, DAY, now, quiet, as_json=True, verbose=False)


def test_a_night_is_remembered_with_the_steps_that_failed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = datetime.now(UTC)
    failed = FinishedRun("market", DAY, "run", False, "ohlcv", "The exchange did not answer.")
    monkeypatch.setattr(nightly, "walk", lambda *_: Walk(finished=[failed]))
    assert _run(_settings(home)) == 1
    record = NightRecord.read(home)
    assert record is not None and before <= record.ended_at <= datetime.now(UTC)
    assert (record.day, record.failures) == (DAY, [Failure("ohlcv", DAY, "The exchange did not answer.")])
    monkeypatch.setattr(nightly, "walk", lambda *_: Walk(finished=[]))
    assert _run(_settings(home)) == 0
    well = NightRecord.read(home)
    assert well is not None and well.failures == []


def test_a_night_that_is_refused_before_it_begins_is_remembered_too(home: Path) -> None:
    nowhere = _settings(home, **{"source.kind": "files", "source.files.directory": "/nowhere/at/all"})
    with pytest.raises(InvalidInput) as refused:
        _run(nowhere)
    record = NightRecord.read(home)
    assert record is not None and re.search("/nowhere/at/all", record.failures[0].reason)
    assert record.failures == [Failure("the night", DAY, str(refused.value))]
