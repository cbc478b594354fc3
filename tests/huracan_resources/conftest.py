"""The embedded PostgreSQL of the tests: one server for all of them."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from huracan_resources.database import Database
from huracan_resources.embedded_postgres import stop_embedded


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    """A fresh embedded database with all migrations applied."""
    # Not below pytest's own directory: its path is too long for a socket, and closed to other accounts.
    with tempfile.TemporaryDirectory(prefix="huracan-test-") as name:
        database = Database(Path(name))
        with database.connect():
            yield database
        stop_embedded(Path(name))
