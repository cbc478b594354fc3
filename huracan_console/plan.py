"""Which runs a night needs: the history that is missing, yesterday's policy, and the four jobs of the day."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from huracan.errors import InvalidInput
from huracan_assets.finished import LAST_OF_NIGHT
from huracan_assets.freshness import Freshness
from huracan_assets.inputs.windows import lead_days
from huracan_assets.jobs import LEARN, MARKET, PUBLISH, TRADE
from huracan_assets.registry import assets_by_job, stages
from huracan_resources.lake.lake import LONGEST_HOLE_DAYS
from huracan_resources.settings.settings import Settings

NIGHT = (MARKET, TRADE, LEARN, PUBLISH)


@dataclass(frozen=True)
class PlannedRun:
    """One run of `job` for `day`. `is_history`: it is there for the sake of a later day."""

    job: str
    day: date
    is_history: bool = False


@dataclass(frozen=True)
class Plan:
    """`runs`, decided one by one as they are asked for, and what was `expected` of them beforehand."""

    expected: Sequence[PlannedRun]
    runs: Iterator[PlannedRun]


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


def plan_night(day: date, settings: Settings, freshness: Freshness) -> Plan:
    """The night of `day`; see `night_runs`."""
    expected = list(night_runs(day, settings, freshness, foresees=True))
    if all(run.job == LEARN for run in expected[: -len(NIGHT)]):
        # No history is to be made, so nothing will be written that could change what was foreseen.
        return Plan(expected, iter(expected))
    return Plan(expected, night_runs(day, settings, freshness))


def night_runs(
    day: date, settings: Settings, freshness: Freshness, *, foresees: bool = False
) -> Iterator[PlannedRun]:
    """The runs for `day` in order: market days of the window that are not there, the training of the day
    before where it left no policy, then the four jobs of the day itself. Nights that were skipped since the
    last one are made first, for a ledger with a hole is refused by whatever learns from it; where more than a
    week is missing, a history begins anew and the nights of before are left alone.

    Decided run by run, for what one run writes may make a later day stale; who `foresees` is told of the days
    that it may.
    """
    before = day - timedelta(days=1)
    nights = night_holes(day, settings, freshness)
    needed = {each for night in (before, *nights) for each in history_days(night, settings)}
    yield from market_before(day, needed, settings, freshness, foresees=foresees)
    for each, jobs in nights.items():
        for job in jobs:
            yield PlannedRun(job, each, True)
    if before >= settings.universe.first_day and not freshness.is_usable(assets_by_job()[LEARN], before):
        yield PlannedRun(LEARN, before, True)
    for job in NIGHT:
        yield PlannedRun(job, day)


def market_before(
    day: date, needed: Iterable[date], settings: Settings, freshness: Freshness, *, foresees: bool = False
) -> Iterator[PlannedRun]:
    """The market days of `needed` that are not there, and what else their windows and those of `day` look at:
    holes, and days that are stale or become so by filling them."""
    market = assets_by_job()[MARKET]
    made = {each for each in needed if not freshness.is_readable(market, each)}
    made |= _looked_at(day, made, settings, freshness)
    if not made:  # then nothing is written that could make another day stale
        return
    for each in sorted({*needed, *made}):
        follows = foresees and each > min(made)
        if follows or not freshness.is_readable(market, each):
            yield PlannedRun(MARKET, each, True)


def _looked_at(day: date, made: set[date], settings: Settings, freshness: Freshness) -> set[date]:
    """The market days that must be made before `day` and the days that are `made` can be."""
    market, first_day = assets_by_job()[MARKET], settings.universe.first_day
    known, reach = freshness.days_of_all(market), reach_of(market, settings)
    chain = max(read.reach(settings) for stage in stages() for read in stage.reads if read.chained)
    found: set[date] = set()
    while True:
        every = made | found
        holes = set(holes_before(day, known, reach, first_day, every))
        every |= holes
        near = {each for later in {day, *every} for each in _days_before(later, chain)} & known
        stale = {
            each
            for each in near - every
            if every.intersection(_days_before(each, reach)) or not freshness.is_readable(market, each)
        }
        if not holes and not stale:
            return found
        found |= holes | stale


def _days_before(day: date, count: int) -> list[date]:
    return days_from(day - timedelta(days=count), day - timedelta(days=1))


def night_holes(day: date, settings: Settings, freshness: Freshness) -> dict[date, tuple[str, ...]]:
    """The nights before `day` that are missing between nights, in order, with the jobs of each: all of them,
    or the trades alone of the last nights in a row that were cut short or judged bad, for each day goes on
    from the positions of the day before. Nothing before the first night ever, or across more than a week
    without any.

    A night that was whole stays as it was traded, also after an upgrade: its policy was of that version.
    """
    trade = assets_by_job()[TRADE]
    traded = {each for each in freshness.days("shadow_trades") if each < day}
    # A night that came to its end was whole: an asset that it lacks was added by a later version.
    whole = freshness.days_of_all(trade) | set(freshness.days(LAST_OF_NIGHT))
    whole = {each for each in whole if each < day}
    holes = set(holes_before(day, whole, reach_of(trade, settings), settings.universe.first_day))
    later = day
    for each in sorted(traded, reverse=True):
        if not is_within_reach(each, later) or freshness.is_there(trade, each):
            break
        holes.add(each)
        later = each
    return {each: (TRADE,) if each in traded else NIGHT for each in sorted(holes)}


def reach_of(assets: Collection[str], settings: Settings) -> int:
    """How far back anything looks on `assets` and refuses a hole. The 31 days of hours that features make do
    without are no part of it: a new home of `1m` would fetch 60 days instead of 35 before its first night."""
    return max(
        read.reach(settings)
        for stage in stages()
        for read in stage.reads
        if read.asset in assets and not read.may_lack_days and not read.newest
    )


def is_within_reach(earlier: date, day: date) -> bool:
    """Whether what is missing between the two days is a hole, and no history begins between them."""
    return (day - earlier).days <= LONGEST_HOLE_DAYS + 1


def holes_before(
    day: date, known: Collection[date], reach: int, first_day: date, made: Collection[date] = ()
) -> list[date]:
    """The missing days before `day` that would close windows of `reach` days: those of `day`, of the days
    that are `made` anyway and of the missing days themselves. No window reaches beyond a beginning, as the
    lake sees it, or before `first_day`."""
    holes: list[date] = []
    each, looked_at = day - timedelta(days=1), day - timedelta(days=reach)
    while each >= max(first_day, min([looked_at, *made])):
        if each in made:
            looked_at = each - timedelta(days=reach)
        elif each >= looked_at and each not in known:
            earlier = max((other for other in {*known, *made} if other < each), default=date.min)
            if is_within_reach(earlier, each + timedelta(days=1)):
                holes.append(each)
                looked_at = each - timedelta(days=reach)
            else:
                looked_at = each
        each -= timedelta(days=1)
    return holes[::-1]


def history_days(last: date, settings: Settings) -> list[date]:
    """The days up to `last` that a training on `last` needs, with the days that fit the first regimes."""
    days = settings.training.window_days + lead_days(settings)
    return days_from(max(last - timedelta(days=days - 1), settings.universe.first_day), last)


def days_from(first: date, last: date) -> list[date]:
    """The days from `first` to `last`, included."""
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def plan_backfill(
    days: Sequence[date],
    jobs: tuple[str, ...],
    settings: Settings,
    freshness: Freshness,
    *,
    remakes: bool = False,
) -> Plan:
    """The backfill of `days`; see `backfill_runs`. What is there is expected to be done: to look closely at
    each day of a year takes as long as to pass over it."""
    held = {job: set[date]() if remakes else freshness.days_of_all(assets_by_job()[job]) for job in jobs}
    expected = [PlannedRun(job, day, True) for day in days for job in jobs if day not in held[job]]
    return Plan(expected, backfill_runs(days, jobs, settings, freshness, remakes=remakes))


def backfill_runs(
    days: Sequence[date],
    jobs: tuple[str, ...],
    settings: Settings,
    freshness: Freshness,
    *,
    remakes: bool = False,
) -> Iterator[PlannedRun]:
    """The runs of `jobs` for every one of `days` that is not done, day by day, decided run by run; those that
    are done too where it `remakes`. What is missing of the week before `days` is made first."""
    if MARKET in jobs:
        yield from market_before(days[0], [], settings, freshness)
    if TRADE in jobs:
        for day, missing in night_holes(days[0], settings, freshness).items():
            for job in missing:
                yield PlannedRun(job, day, True)
    for day in days:
        for job in jobs:
            if remakes or not freshness.is_done(assets_by_job()[job], day):
                yield PlannedRun(job, day, True)
