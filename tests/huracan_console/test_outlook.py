"""What is made again is said before it is done: how much of which jobs, how long it takes, and what stays."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import cast

import dagster as dg
import pytest
from dagster._core.events import DagsterEvent, DagsterEventType
from rich.console import Console

from huracan_assets.freshness import Freshness
from huracan_assets.jobs import LEARN, MARKET
from huracan_assets.registry import assets_by_job
from huracan_console.outlook import announce_outdated, announce_plan, shown_duration, usual_seconds
from huracan_console.plan import PlannedRun

DAYS = [date(2025, 2, 1) + timedelta(days=offset) for offset in range(30)]
STARTED = datetime(2025, 3, 1, tzinfo=UTC)


class Upgraded:
    """Freshness after an upgrade that reaches every asset; all trainings are records."""

    def is_outdated(self, assets: Iterable[str], day: date, *, with_records: bool = False) -> bool:
        return with_records or list(assets) != assets_by_job()[LEARN]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def _ran(instance: dg.DagsterInstance, job: str, seconds: float, end: str = "SUCCESS") -> None:
    run = instance.add_run(dg.DagsterRun(job))
    for kind, after in (("START", 0.0), (end, seconds)):
        event = DagsterEvent(DagsterEventType[f"RUN_{kind}"].value, job)
        instance.handle_run_event(run.run_id, event, STARTED + timedelta(seconds=after))


def _said(instance: dg.DagsterInstance, jobs: Iterable[str], *, remakes: bool = False) -> str:
    console = Console(file=StringIO(), width=40)
    freshness = cast(Freshness, Upgraded())
    announce_outdated(freshness, instance, DAYS, jobs, console, remakes=remakes)
    return cast(StringIO, console.file).getvalue()


def test_the_usual_time_is_the_median_of_the_runs_that_succeeded(instance: dg.DagsterInstance) -> None:
    assert usual_seconds(instance, MARKET) == 0.0
    for seconds in (4.0, 6.0, 500.0):
        _ran(instance, MARKET, seconds)
    _ran(instance, MARKET, 9_000.0, "FAILURE")
    _ran(instance, LEARN, 90.0)
    assert usual_seconds(instance, MARKET) == 6.0


def test_what_is_made_again_is_said_with_how_long_it_takes_and_what_stays(
    instance: dg.DagsterInstance,
) -> None:
    begins = "Made by another version or with other settings, and made again: 30 days of market"
    ends = " Finished nights keep their policies, trades and decisions.\n"
    assert _said(instance, [MARKET, LEARN]) == f"{begins}.{ends}"
    _ran(instance, MARKET, 6.0)
    _ran(instance, LEARN, 120.0)
    assert _said(instance, [MARKET, LEARN]) == f"{begins}, about 3 min.{ends}"
    assert _said(instance, [LEARN]) == ""


def test_trainings_that_are_about_to_be_remade_are_counted_and_timed(instance: dg.DagsterInstance) -> None:
    _ran(instance, MARKET, 6.0)
    _ran(instance, LEARN, 120.0)
    said = _said(instance, [MARKET, LEARN], remakes=True)
    assert said.endswith("made again: 30 days of market, 30 days of learn, about 1.1 h.\n")


def test_what_is_planned_is_one_line_with_how_long_it_takes() -> None:
    console = Console(file=StringIO(), width=40)
    history = [PlannedRun(MARKET, day, True) for day in DAYS[:2]] + [PlannedRun(LEARN, DAYS[1], True)]
    announce_plan([*history, *(PlannedRun(job, DAYS[2]) for job in (MARKET, LEARN))], 150.0, console)
    announce_plan([], 0.0, console)
    said = cast(StringIO, console.file).getvalue()
    assert said == "Planned: 2 days of market, 1 day of learn, the night of 2025-02-03; about 2 min.\n"


def test_a_time_is_shown_in_the_unit_that_fits() -> None:
    shown = [shown_duration(seconds) for seconds in (0.2, 59, 90, 3_599, 5_400)]
    assert shown == ["1 s", "59 s", "2 min", "60 min", "1.5 h"]
