"""The sections of settings that the domain does not know: universe, storage, database, alerts, schedule.

The domain's own sections are its frozen dataclasses; see `settings`.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    SecretStr,
    StringConstraints,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema

from huracan.candles.market_info import MarketInfo
from huracan.candles.schema import Timeframe
from huracan.errors import InvalidInput
from huracan_resources.installation import checkout


class Section(BaseModel):
    """A group of settings: frozen, and closed to unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class OpenSection(Section):
    """A section whose settings are declared by the parts that they belong to, wherever those are found."""

    _is_complete: ClassVar[bool] = False

    @classmethod
    def declared(cls) -> Mapping[str, tuple[Any, Any]]:
        """Name of each setting to its type and its default (or pydantic's `Field` with one)."""
        return {}

    @classmethod
    def complete(cls) -> "type[Self]":
        """The section with all of its settings; the same class each time."""
        made: type[Self] = cls if cls._is_complete else _complete(cls)
        return made

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Of the complete section: whoever has a field of this type gets that one."""
        return handler(source) if cls._is_complete else handler.generate_schema(cls.complete())

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


@cache
def _complete(section: type[OpenSection]) -> Any:
    made: Any = create_model(
        section.__name__,
        __base__=section,
        __module__=section.__module__,
        __doc__=section.__doc__,
        **dict(section.declared()),  # type: ignore[call-overload]
    )
    made._is_complete = True
    return made


_LONGEST_SYMBOL = 100
"""Tables are indexed by symbol, and an index takes no text of thousands of characters."""


MarketSetting = Literal[
    "kind",
    "taker_fee_bps",
    "maker_fee_bps",
    "half_spread_bps",
    "borrow_pct_per_year",
    "tick_size",
    "step_size",
    "minimum_notional",
]
"""What may be said of a market; see `MarketInfo`, which refuses what can be none."""
MarketValue = Annotated[float | str, Field(union_mode="left_to_right")]


def _parts(symbol: str) -> list[str]:
    return re.split(r"[/:_\- ]", symbol.upper())


def _is_one_market(symbol: str, other: str) -> bool:
    """Whether two spellings (`BTC/USDT`, `btc-usdt`, `BTCUSDT`) are of one market."""
    parts, others = _parts(symbol), _parts(other)
    if len(parts) > 1 and len(others) > 1:
        return parts == others
    return "".join(parts) == "".join(others)


class Membership(Section):
    """The days on which a symbol belongs to the universe, both included; None: no end on that side."""

    first_day: date | None = None
    last_day: date | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.first_day is not None and self.last_day is not None and self.first_day > self.last_day:
            raise InvalidInput(
                f"A membership begins on {self.first_day} and ends on {self.last_day}.",
                "Let it end on its first day or later.",
            )
        return self


class Universe(Section):
    """What is traded: symbols in a fixed order, each market once, the length of a bar, and the first day of
    history.

    `markets`, what an order meets in each (kind, fees, half-spread, borrow rate, steps, least order), goes
    before what the source says; files and the simulated market say nothing.
    `membership`, by symbol: a coin that was delisted stays in `symbols` and leaves after its last day, so
    that no day of before is made again.
    """

    symbols: tuple[str, ...] = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
    """What is traded, in a fixed order."""
    timeframe: str = "1m"
    """The length of a bar."""
    first_day: date = date(2022, 1, 1)
    """History before it is never asked for; once set, partitions begin here."""
    markets: dict[str, dict[MarketSetting, MarketValue]] = Field(default_factory=dict)
    membership: dict[str, Membership] = Field(default_factory=dict)

    def outside_on(self, day: date) -> frozenset[str]:
        """The symbols that do not belong to the universe on `day`."""
        return frozenset(
            symbol
            for symbol, each in self.membership.items()
            if day < (each.first_day or day) or day > (each.last_day or day)
        )

    def symbols_on(self, day: date) -> list[str]:
        """The others, in order."""
        outside = self.outside_on(day)
        return [symbol for symbol in self.symbols if symbol not in outside]

    def market(self, symbol: str) -> MarketInfo:
        """The settings of one market; nothing is known of it where there are none."""
        given: Mapping[Any, Any] = self.markets.get(symbol, {})
        return MarketInfo(symbol, **given)

    @field_validator("symbols")
    @classmethod
    def _symbols_are_distinct(cls, symbols: tuple[str, ...]) -> tuple[str, ...]:
        if not symbols or not all(symbol and symbol == symbol.strip() for symbol in symbols):
            raise InvalidInput(
                "universe.symbols is empty, or a symbol in it begins or ends with a blank.",
                "List at least one symbol, as BASE/QUOTE.",
            )
        alike: dict[str, list[str]] = {}
        for symbol in symbols:
            alike.setdefault("".join(_parts(symbol)), []).append(symbol)
        for symbol in symbols:
            same = [each for each in alike["".join(_parts(symbol))] if _is_one_market(symbol, each)]
            if len(same) > 1:
                raise InvalidInput(
                    f"universe.symbols names one market {len(same)} times: {', '.join(map(repr, same))}.",
                    f"List it once, as {same[0]!r}.",
                )
        longest = max(symbols, key=len)
        if len(longest) > _LONGEST_SYMBOL:
            raise InvalidInput(
                f"universe.symbols names a symbol of {len(longest)} characters, {longest[:20]!r}...",
                f"A symbol has {_LONGEST_SYMBOL} characters at most.",
            )
        return symbols

    @model_validator(mode="after")
    def _markets_are_what_they_can_be(self) -> Self:
        for symbol in self.markets:
            try:
                self.market(symbol)
            except InvalidInput as error:
                raise InvalidInput(f"universe.markets: {error.what}", error.remedy) from None
        self.refuse_other_spellings("universe.markets", self.markets)
        self.refuse_other_spellings("universe.membership", self.membership)
        return self

    def refuse_other_spellings(self, setting: str, names: Iterable[str]) -> None:
        """InvalidInput where `setting` names a market of `symbols` by another spelling."""
        for name in names:
            other = next((symbol for symbol in self.symbols if _is_one_market(name, symbol)), name)
            if other != name:
                raise InvalidInput(
                    f"{setting} names {name!r}, which universe.symbols spells {other!r}.",
                    f"Write {other!r} there too.",
                )

    @field_validator("timeframe")
    @classmethod
    def _timeframe_is_known(cls, timeframe: str) -> str:
        return Timeframe(timeframe).name


def default_home() -> Path:
    """`.huracan` in the checkout, wherever a process of it was started; else in the current directory."""
    return (checkout() or Path.cwd()) / ".huracan"


class Storage(Section):
    """Where everything lies. `lake_url` and `brains_url` default to directories below `home`."""

    home: Path = Field(default_factory=default_home, validate_default=True)
    lake_url: str | None = None
    brains_url: str | None = None
    s3_endpoint_url: str | None = None
    s3_region: str | None = None

    @field_validator("home", mode="after")
    @classmethod
    def _home_is_absolute(cls, home: Path) -> Path:
        return home.expanduser().resolve()

    @property
    def lake(self) -> str:
        """The URL of the lake."""
        return self.lake_url or str(self.home / "lake")

    @property
    def brains(self) -> str:
        """The URL under which brains are published."""
        return self.brains_url or str(self.home / "brains")


class DatabaseSection(Section):
    """A PostgreSQL server with pgvector; none means the embedded one.

    `reader_url` is the same server by a role that may only read: `huracan sql --database` asks by it.
    """

    url: SecretStr | None = None
    reader_url: SecretStr | None = None


class Alerts(Section):
    """Where alerts go: apprise URLs, one or several in each text. None: they are only logged.

    Where one ends is decided by apprise: a comma belongs to it unless another one begins behind it.
    """

    urls: tuple[SecretStr, ...] = ()


class Signing(Section):
    """The Ed25519 private key that signs brains, 32 bytes in base64."""

    private_key: SecretStr | None = None


class Schedule(Section):
    """When the night starts, in hours UTC."""

    hour: int = Field(default=2, ge=0, le=23)
    """Of UTC, at which the night of the day before begins."""
    is_enabled: bool = True
    """False on a machine that only looks: neither the schedule nor a missed night starts a run there."""


_HOST_NAME = r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9a-fA-F:.]+\]"


class Web(Section):
    """The UI of `huracan up`: the names under which it answers, beside 127.0.0.1 and localhost.

    Each as a browser or a proxy sends it as `Host`, without a port: `huracan.example.com`, `*.example.com`.
    """

    allowed_hosts: tuple[Annotated[str, StringConstraints(pattern=rf"^({_HOST_NAME})$")], ...] = ()


Mode = Literal["shadow", "research"]
