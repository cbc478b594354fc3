"""One ccxt client: made, pointed at a host, and asked so that every failure is one of our own errors.

What is asked for lives in `exchange`. Keys pass through and are never shown.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

from huracan.errors import HuracanError, InvalidInput, Unavailable, UnknownSymbol

Answer = TypeVar("Answer")

# What has an order flow in its raw klines, and the one kind of market each needs to know.
BINANCE_MARKETS = {"binance": "spot", "binanceus": "spot", "binanceusdm": "linear"}

_DEFAULT_WAIT_S = 5.0


@dataclass(frozen=True)
class ExchangeOptions:
    """How to reach an exchange. Candles are public: the key is only for hosts that demand one."""

    api_key: str = field(default="", repr=False)
    api_secret: str = field(default="", repr=False)
    base_url: str = ""
    """another host for every address of the exchange, for a mirror or a test"""
    timeout_s: float = 20.0
    maximum_waits: int = 3
    """how often a rate limit is waited out per question"""
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
    return client


def _moved(address: Any, base_url: str) -> Any:
    if isinstance(address, dict):
        return {name: _moved(inner, base_url) for name, inner in address.items()}
    return base_url + urlsplit(address).path if isinstance(address, str) else address


def ask(
    exchange_id: str,
    client: Any,
    options: ExchangeOptions,
    sleep: Callable[[float], None],
    question: Callable[[], Answer],
) -> Answer:
    """The answer of `question`, a call of `client`; rate limits are waited out a few times.

    Raises Unavailable for what may get better (network, time-out, rate limit, server error), InvalidInput
    for what will not (symbol, credentials, a refused request).
    """
    import ccxt

    for waits in range(options.maximum_waits + 1):
        try:
            return question()
        except (ccxt.RateLimitExceeded, ccxt.DDoSProtection) as error:
            wait_s = _retry_after_s(client)
            if waits == options.maximum_waits or wait_s > options.maximum_wait_s:
                what = f"{exchange_id} limits the rate of requests (it asks to wait {wait_s:g} s)."
                raise Unavailable(what, "Try again later or with fewer symbols.") from error
            sleep(wait_s)
        except ccxt.BaseError as error:
            raise _translated(exchange_id, error, options) from error
    raise AssertionError("the last wait raises")


def _translated(exchange_id: str, error: Exception, options: ExchangeOptions) -> HuracanError:
    import ccxt

    told = _told(error, options)
    if isinstance(error, ccxt.AuthenticationError):
        return InvalidInput(
            f"{exchange_id} refuses the credentials: {told}.",
            f"Check {options.key_variable} and {options.secret_variable}, or unset both.",
        )
    if isinstance(error, ccxt.BadSymbol):
        return UnknownSymbol(f"{exchange_id} does not know the symbol: {told}.", "Check the universe.")
    if isinstance(error, ccxt.OperationFailed):
        return Unavailable(
            f"{exchange_id} did not answer ({type(error).__name__}: {told}).",
            "Check the network connection and try again.",
        )
    return InvalidInput(
        f"{exchange_id} refused the request ({type(error).__name__}: {told}).",
        "Check exchange, symbol and timeframe.",
    )


def _retry_after_s(client: Any) -> float:
    headers = client.last_response_headers or {}
    value = headers.get("Retry-After") or headers.get("retry-after") or ""
    return float(value) if str(value).isdigit() else _DEFAULT_WAIT_S


def _told(error: Exception, options: ExchangeOptions) -> str:
    """The exchange's words, short and without keys."""
    words = " ".join(str(error).split())
    for secret in (options.api_key, options.api_secret):
        if secret:
            words = words.replace(secret, "***")
    return words[:200].rstrip(".")
