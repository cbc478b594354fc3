"""Which days of a job are done: every partition is there, judged good, made from what is there now, and
in the database."""

from collections.abc import Iterable, Mapping
from datetime import date

from huracan.errors import HuracanError
from huracan_assets.database_rows import are_rows_loaded
from huracan_assets.finished import LAST_OF_NIGHT
from huracan_assets.stage import Stage
from huracan_resources.lake.manifest import Manifest
from huracan_resources.resources import Resources


class Freshness:
    """Compares manifests with today's code, configuration, inputs and database, without reading any data."""

    def __init__(self, resources: Resources, stages: Iterable[Stage]) -> None:
        self._resources = resources
        self._lake, self._settings = resources.lake, resources.settings
        self._stages: Mapping[str, Stage] = {stage.name: stage for stage in stages}

    def is_done(self, assets: Iterable[str], day: date) -> bool:
        """Whether every one of `assets` is current for `day`, also where its table has aged out since, and
        has its rows in the database."""
        stages = [self._stages[asset] for asset in assets]
        current = {}
        for stage in stages:
            manifest = self._current(stage, day, True)
            if manifest is None:
                return False
            current[stage.name] = manifest
        held = self._resources.rows.held(day) if any(stage.database for stage in stages) else {}
        return all(are_rows_loaded(current[stage.name], stage.database, held) for stage in stages)

    def is_readable(self, assets: Iterable[str], day: date) -> bool:
        """Whether every one of `assets` is current for `day` with its table still there."""
        return all(self._current(self._stages[asset], day, False) is not None for asset in assets)

    def is_there(self, assets: Iterable[str], day: date) -> bool:
        """Whether every one of `assets` has a good partition of `day`, by whatever code it was made.

        A night that came to its end was whole: an asset that it lacks was added by a later version.
        """
        was_whole = self._lake.manifest(LAST_OF_NIGHT, day) is not None
        found = [self._lake.manifest(asset, day) for asset in assets]
        return all(was_whole if each is None else not each.failed_verdicts for each in found)

    def is_outdated(self, assets: Iterable[str], day: date, *, with_records: bool = False) -> bool:
        """Whether one of `assets` has a partition of `day` that other code or settings made; records of a
        finished night count only `with_records`. Told by the manifests alone."""
        for asset in assets:
            stage, manifest = self._stages[asset], self._lake.manifest(asset, day)
            if manifest is None or stage.is_of_now(manifest, self._settings):
                continue
            if with_records or stage.record(self._lake, day) is None:
                return True
        return False

    def kept_records(self, day: date) -> list[str]:
        """The assets whose record of `day` is of other code or other settings than those of now."""
        return [
            stage.name
            for stage in self._stages.values()
            if (record := stage.record(self._lake, day)) and not stage.is_of_now(record, self._settings)
        ]

    def is_usable(self, assets: Iterable[str], day: date) -> bool:
        """Whether every one of `assets` has a partition of `day` that holds something and was judged good, of
        whatever inputs: it was made by what was known then."""
        found = [self._lake.manifest(asset, day) for asset in assets]
        return all(each is not None and each.is_good and self._lake.is_whole(each) for each in found)

    def days(self, asset: str) -> list[date]:
        """The days that have a partition of `asset`."""
        return self._lake.days(asset)

    def days_of_all(self, assets: Iterable[str]) -> set[date]:
        """The days that have a partition of every one of `assets`."""
        return set.intersection(*(set(self.days(asset)) for asset in assets))

    def _current(self, stage: Stage, day: date, may_be_aged_out: bool) -> Manifest | None:
        record = stage.record(self._lake, day)
        if record is not None:
            return record if self._lake.is_whole(record) else None
        try:
            inputs = stage.inputs(self._lake, day, self._settings)
        except HuracanError:
            return None
        return stage.current(self._lake, day, self._settings, inputs, may_be_aged_out=may_be_aged_out)
