"""Alerts: told once, told again when nobody answered, told when it is over."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar

import pytest
from pydantic import SecretStr

from huracan.errors import Unavailable
from huracan_resources.database.database import Database
from huracan_resources.database.incidents import Incidents
from huracan_resources.notifier import Address, Delivered, NotDelivered, Notifier
from huracan_sensors.alerts import Trouble, alert, resolve_others

NOW = datetime(2025, 3, 11, 3, tzinfo=UTC)


@dataclass
class Channel:
    """Keeps what it was told; `is_dead` answers nothing."""

    is_dead: bool = False
    told: list[str] = field(default_factory=list)

    def notify(self, title: str, body: str, reached: Collection[str] = ()) -> Delivered | NotDelivered:
        if self.is_dead:
            return NotDelivered("the host is dead")
        self.told.append(f"{title}: {body}")
        return Delivered(1)


@dataclass
class Place:
    incidents: Incidents
    notifier: Channel


class _Unreachable:
    def open_incident(self, *_: object) -> bool:
        raise Unavailable("The database did not answer.", "Start it.")


@pytest.fixture
def place(database: Database) -> Place:
    with database.connect() as connection:
        connection.execute("DELETE FROM incident")
    return Place(Incidents(database), Channel())


def _trouble(name: str) -> Trouble:
    return Trouble(f"run:{name}", "run failed", f"{name} failed", "in features")


def test_a_trouble_is_told_once_however_often_it_is_seen(place: Place) -> None:
    assert alert(place, [_trouble("market")], NOW) == ["run:market"]
    assert alert(place, [_trouble("market")], NOW) == []
    assert len(place.notifier.told) == 1
    assert "market failed: in features" in place.notifier.told[0]


def test_what_could_not_be_delivered_is_told_at_the_next_tick(place: Place) -> None:
    place.notifier.is_dead = True
    assert alert(place, [_trouble("market")], NOW) == []
    place.notifier.is_dead = False
    assert alert(place, [], NOW) == ["run:market"]
    assert alert(place, [], NOW) == []


class _Part(Address):
    """One of several; what reached it is in `inboxes`, and it is dead while its name is in `dead`."""

    inboxes: ClassVar[dict[str, list[str]]] = {}
    dead: ClassVar[set[str]] = set()

    def send(self, title: str, body: str) -> bool:
        name = self.url.get_secret_value()
        if name not in self.dead:
            self.inboxes.setdefault(name, []).append(title)
        return name not in self.dead


def test_an_address_that_was_told_is_not_told_again_while_another_is_dead(place: Place) -> None:
    def tick() -> list[str]:
        notifier = Notifier([], sleep=lambda _: None)
        # Made anew as by another process: what was told is remembered in the database alone.
        notifier.addresses = tuple(  # type: ignore[misc]
            _Part(number, SecretStr(name)) for number, name in enumerate(("json://a", "json://b"), start=1)
        )
        return alert(Place(place.incidents, notifier), [_trouble("market")], NOW)  # type: ignore[arg-type]

    _Part.inboxes, _Part.dead = {}, {"json://b"}
    assert (tick(), tick(), tick()) == ([], [], [])
    assert {name: len(told) for name, told in _Part.inboxes.items()} == {"json://a": 1}
    _Part.dead = set()
    assert tick() == ["run:market"] and tick() == []
    assert {name: len(told) for name, told in _Part.inboxes.items()} == {"json://a": 1, "json://b": 1}


def test_a_trouble_that_is_over_is_closed_and_may_be_told_anew(place: Place) -> None:
    alert(place, [_trouble("market")], NOW)
    assert resolve_others(place, "run failed", [], NOW) == ["run:market"]
    assert "is over" in place.notifier.told[-1]
    assert alert(place, [_trouble("market")], NOW) == ["run:market"]


def test_a_trouble_that_lasts_is_not_closed(place: Place) -> None:
    alert(place, [_trouble("market"), _trouble("learn")], NOW)
    assert resolve_others(place, "run failed", [_trouble("learn")], NOW) == ["run:market"]


def test_an_alert_goes_out_even_where_incidents_cannot_be_kept() -> None:
    place = Place(_Unreachable(), Channel())  # type: ignore[arg-type]
    assert alert(place, [_trouble("market")], NOW) == ["run:market"]
    assert len(place.notifier.told) == 1
