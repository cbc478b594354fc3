"""Where the history of a home begins: its first partition."""

from datetime import date, timedelta

from huracan_assets.inputs.windows import lead_days, window_days
from huracan_resources.lake.beginning import Beginning
from huracan_resources.settings.settings import Settings

FIRST_ASSET = "ohlcv"
"""Everything else is made from it, so no other asset holds an earlier day."""


def first_partition(settings: Settings, today: date) -> date:
    """The first day that the lake holds, or that a night of yesterday would fetch where that is earlier.

    It is `universe.first_day` where somebody set it, and never before it. Nothing is contacted.
    """
    universe = settings.universe
    if "first_day" in universe.model_fields_set:
        return universe.first_day
    fetched = today - timedelta(days=1 + window_days(settings) + lead_days(settings))
    held = beginning(settings).known()
    return max(universe.first_day, min(fetched, held or fetched))


def beginning(settings: Settings) -> Beginning:
    return Beginning(settings.storage.home, settings.storage.lake, FIRST_ASSET)
