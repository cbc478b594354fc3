"""What the next day compares its first closes with: the last known close of every symbol, day after day.

A symbol that is set aside keeps the close of before, so that a jump which nobody declared is met again on
every later day.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from huracan.candles.jumps import Jump, LastClose, SymbolCloses, deviation_of
from huracan.candles.schema import SYMBOL, TIME
from huracan.candles.symbol_day import JUMP
from huracan.tables import FLOAT, TEXT, Column, arrow_schema

LAST_CLOSES_COLUMNS = (
    SYMBOL,
    Column("open_time", TIME, "when the bar of its last known close opened; null where there is none", "UTC"),
    Column("close", FLOAT, "close of that bar, in the units of the stored candles", "quote currency"),
    Column(
        "deviation",
        FLOAT,
        "robust standard deviation of the log close from bar to bar: of the day, or of a more restless one"
        " before it, less 16 % a day; null where too few bars tell",
    ),
    Column("cause", TEXT, "why the symbol is set aside on the day; null where it is not"),
)
LAST_CLOSES_SCHEMA = arrow_schema(LAST_CLOSES_COLUMNS)

_REMEMBERED = 0.84
"""Of a deviation on the day after: some days are remembered."""


def last_closes_from(table: pa.Table | None) -> dict[str, LastClose]:
    """By symbol, of those that have one; empty where there is no day before."""
    rows = [] if table is None else table.to_pylist()
    return {
        row["symbol"]: LastClose(
            int(row["open_time"].timestamp() * 1000),
            row["close"],
            float("nan") if row["deviation"] is None else row["deviation"],
            row["cause"] == JUMP,
        )
        for row in rows
        if row["close"] is not None
    }


def causes_from(table: pa.Table | None) -> dict[str, str]:
    """Symbol -> cause, of those that were set aside."""
    rows = [] if table is None else table.to_pylist()
    return {row["symbol"]: row["cause"] for row in rows if row["cause"] is not None}


def next_last_closes(
    symbols: Sequence[SymbolCloses],
    known: Mapping[str, LastClose],
    causes: Mapping[str, str],
    jumps: Mapping[str, Jump],
    grid_ms: tuple[int, int],
) -> pa.Table:
    """LAST_CLOSES_SCHEMA at the end of the day, whose bars begin at `grid_ms[0]` and are `grid_ms[1]` long.

    `known` of the day before, also of symbols that are not in the universe: what comes back is compared with
    what was known of it. Of a symbol that jumped the close before the jump is the last one known.
    """
    found, (start_ms, step_ms) = dict(known), grid_ms
    for each in symbols:
        bars, jump = np.flatnonzero(np.isfinite(each.closes)), jumps.get(each.symbol)
        if jump is not None:
            bars = bars[bars <= jump.since]
        elif each.symbol in causes:
            continue
        if not len(bars):
            continue
        deviation = _restlessness(
            None if each.known is None else each.known.deviation, deviation_of(each.closes)
        )
        last = int(bars[-1])
        found[each.symbol] = LastClose(start_ms + last * step_ms, float(each.closes[last]), deviation)
    names = [*found, *(symbol for symbol in causes if symbol not in found)]
    lasts = [found.get(symbol) for symbol in names]
    deviations = [None if each is None or np.isnan(each.deviation) else each.deviation for each in lasts]
    times = pa.array([None if each is None else each.open_time_ms for each in lasts], pa.int64())
    return pa.table(
        [
            pa.array(names, pa.string()),
            times.cast(TIME),
            pa.array([None if each is None else each.close for each in lasts], pa.float64()),
            pa.array(deviations, pa.float64()),
            pa.array([causes.get(symbol) for symbol in names], pa.string()),
        ],
        schema=LAST_CLOSES_SCHEMA,
    )


def _restlessness(before: float | None, own: float) -> float:
    """What a day of the deviation `own` leaves. A mean would carry another deviation of one day for months;
    of the greatest no trace is left once a later day is the more restless one."""
    if before is None or np.isnan(own):
        return own if before is None else before
    return float(np.fmax(_REMEMBERED * before, own))
