"""Token swaps that were declared: a coin whose unit changed goes on in the units of before.

Partition D must not know what came after it, so older candles are never adjusted: prices from the moment of a
swap on are divided by its factor, quantities multiplied. Whether a move is a swap is nobody's guess here; see
`jumps`.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huracan.candles.defects import open_times_ms
from huracan.candles.market_info import MarketInfo
from huracan.candles.schema import RAW_SCHEMA
from huracan.errors import InvalidInput

_PRICES = ("open", "high", "low", "close")
_QUANTITIES = ("volume", "taker_buy_volume")


@dataclass(frozen=True)
class Redenomination:
    """From `moment` (UTC) on a price of `symbol` is `factor` times what it was: 1000 where a thousand old
    coins became one. A factor of 1 declares that a move beyond belief was real."""

    symbol: str
    moment: datetime
    factor: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.factor) and self.factor > 0):
            raise InvalidInput(
                f"The redenomination of {self.symbol} has the factor {self.factor}.",
                "Give the new price over the old one, a number above 0.",
            )
        if self.moment.tzinfo is None:
            object.__setattr__(self, "moment", self.moment.replace(tzinfo=UTC))

    @property
    def moment_ms(self) -> int:
        return int(self.moment.timestamp() * 1000)


def factors_at(
    times_ms: npt.NDArray[np.int64], declared: Iterable[Redenomination]
) -> npt.NDArray[np.float64]:
    """The product of the factors declared up to each open time; `declared` are of one symbol."""
    factors = np.ones(len(times_ms))
    for each in declared:
        factors[times_ms >= each.moment_ms] *= each.factor
    return factors


def in_units_of_before(raw: pa.Table, declared: Iterable[Redenomination]) -> pa.Table:
    """The rows of one symbol (RAW_SCHEMA): prices over the factors of their open times, quantities times
    them. The same table where nothing is declared."""
    factors = factors_at(open_times_ms(raw), declared)
    if (factors == 1.0).all():
        return raw
    columns = []
    for name in raw.column_names:
        values = raw[name]
        if name in _PRICES or name in _QUANTITIES:
            scale = 1.0 / factors if name in _PRICES else factors
            scaled = values.cast(pa.float64()).to_numpy(zero_copy_only=False) * scale
            values = pa.array(scaled, mask=values.is_null().to_numpy(zero_copy_only=False))
        columns.append(values)
    return pa.table(columns, names=raw.column_names).cast(RAW_SCHEMA)


def info_in_units_of_before(
    info: MarketInfo, declared: Iterable[Redenomination], end: datetime
) -> MarketInfo:
    """The steps of a market as a day that ends at `end` needs them, in the units of its candles."""
    factor = math.prod(each.factor for each in declared if each.moment < end)
    return replace(
        info,
        tick_size=None if info.tick_size is None else info.tick_size / factor,
        step_size=None if info.step_size is None else info.step_size * factor,
    )
