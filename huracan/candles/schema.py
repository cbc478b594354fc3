"""The shape of candles: raw rows as a source gives them, and the day's grid as the lake keeps it.

What is good or bad is not judged here; see `quality`.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa

from huracan.errors import InvalidInput
from huracan.tables import FLOAT, INTEGER, TEXT, Column, arrow_schema

TIME = pa.timestamp("ms", tz="UTC")

TRADED, FLAT, MISSING, QUARANTINED = "traded", "flat", "missing", "quarantined"
"""Status of a grid row: a candle with trades; a published candle of zero volume; no candle was
published; a candle was published and is in quarantine. Only `traded` rows can be traded."""

SYMBOL = Column("symbol", TEXT, "market, such as BTC/USDT")
OPEN_TIME = Column("open_time", TIME, "when the bar opened", "UTC")

_RAW_COLUMNS = (
    OPEN_TIME,
    Column("open", FLOAT, "first price of the bar", "quote currency"),
    Column("high", FLOAT, "highest price of the bar", "quote currency"),
    Column("low", FLOAT, "lowest price of the bar", "quote currency"),
    Column("close", FLOAT, "last price of the bar", "quote currency"),
    Column("volume", FLOAT, "quantity traded in the bar", "base currency"),
    Column("trade_count", INTEGER, "trades in the bar; null where the source does not count them"),
    Column(
        "taker_buy_volume", FLOAT, "part of the volume whose buyer took; null without flow", "base currency"
    ),
)
RAW_SCHEMA = arrow_schema(_RAW_COLUMNS)
"""One symbol's candles as the source gave them. The last two are null where the source has no order flow."""

FUNDING_SCHEMA = pa.schema([("settled_at", TIME), ("funding_rate", pa.float64())])
"""One perpetual's settlements as the source gave them; a rate is a fraction of the position's value, paid by
long positions to short ones where it is positive."""

OHLCV_COLUMNS = (
    SYMBOL,
    OPEN_TIME,
    Column("close_time", TIME, "when the bar closed, which is when the next one opens", "UTC"),
    *(
        replace(column, meaning=f"{column.meaning}; null where missing or quarantined")
        for column in _RAW_COLUMNS[1:]
    ),
    Column("status", TEXT, "traded, flat (no volume), missing (no candle) or quarantined; only traded fills"),
    Column(
        "funding_rate",
        FLOAT,
        "settled at the bar's open, of a position's value; above 0 longs pay shorts; null where none settles",
        "fraction",
    ),
)
OHLCV_SCHEMA = arrow_schema(OHLCV_COLUMNS)
"""Partition D of `ohlcv`: for every symbol, in the universe's order, every bar of the day in time order.
Prices, volume and flow are null where the status is `missing` or `quarantined`. `funding_rate` is settled at
the bar's open, whether or not the bar has a candle; null where none is. Partitions made before there were
rates lack the column."""

QUARANTINE_COLUMNS = (
    SYMBOL,
    Column("open_time", TIME, "as the source said; of a funding rate when it was settled", "UTC"),
    *(replace(column, meaning=f"{column.meaning}, as the source said") for column in _RAW_COLUMNS[1:]),
    Column("reason", TEXT, "why the row was kept out of the grid; the first reason that applies"),
    Column("funding_rate", FLOAT, "the rate, where the row is one; null where it is a candle", "fraction"),
)
QUARANTINE_SCHEMA = arrow_schema(QUARANTINE_COLUMNS)
"""Raw rows that were kept out of the grid, unchanged, each with the reason. A rate is a row whose `open_time`
is its settlement and which has no prices."""

_MINUTES = {"1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240}
TIMEFRAMES = tuple(_MINUTES)
"""The lengths that a bar may have, the shortest first."""


@dataclass(frozen=True)
class Timeframe:
    """The length of a bar, by its exchange name (`1m`, `5m`, `15m`, `1h` ...)."""

    name: str

    def __post_init__(self) -> None:
        if self.name not in _MINUTES:
            raise InvalidInput(
                f"The timeframe {self.name!r} is unknown.", f"Use one of {', '.join(_MINUTES)}."
            )

    @property
    def minutes(self) -> int:
        return _MINUTES[self.name]

    @property
    def bars_per_day(self) -> int:
        return 1440 // self.minutes


def day_start(day: date) -> datetime:
    """`day` 00:00 UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def day_end(day: date) -> datetime:
    """`day` 24:00 UTC: the moment at which partition `day` is knowable."""
    return day_start(day) + timedelta(days=1)
