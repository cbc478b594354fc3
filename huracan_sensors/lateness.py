"""When a partition is late: pure functions of what the lake holds and of a time that is given."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from huracan_resources.lake.lake import Lake
from huracan_sensors.alerts import Trouble

LATE_KIND = "partition late"

WATCHED = {"regimes": 1, "shadow_trades": 3, "ppo_checkpoint": 3, "baseline_brain": 4}
"""Asset to the hours after the night's start by which its newest partition must be there."""

LAST_OF_MARKET = "regimes"
"""The last asset of the job with which a night begins: without it that job has not ended."""

CATCH_UP_DAYS = 7
"""How far back missed days are looked for."""


def late_days(lake: Lake, start_hour: int, now: datetime) -> list[tuple[str, date]]:
    """(asset, day) of every watched partition that should be there at `now` (UTC) and is not.

    Nothing is late in a lake that has never held the asset: its first night has not been yet.
    """
    late = []
    for asset, hours in WATCHED.items():
        known = set(lake.days(asset))
        if not known:
            continue
        due = (now - timedelta(days=1, hours=start_hour + hours)).date()
        for back in range((due - min(known)).days):
            day = due - timedelta(days=back)
            if day not in known:
                late.append((asset, day))
    return late


def missed_night(lake: Lake, late: Sequence[tuple[str, date]]) -> date | None:
    """The first day without a market, of the last week of them, whose day before is there.

    A longer gap is history, which a person backfills; its days would only fail for lack of one another.
    """
    known = set(lake.days(LAST_OF_MARKET))
    missed = sorted(day for asset, day in late if asset == LAST_OF_MARKET)
    missed = [day for day in missed if day > missed[-1] - timedelta(days=CATCH_UP_DAYS)]
    return next((day for day in missed if day - timedelta(days=1) in known), None)


def late_troubles(late: list[tuple[str, date]]) -> list[Trouble]:
    """One trouble per asset, whatever the number of its days: an outage of a week is one alert."""
    days: dict[str, list[date]] = {}
    for asset, day in late:
        days.setdefault(asset, []).append(day)
    return [
        Trouble(f"late:{asset}", LATE_KIND, f"{asset} is late", f"no partition of {_listed(missing)}")
        for asset, missing in days.items()
    ]


def _listed(days: list[date]) -> str:
    named = [str(day) for day in sorted(days)]
    if len(named) <= CATCH_UP_DAYS:
        return ", ".join(named)
    return f"{named[0]} to {named[-1]}, {len(named)} days in all"
