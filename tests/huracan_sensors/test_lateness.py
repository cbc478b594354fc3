"""When a partition is late, by the clock that is given."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from huracan_resources.lake.lake import Lake
from huracan_resources.lake.store import LocalStore
from huracan_sensors.lateness import late_days, late_troubles, missed_run

NIGHT_START, HISTORY_DAYS = 2, 20


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(LocalStore(tmp_path))


def _store(lake: Lake, asset: str, first: date, days: int) -> None:
    for offset in range(days):
        lake.write(asset, first + timedelta(days=offset), {})


def _late(lake: Lake, now: datetime) -> list[tuple[str, date]]:
    return late_days(lake, NIGHT_START, now, HISTORY_DAYS)


def test_nothing_is_late_before_the_first_night(lake: Lake) -> None:
    assert _late(lake, datetime(2025, 3, 11, 12, tzinfo=UTC)) == []


def test_the_closed_day_is_late_one_hour_after_the_start_and_not_before(lake: Lake) -> None:
    _store(lake, "regimes", date(2025, 3, 1), 9)  # to 9 March
    before = datetime(2025, 3, 11, 2, 59, tzinfo=UTC)
    after = datetime(2025, 3, 11, 3, 0, tzinfo=UTC)
    assert _late(lake, before) == []
    assert _late(lake, after) == [("regimes", date(2025, 3, 10))]


def test_a_hole_in_the_last_week_is_found(lake: Lake) -> None:
    _store(lake, "regimes", date(2025, 3, 1), 6)
    _store(lake, "regimes", date(2025, 3, 8), 3)
    late = _late(lake, datetime(2025, 3, 11, 12, tzinfo=UTC))
    assert late == [("regimes", date(2025, 3, 7))]


def test_what_lies_before_the_partitions_begin_is_not_late(lake: Lake) -> None:
    _store(lake, "regimes", date(2025, 2, 20), 2)  # filled in while these definitions are loaded
    _store(lake, "regimes", date(2025, 3, 1), 9)
    noon = datetime(2025, 3, 11, 12, tzinfo=UTC)
    late = late_days(lake, NIGHT_START, noon, HISTORY_DAYS, since=date(2025, 3, 1))
    assert late == [("regimes", date(2025, 3, 10))]
    assert ("regimes", date(2025, 2, 25)) in _late(lake, noon)


def test_an_outage_of_three_days_is_one_trouble_that_names_them_all(lake: Lake) -> None:
    _store(lake, "regimes", date(2025, 3, 1), 7)
    late = _late(lake, datetime(2025, 3, 11, 12, tzinfo=UTC))
    troubles = late_troubles(late)
    assert len(troubles) == 1
    assert "2025-03-08, 2025-03-09, 2025-03-10" in troubles[0].detail


def test_the_trouble_keeps_its_identity_while_it_lasts(lake: Lake) -> None:
    _store(lake, "regimes", date(2025, 3, 1), 8)
    first = late_troubles(_late(lake, datetime(2025, 3, 10, 12, tzinfo=UTC)))
    second = late_troubles(_late(lake, datetime(2025, 3, 11, 12, tzinfo=UTC)))
    assert first[0].identity == second[0].identity


def test_missed_nights_are_taken_up_one_after_the_other(lake: Lake) -> None:
    _store(lake, "regimes", date(2025, 3, 1), 7)
    noon = datetime(2025, 3, 11, 12, tzinfo=UTC)
    made = []
    while (missed := missed_run(lake, _late(lake, noon))) is not None:
        job, day = missed
        assert job == "market"
        made.append(day.day)
        lake.write("regimes", day, {})
    assert made == [8, 9, 10]


def test_trades_that_were_refused_for_lack_of_the_day_before_are_taken_up_after_it(lake: Lake) -> None:
    _store(lake, "regimes", date(2025, 3, 1), 7)
    _store(lake, "shadow_trades", date(2025, 3, 5), 3)
    _store(lake, "regimes", date(2025, 3, 9), 2)  # the schedule's own nights, while 8 March was missed
    noon, made = datetime(2025, 3, 11, 12, tzinfo=UTC), []
    while (missed := missed_run(lake, _late(lake, noon))) is not None:
        job, day = missed
        made.append((job, day.day))
        if job == "market":
            lake.write("regimes", day, {})  # which starts its trades
        lake.write("shadow_trades", day, {})
    assert made == [("market", 8), ("trade", 9), ("trade", 10)]


def test_trades_of_before_the_first_night_are_not_missed(lake: Lake) -> None:
    _store(lake, "regimes", date(2025, 2, 1), 38)
    _store(lake, "shadow_trades", date(2025, 3, 9), 1)
    assert missed_run(lake, _late(lake, datetime(2025, 3, 11, 4, tzinfo=UTC))) is None
    assert missed_run(lake, _late(lake, datetime(2025, 3, 11, 5, tzinfo=UTC))) == ("trade", date(2025, 3, 10))


def test_a_hole_in_older_history_is_no_missed_night(lake: Lake) -> None:
    _store(lake, "regimes", date(2025, 2, 1), 2)
    _store(lake, "regimes", date(2025, 2, 4), 35)
    late = _late(lake, datetime(2025, 3, 11, 12, tzinfo=UTC))
    assert late == [("regimes", date(2025, 2, 3))]
    assert missed_run(lake, late) is None


def test_a_gap_longer_than_a_week_is_left_to_a_backfill(lake: Lake) -> None:
    _store(lake, "regimes", date(2025, 3, 1), 7)
    late = _late(lake, datetime(2025, 5, 1, 12, tzinfo=UTC))
    assert late != []
    assert missed_run(lake, late) is None


def test_nothing_is_late_between_two_histories(lake: Lake) -> None:
    _store(lake, "shadow_trades", date(2025, 1, 1), 2)
    _store(lake, "shadow_trades", date(2025, 3, 9), 1)
    noon = datetime(2025, 3, 11, 12, tzinfo=UTC)
    assert _late(lake, noon) == [("shadow_trades", date(2025, 3, 10))]


def test_market_days_that_the_newest_night_looks_back_on_are_late_though_a_history_began_since(
    lake: Lake,
) -> None:
    _store(lake, "regimes", date(2025, 1, 1), 2)
    _store(lake, "regimes", date(2025, 3, 10), 1)
    late = _late(lake, datetime(2025, 3, 11, 12, tzinfo=UTC))
    assert [day for _, day in late] == [date(2025, 3, 10) - timedelta(days=back) for back in range(1, 19)]


def test_the_remedy_of_what_is_late_makes_just_that(lake: Lake) -> None:
    _store(lake, "regimes", date(2025, 3, 1), 7)
    (short,) = late_troubles(_late(lake, datetime(2025, 3, 11, 12, tzinfo=UTC)))
    assert short.detail.endswith("huracan nightly does at once.")
    (long,) = late_troubles(_late(lake, datetime(2025, 3, 21, 12, tzinfo=UTC)))
    assert long.detail.endswith("Run huracan backfill --from 2025-03-08 --to 2025-03-20 --jobs all.")
