"""One ccxt client: made, pointed at a host, and told to hide nothing of what the exchange answers.

What is asked for lives in `exchange`, how often and what a failure means in `exchange_asking`.
"""

import difflib
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from huracan.errors import InvalidInput

# What has an order flow in its raw klines, and the one kind of market each needs to know.
BINANCE_MARKETS = {"binance": "spot", "binanceus": "spot", "binanceusdm": "linear"}

LATEST_ONLY = {"kraken": 720}
"""Exchanges that serve only so many of their latest candles, whatever time is asked for."""


@dataclass(frozen=True)
class ExchangeOptions:
    """How to reach an exchange. Candles are public: the key is only for hosts that demand one."""

    api_key: str = field(default="", repr=False)
    api_secret: str = field(default="", repr=False)
    base_url: str = ""
    """another host for every address of the exchange, for a mirror or a test"""
    timeout_s: float = 20.0
    attempts: int = 5
    """how often a call is tried where its failure may pass"""
    maximum_wait_s: float = 120.0
    """a longer Retry-After is not waited for"""
    key_variable: str = "HURACAN_EXCHANGE_API_KEY"
    secret_variable: str = "HURACAN_EXCHANGE_SECRET"


def make_client(exchange_id: str, options: ExchangeOptions) -> Any:
    """The ccxt client of `exchange_id`, with its rate limit on. Raises InvalidInput for an unknown name."""
    import ccxt

    if exchange_id not in ccxt.exchanges:
        near = difflib.get_close_matches(exchange_id.lower(), ccxt.exchanges, n=1, cutoff=0.4)
        remedy = f"Did you mean {near[0]!r}?" if near else "See ccxt's list of exchanges."
        raise InvalidInput(f"The exchange {exchange_id!r} is unknown.", remedy)
    settings: dict[str, Any] = {"enableRateLimit": True, "timeout": int(options.timeout_s * 1000)}
    if options.api_key:
        settings |= {"apiKey": options.api_key, "secret": options.api_secret}
    client = getattr(ccxt, exchange_id)(settings)
    if exchange_id in BINANCE_MARKETS:
        client.options["fetchMarkets"] = {"types": [BINANCE_MARKETS[exchange_id]]}
        # With a key ccxt would first ask private addresses for what candles do not need.
        client.has["fetchCurrencies"] = False
        client.options |= {"fetchCurrencies": False, "fetchMargins": False}
    if options.base_url:
        client.urls["api"] = _moved(client.urls["api"], options.base_url.rstrip("/"))
    _show_answers(client)
    return client


@dataclass(frozen=True)
class Heard:
    """The exchange's last HTTP answer."""

    status: int
    headers: dict[str, str]
    """names in lower case"""
    host: str
    """that answered, after all redirects"""


def _show_answers(client: Any) -> None:
    """Keep the last answer in `client.heard`, and let neither text for JSON nor an odd row pass in silence.

    ccxt reads a web page or a cut body as a list without candles, and drops rows whose time it cannot read.
    """
    import ccxt

    def keep(response: Any, **_: Any) -> None:
        headers = {name.lower(): value for name, value in response.headers.items()}
        client.heard = Heard(response.status_code, headers, urlsplit(response.url).netloc)

    def refuse_text(status: int, *rest: Any) -> str:
        _, url, _, _, text, *_ = rest
        body: str = text.strip()
        if status < 400 and not _is_json(body):
            told = _described(body)
            host = client.heard.host if client.heard else ""
            if host and host != urlsplit(url).netloc.rpartition("@")[2]:
                raise ccxt.ManualInteractionNeeded(f"redirected to {host}, which answers with {told}")
            raise ccxt.BadResponse(f"it answered with {told} instead of data")
        return body if status < 400 or _is_json(body) else _described(body)

    def all_rows(ohlcvs: Any, market: Any = None, *_: Any, **__: Any) -> list[Any]:
        if not isinstance(ohlcvs, list):
            raise ccxt.BadResponse("it answered with something that is no list of candles")
        return [client.parse_ohlcv(row, market) for row in ohlcvs]

    def all_rates(rates: Any, symbol: Any = None, *_: Any, **__: Any) -> list[Any]:
        return [rate for rate in rates if symbol is None or rate.get("symbol") in (symbol, None)]

    client.heard = None
    client.session.hooks["response"].append(keep)
    client.on_rest_response = refuse_text
    client.parse_ohlcvs = all_rows
    client.filter_by_symbol_since_limit = all_rates


def _is_json(body: str) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


def _described(body: str) -> str:
    """What a body that is no JSON is, in a few words: a web page by its title."""
    if not body:
        return "nothing"
    if body[0] in "[{":
        return "data that is cut short"
    lower = body.lower()
    if "<html" not in lower and not lower.startswith("<!doctype"):
        return f"text ({' '.join(body.split())[:60]!r})"
    start = lower.find("<title>")
    title = body[start + 7 : lower.find("</title>", start)].strip() if start >= 0 else ""
    return f"a web page ({title[:60]!r})" if title else "a web page"


def _moved(address: Any, base_url: str) -> Any:
    if isinstance(address, dict):
        return {name: _moved(inner, base_url) for name, inner in address.items()}
    return base_url + urlsplit(address).path if isinstance(address, str) else address
