"""What a running night looks like: a bar per stage on a terminal, a line per stage elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from huracan_assets import progress as reports
from huracan_assets.registry import assets_by_job
from huracan_console.plan import PlannedRun


class NightDisplay:
    """Shows history as one bar and the stages of the day, and of a training before it, as a bar each."""

    def __init__(self, console: Console, history_days: int, label: str) -> None:
        self._console = console
        self._is_live = console.is_terminal
        self._bars = Progress(
            TextColumn("{task.description:<28}"),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[text]}"),
            console=console,
        )
        self._history: TaskID | None = None
        self._history_days = history_days
        self._label = label
        self._run: PlannedRun | None = None
        self._tasks: dict[str, TaskID] = {}
        self._started: dict[str, float] = {}

    @contextmanager
    def showing(self) -> Iterator[None]:
        with reports.listening(self._hear):
            if not self._is_live:
                yield
                return
            with self._bars:
                yield

    def begin(self, run: PlannedRun) -> None:
        """The run that is about to start."""
        self._run = run
        self._tasks = {}
        if self._is_summed(run) and self._history is None:
            self._history = self._bars.add_task(self._label, total=self._history_days, text="")

    def end(self, run: PlannedRun) -> None:
        if self._is_summed(run) and self._history is not None:
            self._bars.update(self._history, advance=1, text=str(run.day))
            if not self._is_live:
                done = int(self._bars.tasks[0].completed)
                if done % 10 == 0 or done == self._history_days:
                    self._console.print(f"{self._label}: {done} of {self._history_days} ({run.day})")

    @staticmethod
    def _is_summed(run: PlannedRun) -> bool:
        return run.is_history and len(assets_by_job()[run.job]) > 1

    def _hear(self, report: reports.Progress) -> None:
        run = self._run
        if run is None or self._is_summed(run):
            return
        name = report.asset if not run.is_history else f"{report.asset} {report.day}"
        if name not in self._tasks:
            self._started[name] = time.monotonic()
            self._tasks[name] = self._bars.add_task(name, total=1.0, text="")
        self._bars.update(self._tasks[name], completed=report.fraction, text=report.text[:60])
        if report.fraction >= 1.0 and not self._is_live:
            seconds = time.monotonic() - self._started[name]
            self._console.print(f"{name:<28} {seconds:6.1f} s  {report.text}", highlight=False)
