"""Walks a plan: starts its runs one after the other, stops where a run that others need has failed."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

import dagster as dg
from rich.console import Console

from huracan_assets import progress as reports
from huracan_assets.definitions import build_definitions
from huracan_assets.finished import REMAKE_TAG, STANDING_TAG
from huracan_assets.freshness import Freshness
from huracan_assets.jobs import MARKET, NEEDS
from huracan_assets.registry import stages
from huracan_console.answering.answers import Interrupted
from huracan_console.course import Course
from huracan_console.display import NightDisplay
from huracan_console.instance import open_instance
from huracan_console.outlook import announce_plan, usual_seconds
from huracan_console.plan import Plan, PlannedRun
from huracan_console.runs import FinishedRun, RunStarter, reap
from huracan_resources.home_source import refuse_another_source
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import Settings


@dataclass
class Walk:
    """What came of a plan: the runs that ended, those not started for lack of what they need, what each asset
    and day was made again for, and how long all of it took."""

    finished: list[FinishedRun] = field(default_factory=list)
    skipped: list[PlannedRun] = field(default_factory=list)
    changes: dict[tuple[str, date], str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def failures(self) -> list[FinishedRun]:
        return [run for run in self.finished if not run.is_success]

    @property
    def is_success(self) -> bool:
        return not self.failures and not self.skipped

    def has_made(self, job: str, day: date) -> bool:
        """Whether `job` of `day` came to a good end in this walk."""
        return any((run.job, run.day, run.is_success) == (job, day, True) for run in self.finished)


@dataclass(frozen=True)
class Workplace:
    """One console's settings, its resources, a starter of runs, and Dagster's instance."""

    settings: Settings
    resources: Resources
    freshness: Freshness
    starter: RunStarter
    instance: dg.DagsterInstance


@contextmanager
def open_workplace(settings: Settings) -> Iterator[Workplace]:
    """Open Dagster's instance and build the graph over `settings`; runs of dead consoles are ended first.

    InvalidInput, before anything is opened, where the home's candles come from another source.
    """
    resources = Resources(settings)
    refuse_another_source(resources)
    with open_instance(settings) as instance:
        definitions = build_definitions(settings)
        starter = RunStarter(definitions, instance)
        reap(instance)
        yield Workplace(settings, resources, Freshness(resources, stages()), starter, instance)


def _tags(planned: PlannedRun, tags: Mapping[str, str]) -> Mapping[str, str]:
    """Candles that stand are not fetched again for what else their day lacks, unless all is remade."""
    takes_candles = planned.job == MARKET and planned.is_history and REMAKE_TAG not in tags
    return {**tags, STANDING_TAG: "true"} if takes_candles else tags


def walk(workplace: Workplace, plan: Plan, tags: Mapping[str, str], console: Console, label: str) -> Walk:
    """Run the plan. A failed run of history ends it; within the day, what needs a failed job is skipped.

    `Interrupted` where somebody stops it: what is done stays done.
    """
    usually = {job: usual_seconds(workplace.instance, job) for job in NEEDS}
    course = Course(plan.expected, usually, time.monotonic)
    announce_plan(plan.expected, course.seconds_left, console)
    result, failed = Walk(), set[str]()
    display = NightDisplay(console, course, label)

    def remember(report: reports.Progress) -> None:
        if report.why:
            result.changes[report.asset, report.day] = report.why

    try:
        with reports.listening(remember), display.showing():
            for planned in plan.runs:
                if failed & set(NEEDS[planned.job]) and not planned.is_history:
                    failed.add(planned.job)
                    result.skipped.append(planned)
                    continue
                display.begin(planned)
                finished = workplace.starter.run(planned.job, planned.day, _tags(planned, tags))
                display.end()
                result.finished.append(finished)
                if not finished.is_success:
                    failed.add(planned.job)
                    if planned.is_history:
                        break
    except KeyboardInterrupt:
        raise Interrupted(course.share) from None
    result.seconds = course.seconds
    return result
