"""When a night is finished: from then on its policy, trades and decisions are a record of what was done."""

from datetime import date

from huracan_resources.lake.lake import Lake

LAST_OF_NIGHT = "baseline_brain"
LEDGER = "shadow_trades"

REMAKE_TAG = "huracan/remake"
"""On a run that makes records again, because somebody asked for it."""
STANDING_TAG = "huracan/standing"
"""On a run that asks nobody outside for what stands as it would be made now."""


def is_finished(lake: Lake, day: date) -> bool:
    """Whether the night of `day` came to its end, or a later day was traded: then its policy was in use."""
    if lake.manifest(LAST_OF_NIGHT, day) is not None:
        return True
    return any(later > day for later in lake.days(LEDGER))
