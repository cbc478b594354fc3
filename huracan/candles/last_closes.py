"""What the next day compares its first closes with: the last known close of every symbol, day after day.

A symbol that is set aside keeps the close of before, so that a jump which nobody declared is met again on
every later day.
"""

from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa

from huracan.candles.jumps import LastClose, SymbolCloses, deviation_of
from huracan.candles.schema import OPEN_TIME, SYMBOL
from huracan.tables import FLOAT, Column, arrow_schema

LAST_CLOSES_COLUMNS = (
    SYMBOL,
    OPEN_TIME,
    Column("close", FLOAT, "close of that bar, the last one known up to the day's end", "quote currency"),
    Column(
        "deviation",
        FLOAT,
        "robust standard deviation of the log close from bar to bar ; null where too few bars tell",
    ),
)
LAST_CLOSES_SCHEMA = arrow_schema(LAST_CLOSES_COLUMNS)


def last_closes_from(table: pa.Table | None) -> dict[str, LastClose]:
    """By symbol; empty where there is no day before."""
    if table is None:
        return {}
    times = table["open_time"].cast(pa.int64()).to_pylist()
    rows = zip(
        table["symbol"].to_pylist(),
        times,
        table["close"].to_pylist(),
        table["deviation"].to_pylist(),
        strict=True,
    )
    return {
        symbol: LastClose(at, close, float("nan") if deviation is None else deviation)
        for symbol, at, close, deviation in rows
    }


def next_last_closes(
    symbols: Sequence[SymbolCloses], set_aside: Collection[str], start_ms: int, step_ms: int
) -> pa.Table:
    """LAST_CLOSES_SCHEMA at the end of the day, of the symbols that have one."""
    found: dict[str, LastClose] = {}
    for each in symbols:
        bars = np.flatnonzero(np.isfinite(each.closes))
        if each.symbol in set_aside or not len(bars):
            if each.known is not None:
                found[each.symbol] = each.known
            continue
        last = int(bars[-1])
        deviation = deviation_of(each.closes)
        if np.isnan(deviation) and each.known is not None:
            deviation = each.known.deviation
        found[each.symbol] = LastClose(start_ms + last * step_ms, float(each.closes[last]), deviation)
    deviations = [each.deviation for each in found.values()]
    return pa.table(
        [
            pa.array(list(found), pa.string()),
            pa.array([each.open_time_ms for each in found.values()], pa.int64()).cast(OPEN_TIME.type),
            pa.array([each.close for each in found.values()], pa.float64()),
            pa.array(deviations, pa.float64(), mask=np.isnan(np.array(deviations, np.float64))),
        ],
        schema=LAST_CLOSES_SCHEMA,
    )
