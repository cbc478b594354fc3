"""What a closed trade came to, read from the ledger's columns as arrays. No judgement of why."""

from datetime import date, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.schema import TIME, Timeframe, day_end, day_start
from huracan.market.ledger import DATA_GAP, DELISTED, END_OF_SESSION, LEFT_UNIVERSE, TIMEFRAME_CHANGED
from huracan.tables import FLAG, Column

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

MINIMUM_VOLATILITY_BPS = 0.5
"""Floor of the one-bar volatility as a unit: a frozen price must not make infinite scores."""
ENDINGS = {
    DATA_GAP: "closed at the last price before a hole in the candles",
    DELISTED: "closed because the market was delisted",
    LEFT_UNIVERSE: "closed because the symbol left the universe",
    TIMEFRAME_CHANGED: "closed because candles of another length followed",
    END_OF_SESSION: "closed by the session's end",
}
UNDECIDED = tuple(ENDINGS)
"""Exit reasons that are neither a decision's nor a rule's: the candles or the market came to an end."""
IS_UNDECIDED = Column(
    "is_end_of_session", FLAG, f"neither a decision nor a rule ended it, but {', '.join(UNDECIDED)}"
)
"""The name is that of stored days, of which each was a session."""
UNKNOWN_TIME = np.iinfo(np.int64).min
"""Stands for a null time among milliseconds."""


def floats(table: pa.Table, name: str) -> Floats:
    """The column as float64, NaN where null."""
    column = pc.cast(table.column(name), pa.float64())
    return np.asarray(pc.fill_null(column, float("nan")).to_numpy(), dtype=np.float64)


def milliseconds(table: pa.Table, name: str) -> Integers:
    """A time column as milliseconds since 1970 UTC; UNKNOWN_TIME where null."""
    column = pc.cast(pc.cast(table.column(name), TIME), pa.int64())
    return np.asarray(pc.fill_null(column, UNKNOWN_TIME).to_numpy(), dtype=np.int64)


def as_milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970 UTC of an aware datetime."""
    return round(moment.timestamp() * 1000)


def times(values: Integers) -> pa.Array:
    """Milliseconds as the lake's time type, null where UNKNOWN_TIME."""
    return pa.array(values, mask=values == UNKNOWN_TIME).cast(TIME)


def nullable(values: npt.NDArray[np.floating]) -> pa.Array:
    """Floats as an Arrow column of float64, null where NaN."""
    return pa.array(np.asarray(values, dtype=np.float64), from_pandas=True)


def is_winning(trades: pa.Table) -> Booleans:
    """True where the trade made money after all costs; exactly zero counts as a loss."""
    return np.asarray(floats(trades, "net_bps") > 0.0)


def is_undecided(trades: pa.Table) -> Booleans:
    """True where neither a decision nor a rule closed the trade: its exit says nothing about quality."""
    matches = pc.is_in(trades.column("exit_reason"), value_set=pa.array(UNDECIDED))
    return np.asarray(pc.fill_null(matches, False).to_numpy(zero_copy_only=False), dtype=bool)


def nearest_pattern(trades: pa.Table) -> pa.Array:
    """The identity of the pattern that each entry resembled most; null where it resembled none."""
    if "nearest_patterns" not in trades.column_names:  # stored before entries were compared with patterns
        return pa.nulls(len(trades), pa.string())
    named = trades.column("nearest_patterns").combine_chunks()
    some = pc.greater(pc.fill_null(pc.list_value_length(named), 0), 0)
    return pc.list_element(pc.if_else(some, named, pa.scalar([None], named.type)), 0)


def closed_at_ms(trades: pa.Table, day: date, timeframe: Timeframe) -> Integers:
    """When the outcome was known, in milliseconds: the close of the bar that a trade of `day` left in.

    `exit_time` is that bar's open; a stop inside the bar is known at its close and no earlier. What no
    decision and no rule closed counts as known at the day's end: versions whose days ended flat dated it at
    the last bar that was traded.
    """
    bar = timeframe.minutes * 60_000
    closed = milliseconds(trades, "exit_time") + bar
    begins, ends = as_milliseconds(day_start(day)) + bar, as_milliseconds(day_end(day))
    return np.where(is_undecided(trades), ends, np.maximum(closed, begins))


def directions(trades: pa.Table) -> Floats:
    """+1 for a long trade, -1 for a short one."""
    is_short = pc.equal(pc.utf8_lower(trades.column("side")), "short")
    return np.where(pc.fill_null(is_short, False).to_numpy(zero_copy_only=False), -1.0, 1.0)


def cost_bps(trades: pa.Table) -> Floats:
    """Fee, spread, slippage and funding of the whole trade, as paid."""
    filled = floats(trades, "fee_bps") + floats(trades, "spread_bps") + floats(trades, "slippage_bps")
    if "funding_bps" not in trades.column_names:  # stored before funding was booked
        return filled
    return filled + np.nan_to_num(floats(trades, "funding_bps"))


def net_scores(trades: pa.Table) -> Floats:
    """Net result in standard deviations of a random walk over the holding time.

    net_bps / (entry_volatility_bps * sqrt(bars_held)): how far the result is from what noise would give.
    """
    volatility = np.fmax(floats(trades, "entry_volatility_bps"), MINIMUM_VOLATILITY_BPS)
    bars = np.fmax(floats(trades, "bars_held"), 1.0)
    return np.asarray(floats(trades, "net_bps") / (volatility * np.sqrt(bars)), dtype=np.float64)


def day_column(day: date, rows: int) -> pa.Array:
    """The partition's day, once per row."""
    return pa.array([day] * rows, pa.date32())
