"""Token swaps that were declared: a coin whose unit changed goes on in the units of before.

Partition D must not know what came after it, so older candles are never adjusted: prices from the moment of a
swap on are divided by its factor, quantities multiplied. Whether a move is a swap is nobody's guess here; see
`jumps`.
"""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huracan.candles.defects import open_times_ms
from huracan.candles.market_info import MarketInfo
from huracan.candles.schema import day_end
from huracan.errors import InvalidInput

_PRICES = ("open", "high", "low", "close")
_QUANTITIES = ("volume", "taker_buy_volume")
REDENOMINATIONS_FILE = "redenominations.json"
"""Beside the candles of a day: what their units follow from."""


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


def in_units_of_before(candles: pa.Table, declared: Sequence[Redenomination]) -> pa.Table:
    """Candles of any symbols: prices over the factors declared up to their open times, quantities times them.

    The same table where nothing is declared.
    """
    return _scaled(candles, _factors(candles, declared))


def as_the_source_said(candles: pa.Table, declared: Sequence[Redenomination]) -> pa.Table:
    """The inverse of `in_units_of_before`."""
    return _scaled(candles, 1.0 / _factors(candles, declared))


def _factors(candles: pa.Table, declared: Sequence[Redenomination]) -> npt.NDArray[np.float64]:
    times, symbols = open_times_ms(candles), candles["symbol"].to_numpy(zero_copy_only=False)
    factors = np.ones(candles.num_rows)
    for each in declared:
        factors[(times >= each.moment_ms) & (symbols == each.symbol)] *= each.factor
    return factors


def _scaled(candles: pa.Table, factors: npt.NDArray[np.float64]) -> pa.Table:
    if (factors == 1.0).all():
        return candles
    columns = {}
    for field in candles.schema:
        values = candles[field.name]
        if field.name in _PRICES or field.name in _QUANTITIES:
            scale = 1.0 / factors if field.name in _PRICES else factors
            numbers = values.to_numpy(zero_copy_only=False) * scale
            values = pa.array(numbers, mask=values.is_null().to_numpy(zero_copy_only=False))
        columns[field.name] = values
    return pa.table(columns, schema=candles.schema)


def info_in_units_of_before(info: MarketInfo, declared: Iterable[Redenomination]) -> MarketInfo:
    """The steps of a market, which a source tells as they are now, in the units of the stored candles."""
    factor = math.prod(each.factor for each in declared if each.symbol == info.symbol)
    return replace(
        info,
        tick_size=None if info.tick_size is None else info.tick_size / factor,
        step_size=None if info.step_size is None else info.step_size * factor,
    )


def declared_by(declared: Iterable[Redenomination], day: date) -> tuple[Redenomination, ...]:
    """Those whose moment is over by the end of `day`."""
    return tuple(each for each in declared if each.moment < day_end(day))


def units_factor(declared: Iterable[Redenomination], symbol: str, until_ms: int) -> float:
    """What those of a symbol before a moment come to: stored prices after them are over it."""
    return math.prod(each.factor for each in declared if each.symbol == symbol and each.moment_ms < until_ms)


def redenominations_to_json(declared: Iterable[Redenomination]) -> bytes:
    """The same bytes for the same declarations, in any order."""
    rows = sorted((each.symbol, each.moment_ms, each.factor) for each in declared)
    return json.dumps(rows).encode()


def redenominations_from_json(content: bytes | None) -> tuple[Redenomination, ...]:
    """None: there were none."""
    return tuple(
        Redenomination(symbol, datetime.fromtimestamp(moment / 1000, UTC), factor)
        for symbol, moment, factor in json.loads(content or b"[]")
    )
