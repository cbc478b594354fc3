"""Alerts reach a real HTTP server; a dead one costs attempts, never an exception or a secret."""

import logging
import traceback
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from huracan.errors import InvalidInput, Unavailable
from huracan_resources.notifier import Delivered, NotDelivered, Notifier, _server_of
from tests.inbox import Inbox, open_inbox

DEAD = SecretStr("json://user:hunter2@127.0.0.1:1/hunter2")


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with open_inbox() as server:
        yield server


def test_a_message_is_delivered(inbox: Inbox) -> None:
    assert Notifier([inbox.address]).notify("Night failed", "ohlcv of 2023-06-30") == Delivered(1)
    assert inbox.messages[0]["title"] == "Night failed"
    assert inbox.messages[0]["message"] == "ohlcv of 2023-06-30"


def test_a_busy_server_is_asked_again_after_growing_pauses(inbox: Inbox) -> None:
    inbox.refusals = 2
    pauses: list[float] = []
    assert Notifier([inbox.address], sleep=pauses.append).notify("t", "b") == Delivered(1)
    assert pauses == [2.0, 4.0] and len(inbox.messages) == 1


def test_a_dead_address_does_not_keep_the_others_from_being_told_once(
    inbox: Inbox, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = Notifier([DEAD, inbox.address], sleep=lambda _: None).notify("t", "b")
    assert isinstance(answer, NotDelivered) and "number 1 (json)" in answer.reason
    assert len(inbox.messages) == 1
    out, err = capfd.readouterr()
    assert "hunter2" not in answer.reason + caplog.text + out + err


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("mailto://bob:s3cr,et99@mail.example", ["mailto://bob:s3cr,et99@mail.example"]),
        (
            "mailto://b:p@mail.example?to=x@b.c,y@d.e, json://127.0.0.1",
            ["mailto://b:p@mail.example?to=x@b.c,y@d.e", "json://127.0.0.1"],
        ),
        ("json://a json://b;json://c", ["json://a", "json://b", "json://c"]),
        ("json://a, json://b, json://a", ["json://a", "json://b"]),
        ("not a url", ["not a url"]),
        ("not a url, json://a", ["not a url", "json://a"]),
        (" , ", []),
    ],
)
def test_where_an_address_ends_is_decided_by_apprise(text: str, parts: list[str]) -> None:
    found = Notifier([SecretStr(text)]).addresses
    assert [address.url.get_secret_value() for address in found] == parts
    assert [address.number for address in found] == list(range(1, len(parts) + 1))


def test_an_address_that_answers_passes_the_probe_and_gets_no_message(inbox: Inbox) -> None:
    (address,) = Notifier([inbox.address]).addresses
    address.probe()
    assert inbox.messages == []


@pytest.mark.parametrize("text", ["not a hunter2 url", "hunter2", "nonsense://hunter2", "tgram://hunter2"])
def test_an_address_that_apprise_does_not_take_is_refused_without_showing_it(text: str) -> None:
    (address,) = Notifier([SecretStr(text)]).addresses
    with pytest.raises(InvalidInput, match="none that apprise takes") as caught:
        address.probe()
    assert "hunter2" not in str(caught.value) and "number 1" in caught.value.what


def test_an_address_whose_server_is_dead_is_said_without_showing_it() -> None:
    (address,) = Notifier([DEAD]).addresses
    with pytest.raises(Unavailable, match=r"number 1 \(json\) does not answer") as caught:
        address.probe()
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("tgram://123456789:AAEabcdefghijklmnopqrstuvwxyzabcdefg/123", ("api.telegram.org", 443)),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general", ("slack.com", 443)),
        ("mailtos://bob:hunter2@gmail.com", ("smtp.gmail.com", 587)),
        ("json://localhost:99/x", ("localhost", 99)),
        ("syslog://", None),
    ],
)
def test_a_token_is_never_looked_up_as_a_host(text: str, server: tuple[str, int] | None) -> None:
    (address,) = Notifier([SecretStr(text)]).addresses
    assert _server_of(address._service) == server


def test_an_address_is_told_once_however_often_the_others_fail(inbox: Inbox) -> None:
    notifier = Notifier([DEAD, inbox.address], attempts=1)
    first = notifier.notify("t", "b")
    assert isinstance(first, NotDelivered) and first.reached == {notifier.addresses[1].mark}
    again = notifier.notify("t", "b", reached=first.reached)
    assert isinstance(again, NotDelivered) and again.reached == first.reached
    assert len(inbox.messages) == 1


def test_an_address_that_is_none_is_not_delivered() -> None:
    answer = Notifier([SecretStr("nonsense://hunter2")], attempts=1).notify("t", "b")
    assert isinstance(answer, NotDelivered) and "hunter2" not in answer.reason


def test_without_addresses_the_message_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert Notifier([]).notify("Night failed", "why") == Delivered(0)
    assert "Night failed: why" in caplog.text
