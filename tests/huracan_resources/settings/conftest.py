"""A folder of profiles for the tests of settings."""

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(
        "schedule: {hour: 3}\nmarket: {costs: {taker_fee_bps: 5, half_spread_bps: 2}}\n"
    )
    (tmp_path / "local.yaml").write_text("market: {costs: {half_spread_bps: 4}}\n")
    (tmp_path / "other.yaml").write_text("mode: research\n")
    return tmp_path
