"""Which days of a job are done: every partition is there, judged good, and made from what is there now."""

from collections.abc import Iterable, Mapping
from datetime import date

from huracan.errors import HuracanError
from huracan_assets.stage import Stage
from huracan_resources.lake import Lake
from huracan_resources.settings import Settings


class Freshness:
    """Compares manifests with today's code, configuration and inputs, without reading any data."""

    def __init__(self, lake: Lake, settings: Settings, stages: Iterable[Stage]) -> None:
        self._lake = lake
        self._settings = settings
        self._stages: Mapping[str, Stage] = {stage.name: stage for stage in stages}

    def is_done(self, assets: Iterable[str], day: date) -> bool:
        """Whether every one of `assets` is current for `day`, also where its table has aged out since."""
        return all(self._is_current(self._stages[asset], day, True) for asset in assets)

    def is_readable(self, assets: Iterable[str], day: date) -> bool:
        """Whether every one of `assets` is current for `day` with its table still there."""
        return all(self._is_current(self._stages[asset], day, False) for asset in assets)

    def is_there(self, assets: Iterable[str], day: date) -> bool:
        """Whether every one of `assets` has a good partition of `day`, by whatever code it was made."""
        found = [self._lake.manifest(asset, day) for asset in assets]
        return all(manifest is not None and not manifest.failed_verdicts for manifest in found)

    def days(self, asset: str) -> list[date]:
        """The days that have a partition of `asset`."""
        return self._lake.days(asset)

    def _is_current(self, stage: Stage, day: date, may_be_aged_out: bool) -> bool:
        try:
            inputs = stage.inputs(self._lake, day, self._settings)
        except HuracanError:
            return False
        current = stage.current(self._lake, day, self._settings, inputs, may_be_aged_out=may_be_aged_out)
        return current is not None
