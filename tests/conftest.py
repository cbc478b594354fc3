"""Fixtures that any test may ask for."""

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The directory of real candles: HURACAN_TEST_DATA, or `shared/data` beside the repository."""
    directory = Path(os.environ.get("HURACAN_TEST_DATA", _ROOT.parent / "shared" / "data"))
    if not directory.is_dir():
        pytest.skip("no real data")
    return directory
