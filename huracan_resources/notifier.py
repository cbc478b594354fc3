"""Messages to people through apprise (Telegram, Slack, mail … by URL). What to tell is decided above."""

import hashlib
import logging
import re
import socket
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from huracan.errors import InvalidInput, Unavailable

_logger = logging.getLogger(__name__)

_PROBE_SECONDS = 5.0
_PORTS = {"https": 443, "http": 80}
_MARK_LENGTH = 6
"""Hexadecimal digits: enough to tell some addresses apart, too few to find one by guessing."""
_SERVER_URL = re.compile(r"\w*(?:notify|webhook|api)\w*url\w*")
"""The names under which apprise's services keep the server that they send to."""


@dataclass(frozen=True)
class Delivered:
    """Every address took the message; with no addresses it was logged."""

    addresses: int


@dataclass(frozen=True)
class NotDelivered:
    """At least one address did not take the message; `reason` is free of secrets. `reached` marks those
    that did, now or before."""

    reason: str
    reached: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Address:
    """One alert address, the `number`-th of the settings, counted from 1."""

    number: int
    url: SecretStr

    @property
    def mark(self) -> str:
        """By which it is known again, and from which it cannot be made."""
        return hashlib.sha256(self.url.get_secret_value().encode()).hexdigest()[:_MARK_LENGTH]

    @property
    def shown(self) -> str:
        """Its number and its kind (`tgram`, `slack` …): all that may be shown."""
        scheme = re.match(r"[A-Za-z0-9]+(?=://)", self.url.get_secret_value())
        return f"number {self.number} ({scheme[0] if scheme else 'of no known kind'})"

    @cached_property
    def _service(self) -> Any:
        """What apprise makes of it; None if it takes no such address."""
        return _apprise().Apprise.instantiate(self.url.get_secret_value())

    def send(self, title: str, body: str) -> bool:
        """Whether it took the message. It never raises for a dead host."""
        channel = _apprise().Apprise()
        return self._service is not None and channel.add(self._service) and bool(channel.notify(body, title))

    def probe(self) -> None:
        """Look at it without sending anything. InvalidInput where apprise takes no such address, Unavailable
        where its server does not answer; a service that hides its server passes."""
        if self._service is None:
            raise InvalidInput(
                f"The alert address {self.shown} is none that apprise takes.",
                "Correct it in HURACAN_ALERT_URLS or alerts.urls; signs that have a meaning in an address are"
                " written %40 for @, %2F for / and so on.",
            )
        place = _server_of(self._service)
        if place is None:
            return
        try:
            socket.create_connection(place, timeout=_PROBE_SECONDS).close()
        except OSError as error:
            raise Unavailable(
                f"The server of the alert address {self.shown} does not answer ({type(error).__name__}).",
                "Check the address and the network; huracan alert test sends a message.",
            ) from None


class Notifier:
    """Sends to every address, again after a pause where one failed. It never raises for a dead host."""

    def __init__(
        self,
        urls: Sequence[SecretStr],
        attempts: int = 3,
        pause_seconds: float = 2.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Each of `urls` may hold several addresses. `pause_seconds` doubles from attempt to attempt."""
        self._urls = tuple(urls)
        self._attempts = attempts
        self._pause_seconds = pause_seconds
        self._sleep = sleep

    @cached_property
    def addresses(self) -> tuple[Address, ...]:
        """As apprise parts them: a comma belongs to an address unless another one begins behind it. One that
        is named twice is told once."""
        found = dict.fromkeys(each for url in self._urls for each in _parted(url.get_secret_value()))
        return tuple(Address(number, SecretStr(each)) for number, each in enumerate(found, start=1))

    def notify(self, title: str, body: str, reached: Collection[str] = ()) -> Delivered | NotDelivered:
        """Tell people but those whose marks are in `reached`; only addresses that failed are tried again."""
        if not self.addresses:
            _logger.warning("%s: %s", title, body)
            return Delivered(0)
        waiting = [address for address in self.addresses if address.mark not in reached]
        for attempt in range(self._attempts):
            if attempt:
                self._sleep(self._pause_seconds * 2 ** (attempt - 1))
            waiting = [address for address in waiting if not address.send(title, body)]
            if not waiting:
                return Delivered(len(self.addresses))
        named = ", ".join(address.shown for address in waiting)
        reason = (
            f"Of {len(self.addresses)} alert addresses, {named} did not answer in {self._attempts} attempts."
        )
        _logger.warning("%s Not delivered: %s: %s", reason, title, body)
        took = {address.mark for address in self.addresses} - {address.mark for address in waiting}
        return NotDelivered(reason, frozenset(took))


def _apprise() -> Any:
    """The library, which keeps silent: its own log lines hold the address with the token in it."""
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    return apprise


def _parted(text: str) -> Iterator[str]:
    """The addresses in a text. What comes before the first, or is none, is an address that nobody takes."""
    _apprise()
    from apprise.utils.parse import parse_urls

    text = text.strip(" \t\r\n,;")
    found: list[str] = parse_urls(text, store_unparseable=False)  # type: ignore[no-untyped-call]
    lead = text[: text.index(found[0])] if found else text
    if lead:
        yield lead.rstrip(" ,;")
    yield from found


def _server_of(service: Any) -> tuple[str, int] | None:
    """Host and port to which a service of apprise sends, as far as it tells. Of most services what stands
    where a host would is a token, which must not be looked up."""
    for name in filter(_SERVER_URL.fullmatch, dir(type(service))):
        url = getattr(type(service), name)
        parts = urlsplit(url) if isinstance(url, str) else None
        if parts is not None and parts.scheme in _PORTS and re.fullmatch(r"[\w.-]+(:\d+)?", parts.netloc):
            return str(parts.hostname), parts.port or _PORTS[parts.scheme]
    host = getattr(service, "smtp_host", None)
    if not host and any("{host}" in template for template in getattr(service, "templates", ())):
        host = service.host
    scheme = "https" if getattr(service, "secure", False) else "http"
    return (str(host), int(getattr(service, "port", None) or _PORTS[scheme])) if host else None
