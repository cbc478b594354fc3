"""Walks a plan: starts its runs one after the other, stops where a run that others need has failed."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import dagster as dg
from rich.console import Console

from huracan_assets.definitions import build_definitions
from huracan_assets.freshness import Freshness
from huracan_assets.jobs import NEEDS
from huracan_assets.registry import stages
from huracan_console.display import NightDisplay
from huracan_console.instance import open_instance
from huracan_console.plan import PlannedRun
from huracan_console.runs import FinishedRun, RunStarter, reap
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import Settings


@dataclass
class Walk:
    """What came of a plan: the runs that ended, and those not started for lack of what they need."""

    finished: list[FinishedRun] = field(default_factory=list)
    skipped: list[PlannedRun] = field(default_factory=list)

    @property
    def failures(self) -> list[FinishedRun]:
        return [run for run in self.finished if not run.is_success]

    @property
    def is_success(self) -> bool:
        return not self.failures and not self.skipped


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
    """Open Dagster's instance and build the graph over `settings`; runs of dead consoles are ended first."""
    resources = Resources(settings)
    with open_instance(settings) as instance:
        definitions = build_definitions(settings)
        starter = RunStarter(definitions, instance)
        reap(instance)
        yield Workplace(settings, resources, Freshness(resources, stages()), starter, instance)


def walk(
    workplace: Workplace,
    plan: Iterable[PlannedRun],
    tags: Mapping[str, str],
    console: Console,
    history_days: int,
    label: str,
) -> Walk:
    """Run the plan. A failed run of history ends it; within the day, what needs a failed job is skipped."""
    result = Walk()
    failed: set[str] = set()
    display = NightDisplay(console, history_days, label)
    with display.showing():
        for planned in plan:
            if failed & set(NEEDS[planned.job]) and not planned.is_history:
                failed.add(planned.job)
                result.skipped.append(planned)
                continue
            display.begin(planned)
            finished = workplace.starter.run(planned.job, planned.day, tags)
            display.end(planned)
            result.finished.append(finished)
            if not finished.is_success:
                failed.add(planned.job)
                if planned.is_history:
                    break
    return result
