"""Each trouble is opened once, told once, and can come back after it was resolved."""

from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

from huracan_resources.database.database import Database
from huracan_resources.database.incidents import Incidents

AT = datetime(2023, 6, 30, 2, 0, tzinfo=UTC)


def test_an_incident_opens_once_and_again_only_after_it_was_resolved(database: Database) -> None:
    incidents = Incidents(database)
    assert incidents.open_incident("late:ohlcv", "late", "No partition of 2023-06-29.", AT)
    assert not incidents.open_incident("late:ohlcv", "late", "Still none.", AT)
    assert [i.detail for i in incidents.undelivered()] == ["No partition of 2023-06-29."]
    assert incidents.undelivered()[0].opened_at == AT
    incidents.mark_alerted("late:ohlcv")
    assert incidents.undelivered() == []
    assert [i.identity for i in incidents.open_incidents()] == ["late:ohlcv"]
    assert incidents.resolve("late:ohlcv", AT)
    assert not incidents.resolve("late:ohlcv", AT)
    assert incidents.open_incident("late:ohlcv", "late", "Late again.", AT)
    assert [i.detail for i in incidents.undelivered()] == ["Late again."]


def test_two_that_see_the_same_trouble_open_it_once(database: Database) -> None:
    answers: list[bool] = []
    threads = [
        Thread(
            target=lambda: answers.append(Incidents(database).open_incident("run:1", "run", "Failed.", AT))
        )
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False] * 5 + [True]


def test_incidents_live_in_the_database(database: Database) -> None:
    Incidents(database).open_incident("kept", "run", "Failed.", AT)
    again = Incidents(Database(Path(database.home)))
    assert "kept" in [incident.identity for incident in again.open_incidents()]


def test_text_from_outside_is_stored_as_text_and_found_again(database: Database) -> None:
    incidents = Incidents(database)
    evil = "'; DROP TABLE incident; --\x1b[2J../\0" + "x" * 10_000
    assert incidents.open_incident(evil, "failed", evil, AT) and not incidents.open_incident(
        evil, "failed", "again", AT
    )
    (kept,) = [each for each in incidents.open_incidents() if each.kind == "failed"]
    assert kept.detail == evil.replace("\0", "␀")
    incidents.mark_alerted(evil)
    assert kept not in incidents.undelivered() and incidents.resolve(evil, AT)
