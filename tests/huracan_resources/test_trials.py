"""The trial ledger in database and lake: each outlives the other, and what was changed by hand is found."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from huracan.errors import InputRefused
from huracan.promotion.trial_rows import TrialRow
from huracan_resources.database.database import Database
from huracan_resources.lake.store import LocalStore
from huracan_resources.trials import TrialLedger

pytestmark = pytest.mark.server


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "lake")


@pytest.fixture
def ledger(store: LocalStore, database: Database) -> Iterator[TrialLedger]:
    """Of a home with three rows."""
    made = TrialLedger(database, store)
    for number in range(3):
        made.append("day", f"d{number}", {"usd": number + 0.1, "note": f"é {number}"})
    yield made
    with database.connect() as connection:
        connection.execute("DELETE FROM trials")


def _objects(store: LocalStore) -> list[Path]:
    return sorted(path for path in (store.root / "trials").iterdir() if path.name != "home.json")


def _sql(database: Database, statement: str) -> None:
    with database.connect() as connection:
        connection.execute(statement.encode())


def test_a_ledger_without_a_row_belongs_to_nobody_yet(store: LocalStore, database: Database) -> None:
    fresh = TrialLedger(database, store)
    assert fresh.rows() == () and fresh.copies().home is None


def test_rows_are_kept_in_both_and_the_first_of_a_key_stands(
    ledger: TrialLedger, store: LocalStore, database: Database
) -> None:
    rows = ledger.rows()
    assert [row.sequence for row in rows] == [1, 2, 3] and ledger.verify() == 3
    assert ledger.append("day", "d1", {"usd": 99.0}) == rows[1]
    assert len(ledger.rows()) == len(_objects(store)) == ledger.copies().in_database == 3
    assert TrialLedger(database, store).rows() == rows


@pytest.mark.parametrize("lost", ["DELETE FROM trials", "DELETE FROM trials WHERE sequence = 2"])
def test_what_the_database_lost_comes_back_from_the_lake(
    ledger: TrialLedger, database: Database, lost: str
) -> None:
    rows = ledger.rows()
    _sql(database, lost)
    assert ledger.rows() == rows and ledger.copies().in_database == 3


def test_an_object_that_the_lake_lost_comes_back_from_the_database(
    ledger: TrialLedger, store: LocalStore
) -> None:
    _objects(store)[1].unlink()
    ledger.rows()
    assert len(_objects(store)) == 3 and ledger.verify() == 3


def test_a_writer_that_was_killed_between_both_copies_is_gone_on_from(
    ledger: TrialLedger, store: LocalStore
) -> None:
    row = TrialRow.after(ledger.rows(), "day", "d3", {"usd": 3.1})
    store.put(f"trials/{row.sequence:08d}-{row.sha256[:16]}.json", row.to_json())
    assert ledger.rows()[-1] == row and ledger.append("day", "d3", {"usd": 7.0}) == row


def test_a_row_that_was_edited_in_the_database_is_named(ledger: TrialLedger, database: Database) -> None:
    _sql(database, "UPDATE trials SET content = replace(content, '1.1', '9.9') WHERE sequence = 2")
    with pytest.raises(InputRefused, match=r"Row 2 of the trial ledger \(day d1\) was changed") as refused:
        ledger.rows()
    assert "delete the row here" in str(refused.value)
    _sql(database, "DELETE FROM trials WHERE sequence = 2")
    assert ledger.rows()[1].content["usd"] == 1.1


def test_a_chain_that_was_forged_whole_in_the_database_parts_from_the_lake(
    ledger: TrialLedger, database: Database
) -> None:
    rows = list(ledger.rows()[:1])
    for number in (1, 2):
        rows.append(TrialRow.after(rows, "day", f"d{number}", {"usd": 99.0}))
    with database.connect() as connection:
        for row in rows[1:]:
            connection.execute(
                "UPDATE trials SET content = %s, previous = %s, sha256 = %s WHERE sequence = %s",
                (json.dumps(dict(row.content)), row.previous, row.sha256, row.sequence),
            )
    with pytest.raises(InputRefused, match=r"Row 2 .* is another one in the lake than in the database"):
        ledger.rows()


def test_an_object_that_was_edited_in_the_lake_is_found_where_every_row_is_read(
    ledger: TrialLedger, store: LocalStore
) -> None:
    object_ = _objects(store)[2]
    object_.write_text(object_.read_text().replace("2.1", "9.9"))
    with pytest.raises(InputRefused, match=r"Row 3 .* was changed in the lake"):
        ledger.verify()
    object_.unlink()
    assert ledger.verify() == 3


def test_two_homes_over_one_database_are_refused(
    ledger: TrialLedger, database: Database, tmp_path: Path
) -> None:
    other = LocalStore(tmp_path / "other")
    other.put("trials/home.json", b'{"home": "another"}')
    with pytest.raises(InputRefused, match="Two homes share one database"):
        TrialLedger(database, other).append("day", "x", {})


def test_a_lake_that_replaces_a_lost_one_takes_the_rows_over_when_it_is_told_to(
    ledger: TrialLedger, database: Database, tmp_path: Path
) -> None:
    rows, new = ledger.rows(), LocalStore(tmp_path / "new")
    taken = TrialLedger(database, new)
    with pytest.raises(InputRefused, match="huracan trials adopt"):
        taken.rows()
    assert taken.adopt() == 3 and taken.rows() == rows and taken.verify() == 3
    with pytest.raises(InputRefused, match="no ledger to take over"):
        taken.adopt()
