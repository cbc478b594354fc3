"""The shape of candles: raw rows as a source gives them, and the day's grid as the lake keeps it.

No rule about what is good or bad lives here; see `quality`.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa

from huracan.errors import InvalidInput

TIME = pa.timestamp("ms", tz="UTC")

TRADED, FLAT, MISSING, QUARANTINED = "traded", "flat", "missing", "quarantined"
"""Status of a grid row: a candle with trades; a published candle of zero volume; no candle was
published; a candle was published and is in quarantine. Only `traded` rows can be traded."""

RAW_SCHEMA = pa.schema(
    [
        ("open_time", TIME),
        ("open", pa.float64()),
        ("high", pa.float64()),
        ("low", pa.float64()),
        ("close", pa.float64()),
        ("volume", pa.float64()),
        ("trade_count", pa.int64()),
        ("taker_buy_volume", pa.float64()),
    ]
)
"""One symbol's candles as the source gave them. The last two are null where the source has no order flow."""

FUNDING_SCHEMA = pa.schema([("settled_at", TIME), ("funding_rate", pa.float64())])
"""One perpetual's settlements as the source gave them; a rate is a fraction of the position's value, paid by
long positions to short ones where it is positive."""

OHLCV_SCHEMA = pa.schema(
    [
        ("symbol", pa.string()),
        ("open_time", TIME),
        ("close_time", TIME),
        *[RAW_SCHEMA.field(name) for name in RAW_SCHEMA.names[1:]],
        ("status", pa.string()),
        ("funding_rate", pa.float64()),
    ]
)
"""Partition D of `ohlcv`: for every symbol, in the universe's order, every bar of the day in time order.
Prices, volume and flow are null where the status is `missing` or `quarantined`. `funding_rate` is settled at
the bar's open, whether or not the bar has a candle; null where none is. Partitions made before there were
rates lack the column."""

QUARANTINE_SCHEMA = pa.schema(
    [
        ("symbol", pa.string()),
        *[RAW_SCHEMA.field(name) for name in RAW_SCHEMA.names],
        ("reason", pa.string()),
        ("funding_rate", pa.float64()),
    ]
)
"""Raw rows that were kept out of the grid, unchanged, each with the reason. A rate is a row whose `open_time`
is its settlement and which has no prices."""

_MINUTES = {"1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240}


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
