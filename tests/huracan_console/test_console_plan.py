"""Which runs a night and a backfill start: what is missing, in order, and nothing that is done."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import cast

import pytest

from huracan.errors import InvalidInput
from huracan_assets.freshness import Freshness
from huracan_assets.jobs import LEARN, MARKET, PUBLISH, TRADE
from huracan_assets.registry import assets_by_job
from huracan_console.backfill import choose_jobs
from huracan_console.plan import (
    NIGHT,
    PlannedRun,
    backfill_runs,
    check_day,
    history_days,
    holes_before,
    last_closed_day,
    night_runs,
    plan_night,
)
from huracan_resources.settings.settings import Settings, load_settings

DAY = date(2025, 2, 12)
TODAYS = [PlannedRun(job, DAY) for job in NIGHT]


class Done:
    """Freshness that is told which (job, day) is done."""

    def __init__(self, done: Iterable[tuple[str, date]] = (), nights: Iterable[date] = ()) -> None:
        self.done = set(done)
        self.nights = list(nights)
        self.there: list[tuple[list[str], date]] = []

    def days(self, asset: str) -> list[date]:
        return {"shadow_trades": self.nights, "baseline_brain": []}[asset]

    def days_of_all(self, assets: Iterable[str]) -> set[date]:
        is_of_trade = list(assets) == assets_by_job()[TRADE]
        return set(self.nights) if is_of_trade else {day for job, day in self.done if job == MARKET}

    def is_usable(self, assets: Iterable[str], day: date) -> bool:
        return self.is_done(assets, day)

    def is_there(self, assets: Iterable[str], day: date) -> bool:
        return self.is_done(assets, day) or (list(assets), day) in self.there

    def is_readable(self, assets: Iterable[str], day: date) -> bool:
        return self.is_done(assets, day)

    def is_done(self, assets: Iterable[str], day: date) -> bool:
        (job,) = [job for job, stages in assets_by_job().items() if stages == list(assets)]
        return (job, day) in self.done


def _plan(settings: Settings, done: Done) -> list[PlannedRun]:
    return list(plan_night(DAY, settings, cast(Freshness, done)).runs)


@pytest.fixture
def settings() -> Settings:
    """Warm-up of 2 days, 1 day to fit regimes, a window of 3: six days of history."""
    overrides = {
        "universe.first_day": "2025-01-01",
        "regimes.minimum_days": 1,
        "training.window_days": 3,
        "training.held_out_days": 1,
        "training.minimum_training_days": 1,
    }
    return load_settings(overrides, {"HURACAN_HOME": "/nowhere"})


def _before(days: int) -> date:
    return DAY - timedelta(days=days)


def test_an_empty_lake_is_filled_from_the_first_day_that_a_training_needs(settings: Settings) -> None:
    history = [PlannedRun(MARKET, _before(back), True) for back in range(6, 0, -1)]
    assert _plan(settings, Done()) == [*history, PlannedRun(LEARN, _before(1), True), *TODAYS]


def test_days_that_are_done_are_not_planned_again(settings: Settings) -> None:
    done = Done([(MARKET, _before(back)) for back in (6, 5, 3, 2)])
    missing = [PlannedRun(MARKET, _before(4), True), PlannedRun(MARKET, _before(1), True)]
    assert _plan(settings, done) == [*missing, PlannedRun(LEARN, _before(1), True), *TODAYS]


def test_where_no_history_is_missing_the_days_are_looked_at_once(settings: Settings) -> None:
    class Counting(Done):
        looked = 0

        def is_readable(self, assets: Iterable[str], day: date) -> bool:
            self.looked += 1
            return super().is_readable(assets, day)

    whole = [(MARKET, _before(back)) for back in range(1, 7)]
    once, planned = Counting(whole), Counting(whole)
    runs = list(night_runs(DAY, settings, cast(Freshness, once)))
    assert _plan(settings, planned) == runs == [PlannedRun(LEARN, _before(1), True), *TODAYS]
    assert planned.looked == once.looked > 0


def test_nights_that_were_skipped_are_made_before_the_day_itself(settings: Settings) -> None:
    done = [(MARKET, _before(back)) for back in range(8)] + [(TRADE, _before(3)), (LEARN, _before(1))]
    skipped = [PlannedRun(job, _before(back), True) for back in (2, 1) for job in NIGHT]
    assert _plan(settings, Done(done, [_before(4), _before(3)])) == [*skipped, *TODAYS]


def test_trades_of_the_night_before_that_were_cut_short_are_made_again(settings: Settings) -> None:
    done = [(MARKET, _before(back)) for back in range(7)] + [(LEARN, _before(1))]
    again = PlannedRun(TRADE, _before(1), True)
    assert _plan(settings, Done(done, [_before(1)])) == [again, *TODAYS]


def test_bad_trades_of_several_nights_in_a_row_are_made_again_from_the_first_on(settings: Settings) -> None:
    done = [(MARKET, _before(back)) for back in range(9)] + [(LEARN, _before(1)), (TRADE, _before(4))]
    again = [PlannedRun(TRADE, _before(back), True) for back in (3, 2, 1)]
    assert _plan(settings, Done(done, [_before(back) for back in range(1, 6)])) == [*again, *TODAYS]


def test_a_bad_night_before_nights_that_are_missing_is_made_again_before_them(settings: Settings) -> None:
    done = [(MARKET, _before(back)) for back in range(9)] + [(LEARN, _before(1)), (TRADE, _before(4))]
    missing = [PlannedRun(job, _before(back), True) for back in (2, 1) for job in NIGHT]
    assert _plan(settings, Done(done, [_before(4), _before(3)])) == [
        PlannedRun(TRADE, _before(3), True),
        *missing,
        *TODAYS,
    ]
    long_ago = Done(done, [_before(20)])
    assert _plan(settings, long_ago) == TODAYS, "a history that began anew goes on from nothing of before"


def test_a_whole_night_of_an_earlier_version_is_not_traded_again(settings: Settings) -> None:
    done = Done([(MARKET, _before(back)) for back in range(1, 7)] + [(LEARN, _before(1))], [_before(1)])
    assert _plan(settings, done)[0] == PlannedRun(TRADE, _before(1), True)
    done.there.append((assets_by_job()[TRADE], _before(1)))
    assert _plan(settings, done) == TODAYS


def test_the_four_jobs_of_the_day_itself_run_always(settings: Settings) -> None:
    done = Done([(MARKET, _before(back)) for back in range(7)] + [(LEARN, _before(1))])
    done.done |= {(job, DAY) for job in NIGHT}
    assert _plan(settings, done) == TODAYS


def test_history_does_not_reach_before_the_first_day(settings: Settings) -> None:
    short = load_settings({"universe.first_day": _before(2).isoformat()}, {})
    assert history_days(_before(1), short) == [_before(2), _before(1)]
    first = load_settings({"universe.first_day": DAY.isoformat()}, {"HURACAN_HOME": "/nowhere"})
    assert _plan(first, Done()) == TODAYS


def test_what_a_run_makes_stale_is_planned_because_each_day_is_judged_when_its_turn_comes(
    settings: Settings,
) -> None:
    done = Done([(MARKET, _before(back)) for back in range(6, 0, -1) if back != 6] + [(LEARN, _before(1))])
    plan = night_runs(DAY, settings, cast(Freshness, done))
    assert next(plan) == PlannedRun(MARKET, _before(6), True)
    done.done.remove((MARKET, _before(5)))
    assert next(plan) == PlannedRun(MARKET, _before(5), True)
    assert next(plan) == PlannedRun(MARKET, DAY)


def test_a_backfill_goes_day_by_day_and_passes_over_what_is_done(settings: Settings) -> None:
    done = cast(Freshness, Done([(MARKET, DAY), (TRADE, _before(1))]))
    plan = list(backfill_runs([_before(1), DAY], (MARKET, TRADE), settings, done))
    assert plan == [PlannedRun(MARKET, _before(1), True), PlannedRun(TRADE, DAY, True)]


def test_a_backfill_makes_the_few_days_first_that_lie_between_it_and_what_is_there(
    settings: Settings,
) -> None:
    held = [(job, _before(back)) for back in (5, 4) for job in (MARKET, TRADE)]
    done = cast(Freshness, Done(held, [_before(5), _before(4)]))
    market = [PlannedRun(MARKET, _before(back), True) for back in (3, 2, 1)]
    assert list(backfill_runs([DAY], (MARKET,), settings, done)) == [*market, PlannedRun(MARKET, DAY, True)]
    nights = [PlannedRun(job, _before(back), True) for back in (3, 2, 1) for job in NIGHT]
    todays = [PlannedRun(job, DAY, True) for job in NIGHT]
    assert list(backfill_runs([DAY], NIGHT, settings, done)) == [*market, *nights, *todays]


def test_more_than_a_week_without_a_day_is_a_beginning_and_not_a_hole() -> None:
    known = {_before(back) for back in (20, 12, 4, 3)}
    first_day = date(2025, 1, 1)
    missing = [_before(back) for back in (11, 10, 9, 8, 7, 6, 5, 2, 1)]
    assert holes_before(DAY, known, 30, first_day) == sorted(
        [*missing, *(_before(back) for back in range(13, 20))]
    )
    assert holes_before(DAY, known - {_before(12)}, 30, first_day) == [_before(2), _before(1)]
    whole = {_before(back) for back in range(3, 20)} - {_before(10)}
    assert holes_before(DAY, whole, 4, first_day) == [_before(2), _before(1)]
    assert holes_before(DAY, whole, 8, first_day) == [_before(10), _before(2), _before(1)]
    assert holes_before(DAY, known, 30, _before(1)) == [_before(1)]
    assert holes_before(DAY, set(), 30, first_day) == []


def test_jobs_are_chosen_in_the_order_of_a_night_whatever_the_order_of_the_words() -> None:
    assert choose_jobs("all") == (MARKET, TRADE, LEARN, PUBLISH)
    assert choose_jobs("publish, market") == (MARKET, PUBLISH)
    with pytest.raises(InvalidInput, match="'lern'"):
        choose_jobs("market,lern")


def test_the_last_closed_day_is_yesterday_in_utc_wherever_the_clock_hangs() -> None:
    assert last_closed_day(datetime(2025, 2, 13, 0, 0, tzinfo=UTC)) == DAY
    assert last_closed_day(datetime.fromisoformat("2025-02-13T01:30:00+02:00")) == _before(1)


def test_a_day_that_is_open_or_before_history_is_refused(settings: Settings) -> None:
    now = datetime(2025, 2, 13, 12, tzinfo=UTC)
    check_day(DAY, settings, now)
    for asked in (DAY, date(1969, 12, 31)):
        with pytest.raises(
            InvalidInput, match=r"clock of this machine is suspect: it says 1970-01-01 00:03 UTC"
        ):
            check_day(asked, settings, datetime(1970, 1, 1, 0, 3, tzinfo=UTC))
    with pytest.raises(InvalidInput, match="2025-02-13 has not closed yet"):
        check_day(date(2025, 2, 13), settings, now)
    with pytest.raises(InvalidInput, match=r"before universe\.first_day"):
        check_day(date(2024, 12, 31), settings, now)
