"""When a partition is late: pure functions of what the lake holds and of a time that is given."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from huracan_assets.finished import LEDGER
from huracan_assets.jobs import MARKET, TRADE
from huracan_resources.lake.lake import LONGEST_HOLE_DAYS, Lake
from huracan_sensors.alerts import Trouble

LATE_KIND = "partition late"

WATCHED = {"regimes": 1, "shadow_trades": 3, "ppo_checkpoint": 3, "baseline_brain": 4}
"""Asset to the hours after the night's start by which its newest partition must be there."""

LAST_OF_MARKET = "regimes"
"""The last asset of the job with which a night begins: without it that job has not ended."""

CATCH_UP_DAYS = LONGEST_HOLE_DAYS
"""How far back missed days are looked for."""


def late_days(
    lake: Lake, start_hour: int, now: datetime, history_days: int, *, since: date = date.min
) -> list[tuple[str, date]]:
    """(asset, day) of every watched partition that should be there at `now` (UTC) and is not.

    Nothing is late in a lake that has never held the asset: its first night has not been yet; nor between two
    histories, but for a market of the last `history_days`, which the newest night looks back on. Days before
    `since`, where the partitions of these definitions begin, are history that is being filled in.
    """
    late = []
    for asset, hours in WATCHED.items():
        known = [day for day in lake.days(asset) if day >= since]
        if not known:
            continue
        due = (now - timedelta(days=1, hours=start_hour + hours)).date()
        first = _beginning(known)
        if asset == LAST_OF_MARKET:
            first = max(known[0], min(first, due - timedelta(days=history_days - 1)))
        for back in range((due - first).days):
            day = due - timedelta(days=back)
            if day not in known:
                late.append((asset, day))
    return late


def _beginning(known: Sequence[date]) -> date:
    """The first day of the newest history: of the days after the last gap that is longer than a hole."""
    after = [later for day, later in pairwise(known) if (later - day).days > LONGEST_HOLE_DAYS + 1]
    return after[-1] if after else known[0]


def missed_run(lake: Lake, late: Sequence[tuple[str, date]]) -> tuple[str, date] | None:
    """The first day of the last week that can be made up for, and the job to begin with: its market where
    that is missing and the day before has one, else its trades where the day before was traded, whose
    positions they go on from.

    An older or a longer gap is history, which a person backfills; its days would only fail for lack of one
    another.
    """
    markets, traded = set(lake.days(LAST_OF_MARKET)), set(lake.days(LEDGER))
    missed = [(MARKET, day, markets) for asset, day in late if asset == LAST_OF_MARKET]
    missed += [(TRADE, day, traded) for asset, day in late if asset == LEDGER and day in markets]
    newest = max([*markets, *(day for _, day, _ in missed)], default=date.min)
    for job, day, known in sorted(missed, key=lambda each: each[1]):
        is_near = (newest - day).days < CATCH_UP_DAYS
        if is_near and day - timedelta(days=1) in known:
            return job, day
    return None


def late_troubles(late: list[tuple[str, date]]) -> list[Trouble]:
    """One trouble per asset, whatever the number of its days: an outage of a week is one alert."""
    days: dict[str, list[date]] = {}
    for asset, day in late:
        days.setdefault(asset, []).append(day)
    return [
        Trouble(
            f"late:{asset}",
            LATE_KIND,
            f"{asset} is late",
            f"no partition of {_listed(missing)}. {_remedy(missing)}",
        )
        for asset, missing in days.items()
    ]


def _remedy(missing: Sequence[date]) -> str:
    """What makes these days: the night itself where they are those before it, else a backfill."""
    first, last = min(missing), max(missing)
    if (last - first).days < CATCH_UP_DAYS:
        return "huracan up makes them up by itself once the cause is gone; huracan nightly does at once."
    return f"Run huracan backfill --from {first} --to {last} --jobs all."


def _listed(days: list[date]) -> str:
    named = [str(day) for day in sorted(days)]
    if len(named) <= CATCH_UP_DAYS:
        return ", ".join(named)
    return f"{named[0]} to {named[-1]}, {len(named)} days in all"
