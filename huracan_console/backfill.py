"""`huracan backfill`: the days of a range, in order, in this process; days that are done are passed over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from rich.console import Console

from huracan.errors import InvalidInput
from huracan_assets.finished import LEDGER, REMAKE_TAG
from huracan_assets.jobs import NEEDS, TRADE
from huracan_console.outlook import announce_outdated
from huracan_console.plan import NIGHT, check_day, days_from, plan_backfill
from huracan_console.summary import print_failures, print_json, print_traces
from huracan_console.walk import open_workplace, walk
from huracan_resources.lake.lake import Lake
from huracan_resources.settings.settings import Settings


@dataclass(frozen=True)
class Backfill:
    """What is asked for: `jobs` (as `--jobs` names them) of the days from `first` to `last`, included.

    With `remakes` the records of finished nights are made again, and marked so, where code, settings or
    inputs have changed since.
    """

    first: date
    last: date
    jobs: str
    remakes: bool = False


def run_backfill(
    settings: Settings, wanted: Backfill, now: datetime, console: Console, *, as_json: bool, verbose: bool
) -> int:
    """Exit code 0 when every day of the range is done, 1 where one failed."""
    first, last = wanted.first, wanted.last
    if first > last:
        raise InvalidInput(f"--from {first} is after --to {last}.", "Give the earlier day first.")
    for day in (first, last):
        check_day(day, settings, now)
    chosen = choose_jobs(wanted.jobs)
    with open_workplace(settings) as workplace:
        days = days_from(first, last)
        announce_outdated(
            workplace.freshness, workplace.instance, days, chosen, console, remakes=wanted.remakes
        )
        plan = plan_backfill(days, chosen, settings, workplace.freshness, remakes=wanted.remakes)
        tags = {"huracan/backfill": f"{first}..{last}"} | ({REMAKE_TAG: "true"} if wanted.remakes else {})
        result = walk(workplace, plan, tags, console, "backfill")
        untraded = _untraded(workplace.resources.lake, days) if TRADE in chosen else []
    if as_json:
        print_json(
            {
                "from": first.isoformat(),
                "to": last.isoformat(),
                "jobs": list(chosen),
                "runs": len(result.finished),
                "failed": [f"{run.job} {run.day}: {run.error}" for run in result.failures],
            }
        )
        print_traces(result, verbose=verbose)
    elif result.is_success:
        console.print(f"{len(result.finished)} runs; {first} to {last} is done.")
        if untraded:
            console.print(
                f"Not traded: {len(untraded)} of {len(days)} days, the first of them for this reason:"
                f" {untraded[0]}",
                highlight=False,
                soft_wrap=True,
            )
    else:
        print_failures(result, verbose=verbose)
    return 0 if result.is_success else 1


def _untraded(lake: Lake, days: Sequence[date]) -> list[str]:
    """Why each of the days without a paper session has none."""
    found = (lake.manifest(LEDGER, day) for day in days)
    return [each.note for each in found if each is not None and each.note]


def choose_jobs(jobs: str) -> tuple[str, ...]:
    """The jobs that `--jobs` names, in the order of a night."""
    if jobs == "all":
        return NIGHT
    named = {name.strip() for name in jobs.split(",")}
    unknown = sorted(named - set(NEEDS))
    if unknown:
        raise InvalidInput(f"--jobs names {unknown[0]!r}.", f"Use {', '.join(NIGHT)} or all.")
    return tuple(job for job in NIGHT if job in named)
