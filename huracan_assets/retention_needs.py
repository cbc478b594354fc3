"""How many days of each table the nights read back, from what the assets declare; less is never kept."""

from collections.abc import Sequence
from dataclasses import dataclass

from huracan.errors import InvalidInput
from huracan_assets.inputs.windows import lead_days
from huracan_assets.jobs import MARKET
from huracan_assets.stage import Stage
from huracan_resources.catalogue import catalogue
from huracan_resources.settings.retention import limited
from huracan_resources.settings.settings import Settings

REPEATED_NIGHTS = 7
"""How many of the last nights may be made once more: those that were missed, and the newest again."""


@dataclass(frozen=True)
class Need:
    """The days of an asset, the newest included, that must be there, and what reads them."""

    days: int
    reader: str


def needs_of(stages: Sequence[Stage], settings: Settings) -> dict[tuple[str, str], Need]:
    """Asset and key of the one table that is read, empty where all of the partition may be, to the longest
    need of it."""
    needs: dict[tuple[str, str], Need] = {}
    for stage in stages:
        again = _nights_made_again(stage, settings)
        for read in stage.reads:
            key = read.asset, read.table or read.newest
            need = Need(again + read.reach(settings), stage.name)
            if key not in needs or needs[key].days < need.days:
                needs[key] = need
    return needs


def _nights_made_again(stage: Stage, settings: Settings) -> int:
    """For how many days a partition of `stage` may be made now: the candles of a whole training window."""
    of_market = settings.training.window_days + lead_days(settings) if stage.job == MARKET else 0
    return REPEATED_NIGHTS + 1 + of_market


def check_retention(stages: Sequence[Stage], settings: Settings) -> None:
    """`InvalidInput` for a table that is kept for fewer days than the nights read of it."""
    needs, least = needs_of(stages, settings), Need(REPEATED_NIGHTS + 1, "the repetition of a missed night")
    for table, days in limited(settings.retention.lake).items():
        entry = catalogue()[table]
        known = (needs.get((entry.asset, key), least) for key in ("", entry.key))
        _refuse_short(f"lake.{table}", days, max(least, *known, key=lambda need: need.days))
    for section in ("database", "dagster"):
        for table, days in limited(getattr(settings.retention, section)).items():
            _refuse_short(f"{section}.{table}", days, least)


def _refuse_short(key: str, days: int, need: Need) -> None:
    if days < need.days:
        raise InvalidInput(
            f"retention.{key} is {days}, but {need.reader} needs the last {need.days} days of it, counting"
            f" {REPEATED_NIGHTS} nights that may be made again.",
            f"Set retention.{key} to {need.days} or more, or to forever.",
        )
