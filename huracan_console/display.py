"""What a running walk looks like: a bar per stage on a terminal; elsewhere a line when a stage starts, one
when it ends, and every half minute how far the whole is."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from huracan_assets import progress as reports
from huracan_assets.registry import assets_by_job
from huracan_console.course import Course
from huracan_console.outlook import shown_duration
from huracan_console.plan import PlannedRun
from huracan_console.safe_text import plain

SECONDS_BETWEEN_LINES = 30.0
_WIDE, _NAME, _NUMBERS = 100, 28, 17
"""Columns: of a terminal with room for long bars, of a stage's name, of share and time with the spaces."""


class NightDisplay:
    """Shows the history that is gone through day by day as one bar, and the stages of the day, and of a
    training before it, as a bar each."""

    def __init__(self, console: Console, course: Course, label: str) -> None:
        self._console = console
        self._course = course
        self._is_live = console.is_terminal
        bar = 30 if console.width >= _WIDE else 10
        self._longest = max(0, console.width - _NAME - bar - _NUMBERS)
        self._bars = Progress(
            TextColumn(f"{{task.description:<{_NAME}}}"),
            BarColumn(bar_width=bar),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[text]}"),
            console=console,
        )
        self._label = label
        self._first, self._last = date.max, date.min
        self._whole = self._bars.add_task("all", total=1.0, text="")
        self._history: TaskID | None = None
        self._run: PlannedRun | None = None
        self._tasks: dict[str, TaskID] = {}
        self._started: dict[str, float] = {}
        self._now = ""

    @contextmanager
    def showing(self) -> Iterator[None]:
        with reports.listening(self._hear):
            if self._is_live:
                with self._bars:
                    yield
                    self._close_history()
                return
            ended = threading.Event()
            clock = threading.Thread(target=self._tell_now_and_then, args=(ended,), daemon=True)
            clock.start()
            try:
                yield
                self._close_history()
            finally:
                ended.set()
                clock.join()

    def begin(self, run: PlannedRun) -> None:
        """The run that is about to start."""
        if not self._is_summed(run):
            self._close_history()
        self._run = run
        self._tasks = {}
        self._course.begin(run)
        self._show_whole()
        if not self._is_summed(run):
            return
        if self._history is None:
            further = [each.day for each in self._course.ahead if self._is_summed(each)]
            self._first, self._last = run.day, max([run.day, *further])
            self._history = self._bars.add_task(self._label, total=None, text="")
            self._line(f"{self._label}: {self._first} to {self._last} ...")
        self._last = max(self._last, run.day)
        done, days = (run.day - self._first).days, (self._last - self._first).days + 1
        self._now = f"{self._label}: {done} of {days} days"
        self._bars.update(self._history, completed=done, total=days, text=str(run.day))

    def end(self) -> None:
        """It has ended."""
        self._course.end()
        self._show_whole()

    def _close_history(self) -> None:
        if self._history is not None and self._run is not None and self._is_summed(self._run):
            days = (self._run.day - self._first).days + 1
            self._bars.update(self._history, completed=days, total=days)
            self._line(
                f"{self._label}: {days} {'day' if days == 1 else 'days'}, {self._course.seconds:.1f} s"
            )

    def _line(self, text: str) -> None:
        if not self._is_live:
            self._console.print(text, highlight=False, soft_wrap=True, markup=False)

    def _show_whole(self) -> None:
        left = plain(f"about {shown_duration(self._course.seconds_left)} left", self._longest)
        self._bars.update(self._whole, completed=self._course.share, text=left)

    def _tell_now_and_then(self, ended: threading.Event) -> None:
        while not ended.wait(SECONDS_BETWEEN_LINES):
            left = shown_duration(self._course.seconds_left)
            self._line(f"{self._course.share:4.0%} of the whole; {self._now}; about {left} left")

    @staticmethod
    def _is_summed(run: PlannedRun) -> bool:
        return run.is_history and len(assets_by_job()[run.job]) > 1

    def _hear(self, report: reports.Progress) -> None:
        run = self._run
        if run is None:
            return
        self._course.reach(report.asset, report.fraction)
        self._show_whole()
        if self._is_summed(run):
            return
        name = report.asset if not run.is_history else f"{report.asset} {report.day}"
        if name not in self._tasks:
            self._started[name] = self._course.seconds
            self._tasks[name] = self._bars.add_task(name, total=1.0, text="")
            self._line(f"{name} ...")
        text = f"again: {report.why}" if report.why else report.text
        self._now = f"{name}: {report.fraction:.0%}{f', {text}' if text else ''}"
        self._bars.update(self._tasks[name], completed=report.fraction, text=plain(text, self._longest))
        if report.why:
            self._line(f"{name} is made again: {report.why}")
        if report.fraction >= 1.0:
            took = self._course.seconds - self._started[name]
            self._line(f"{name:<{_NAME}} {took:6.1f} s  {report.text}".rstrip())
