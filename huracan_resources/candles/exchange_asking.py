"""Asking an exchange: what may pass is tried again at the call, what will not stops at once with its cause.

How the client is made lives in `exchange_client`. Keys pass through and are never shown.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

import tenacity

from huracan.errors import HuracanError, InvalidInput, SymbolRefused, Unavailable, UnknownSymbol
from huracan_resources.candles.exchange_client import ExchangeOptions, Heard

Answer = TypeVar("Answer")

_BACK_OFF = tenacity.wait_exponential_jitter(max=30.0)
_RATE_LIMIT_WAIT_S = 5.0
# What ccxt's readers of an answer raise where it is not of the form that they know.
_NOT_UNDERSTOOD = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)
_FORBIDDEN, _BANNED, _RATE_LIMIT, _LEGAL = 403, 418, 429, 451


class Barred(InvalidInput):
    """Permanent: the exchange will not answer this address, and asking on makes it worse."""


class _Again(Exception):
    """This call may be tried again; `error` is what is said where the tries are spent."""

    def __init__(self, error: HuracanError, wait_s: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait_s = wait_s


class Asking:
    """Questions to one exchange. After it has barred this address, no further request is sent."""

    def __init__(
        self,
        exchange_id: str,
        options: ExchangeOptions,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self._exchange_id = exchange_id
        self._options = options
        self._now = now
        self._sleep = sleep
        self._barred: tuple[Barred, datetime] | None = None

    def ask(self, client: Any, question: Callable[[], Answer]) -> Answer:
        """The answer of `question`, calls of `client`, tried `attempts` times with back-off and jitter.

        A rate limit is waited out as long as the exchange asks. Raises Unavailable where the tries are spent
        on what may pass (network, time-out, rate limit, server error, no JSON), Barred or another
        InvalidInput at once for what will not (location, ban, credentials, symbol, a refused request).
        """
        if self._barred is not None and self._now() < self._barred[1]:
            raise self._barred[0]

        def once() -> Answer:
            client.heard = None
            return self._once(client, question)

        tries = tenacity.Retrying(
            sleep=self._sleep,
            stop=tenacity.stop_after_attempt(self._options.attempts),
            wait=_wait_s,
            retry=tenacity.retry_if_exception_type(_Again),
            reraise=True,
        )
        try:
            return tries(once)
        except _Again as spent:
            raise spent.error from spent.__cause__

    def _once(self, client: Any, question: Callable[[], Answer]) -> Answer:
        import ccxt

        try:
            return question()
        except ccxt.BaseError as error:
            self._judge(error, client.heard)
        except _NOT_UNDERSTOOD as error:
            told = f"its answer was not understood ({type(error).__name__}: {error})"
            raise _Again(self._no_answer("BadResponse", told)) from error

    def _judge(self, error: Exception, heard: Heard | None) -> NoReturn:
        import ccxt

        status = heard.status if heard is not None else 0
        told = self._told(error)
        if isinstance(error, ccxt.RestrictedLocation):
            raise self._bar(_LEGAL, None, told) from error
        # With a key, what is forbidden is the key.
        if status in (_BANNED, _LEGAL) or (status == _FORBIDDEN and not self._options.api_key):
            raise self._bar(status, self._retry_after_s(heard), told) from error
        if isinstance(error, ccxt.RateLimitExceeded | ccxt.DDoSProtection) or status == _RATE_LIMIT:
            asked_s = self._retry_after_s(heard)
            if asked_s is not None and asked_s > self._options.maximum_wait_s:
                raise self._bar(status, asked_s, told) from error
            wait_s = asked_s if asked_s is not None else _RATE_LIMIT_WAIT_S
            what = f"{self._exchange_id} limits the rate of requests (it asks to wait {wait_s:g} s)."
            raise _Again(Unavailable(what, "Try again later or with fewer symbols."), wait_s) from error
        if isinstance(error, ccxt.AuthenticationError) or status == _FORBIDDEN:
            raise InvalidInput(
                f"{self._exchange_id} refuses the credentials: {told}.",
                f"Check {self._options.key_variable} and {self._options.secret_variable}, or unset both.",
            ) from error
        if isinstance(error, ccxt.BadSymbol):
            raise UnknownSymbol(
                f"{self._exchange_id} does not know the symbol: {told}.", "Check the universe."
            ) from error
        if isinstance(error, ccxt.ManualInteractionNeeded):
            raise InvalidInput(
                f"{self._exchange_id} wants a person or a login: {told}.",
                "Open its address in a browser from this network; check the base URL and proxies.",
            ) from error
        if isinstance(error, ccxt.OperationFailed) or status >= 500 or _is_cut(error):
            raise _Again(self._no_answer(type(error).__name__, told)) from error
        # Of a market that is closed, or a request that it does not allow, the others know nothing.
        is_of_market = isinstance(error, ccxt.BadRequest | ccxt.MarketClosed)
        raise (SymbolRefused if is_of_market else InvalidInput)(
            f"{self._exchange_id} refused the request ({type(error).__name__}: {told}).",
            "Check exchange, symbol and timeframe.",
        ) from error

    def _bar(self, status: int, wait_s: float | None, told: str) -> Barred:
        """The error for an address that is not wanted, kept until it may ask again."""
        until = self._now() + timedelta(seconds=wait_s) if wait_s is not None else None
        end = f" until {until:%Y-%m-%d %H:%M} UTC (it asks to wait {wait_s:g} s)" if until is not None else ""
        name, elsewhere = self._exchange_id, "take another exchange, or files"
        if status == _LEGAL:
            what = f"{name} does not serve this location (HTTP 451: {told})."
            remedy = f"Ask from a place that it serves, or {elsewhere}."
        elif status == _FORBIDDEN:
            what = f"{name}, or a firewall before it, forbids requests from here (HTTP 403: {told})."
            remedy = f"Ask from another network or check proxies, or {elsewhere}."
        elif status == _BANNED:
            what = f"{name} has banned this address{end} (HTTP 418)."
            remedy = f"Ask nothing of it before then, or {elsewhere}; repeated requests prolong a ban."
        else:
            what = f"{name} limits the rate of requests{end}."
            remedy = f"Ask nothing of it before then, or {elsewhere}."
        barred = Barred(what, remedy)
        self._barred = (barred, until if until is not None else datetime.max.replace(tzinfo=UTC))
        return barred

    def _no_answer(self, kind: str, told: str) -> Unavailable:
        tries = self._options.attempts
        times = "" if tries == 1 else f" in {tries} tries"
        what = "the base URL and proxies" if kind == "BadResponse" else "the network connection"
        return Unavailable(
            f"{self._exchange_id} did not answer{times} ({kind}: {told}).", f"Check {what} and try again."
        )

    def _retry_after_s(self, heard: Heard | None) -> float | None:
        """Seconds that the exchange asks to wait: a number, or a date as HTTP allows."""
        value = heard.headers.get("retry-after", "").strip() if heard is not None else ""
        try:
            return max(float(value), 0.0)
        except ValueError:
            pass
        try:
            return max((parsedate_to_datetime(value) - self._now()).total_seconds(), 0.0)
        except (TypeError, ValueError):
            return None

    def _told(self, error: Exception) -> str:
        """The exchange's words, short and without keys."""
        words = " ".join(str(error).split())
        password = urlsplit(self._options.base_url).password or ""
        for secret in (self._options.api_key, self._options.api_secret, password):
            if secret:
                words = words.replace(secret, "***")
        return words[:200].rstrip(".")


def _wait_s(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    asked_s = error.wait_s if isinstance(error, _Again) else None
    return asked_s if asked_s is not None else _BACK_OFF(state)


def _is_cut(error: Exception) -> bool:
    """Whether a body broke off or did not decode, which ccxt calls a refusal."""
    from requests.exceptions import ChunkedEncodingError, ContentDecodingError

    return isinstance(error.__context__, ChunkedEncodingError | ContentDecodingError)
