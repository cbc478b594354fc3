"""What an upgrade or a changed setting means for what is there: said in a line each, before it is done."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from statistics import median

import dagster as dg
from rich.console import Console

from huracan_assets.freshness import Freshness
from huracan_assets.registry import assets_by_job
from huracan_console.plan import PlannedRun, is_within_reach

_RUNS = 20
_MINUTE, _HOUR = 60, 3_600


def announce_outdated(
    freshness: Freshness,
    instance: dg.DagsterInstance,
    days: Sequence[date],
    jobs: Iterable[str],
    console: Console,
    *,
    remakes: bool = False,
) -> None:
    """One line where partitions of `days` were made by another version or other settings: how many days of
    which jobs are made again, and how long that took before. Where it `remakes`, records are among them."""
    told, seconds = [], 0.0
    for job in jobs:
        assets = assets_by_job()[job]
        outdated = sum(freshness.is_outdated(assets, day, with_records=remakes) for day in days)
        if outdated:
            told.append(f"{outdated} days of {job}")
            seconds += outdated * usual_seconds(instance, job)
    if told:
        takes = f", about {shown_duration(seconds)}" if seconds else ""
        kept = "." if remakes else ". Finished nights keep their policies, trades and decisions."
        console.print(
            f"Made by another version or with other settings, and made again: {', '.join(told)}{takes}{kept}",
            highlight=False,
            soft_wrap=True,
        )


def announce_records(freshness: Freshness, day: date, console: Console) -> None:
    """One line where the night of `day` is finished and other code or settings made it."""
    kept = freshness.kept_records(day)
    if kept:
        console.print(
            f"The night of {day} is finished: {', '.join(kept)} stay as another version or other settings"
            f" made them. To have them remade: huracan backfill --from {day} --to {day} --jobs all --remake",
            highlight=False,
            soft_wrap=True,
        )


def announce_beginning(freshness: Freshness, day: date, console: Console) -> None:
    """One line where so much lies between the last night and this one that a history begins anew."""
    before = [each for each in freshness.days("shadow_trades") if each < day]
    if before and not is_within_reach(before[-1], day):
        first, last = before[-1] + timedelta(days=1), day - timedelta(days=1)
        console.print(
            f"The night before this one was {before[-1]}: a history begins anew, and what learns from trades"
            f" looks no further back. To have the nights between made, before or after this one:"
            f" huracan backfill --from {first} --to {last} --jobs all",
            highlight=False,
            soft_wrap=True,
        )


def announce_plan(expected: Sequence[PlannedRun], seconds: float, console: Console) -> None:
    """One line: how many runs of history come first, whose night it is, and about how long all takes."""
    history = Counter(run.job for run in expected if run.is_history)
    parts = [f"{count} {'day' if count == 1 else 'days'} of {job}" for job, count in history.items()]
    nights = sorted({run.day for run in expected if not run.is_history})
    parts += [f"the night of {day}" for day in nights]
    if parts:
        console.print(
            f"Planned: {', '.join(parts)}; about {shown_duration(seconds)}.",
            highlight=False,
            soft_wrap=True,
        )


def usual_seconds(instance: dg.DagsterInstance, job: str) -> float:
    """The median duration of the last runs of the job that succeeded; 0 where there was none."""
    succeeded = dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.SUCCESS])
    records = instance.get_run_records(succeeded, limit=_RUNS)
    took = [each.end_time - each.start_time for each in records if each.end_time and each.start_time]
    return median(took) if took else 0.0


def shown_duration(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{max(1, round(seconds))} s"
    if seconds < _HOUR:
        return f"{round(seconds / _MINUTE)} min"
    return f"{seconds / _HOUR:.1f} h"
