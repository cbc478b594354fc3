"""Candles of any exchange that ccxt knows, as a CandleSource.

Binance's raw klines are taken so that trade count and taker buy volume are kept; any other exchange gives
six fields. Making the client lives in `exchange_client`, trying again and the meaning of its errors in
`exchange_asking`, walking from page to page in `exchange_walk`.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

import pyarrow as pa
from pydantic import Field, SecretStr

from huracan.candles.funding import empty_funding, funding_window
from huracan.candles.market_info import MarketInfo
from huracan.candles.schema import Timeframe, day_end, day_start
from huracan.candles.source import CandleSourceKind, SourceIdentity, unknown_symbol
from huracan.errors import InvalidInput, SymbolRefused
from huracan.units import WHOLE_BPS
from huracan_resources.candles.exchange_asking import Answer, Asking
from huracan_resources.candles.exchange_client import (
    BINANCE_MARKETS,
    LATEST_ONLY,
    ExchangeOptions,
    make_client,
)
from huracan_resources.candles.exchange_funding import FUNDING_PAGE, UNTIL_NAMES, collect_funding
from huracan_resources.candles.exchange_pages import Row, rows_to_table, time_in_ms
from huracan_resources.candles.exchange_walk import PAGE, OnlyLatest, collect_rows
from huracan_resources.settings.sections import Section

# Positions in a raw kline: open time, prices, volume, trade count, taker buy volume.
_KLINE_FIELDS = (0, 1, 2, 3, 4, 5, 8, 9)


class ExchangeSettings(Section):
    """An exchange through ccxt. Keys are rarely needed: candles are public."""

    exchange: str = "binance"
    """Any that ccxt knows."""
    base_url: str | None = None
    """Replaces the exchange's own address, for a mirror."""
    api_key: SecretStr | None = None
    secret: SecretStr | None = None
    timeout_seconds: float = Field(default=10.0, gt=0)
    attempts: int = Field(default=5, ge=1)
    """Tries per call where trying again may help: a rate limit (waited out), the network, an answer that is
    no data. Between them is waited longer and longer."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Exchange:
    """A CandleSource over one exchange. Nothing is asked before the first question."""

    def __init__(
        self,
        exchange_id: str,
        timeframe: Timeframe,
        options: ExchangeOptions | None = None,
        *,
        now: Callable[[], datetime] = _utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._exchange_id = exchange_id
        self._timeframe = timeframe
        self._options = options if options is not None else ExchangeOptions()
        self._now = now
        self._asking = Asking(exchange_id, self._options, now, sleep)

    def __repr__(self) -> str:
        return f"Exchange({self._exchange_id!r}, {self._timeframe.name!r})"

    @property
    def identity(self) -> SourceIdentity:
        """`ccxt:<exchange>` with the timeframe, and the host where it is not the exchange's own."""
        detail = {"timeframe": self._timeframe.name}
        if self._options.base_url:
            detail["base_url"] = self._options.base_url
        return SourceIdentity(f"ccxt:{self._exchange_id}", False, detail)

    def check_symbols(self, symbols: Sequence[str]) -> None:
        """Raise InvalidInput for a symbol that the exchange does not list or a timeframe it does not have."""
        for symbol in symbols:
            self._market(symbol)
        timeframes = self._client.timeframes or {}
        if self._timeframe.name not in timeframes:
            raise InvalidInput(
                f"{self._exchange_id} has no candles of {self._timeframe.name}.",
                f"It has {', '.join(timeframes)}.",
            )

    def fetch_day(self, symbol: str, day: date) -> pa.Table:
        """The closed candles of `day` in RAW_SCHEMA; trade count and taker volume where the exchange tells.

        Raises SymbolRefused for an unknown symbol and a day before the market's first candle or which an
        exchange that keeps only its latest candles no longer has, InvalidInput for one that is not closed,
        Barred where the exchange does not want this address, Unavailable where it does not answer.
        """
        now = self._now()
        if day_end(day) > now:
            raise InvalidInput(
                f"The day {day} is not closed yet (it is {now:%Y-%m-%d %H:%M} UTC).", "Choose an earlier day."
            )
        market = self._market(symbol)
        start, end = (int(at.timestamp() * 1000) for at in (day_start(day), day_end(day)))
        step = self._timeframe.minutes * 60_000
        fetch = self._raw_page if self._exchange_id in BINANCE_MARKETS else self._plain_page
        now_ms = int(now.timestamp() * 1000)
        try:
            rows = collect_rows(lambda since, until: fetch(market, since, until), start, end, step, now_ms)
        except OnlyLatest as told:
            raise self._latest_only(symbol, day, told.count, told.first_ms) from told
        first_ms = min((row[0] for row in rows if row[0] is not None), default=end)
        kept = LATEST_ONLY.get(self._exchange_id, 0)
        if kept and first_ms > start and start < now_ms - kept * step:
            raise self._latest_only(symbol, day, kept, first_ms)
        if not rows:
            self._refuse_before_listing(market, day)
        return rows_to_table(rows)

    def fetch_funding(self, symbol: str, day: date) -> pa.Table:
        """The settlements of a perpetual that belong to the bars of `day`, in FUNDING_SCHEMA.

        Empty for a spot market, and where the exchange (or ccxt) keeps no history of them. Raises as
        `fetch_day`.
        """
        market = self._market(symbol)
        if not market.get("swap") or not self._client.has.get("fetchFundingRateHistory"):
            return empty_funding()
        first, until = funding_window(*(int(at.timestamp() * 1000) for at in (day_start(day), day_end(day))))
        bound = {UNTIL_NAMES[self._exchange_id]: until} if self._exchange_id in UNTIL_NAMES else {}

        def page(since_ms: int) -> list[Row]:
            answer = self._client.fetch_funding_rate_history(symbol, since_ms, FUNDING_PAGE, bound)
            return [(rate["timestamp"], rate["fundingRate"]) for rate in answer]

        return collect_funding(lambda since: self._ask(lambda: page(since)), first, until)

    def market_info(self, symbol: str) -> MarketInfo:
        """Kind, fees, steps of price and quantity, the least order value. Raises as `check_symbols`.

        The fees are those of the first tier, as ccxt has them of the exchange, or of its own tables; what
        an account really pays is said in `universe.markets`.
        """
        import ccxt

        market = self._market(symbol)
        precision = market["precision"]
        is_step = self._client.precisionMode == ccxt.TICK_SIZE

        def step_of(value: float | None) -> float | None:
            if value is None or is_step:
                return value
            return 10.0**-value if self._client.precisionMode == ccxt.DECIMAL_PLACES else None

        def fee_bps(side: str) -> float | None:
            fee = market.get(side)
            if fee is None or market.get("percentage") is False:
                return None
            return round(float(fee) * WHOLE_BPS, 6)

        least = market["limits"].get("cost", {}).get("min")
        step = step_of(precision["amount"])
        if step is not None and market.get("contract") and market.get("linear"):
            step *= market.get("contractSize") or 1.0  # contracts are counted, not coins
        return MarketInfo(
            symbol,
            tick_size=step_of(precision["price"]),
            step_size=step,
            minimum_notional=least,
            kind="perpetual" if market.get("contract") else "spot",
            taker_fee_bps=fee_bps("taker"),
            maker_fee_bps=fee_bps("maker"),
        )

    @cached_property
    def _client(self) -> Any:
        return make_client(self._exchange_id, self._options)

    def _ask(self, question: Callable[[], Answer]) -> Answer:
        return self._asking.ask(self._client, question)

    def _markets(self) -> dict[str, dict[str, Any]]:
        import ccxt

        markets: dict[str, dict[str, Any]] = self._client.load_markets()
        if not markets:  # such as the word of a maintenance, with no error in it
            raise ccxt.BadResponse("it lists no market at all")
        return markets

    def _market(self, symbol: str) -> dict[str, Any]:
        markets = self._ask(self._markets)
        if symbol not in markets:
            raise unknown_symbol(symbol, markets, self._exchange_id)
        return markets[symbol]

    def _raw_page(self, market: dict[str, Any], since_ms: int, until_ms: int) -> list[Row]:
        client = self._client
        is_future = BINANCE_MARKETS[self._exchange_id] == "linear"
        question = client.fapiPublicGetKlines if is_future else client.publicGetKlines
        parameters = {
            "symbol": market["id"],
            "interval": self._timeframe.name,
            "startTime": since_ms,
            "endTime": until_ms - 1,
            "limit": PAGE,
        }

        def ask() -> list[Row]:
            return [[row[at] for at in _KLINE_FIELDS] for row in _checked(question(parameters))]

        return self._ask(ask)

    def _plain_page(self, market: dict[str, Any], since_ms: int, until_ms: int) -> list[Row]:
        bars = -(-(until_ms - since_ms) // (self._timeframe.minutes * 60_000))
        wanted = (market["symbol"], self._timeframe.name, since_ms, min(PAGE, bars))
        return self._ask(lambda: [row[:6] for row in _checked(self._client.fetch_ohlcv(*wanted))])

    def _latest_only(self, symbol: str, day: date, count: int, first_ms: int) -> SymbolRefused:
        first = datetime.fromtimestamp(first_ms / 1000, UTC)
        before = f" before {first:%H:%M} UTC" if first < day_end(day) else ""
        return SymbolRefused(
            f"{self._exchange_id} serves only its last {count} candles: "
            f"of {symbol} on {day} it has none{before}.",
            "Take another exchange or files for this day, or a longer timeframe.",
        )

    def _refuse_before_listing(self, market: dict[str, Any], day: date) -> None:
        """A day without candles before the first one is a wrong day; after it, an outage."""
        if self._exchange_id not in BINANCE_MARKETS:
            return
        # Asked twice, since one page may be of another time than asked.
        now_ms = int(self._now().timestamp() * 1000)
        answers = [self._raw_page(market, 0, now_ms) for _ in range(2)]
        times = [at for rows in answers for row in rows if (at := time_in_ms(row[0])) is not None]
        first_ms = min(times, default=0)
        if first_ms >= int(day_end(day).timestamp() * 1000):
            begin = datetime.fromtimestamp(first_ms / 1000, UTC).date()
            raise SymbolRefused(
                f"{self._exchange_id} has no {market['symbol']} on {day}: its candles begin on {begin}.",
                f"Choose {begin} or later.",
            )


def _checked(answer: Any) -> list[Any]:
    """The rows of an answer. Raises what is tried again for one that is no list of candles."""
    import ccxt

    if not isinstance(answer, list) or not all(isinstance(row, list) and len(row) >= 6 for row in answer):
        raise ccxt.BadResponse("it answered with something that is no list of candles")
    return answer


def _open(settings: ExchangeSettings, _: Sequence[str], timeframe: Timeframe) -> Exchange:
    options = ExchangeOptions(
        api_key=settings.api_key.get_secret_value() if settings.api_key else "",
        api_secret=settings.secret.get_secret_value() if settings.secret else "",
        base_url=settings.base_url or "",
        timeout_s=settings.timeout_seconds,
        attempts=settings.attempts,
    )
    return Exchange(settings.exchange, timeframe, options)


SOURCE = CandleSourceKind(
    name="ccxt",
    settings=ExchangeSettings,
    open=_open,
    argument="exchange",
    changes_no_candle=("timeout_seconds", "attempts"),
)
