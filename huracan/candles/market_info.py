"""What an exchange demands of an order in one market: the steps of price and quantity, the least value.

Costs and trading rules are in `market.costs` and `market.rules`.
"""

import dataclasses
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass

from huracan.errors import InputRefused, InvalidInput

MARKET_INFO_FILE = "market_info.json"
"""Beside the candles of a day: what was known of the markets when they were fetched."""


@dataclass(frozen=True)
class MarketInfo:
    """Filters of one symbol; None where the exchange states none. InvalidInput where one is no size."""

    symbol: str
    tick_size: float | None = None
    """the step of prices, in quote units"""
    step_size: float | None = None
    """the step of quantities, in base units"""
    minimum_notional: float | None = None
    """the least value of an order, in quote units"""

    def __post_init__(self) -> None:
        for name in _FILTERS:
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise InvalidInput(
                    f"The {name} of {self.symbol} was {value}.", "Give a number from 0 on, or leave it out."
                )

    @property
    def is_empty(self) -> bool:
        """Whether nothing is demanded at all."""
        return not any(getattr(self, name) for name in _FILTERS)

    def completed_by(self, other: "MarketInfo | None") -> "MarketInfo":
        """This, with what it leaves open taken from `other`."""
        if other is None:
            return self
        open_ones = {name: getattr(other, name) for name in _FILTERS if getattr(self, name) is None}
        return dataclasses.replace(self, **open_ones)


_FILTERS = ("tick_size", "step_size", "minimum_notional")


def market_infos_to_json(infos: Iterable[MarketInfo]) -> bytes:
    """The same bytes for the same filters; symbols of which nothing is known are left out."""
    known = {
        info.symbol: {name: getattr(info, name) for name in _FILTERS} for info in infos if not info.is_empty
    }
    return json.dumps(known, sort_keys=True, indent=1).encode()


def market_infos_from_json(content: bytes | None) -> dict[str, MarketInfo]:
    """Filters by symbol, as `build_market_block` takes them; none where a day has no such file (None)."""
    if content is None:
        return {}
    try:
        return {symbol: MarketInfo(symbol, **filters) for symbol, filters in json.loads(content).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise InputRefused(
            f"{MARKET_INFO_FILE} cannot be read ({error}).", "Run ohlcv of that day again."
        ) from error
