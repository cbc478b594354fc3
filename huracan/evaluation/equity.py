"""From the bars of days on paper to the portfolio's equity, period returns and drawdown.

A day's result is the change of marked equity since the end of the day before. Days are chained by their
results, so a new account is no profit, and cash that versions before put back each morning no loss. No trade
is looked at.
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
    """Times [T] (bar open, ms since the epoch, ascending) and the portfolio's equity [T + 1] in USD: at the
    opening, then at the close of each bar.

    `bars` is SESSION_SCHEMA of one day, or of several in a row, rows in any order. Raises InvalidInput where
    a symbol lacks a bar of another; one that has left the universe has but one.
    """
    if bars.num_rows == 0:
        raise InvalidInput("A session without bars has no equity.", "Pass the bars of a traded session.")
    times, position = np.unique(_milliseconds(bars), return_inverse=True)
    rows = np.array([each["counts"] for each in pc.value_counts(bars["symbol"]).to_pylist()])
    if (np.bincount(position) < np.count_nonzero(rows > 1)).any() or (rows.max() > len(times)):
        raise InvalidInput(
            f"A session has {bars.num_rows} rows for {rows.size} symbols and {len(times)} bars.",
            "Give every symbol every bar of the session exactly once.",
        )
    opening_usd, results = _results(bars)
    summed = np.bincount(position, weights=results, minlength=len(times)).astype(np.float64)
    return times, opening_usd + np.concatenate([[0.0], np.cumsum(summed)])


def _results(bars: pa.Table) -> tuple[float, Floats]:
    """What all accounts opened with, and what every row made, USD."""
    equity = bars["equity_usd"].to_numpy(zero_copy_only=False)
    moments, symbols = _milliseconds(bars), bars["symbol"].to_numpy(zero_copy_only=False)
    order = np.lexsort((moments, symbols))
    is_first = np.append(True, symbols[order][1:] != symbols[order][:-1])
    # Of a version whose days began and ended flat: a day still had its opening cash at its first bar's close.
    begins = is_first | (np.diff(moments[order] // MS_PER_DAY, prepend=-1) != 0)
    made = np.empty(len(equity))
    made[order] = np.where(begins, 0.0, np.diff(equity[order], prepend=0.0))
    if "result_usd" in bars.column_names:
        told = bars["result_usd"].to_numpy(zero_copy_only=False).astype(np.float64)
        made = np.where(np.isnan(told), made, told)
    first = order[is_first]
    return float(np.sum(equity[first] - made[first])), made


def chained_equity(sessions: Sequence[pa.Table]) -> tuple[Integers, Floats]:
    """The same over several tables without a bar in common, one after the other in time.

    Starts at the oldest table's opening; results are added and nothing is compounded, so the tables may hold
    different symbols. Raises InvalidInput where there is no bar, or where tables overlap in time.
    """
    curves = sorted(
        (portfolio_equity(bars) for bars in sessions if bars.num_rows), key=lambda each: each[0][0]
    )
    if not curves:
        raise InvalidInput("Sessions without bars have no equity.", "Pass the bars of a traded session.")
    times = np.concatenate([each[0] for each in curves])
    if (np.diff(times) <= 0).any():
        raise InvalidInput("Two sessions overlap in time.", "Pass every day once.")
    gains = np.concatenate([np.diff(each[1]) for each in curves])
    return times, curves[0][1][0] + np.concatenate([[0.0], np.cumsum(gains)])


def period_returns_bps(sessions: Sequence[pa.Table], period_minutes: int = 60) -> Floats:
    """Change of the portfolio's equity per period, in bps of the opening equity, oldest first.

    Periods are cut on the UTC clock; nothing is compounded; a period without a bar has no return.
    """
    if period_minutes < 1:
        raise InvalidInput(f"A period of {period_minutes} minutes was asked for.", "Use at least 1 minute.")
    times, equity = chained_equity(sessions)
    period = times // (period_minutes * 60_000)
    last = np.flatnonzero(np.append(period[1:] != period[:-1], True))
    returns: Floats = np.diff(equity[np.append(0, last + 1)]) / equity[0] * WHOLE_BPS
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
