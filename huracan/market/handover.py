"""Which night's brain was in force at a moment: from the handover on that of the day before, earlier that of
the day before that, because the night that makes the newer one was still at work.

A consumer of brains lives by the same clock; so do the pattern libraries and gates that belong to a brain.
"""

from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from huracan.market.block import EPOCH, MS_PER_DAY


def brain_days(moments_ms: NDArray[np.int64], handover_minute: int) -> NDArray[np.int64]:
    """Days since 1970 of the nights whose brains are in force at `moments_ms`, closes of bars at which is
    decided; `handover_minute` is the minute of the UTC day at which the newer one takes over."""
    moved = np.asarray(moments_ms, np.int64) - handover_minute * 60_000
    return np.asarray(moved // MS_PER_DAY - 1, dtype=np.int64)


def as_night(day: date) -> int:
    """Days since 1970 of a date."""
    return (day - EPOCH).days


def as_date(day: int) -> date:
    """The date of a day since 1970."""
    return EPOCH + timedelta(days=int(day))
