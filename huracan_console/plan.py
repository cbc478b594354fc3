"""Which runs a night needs: the history that is missing, yesterday's policy, and the four jobs of the day."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from huracan.errors import InvalidInput
from huracan_assets.freshness import Freshness
from huracan_assets.inputs.windows import lead_days
from huracan_assets.jobs import LEARN, MARKET, PUBLISH, TRADE
from huracan_assets.registry import assets_by_job
from huracan_resources.settings.settings import Settings

NIGHT = (MARKET, TRADE, LEARN, PUBLISH)


@dataclass(frozen=True)
class PlannedRun:
    """One run of `job` for `day`. `is_history`: it is there for the sake of a later day."""

    job: str
    day: date
    is_history: bool = False


def last_closed_day(now: datetime) -> date:
    return now.astimezone(UTC).date() - timedelta(days=1)


def check_clock(settings: Settings, now: datetime) -> None:
    """Refuse a clock by which not even the first day of the universe has closed: mostly it is wrong."""
    if last_closed_day(now) < settings.universe.first_day:
        raise InvalidInput(
            f"The clock of this machine is suspect: it says {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC, before"
            f" the first day of the universe, {settings.universe.first_day}, has closed.",
            "Set the clock (timedatectl); if it is right, set universe.first_day to an earlier day.",
        )


def check_day(day: date, settings: Settings, now: datetime) -> None:
    """Refuse a day that has not closed, and one before the history that the settings allow."""
    check_clock(settings, now)
    last = last_closed_day(now)
    if day > last:
        raise InvalidInput(
            f"{day} has not closed yet.",
            f"The last closed UTC day is {last}; ask for that one or an earlier one.",
        )
    if day < settings.universe.first_day:
        raise InvalidInput(
            f"{day} is before universe.first_day, {settings.universe.first_day}.",
            "Ask for a later day, or set universe.first_day to an earlier one.",
        )


def plan_night(day: date, settings: Settings, freshness: Freshness) -> Iterator[PlannedRun]:
    """The runs for `day` in order: market days of the window that are not there, the training of the day
    before if it was never done, then the four jobs of the day itself. Nights that were skipped since the last
    one are made first, for a ledger with a hole is refused by whatever learns from it.

    Decided run by run, for what one run writes may make a later day stale.
    """
    before = day - timedelta(days=1)
    for each in history_days(before, settings):
        if not freshness.is_readable(assets_by_job()[MARKET], each):
            yield PlannedRun(MARKET, each, True)
    yield from skipped_nights(before, freshness)
    if before >= settings.universe.first_day and not freshness.is_done(assets_by_job()[LEARN], before):
        yield PlannedRun(LEARN, before, True)
    for job in NIGHT:
        yield PlannedRun(job, day)


def skipped_nights(last: date, freshness: Freshness) -> Iterator[PlannedRun]:
    """What is missing between the newest night up to `last` and `last`: that night's own trades, if they were
    cut short, and every night after it. Nothing before the first night ever.

    A night that was whole stays as it was traded, also after an upgrade: its policy was of that version.
    """
    nights = [day for day in freshness.days("shadow_trades") if day <= last]
    if not nights:
        return
    if not freshness.is_there(assets_by_job()[TRADE], nights[-1]):
        yield PlannedRun(TRADE, nights[-1], True)
    for offset in range(1, (last - nights[-1]).days + 1):
        for job in NIGHT:
            yield PlannedRun(job, nights[-1] + timedelta(days=offset), True)


def history_days(last: date, settings: Settings) -> list[date]:
    """The days up to `last` that a training on `last` needs, with the days that fit the first regimes."""
    days = settings.training.window_days + lead_days(settings)
    first = max(last - timedelta(days=days - 1), settings.universe.first_day)
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def plan_backfill(
    days: Sequence[date], jobs: tuple[str, ...], freshness: Freshness, *, remakes: bool = False
) -> Iterator[PlannedRun]:
    """The runs of `jobs` for every one of `days` that is not done, day by day, decided run by run; those that
    are done too where it `remakes`."""
    for day in days:
        for job in jobs:
            if remakes or not freshness.is_done(assets_by_job()[job], day):
                yield PlannedRun(job, day, True)
