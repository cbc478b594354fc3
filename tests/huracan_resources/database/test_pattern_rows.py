"""The tables of the pattern library: rows of before stay, new ones come back as they were."""

from collections.abc import Iterator
from datetime import date

import psycopg
import pyarrow as pa
import pytest

from huracan.analysis.patterns.evidence import nothing_forward
from huracan.analysis.patterns.table import NIGHTS_SCHEMA, PATTERNS_SCHEMA, STATES
from huracan.analysis.patterns.trials import no_trials
from huracan_resources.database.database import Database
from huracan_resources.database.migrate import migrate, shipped_migrations
from huracan_resources.database.tables import read_partition, replace_partition

DAY = date(2023, 6, 2)


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect() as connection:
        yield connection
        connection.rollback()


def _pattern(**changes: object) -> pa.Table:
    row = {
        **dict.fromkeys(PATTERNS_SCHEMA.names),
        **nothing_forward(),
        **no_trials(),
        "day": DAY,
        "pattern_id": "pattern-1",
        "name": 'long: high "x", low y',
        "state": "candidate",
        "trades": 3,
        "wins": 1,
        "first_seen_day": DAY,
        "last_seen_day": DAY,
        "embedding_version": "v",
        "centroid": [0.125] * 64,
        "feature_means": [1.5, 2.5],
        "side": "long",
        "number": 1,
        "wealth": [0.1, 1 / 3, 1e9],
        **changes,
    }
    return pa.Table.from_pylist([row], schema=PATTERNS_SCHEMA)


def test_rows_of_before_stay_as_they_were(connection: psycopg.Connection) -> None:
    connection.execute("CREATE SCHEMA earlier")
    connection.execute("SET LOCAL search_path TO earlier, public")
    shipped = shipped_migrations()
    migrate(connection, {name: text for name, text in shipped.items() if name < "0004"})
    connection.execute(
        "INSERT INTO pattern_library (day, pattern_id, name, state, trades, wins, first_seen_day, "
        "last_seen_day, embedding_version, centroid) VALUES ('2023-06-02', 'p0', 'high x', 'reliable', 40, "
        "30, '2023-06-01', '2023-06-02', 'v', array_fill(0.5, ARRAY[64])::vector)"
    )
    migrate(connection, shipped)
    row = connection.execute(
        "SELECT state, trades, number, forward_trades, wealth FROM earlier.pattern_library"
    ).fetchone()
    assert row == ("reliable", 40, None, None, None)


@pytest.mark.parametrize("state", STATES)
def test_a_pattern_comes_back_as_it_was_stored(connection: psycopg.Connection, state: str) -> None:
    stored = _pattern(state=state)
    replace_partition(connection, "pattern_library", DAY, stored)
    found = read_partition(connection, "pattern_library", DAY).select(PATTERNS_SCHEMA.names)
    assert found.to_pylist() == stored.to_pylist()


@pytest.mark.parametrize("wrong", [{"state": "excellent"}, {"side": "up"}])
def test_another_state_or_side_is_refused(connection: psycopg.Connection, wrong: dict) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        replace_partition(connection, "pattern_library", DAY, _pattern(**wrong))


def test_what_a_night_said_comes_back_too(connection: psycopg.Connection) -> None:
    row = {"day": DAY, "pattern_id": "none", "trades": 2, "wins": 1, "net_bps_sum": 0.1, "net_usd": 0.01}
    stored = pa.Table.from_pylist([dict.fromkeys(NIGHTS_SCHEMA.names) | row], schema=NIGHTS_SCHEMA)
    replace_partition(connection, "pattern_nights", DAY, stored)
    assert read_partition(connection, "pattern_nights", DAY).to_pylist() == stored.to_pylist()
