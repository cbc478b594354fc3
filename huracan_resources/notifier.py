"""Messages to people through apprise (Telegram, Slack, mail … by URL). What to tell is decided above."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import SecretStr

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Delivered:
    """Every address took the message; with no addresses it was logged."""

    addresses: int


@dataclass(frozen=True)
class NotDelivered:
    """At least one address did not take the message; `reason` is free of secrets."""

    reason: str


class Notifier:
    """Sends to every URL, again after a pause where one failed. It never raises for a dead host."""

    def __init__(
        self,
        urls: Sequence[SecretStr],
        attempts: int = 3,
        pause_seconds: float = 2.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`pause_seconds` doubles from attempt to attempt."""
        self._urls = tuple(urls)
        self._attempts = attempts
        self._pause_seconds = pause_seconds
        self._sleep = sleep

    def notify(self, title: str, body: str) -> Delivered | NotDelivered:
        """Tell people; only the addresses that failed are tried again."""
        if not self._urls:
            _logger.warning("%s: %s", title, body)
            return Delivered(0)
        waiting = list(enumerate(self._urls, start=1))
        for attempt in range(self._attempts):
            if attempt:
                self._sleep(self._pause_seconds * 2 ** (attempt - 1))
            waiting = [(number, url) for number, url in waiting if not _send(url, title, body)]
            if not waiting:
                return Delivered(len(self._urls))
        named = ", ".join(f"number {number} ({_service(url)})" for number, url in waiting)
        reason = f"Of {len(self._urls)} alert addresses, {named} did not answer in {self._attempts} attempts."
        _logger.warning("%s Not delivered: %s: %s", reason, title, body)
        return NotDelivered(reason)


def _send(url: SecretStr, title: str, body: str) -> bool:
    """Whether one address took the message; apprise answers False for a dead host and for a bad URL."""
    import apprise

    # Their own log lines hold the address with the token in it.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    channel = apprise.Apprise()
    if not channel.add(url.get_secret_value()):
        return False
    return bool(channel.notify(title=title, body=body))


def _service(url: SecretStr) -> str:
    """The kind of address (`tgram`, `slack` …): all of it that may be shown."""
    return url.get_secret_value().partition("://")[0]
