"""What is known of a home at a moment, quickly and without a trace: nothing is started or written for it.

So incidents are known of a database that runs anyway. How facts are told is decided in `screen`.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from huracan.errors import HuracanError
from huracan_console.servers.up_record import RunningUp, UpRecord
from huracan_console.status.night_record import Failure, NightRecord
from huracan_resources.database.embedded_postgres import running_url
from huracan_resources.lake.lake import MANIFEST, Lake
from huracan_resources.lake.store import LocalStore
from huracan_resources.resources import Resources
from huracan_resources.settings.secrets import withhold
from huracan_resources.settings.settings import Settings

_MILESTONES = ("ohlcv", "features", "regimes", "shadow_trades", "ppo_checkpoint", "brain_evaluation")
_BRAIN = "baseline_brain"
"""With it a night ends; before it come the assets without which there is none, in their order."""
_INCIDENTS = """
SELECT kind, detail, opened_at, count(*) OVER () FROM incident WHERE resolved_at IS NULL
ORDER BY incident_id DESC LIMIT 3
"""
_RUNS = """
SELECT pipeline_name, partition FROM dagster.runs WHERE status IN ('STARTING', 'STARTED') ORDER BY id
"""


@dataclass(frozen=True)
class LastNight:
    """The newest night: its `brain` where it ended, else what failed and which asset is missing first.

    `ended_at` (UTC) is not known of one that is broken off, nor of one of the daemon in a bucket.
    """

    day: date
    ended_at: datetime | None
    brain: Mapping[str, Any] | None
    failures: Sequence[Failure] = ()
    missing: str | None = None


@dataclass(frozen=True)
class Candles:
    """The days of which there are candles: how many, from the first to the last, and the days in between of
    which there are none, each range by its first and last."""

    first: date
    last: date
    days: int
    gaps: Sequence[tuple[date, date]]
    source: str


@dataclass(frozen=True)
class OpenIncident:
    kind: str
    detail: str
    opened_at: datetime


@dataclass(frozen=True)
class RunUnderWay:
    job: str
    day: str | None


@dataclass(frozen=True)
class Running:
    """What the database knows: the newest open incidents, how many there are, and the runs under way."""

    incidents: Sequence[OpenIncident]
    open_incidents: int
    runs: Sequence[RunUnderWay]


@dataclass(frozen=True)
class Disk:
    """Bytes of the home and its lake, which lies elsewhere where it is None, and what is free there."""

    home: int
    lake: int | None
    free: int


@dataclass(frozen=True)
class Facts:
    """Each part, or the error by which it could not be looked at."""

    home: Path
    asked_at: datetime
    night: LastNight | HuracanError | None
    latest: Mapping[str, str] | HuracanError | None
    candles: Candles | HuracanError | None
    database: Running | HuracanError | None
    """None where the embedded one does not run."""
    next_at: datetime | None
    """When the schedule starts the next night; None where it is not enabled."""
    up: RunningUp | None
    disk: Disk


def gather(settings: Settings, now: datetime) -> Facts:
    """Everything about the home of these settings at `now` (UTC)."""
    from huracan_resources.brains import read_latest

    resources, home = Resources(settings), settings.storage.home
    return Facts(
        home=home,
        asked_at=now,
        night=_tried(lambda: last_night(resources.lake, home)),
        latest=_tried(lambda: read_latest(resources.brains)),
        candles=_tried(lambda: held_candles(resources.lake)),
        database=_tried(lambda: _running(resources)),
        next_at=next_night(settings.schedule.hour, now) if settings.schedule.is_enabled else None,
        up=UpRecord(home).running(),
        disk=_disk(home, resources.lake),
    )


_Known = TypeVar("_Known")


def _tried(look: Callable[[], _Known]) -> _Known | HuracanError:
    """One part that cannot be looked at hides none of the others."""
    try:
        return look()
    except HuracanError as error:
        return type(error)(withhold(error.what), withhold(error.remedy))


def last_night(lake: Lake, home: Path) -> LastNight | None:
    """None where no night was begun. What the lake has is believed before what the home remembers."""
    record = NightRecord.read(home)
    known = {*lake.days("shadow_trades")[-1:], *lake.days(_BRAIN)[-1:], *([record.day] if record else [])}
    if not known:
        return None
    day = max(known)
    if record is not None and record.day != day:
        record = None
    manifest = lake.manifest(_BRAIN, day)
    if manifest is None or manifest.failed_verdicts:
        if record is not None and record.failures:
            return LastNight(day, record.ended_at, None, record.failures)
        return _unfinished(lake, day)
    brain = {"verdict": "none", "reasons": [manifest.note]}
    if "brain.json" in manifest.files:
        brain = json.loads(lake.read_file(_BRAIN, day, "brain.json"))
    is_its_end = record is not None and not record.failures
    return LastNight(day, record.ended_at if record and is_its_end else _written_at(lake, day), brain)


def _unfinished(lake: Lake, day: date) -> LastNight:
    failures, missing = list[Failure](), None
    for asset in (*_MILESTONES, _BRAIN):
        manifest = lake.manifest(asset, day)
        if manifest is None:
            missing = missing or asset
        else:
            bad = manifest.failed_verdicts
            failures += [Failure(asset, day, f"{each.check}: {each.reason}") for each in bad]
    return LastNight(day, None, None, failures, missing)


def _written_at(lake: Lake, day: date) -> datetime | None:
    if not isinstance(lake.store, LocalStore):
        return None
    written = lake.store.path(f"{_BRAIN}/day={day}/{MANIFEST}").stat().st_mtime
    return datetime.fromtimestamp(written, UTC)


def held_candles(lake: Lake) -> Candles | None:
    """None where there are none."""
    days = lake.days("ohlcv")
    if not days:
        return None
    one = timedelta(days=1)
    gaps = [(day + one, after - one) for day, after in pairwise(days) if after - day > one]
    newest = lake.manifest("ohlcv", days[-1])
    return Candles(days[0], days[-1], len(days), gaps, newest.source.partition("#")[0] if newest else "")


def next_night(hour: int, now: datetime) -> datetime:
    """When the schedule next starts a night."""
    today = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)


def _running(resources: Resources) -> Running | None:
    settings = resources.settings
    if settings.database.url is None:
        if not (settings.storage.home / "postgres").is_dir():
            return Running((), 0, ())
        # Asked before the driver is imported, which takes longer than all the rest.
        if running_url(settings.storage.home) is None:
            return None
    with resources.database.glance() as connection:
        if connection is None:
            return None
        found = [
            connection.execute(query.encode()).fetchall()
            if connection.execute("SELECT to_regclass(%s)", (table,)).fetchone() != (None,)
            else []
            for table, query in (("incident", _INCIDENTS), ("dagster.runs", _RUNS))
        ]
    incidents, runs = found
    newest = [OpenIncident(*each) for *each, _ in incidents]
    return Running(newest, incidents[0][-1] if incidents else 0, [RunUnderWay(*each) for each in runs])


def _disk(home: Path, lake: Lake) -> Disk:
    store = lake.store
    there = next(each for each in (home, *home.parents) if each.exists())
    size_of_lake = _size(store.root) if isinstance(store, LocalStore) else None
    return Disk(_size(home), size_of_lake, shutil.disk_usage(there).free)


def _size(folder: Path) -> int:
    """Bytes that the files below it take on the disk, as far as they may be seen."""
    total, waiting = 0, [str(folder)]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
    return total
