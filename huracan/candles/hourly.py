"""A day's candles by the hour: what is kept of a day for whoever looks back over weeks.

How calendar windows are made of hours belongs in `huracan.features`.
"""

import numpy as np
import pyarrow as pa

from huracan.candles.aggregate import BarGroups
from huracan.candles.schema import OPEN_TIME, SYMBOL, Timeframe
from huracan.tables import FLOAT, INTEGER, Column, arrow_schema

MINUTES_PER_DAY = 1440

HOURLY_COLUMNS = (
    SYMBOL,
    OPEN_TIME,
    Column("open", FLOAT, "first price of the hour; null where it has no candle", "quote currency"),
    Column("high", FLOAT, "highest price of the hour; null where it has no candle", "quote currency"),
    Column("low", FLOAT, "lowest price of the hour; null where it has no candle", "quote currency"),
    Column("close", FLOAT, "last price of the hour; null where it has no candle", "quote currency"),
    Column("volume", FLOAT, "quantity traded in the hour", "base currency"),
    Column("traded_value", FLOAT, "volume of each bar at its close, added up", "quote currency"),
    Column(
        "realised_variance",
        FLOAT,
        "squared log returns from bar to bar, added up; the day's first bar counts from its open",
    ),
    Column("observed_bars", INTEGER, "bars of the hour that have a candle", "bars"),
    Column(
        "funding_rate",
        FLOAT,
        "rates settled in the hour, added up, of a position's value; above 0 longs pay shorts; null without",
        "fraction",
    ),
)
HOURLY_SCHEMA = arrow_schema(HOURLY_COLUMNS)
"""For every symbol, in the universe's order, every hour of the day; where a bar is longer than an hour, every
bar."""


def period_minutes(detail: Timeframe) -> int:
    """The length of a row: an hour, or a bar where that is longer."""
    return max(60, detail.minutes)


def hourly_summaries(ohlcv: pa.Table, detail: Timeframe) -> pa.Table:
    """HOURLY_SCHEMA of a day's grid of `detail` bars (OHLCV_SCHEMA). A row is made of its own bars and of the
    close before them on the same day."""
    if not ohlcv.num_rows:
        return HOURLY_SCHEMA.empty_table()
    groups = BarGroups(ohlcv, period_minutes(detail))
    observed, close, volume = groups.is_observed, groups.column("close"), groups.column("volume")
    squared = np.zeros(len(close))
    rows = np.flatnonzero(observed)
    before = groups.column("open")[rows]
    codes, days = groups.symbol_codes[rows], groups.minutes[rows] // MINUTES_PER_DAY
    goes_on = np.flatnonzero((np.diff(codes) == 0) & (np.diff(days) == 0)) + 1
    before[goes_on] = close[rows[goes_on - 1]]
    squared[rows] = np.log(close[rows] / before) ** 2
    funding = groups.column("funding_rate")
    has_funding = groups.any(~np.isnan(funding))
    prices = {name: pa.array(each, mask=np.isnan(each)) for name, each in groups.prices().items()}
    columns = {
        **groups.keys(),
        **prices,
        "volume": pa.array(groups.sum(np.where(observed, volume, 0.0))),
        "traded_value": pa.array(groups.sum(np.where(observed, volume * close, 0.0))),
        "realised_variance": pa.array(groups.sum(squared)),
        "observed_bars": pa.array(groups.sum(observed.astype(np.float64)).astype(np.int64)),
        "funding_rate": pa.array(groups.sum(np.nan_to_num(funding)), mask=~has_funding),
    }
    made = [columns[field.name].cast(field.type) for field in HOURLY_SCHEMA]
    return groups.in_order(pa.Table.from_arrays(made, schema=HOURLY_SCHEMA))
