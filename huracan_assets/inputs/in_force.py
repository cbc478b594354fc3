"""Which night's models were in force when a trade was signalled, as whoever consumes brains would have had
them.

A trade that closed on D was signalled on D or earlier: before the handover of a day what the night before the
last one had made was in force.
"""

from datetime import date, timedelta

import pyarrow as pa
from numpy import int64
from numpy.typing import NDArray

from huracan.analysis.outcome import milliseconds
from huracan.durations import minute_of_day
from huracan.market.handover import brain_days
from huracan_assets.inputs.windows import older_nights
from huracan_assets.reads import Read, yesterday
from huracan_assets.stage import StageContext
from huracan_resources.settings.settings import Settings


def models_in_force(asset: str, *, is_needed: bool = True) -> tuple[Read, Read]:
    """The night before the day with its edge, and those before it whose models signals of then met. Where it
    is not needed one that failed is as one that could not be fitted."""
    older = Read(
        asset,
        key=older_key(asset),
        days=older_nights,
        ends=-2,
        edge=False,
        is_record=True,
        may_lack_days=True,
    )
    return yesterday(asset, is_needed=is_needed), older


def older_key(asset: str) -> str:
    """The key of the read of the nights before that of the day before."""
    return f"older_{asset}"


def key_of_night(asset: str, context: StageContext, night: date | None) -> str:
    """The key of the read that the partition of `night` is among; None: of an own day's read."""
    is_older = night is not None and night < context.day - timedelta(days=1)
    return older_key(asset) if is_older else asset


def nights_of(trades: pa.Table, settings: Settings) -> NDArray[int64]:
    """[trades] days since 1970: the night whose models were in force at each signal."""
    return brain_days(milliseconds(trades, "signal_time"), minute_of_day(settings.market.handover))
