"""What every source of candles answers, whatever lies behind it: an exchange, files, a simulation.

No source lives here: each is one file, with its settings, the class that answers, and a `CandleSourceKind`
that names both. Nor are candles judged good or bad; see `quality`.
"""

import difflib
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Generic, Protocol, TypeVar

import pyarrow as pa

from huracan.candles.market_info import MarketInfo
from huracan.candles.schema import RAW_SCHEMA, Timeframe
from huracan.errors import UnknownSymbol

SourceSettings = TypeVar("SourceSettings")

_MOST_NAMES = 10
"""Symbols that are listed where one is unknown."""


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
        """Raise UnknownSymbol that names the first unknown symbol and the nearest known one."""

    def fetch_day(self, symbol: str, day: date) -> pa.Table:
        """The closed candles of `day` (UTC) as the source has them, in RAW_SCHEMA.

        Raises SymbolRefused for a symbol that it cannot have on the day, InvalidInput for what is no matter
        of one symbol, Unavailable where asking again may help.
        """

    def fetch_funding(self, symbol: str, day: date) -> pa.Table:
        """The settlements that belong to the bars of `day` (see `funding_window`), in FUNDING_SCHEMA.

        Empty for a spot market, and where the source has no rates. Raises as `fetch_day`.
        """

    def market_info(self, symbol: str) -> MarketInfo | None:
        """What an order in this market meets, as far as the source knows now; None where it does not.

        Raises as `check_symbols`.
        """


@dataclass(frozen=True, kw_only=True)
class CandleSourceKind(Generic[SourceSettings]):
    """The declaration of a candle source, in the file of the source."""

    name: str
    """The value of `source.kind`, the section of its settings below `source`, and the word of `--source`."""
    settings: type[SourceSettings]
    """A frozen dataclass or a section of settings; each has a default. Secrets are pydantic's `SecretStr`."""
    open: Callable[[SourceSettings, Sequence[str], Timeframe], CandleSource]
    """Of the settings, the symbols of the universe and the length of a bar. Contacts nobody yet; raises
    InvalidInput where the settings do not suffice."""
    argument: str = ""
    """The setting that the text after `--source NAME:` is for."""
    changes_no_candle: tuple[str, ...] = ()
    """Settings beside the secrets that do not count as another configuration, such as how long is waited."""
    has_yesterday: bool = True
    """Whether the day that has closed is there by now, as `doctor` then sees for itself."""
    span: Callable[[Any, str], tuple[date, date]] | None = None
    """First and last day that an open source has of a symbol, where it can tell."""

    @property
    def usage(self) -> str:
        """How `--source` names it: `files:DIRECTORY`."""
        return f"{self.name}:{self.argument.upper()}" if self.argument else self.name


def unknown_symbol(symbol: str, known: Iterable[str], where: str) -> UnknownSymbol:
    """The error for a symbol that `where` does not have, with the nearest and the first that it has."""
    names = sorted(set(known))
    near = difflib.get_close_matches(symbol.upper(), names, n=1, cutoff=0.5)
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    held = f"It has {', '.join(names[:_MOST_NAMES])}{more}." if names else "It has no symbol at all."
    remedy = f"Did you mean {near[0]!r}? {held}" if near else held
    return UnknownSymbol(f"The symbol {symbol!r} is unknown to {where}.", remedy)


def empty_candles() -> pa.Table:
    """No candle, in RAW_SCHEMA."""
    return RAW_SCHEMA.empty_table()
