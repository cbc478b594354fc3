"""What every source of candles answers, whatever lies behind it: an exchange, files, a simulation.

No source lives here, and no rule about good or bad candles; see `quality`.
"""

import difflib
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import pyarrow as pa

from huracan.candles.market_info import MarketInfo
from huracan.candles.schema import RAW_SCHEMA
from huracan.errors import InvalidInput


@dataclass(frozen=True)
class SourceIdentity:
    """Where candles come from, for manifests and labels: `simulated`, `files`, `ccxt:binance` ..."""

    name: str
    is_simulated: bool
    detail: dict[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The name with a digest of the detail: candles of two hosts or two seeds are of two sources."""
        detail = json.dumps(self.detail, sort_keys=True).encode()
        return f"{self.name}#{hashlib.sha256(detail).hexdigest()[:8]}"


class CandleSource(Protocol):
    """A source of closed candles, asked for one symbol and one UTC day at a time."""

    @property
    def identity(self) -> SourceIdentity:
        """Name of the source and whether its candles are simulated."""

    def check_symbols(self, symbols: Sequence[str]) -> None:
        """Raise InvalidInput that names the first unknown symbol and the nearest known one."""

    def fetch_day(self, symbol: str, day: date) -> pa.Table:
        """The closed candles of `day` (UTC) as the source has them, in RAW_SCHEMA.

        Raises InvalidInput for a symbol or day that it cannot have, Unavailable where asking again may help.
        """

    def fetch_funding(self, symbol: str, day: date) -> pa.Table:
        """The settlements that belong to the bars of `day` (see `funding_window`), in FUNDING_SCHEMA.

        Empty for a spot market, and where the source has no rates. Raises as `fetch_day`.
        """

    def market_info(self, symbol: str) -> MarketInfo | None:
        """What an order in this market must keep to, as far as the source knows now; None where it does not.

        Raises as `check_symbols`.
        """


def unknown_symbol(symbol: str, known: Iterable[str], where: str) -> InvalidInput:
    """The error for a symbol that `where` does not have, with the nearest that it has."""
    names = sorted(set(known))
    near = difflib.get_close_matches(symbol.upper(), names, n=1, cutoff=0.5)
    if near:
        remedy = f"Did you mean {near[0]!r}?"
    elif names:
        remedy = f"It has for example {', '.join(names[:5])}."
    else:
        remedy = "It has no symbol at all."
    return InvalidInput(f"The symbol {symbol!r} is unknown to {where}.", remedy)


def empty_candles() -> pa.Table:
    """No candle, in RAW_SCHEMA."""
    return RAW_SCHEMA.empty_table()
