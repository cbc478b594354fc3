"""The day's explicit grid: every bar of every symbol is a row, and a bar without a candle says so.

No price is ever invented here, and no verdict given; see `quality`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.defects import GOOD, REASONS, find_defects, open_times_ms, without_untraded
from huracan.candles.funding import lay_funding
from huracan.candles.schema import (
    FLAT,
    MISSING,
    OHLCV_SCHEMA,
    QUARANTINE_SCHEMA,
    QUARANTINED,
    RAW_SCHEMA,
    TRADED,
    Timeframe,
    day_start,
)
from huracan.errors import InvalidInput

_STATUSES = (TRADED, FLAT, MISSING, QUARANTINED)
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class DayOfCandles:
    """One day of all symbols: the grid (OHLCV_SCHEMA) and the rows kept out of it (QUARANTINE_SCHEMA)."""

    ohlcv: pa.Table
    quarantine: pa.Table


def assemble_day(
    raw: Mapping[str, pa.Table],
    day: date,
    timeframe: Timeframe,
    funding: Mapping[str, pa.Table] | None = None,
) -> DayOfCandles:
    """Lay each symbol's raw candles (RAW_SCHEMA, any order) on the grid of `day`, in the order of `raw`.

    A bad row goes to quarantine with its reason; its bar is marked `quarantined` unless another good row
    fills it. A bar without any row, or whose row has neither price nor volume, is `missing`, one of zero
    volume `flat`. `funding` (FUNDING_SCHEMA) by symbol, where it has any: its rates are laid on the bars, and
    go to quarantine where they do not fit.
    Raises InvalidInput where a table lacks a column or `raw` is empty.
    """
    if not raw:
        raise InvalidInput(f"No symbol was given for {day}.", "Name at least one symbol in the universe.")
    start_ms = int(day_start(day).timestamp() * 1000)
    grids, quarantines = [], []
    for symbol, table in raw.items():
        rates = lay_funding(symbol, (funding or {}).get(symbol), start_ms, timeframe)
        candles = without_untraded(_conform(symbol, table))
        grid, quarantine = _lay_symbol(symbol, candles, rates.by_bar, start_ms, timeframe)
        grids.append(grid)
        quarantines += [quarantine, rates.quarantine]
    return DayOfCandles(
        pa.concat_tables(grids).combine_chunks(), pa.concat_tables(quarantines).combine_chunks()
    )


def _conform(symbol: str, table: pa.Table) -> pa.Table:
    absent = [name for name in RAW_SCHEMA.names if name not in table.column_names]
    if absent:
        raise InvalidInput(
            f"The candles of {symbol} lack the column {absent[0]!r}.",
            f"A source gives the columns {', '.join(RAW_SCHEMA.names)}.",
        )
    if table.schema.equals(RAW_SCHEMA):
        return table
    try:
        return table.select(RAW_SCHEMA.names).cast(RAW_SCHEMA)
    except pa.ArrowInvalid as error:
        raise InvalidInput(
            f"The candles of {symbol} do not fit their column types: {error}.", "Repair the source's values."
        ) from error


def _lay_symbol(
    symbol: str, raw: pa.Table, rates: pa.Array, start_ms: int, timeframe: Timeframe
) -> tuple[pa.Table, pa.Table]:
    step_ms, bars = timeframe.minutes * 60_000, timeframe.bars_per_day
    codes = find_defects(raw, start_ms, start_ms + _DAY_MS, step_ms)
    times = open_times_ms(raw)
    good, bad = np.flatnonzero(codes == GOOD), np.flatnonzero(codes != GOOD)

    source_row = np.full(bars, -1, dtype=np.int64)
    source_row[(times[good] - start_ms) // step_ms] = good
    has_candle = source_row >= 0
    taken = raw.take(pa.array(source_row, mask=~has_candle))

    status = np.where(has_candle, 0, 2).astype(np.int8)
    volume = np.asarray(taken.column("volume").to_numpy(), dtype=np.float64)
    status[volume == 0] = 1
    on_grid = bad[(times[bad] >= start_ms) & (times[bad] < start_ms + _DAY_MS)]
    on_grid = on_grid[(times[on_grid] - start_ms) % step_ms == 0]
    bad_bars = (times[on_grid] - start_ms) // step_ms
    status[bad_bars[~has_candle[bad_bars]]] = 3

    opens = start_ms + step_ms * np.arange(bars, dtype=np.int64)
    columns = [
        _repeat(symbol, bars),
        _times(opens),
        _times(opens + step_ms),
        *[taken.column(name) for name in RAW_SCHEMA.names[1:]],
        _words(status, _STATUSES),
        rates,
    ]
    grid = pa.table(columns, schema=OHLCV_SCHEMA)
    rejected = raw.take(pa.array(bad))
    quarantine = pa.table(
        [
            _repeat(symbol, len(bad)),
            *rejected.columns,
            _words(codes[bad], REASONS),
            pa.nulls(len(bad), pa.float64()),
        ],
        schema=QUARANTINE_SCHEMA,
    )
    return grid, quarantine


def _times(milliseconds: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(milliseconds).cast(OHLCV_SCHEMA.field("open_time").type)


def _repeat(word: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(word, pa.string()), count)


def _words(codes: npt.NDArray[np.int8], vocabulary: tuple[str, ...]) -> pa.Array:
    return pc.take(pa.array(vocabulary, pa.string()), pa.array(codes))
