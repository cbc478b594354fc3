"""Alerts reach a real HTTP server; a dead one costs attempts, never an exception or a secret."""

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import SecretStr

from huracan_resources.notifier import Delivered, NotDelivered, Notifier

DEAD = SecretStr("json://user:hunter2@127.0.0.1:1/hunter2")


class _Inbox(ThreadingHTTPServer):
    """A server that refuses the first `refusals` messages and keeps the others."""

    refusals = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.messages: list[dict[str, str]] = []

    @property
    def address(self) -> SecretStr:
        return SecretStr(f"json://127.0.0.1:{self.server_port}/token-hunter2")


class _Handler(BaseHTTPRequestHandler):
    server: _Inbox

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        is_refused = self.server.refusals > 0
        self.server.refusals -= is_refused
        if not is_refused:
            self.server.messages.append(json.loads(body))
        self.send_response(503 if is_refused else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def inbox() -> Iterator[_Inbox]:
    server = _Inbox()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_message_is_delivered(inbox: _Inbox) -> None:
    assert Notifier([inbox.address]).notify("Night failed", "ohlcv of 2023-06-30") == Delivered(1)
    assert inbox.messages[0]["title"] == "Night failed"
    assert inbox.messages[0]["message"] == "ohlcv of 2023-06-30"


def test_a_busy_server_is_asked_again_after_growing_pauses(inbox: _Inbox) -> None:
    inbox.refusals = 2
    pauses: list[float] = []
    assert Notifier([inbox.address], sleep=pauses.append).notify("t", "b") == Delivered(1)
    assert pauses == [2.0, 4.0] and len(inbox.messages) == 1


def test_a_dead_address_does_not_keep_the_others_from_being_told_once(
    inbox: _Inbox, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = Notifier([DEAD, inbox.address], sleep=lambda _: None).notify("t", "b")
    assert isinstance(answer, NotDelivered) and "number 1 (json)" in answer.reason
    assert len(inbox.messages) == 1
    out, err = capfd.readouterr()
    assert "hunter2" not in answer.reason + caplog.text + out + err


def test_an_address_that_is_none_is_not_delivered() -> None:
    answer = Notifier([SecretStr("nonsense://hunter2")], attempts=1).notify("t", "b")
    assert isinstance(answer, NotDelivered) and "hunter2" not in answer.reason


def test_without_addresses_the_message_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert Notifier([]).notify("Night failed", "why") == Delivered(0)
    assert "Night failed: why" in caplog.text
