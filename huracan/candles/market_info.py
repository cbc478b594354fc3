"""What an order meets in one market: its kind, fees, half-spread, steps of price and quantity, least value.

How a fill is priced is in `market.costs`; how a half-spread is estimated, in `spread`.
"""

import dataclasses
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from huracan.errors import InputRefused, InvalidInput
from huracan.units import WHOLE_BPS

MARKET_INFO_FILE = "market_info.json"
"""Beside the candles of a day what their source said of each market when they were fetched; in `market_costs`
what an order on that day meets."""

MarketKind = Literal["spot", "perpetual"]
DEFAULT_HALF_SPREAD_BPS = 1.0
"""Where neither the settings nor trailing bars tell one."""
_DEFAULT_FEES_BPS: dict[MarketKind, tuple[float, float]] = {"spot": (10.0, 10.0), "perpetual": (5.0, 2.0)}
"""Taker and maker: Binance without any discount (VIP 0), spot and USD-M futures."""


@dataclass(frozen=True)
class MarketInfo:
    """One market as far as it is known: None where nobody says. InvalidInput where a number can be none."""

    symbol: str
    tick_size: float | None = None
    """the step of prices, in quote units"""
    step_size: float | None = None
    """the step of quantities, in base units"""
    minimum_notional: float | None = None
    """the least value of an order, in quote units"""
    kind: MarketKind | None = None
    """a perpetual can be sold short; so can a spot market where a borrow rate is given"""
    taker_fee_bps: float | None = None
    """of the value that is filled at once; below 0 the exchange pays"""
    maker_fee_bps: float | None = None
    """the same of an order that rested"""
    half_spread_bps: float | None = None
    """from the middle to the price at which an order fills at once"""
    borrow_pct_per_year: float | None = None
    """what a short position pays for the coins, of its value"""

    def __post_init__(self) -> None:
        for name in _NUMBERS:
            value = getattr(self, name)
            if value is None:
                continue
            lowest, limit = _RANGES.get(name, (0.0, math.inf))
            if not (isinstance(value, int | float) and lowest <= value < limit):
                below = "" if limit == math.inf else f" and below {limit:g}"
                raise self._refused(name, f"Give a number from {lowest:g} on{below}, or leave it out.")
        if self.kind is not None and self.kind not in get_args(MarketKind):
            raise self._refused("kind", f"Use one of {', '.join(get_args(MarketKind))}, or leave it out.")

    def _refused(self, name: str, remedy: str) -> InvalidInput:
        return InvalidInput(f"The {name} of {self.symbol} was {getattr(self, name)!r}.", remedy)

    @property
    def is_perpetual(self) -> bool:
        """Of a `resolved` market."""
        return self.kind == "perpetual"

    @property
    def may_short(self) -> bool:
        """Whether more may be sold than is held; of a `resolved` market."""
        return self.is_perpetual or self.borrow_pct_per_year is not None

    def completed_by(self, other: "MarketInfo | None") -> "MarketInfo":
        """This, with what it leaves open taken from `other`."""
        if other is None:
            return self
        open_ones = {name: getattr(other, name) for name in _KNOWN if getattr(self, name) is None}
        return dataclasses.replace(self, **open_ones)

    def resolved(self) -> "MarketInfo":
        """This, with the defaults of its kind where nobody says: the kind by its spelling, the fees, and the
        half-spread. A step, a least order and a borrow rate that nobody tells stay unknown."""
        kind = self.kind or kind_of(self.symbol)
        taker_fee_bps, maker_fee_bps = _DEFAULT_FEES_BPS[kind]
        return self.completed_by(
            MarketInfo(
                self.symbol,
                kind=kind,
                taker_fee_bps=taker_fee_bps,
                maker_fee_bps=maker_fee_bps,
                half_spread_bps=DEFAULT_HALF_SPREAD_BPS,
            )
        )


_KNOWN = tuple(field.name for field in dataclasses.fields(MarketInfo) if field.name != "symbol")
_NUMBERS = tuple(name for name in _KNOWN if name != "kind")
_RANGES = {
    "taker_fee_bps": (-WHOLE_BPS, WHOLE_BPS),
    "maker_fee_bps": (-WHOLE_BPS, WHOLE_BPS),
    "half_spread_bps": (0.0, WHOLE_BPS),
}
"""The least and the limit of a number; of the others from 0 on."""


def kind_of(symbol: str) -> MarketKind:
    """By its spelling: a contract names what it is settled in (`BTC/USDT:USDT`)."""
    return "perpetual" if ":" in symbol else "spot"


def market_infos_to_json(infos: Iterable[MarketInfo]) -> bytes:
    """The same bytes for the same markets, in any order; what nobody knows of one is left out."""
    known = {
        info.symbol: {name: value for name in _KNOWN if (value := getattr(info, name)) is not None}
        for info in infos
    }
    return json.dumps(known, sort_keys=True, indent=1).encode()


def market_infos_from_json(content: bytes | None) -> dict[str, MarketInfo]:
    """Markets by symbol, as `build_market_block` takes them; none where a day has no such file (None).

    Those of versions before this know steps and least orders alone.
    """
    if content is None:
        return {}
    try:
        return {symbol: MarketInfo(symbol, **known) for symbol, known in json.loads(content).items()}
    except (ValueError, TypeError, AttributeError, InvalidInput) as error:
        raise InputRefused(
            f"{MARKET_INFO_FILE} cannot be read ({error}).", "Run market of that day again."
        ) from error
