"""How far a walk is, by a clock that is given, and the lines that a pipe is told."""

import time
from collections.abc import Iterator
from datetime import date, timedelta
from io import StringIO

import pytest
from rich.console import Console

from huracan_assets import progress
from huracan_assets.jobs import LEARN, MARKET, PUBLISH, TRADE
from huracan_console import display as display_module
from huracan_console.course import Course
from huracan_console.display import NightDisplay
from huracan_console.plan import PlannedRun

DAY = date(2025, 2, 12)
HISTORY = [PlannedRun(MARKET, DAY - timedelta(days=back), True) for back in (4, 3, 2, 1)]
USUALLY = {MARKET: 10.0, TRADE: 20.0, LEARN: 100.0, PUBLISH: 5.0}


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _run(course: Course, clock: Clock, run: PlannedRun, seconds: float) -> None:
    course.begin(run)
    clock.now += seconds
    course.end()


def test_before_anything_is_done_all_is_left_at_its_usual_time(clock: Clock) -> None:
    course = Course([*HISTORY, PlannedRun(LEARN, DAY)], USUALLY, clock)
    assert (course.share, course.seconds_left) == (0.0, 140.0)


def test_what_ran_already_tells_how_long_the_rest_of_its_job_takes(clock: Clock) -> None:
    course = Course([*HISTORY, PlannedRun(LEARN, DAY)], USUALLY, clock)
    _run(course, clock, HISTORY[0], 20.0)
    _run(course, clock, HISTORY[1], 40.0)
    assert course.seconds_left == 2 * 30.0 + 100.0
    assert course.share == pytest.approx(60.0 / 220.0)


def test_a_run_that_tells_how_far_it_is_is_timed_by_its_own_pace(clock: Clock) -> None:
    course = Course([PlannedRun(LEARN, DAY), PlannedRun(PUBLISH, DAY)], USUALLY, clock)
    course.begin(PlannedRun(LEARN, DAY))
    clock.now += 30.0
    assert course.seconds_left == 70.0 + 5.0
    course.reach("ppo_checkpoint", 0.5)
    assert course.seconds_left == 30.0 + 5.0
    course.reach("features", 0.9)
    assert course.seconds_left == 30.0 + 5.0, "an asset of another job says nothing"


def test_days_that_turn_out_to_be_done_are_not_left_and_others_may_come(clock: Clock) -> None:
    course = Course(HISTORY, USUALLY, clock)
    course.begin(HISTORY[2])
    assert list(course.ahead) == HISTORY[3:]
    course.begin(PlannedRun(LEARN, DAY))
    assert list(course.ahead) == HISTORY[3:]


def test_the_share_never_falls_and_ends_at_the_whole(clock: Clock) -> None:
    course = Course(HISTORY, USUALLY, clock)
    shares = []
    for run, seconds in zip(HISTORY, (1.0, 400.0, 2.0, 30.0), strict=True):
        _run(course, clock, run, seconds)
        shares.append(course.share)
    assert shares == sorted(shares) and shares[-1] == 1.0


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    monkeypatch.setattr(display_module, "SECONDS_BETWEEN_LINES", 0.01)
    yield StringIO()


def test_a_pipe_is_told_when_a_stage_starts_and_ends_and_how_far_it_is_in_between(
    told: StringIO, clock: Clock
) -> None:
    runs = [*HISTORY, PlannedRun(LEARN, DAY), PlannedRun(PUBLISH, DAY)]
    display = NightDisplay(Console(file=told, width=40), Course(runs, USUALLY, clock), "history")
    with display.showing():
        for run in HISTORY:
            display.begin(run)
            clock.now += 5.0
            display.end()
        display.begin(runs[4])
        progress.report(progress.Progress("ppo_checkpoint", DAY, 0.0))
        progress.report(progress.Progress("ppo_checkpoint", DAY, 0.0, why="its code has changed"))
        clock.now += 30.0
        progress.report(progress.Progress("ppo_checkpoint", DAY, 0.25, "1 of 4 steps"))
        deadline = time.monotonic() + 30.0
        while "of the whole" not in told.getvalue():
            assert time.monotonic() < deadline
            time.sleep(0.005)
        progress.report(progress.Progress("ppo_checkpoint", DAY, 1.0))
        display.end()
    lines = told.getvalue().splitlines()
    now_and_then = [line for line in lines if "of the whole" in line]
    assert set(now_and_then) == {" 34% of the whole; ppo_checkpoint: 25%, 1 of 4 steps; about 2 min left"}
    assert [line for line in lines if line not in now_and_then] == [
        "history: 2025-02-08 to 2025-02-11 ...",
        "history: 4 days, 20.0 s",
        "ppo_checkpoint ...",
        "ppo_checkpoint is made again: its code has changed",
        "ppo_checkpoint                 30.0 s",
    ]


def test_a_terminal_is_shown_bars_and_no_lines(told: StringIO, clock: Clock) -> None:
    course = Course(HISTORY[:1], USUALLY, clock)
    display = NightDisplay(Console(file=told, width=100, force_terminal=True), course, "history")
    with display.showing():
        display.begin(HISTORY[0])
        clock.now += 5.0
        display.end()
    assert told.getvalue().count("100%") >= 2 and " ..." not in told.getvalue()
