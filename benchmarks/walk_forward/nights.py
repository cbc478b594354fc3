"""The nights of a case, made by `huracan backfill` in a home of its own; what each cost is measured aside."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

import psutil

from walk_forward.cases import LEAD_DAYS, NIGHTS_BEFORE, HorizonCase

_LOOKS_EVERY_SECONDS = 0.5
_LAST_OF_NIGHT = "baseline_brain"
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Night:
    """What the night of a day took, from the end of the night before to its own."""

    day: str
    wall_seconds: float
    cpu_seconds: float
    """Of the console and all that it started, the database aside."""


@dataclass(frozen=True)
class CaseRun:
    """A case with the folder in which it lies and how many of its nights are asked for."""

    case: HorizonCase
    folder: Path
    data: Path
    nights: int

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def days(self) -> list[date]:
        """The traded days."""
        return [self.case.first_day + timedelta(days=offset) for offset in range(self.nights)]

    @property
    def is_there(self) -> bool:
        """Whether the candle files of every coin are there."""
        return all(file.is_file() for file in self.case.files(self.data).values())

    def environment(self) -> dict[str, str]:
        """Every setting that is not a default, as variables."""
        given = self.case.settings(self.folder / "candles", self.history_first())
        named = {f"HURACAN__{key.upper().replace('.', '__')}": value for key, value in given.items()}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HURACAN_")}
        return kept | _ONE_THREAD | named | {"HURACAN_HOME": str(self.home)}

    def history_first(self) -> date:
        """The first day of candles: what the first training needs, with the lead of long features where the
        files hold it."""
        from huracan_console.configuring.given import read_settings
        from huracan_console.plan import history_days

        given = self.case.settings(self.folder / "candles", date(2020, 1, 1))
        settings = read_settings(tuple(f"{key}={value}" for key, value in given.items()))
        first_night = self.case.first_day - timedelta(days=NIGHTS_BEFORE)
        needed = history_days(first_night, settings)[0] - timedelta(days=LEAD_DAYS)
        return max(needed, self.case.held[0])


def run_nights(run: CaseRun, say: Callable[[str], None]) -> None:
    """Makes the case's nights; those that are done are passed over. RuntimeError where one failed."""
    _link_candles(run)
    first, last = run.case.first_day, run.days[-1]
    before = first - timedelta(days=NIGHTS_BEFORE)
    say(f"candles, features and regimes from {run.history_first()}")
    _backfill(run, run.history_first(), before - timedelta(days=1), "market", None)
    known = {night.day for night in read_times(run)}
    watched = [before + timedelta(days=offset) for offset in range((last - before).days + 1)]

    def ended(night: Night) -> None:
        if night.day not in known:
            with _times_file(run).open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(night)) + "\n")
        say(f"night {night.day}: {night.wall_seconds:.0f} s, of the processor {night.cpu_seconds:.0f} s")

    _backfill(run, before, last, "all", _Watch(run, watched, ended))


def read_times(run: CaseRun) -> list[Night]:
    """What was measured of the case's nights; those during which it was stopped are not among them."""
    file = _times_file(run)
    if not file.is_file():
        return []
    return [Night(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def _times_file(run: CaseRun) -> Path:
    return run.folder / "nights.jsonl"


def _link_candles(run: CaseRun) -> None:
    candles = run.folder / "candles"
    candles.mkdir(parents=True, exist_ok=True)
    for name, file in run.case.files(run.data).items():
        if not (candles / name).exists():
            (candles / name).symlink_to(file.resolve())


class _Watch:
    """Sees nights end by what they write last."""

    def __init__(self, run: CaseRun, days: Sequence[date], ended: Callable[[Night], None]) -> None:
        self._run, self._ended = run, ended
        self._left = [day for day in days if not self._is_there(day)]
        # The first night that is seen to end began at a time that nobody saw, and compiled too.
        self._began: tuple[float, float] | None = None

    def look(self, process: psutil.Process) -> None:
        """Tells of every night that ended since the last look."""
        while self._left and self._is_there(self._left[0]):
            now = time.monotonic(), cpu_seconds(process)
            if self._began is not None:
                wall, cpu = now[0] - self._began[0], now[1] - self._began[1]
                self._ended(Night(self._left[0].isoformat(), round(wall, 2), round(cpu, 2)))
            self._began = now
            del self._left[0]

    def _is_there(self, day: date) -> bool:
        return (self._run.home / "lake" / _LAST_OF_NIGHT / f"day={day}" / "manifest.json").is_file()


def cpu_seconds(process: psutil.Process) -> float:
    """Of a process and all that it started, also of those that have ended; 0 where it has itself."""
    total = 0.0
    for each in _with_children(process):
        try:
            times = each.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def _with_children(process: psutil.Process) -> Iterable[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _backfill(run: CaseRun, first: date, last: date, jobs: str, watch: _Watch | None) -> None:
    command = [str(Path(sys.executable).with_name("huracan")), "backfill", "--jobs", jobs]
    command += ["--from", first.isoformat(), "--to", last.isoformat()]
    log = run.folder / "backfill.log"
    with log.open("a", encoding="utf-8") as out:
        started = subprocess.Popen(command, env=_text(run.environment()), stdout=out, stderr=out)
        process = psutil.Process(started.pid)
        while started.poll() is None:
            time.sleep(_LOOKS_EVERY_SECONDS)
            if watch is not None:
                watch.look(process)
    if started.returncode:
        tail = "\n".join(log.read_text(encoding="utf-8").splitlines()[-5:])
        raise RuntimeError(f"{run.case.name}: backfill {jobs} ended with {started.returncode}.\n{tail}")


def _text(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: str(value) for name, value in variables.items()}
