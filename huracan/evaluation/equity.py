"""From the bars of trading sessions to the portfolio's equity, period returns and drawdown.

A session is a UTC day: it opens with its accounts' starting cash, starts and ends flat. Days are chained by
their gains, so the cash put back each morning is no loss or profit. No trade is looked at.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.errors import InvalidInput
from huracan.units import WHOLE_BPS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
MS_PER_DAY = 86_400_000


def portfolio_equity(bars: pa.Table) -> tuple[Integers, Floats]:
    """Times [T] (bar open, ms since the epoch, ascending) and the portfolio's equity in USD, days chained.

    `bars` is SESSION_SCHEMA of one or more days, rows in any order. Starts at the summed opening cash.
    Raises InvalidInput where a symbol lacks a bar of another.
    """
    if bars.num_rows == 0:
        raise InvalidInput("A session without bars has no equity.", "Pass the bars of a traded session.")
    times, position = np.unique(_milliseconds(bars), return_inverse=True)
    symbols = pc.count_distinct(bars["symbol"]).as_py()
    if bars.num_rows != symbols * len(times):
        raise InvalidInput(
            f"A session has {bars.num_rows} rows for {symbols} symbols and {len(times)} bars.",
            "Give every symbol every bar of the session exactly once.",
        )
    equity = bars["equity_usd"].to_numpy(zero_copy_only=False)
    summed = np.bincount(position, weights=equity, minlength=len(times)).astype(np.float64)
    gain = np.diff(summed, prepend=summed[0])
    # A decision fills at the next open, so at the first bar's close a day still has its opening cash.
    gain[np.flatnonzero(np.diff(times // MS_PER_DAY)) + 1] = 0.0
    return times, summed[0] + np.cumsum(gain)


def chained_equity(sessions: Sequence[pa.Table]) -> tuple[Integers, Floats]:
    """The same over several tables without a bar in common, one after the other in time.

    Starts at the oldest table's opening cash; gains are added and nothing is compounded, so the tables may
    hold different symbols. Raises InvalidInput where there is no bar, or where tables overlap in time.
    """
    curves = sorted(
        (portfolio_equity(bars) for bars in sessions if bars.num_rows), key=lambda each: each[0][0]
    )
    if not curves:
        raise InvalidInput("Sessions without bars have no equity.", "Pass the bars of a traded session.")
    times = np.concatenate([each[0] for each in curves])
    if (np.diff(times) <= 0).any():
        raise InvalidInput("Two sessions overlap in time.", "Pass every day once.")
    gains = np.concatenate([np.diff(each[1], prepend=each[1][0]) for each in curves])
    return times, curves[0][1][0] + np.cumsum(gains)


def period_returns_bps(sessions: Sequence[pa.Table], period_minutes: int = 60) -> Floats:
    """Change of the portfolio's equity per period, in bps of the opening equity, oldest first.

    Periods are cut on the UTC clock; nothing is compounded; a period without a bar has no return.
    """
    if period_minutes < 1:
        raise InvalidInput(f"A period of {period_minutes} minutes was asked for.", "Use at least 1 minute.")
    times, equity = chained_equity(sessions)
    period = times // (period_minutes * 60_000)
    last = np.flatnonzero(np.append(period[1:] != period[:-1], True))
    returns: Floats = np.diff(np.concatenate([equity[:1], equity[last]])) / equity[0] * WHOLE_BPS
    return returns


def worst_drawdown_usd(equity: Floats) -> float:
    """The deepest fall below a former peak, USD >= 0. `equity` [T] starts with the opening."""
    if len(equity) == 0:
        return 0.0
    return float(np.max(np.maximum.accumulate(equity) - equity))


def share_of_bars_in_position(sessions: Sequence[pa.Table]) -> float:
    """Share of symbol-bars at whose close a position was open, 0 to 1."""
    held = [
        np.count_nonzero(pc.fill_null(bars["position_value_usd"], 0.0).to_numpy(zero_copy_only=False))
        for bars in sessions
    ]
    rows = sum(bars.num_rows for bars in sessions)
    return float(sum(held)) / rows if rows else 0.0


def _milliseconds(bars: pa.Table) -> Integers:
    stamps: Integers = pc.cast(bars["open_time"], pa.int64()).to_numpy(zero_copy_only=False)
    return stamps
