"""When a partition is late: pure functions of what the lake holds and of a time that is given."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from huracan_resources.lake import Lake
from huracan_sensors.alerts import Trouble

LATE_KIND = "partition late"

WATCHED = {"ohlcv": 1, "shadow_trades": 3, "ppo_checkpoint": 3, "baseline_brain": 4}
"""Asset to the hours after the night's start by which its newest partition must be there."""

MAKES_CANDLES = "ohlcv"
"""The asset with which a night begins."""

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
        for back in range(CATCH_UP_DAYS):
            day = due - timedelta(days=back)
            if day > min(known) and day not in known:
                late.append((asset, day))
    return late


def missed_night(lake: Lake, late: Sequence[tuple[str, date]]) -> date | None:
    """The first day of `late` without candles that can be made now: the day before it is there.

    A longer gap is history, which a person backfills; its days would only fail for lack of one another.
    """
    known = set(lake.days(MAKES_CANDLES))
    missed = sorted(day for asset, day in late if asset == MAKES_CANDLES)
    return next((day for day in missed if day - timedelta(days=1) in known), None)


def late_troubles(late: list[tuple[str, date]]) -> list[Trouble]:
    """One trouble per asset, whatever the number of its days: an outage of a week is one alert."""
    days: dict[str, list[date]] = {}
    for asset, day in late:
        days.setdefault(asset, []).append(day)
    return [
        Trouble(
            f"late:{asset}:{min(missing)}",
            LATE_KIND,
            f"{asset} is late",
            f"no partition of {', '.join(str(day) for day in sorted(missing))}",
        )
        for asset, missing in days.items()
    ]
