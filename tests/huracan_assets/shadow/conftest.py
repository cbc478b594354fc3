"""A home on paper for the tests of assets."""

from datetime import timedelta
from pathlib import Path

import pytest

from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.huracan_assets.shadow.paper_home import DAY, HOURS, Paper


@pytest.fixture
def paper(tmp_path: Path) -> Paper:
    """With candles of the days around DAY, and no policy yet."""
    made = Paper(Resources(load_settings(HOURS, {"HURACAN_HOME": str(tmp_path)})))
    made.market(*(DAY - timedelta(days=back) for back in range(4, -2, -1)))
    return made
