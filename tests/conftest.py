"""Fixtures that any test may ask for."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from huracan_resources.database import Database
from huracan_resources.embedded_postgres import stop_embedded

_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The directory of real candles: HURACAN_TEST_DATA, or `shared/data` beside the repository."""
    directory = Path(os.environ.get("HURACAN_TEST_DATA", _ROOT.parent / "shared" / "data"))
    if not directory.is_dir():
        pytest.skip("no real data")
    return directory


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    """A fresh embedded database with all migrations applied."""
    # Not below pytest's own directory: its path is too long for a socket, and closed to other accounts.
    with tempfile.TemporaryDirectory(prefix="huracan-test-") as name:
        database = Database(Path(name))
        with database.connect():
            yield database
        stop_embedded(Path(name))
