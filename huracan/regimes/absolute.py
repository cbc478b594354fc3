"""The absolute regime of every bar: the same four names by all that the symbol has shown so far.

The relative label asks where a bar stands in the fit window, so the panic of a calm month and that of a crash
are one thing to it. Here each bar is ranked among all bars counted on the days before (`counts`), and the
ranks decide:

- volatile from the top `volatile_share` of the volatilities on; a volatile bar is panic from the top
  `volatile_share` x `panic_share` of the falls on, else high_volatility;
- a bar that is not volatile is trend from the top `trend_share` of the directions on, else range.

Each of the three holds until its rank has left a share that is wider by half (`WIDER`), so that a rank which
wavers at the threshold changes no label. A bar knows itself and earlier ones only.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huracan.candles.schema import OPEN_TIME, SYMBOL
from huracan.regimes.counts import ObservationCounts
from huracan.regimes.model import REGIMES, FloatArray, RegimeConfig
from huracan.regimes.observations import MEASURES, lay_features_on_grid, measure
from huracan.tables import SINGLE, TEXT, Column, arrow_schema

WIDER = 0.5
"""Part of a share, or of the rest where that is smaller, that a rank must also have left."""

ABSOLUTE_COLUMNS = (
    SYMBOL,
    OPEN_TIME,
    Column(
        "absolute_regime",
        TEXT,
        "the same names by ranks among all bars of the symbol on the days before; of a bar that is not ready"
        " the last one's; null before the first",
    ),
    Column(
        "volatility_percentile",
        SINGLE,
        "how many of those bars were less volatile; null where the bar is not ready",
        "%",
    ),
    Column("fall_percentile", SINGLE, "how many had fallen less over 15 and 60 bars; likewise", "%"),
    Column("direction_percentile", SINGLE, "how many had moved less straight; likewise", "%"),
)
ABSOLUTE_SCHEMA = arrow_schema(ABSOLUTE_COLUMNS)
"""Table `absolute` of partition D of `regimes`: a row for each row of its `data`, in the same order."""

PERCENTILES = tuple(column.name for column in ABSOLUTE_COLUMNS[3:])
"""The columns that hold the ranks, in the order of MEASURES."""

_TREND, _RANGE, _VOLATILE, _PANIC = range(len(REGIMES))


@dataclass(frozen=True)
class AbsoluteRule:
    """`known` are the counts of days before the bars that are labelled; see the module for the shares."""

    known: ObservationCounts
    config: RegimeConfig
    minimum_bars: int
    """Bars below which a symbol is measured against all symbols together."""


def absolute_regimes(regimes: pa.Table, features: pa.Table, rule: AbsoluteRule) -> pa.Table:
    """ABSOLUTE_SCHEMA, bar for bar of the `regimes` of a day, from the `features` that they were made of: the
    day's, with earlier rows that only lead in."""
    grid = lay_features_on_grid(features)
    ranks = rule.known.percentiles(grid.symbols, measure(grid), rule.minimum_bars)
    first = len(grid.times) - regimes.num_rows // len(grid.symbols)
    codes = absolute_codes(ranks, rule.config)[:, first:].reshape(-1)
    of_day = ranks[:, first:].reshape(-1, len(MEASURES)).astype(np.float32)
    names = np.array([*REGIMES, None], dtype=object)[codes]
    found = [
        pa.array(values, column.type, from_pandas=True)
        for column, values in zip(
            ABSOLUTE_COLUMNS[2:], [names.tolist(), *np.ascontiguousarray(of_day.T)], strict=True
        )
    ]
    keys = (regimes[name].combine_chunks() for name in ("symbol", "open_time"))
    return pa.Table.from_arrays([*keys, *found], schema=ABSOLUTE_SCHEMA)


def absolute_codes(ranks: FloatArray, config: RegimeConfig) -> npt.NDArray[np.int64]:
    """[symbols, times] places in REGIMES, -1 before the first bar that is ready; `ranks` [symbols, times, 3]
    in the order of MEASURES, NaN where a bar is not ready."""
    panic_share = config.volatile_share * config.panic_share
    is_volatile = holds(ranks[..., 0], config.volatile_share)
    is_panic = holds(ranks[..., 1], panic_share)
    is_trend = holds(ranks[..., 2], config.trend_share)
    codes = np.where(is_volatile, np.where(is_panic, _PANIC, _VOLATILE), np.where(is_trend, _TREND, _RANGE))
    is_known = np.maximum.accumulate(np.isfinite(ranks[..., 0]), axis=1)
    return np.where(is_known, codes, -1)


def holds(ranks: FloatArray, share: float) -> npt.NDArray[np.bool_]:
    """[symbols, times] whether the rank, 0 to 100, has been in the top `share` and not left the wider."""
    begins = ranks >= 100.0 * (1.0 - share)
    ends = ranks < 100.0 * (1.0 - share - WIDER * min(share, 1.0 - share))
    # Of each bar the last one at which either was said.
    times = np.arange(ranks.shape[1])
    last = np.maximum.accumulate(np.where(begins | ends, times, -1), axis=1)
    held: npt.NDArray[np.bool_] = (last >= 0) & np.take_along_axis(begins, np.maximum(last, 0), axis=1)
    return held
