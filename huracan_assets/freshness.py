"""Which days of a job are done: every partition is there, judged good, and made from what is there now."""

from collections.abc import Iterable, Mapping
from datetime import date

from huracan_assets.stage import Stage
from huracan_resources.lake import Lake
from huracan_resources.manifest import Manifest
from huracan_resources.settings import Settings


class Freshness:
    """Compares manifests with today's code, configuration and inputs, without reading any data."""

    def __init__(self, lake: Lake, settings: Settings, stages: Iterable[Stage]) -> None:
        self._lake = lake
        self._settings = settings
        self._stages: Mapping[str, Stage] = {stage.name: stage for stage in stages}
        self._manifests: dict[tuple[str, date], Manifest | None] = {}

    def is_done(self, assets: Iterable[str], day: date) -> bool:
        """Whether every one of `assets` is current for `day`."""
        return all(self._is_current(asset, day) for asset in assets)

    def forget(self) -> None:
        """A run has ended: look again."""
        self._manifests.clear()

    def _is_current(self, asset: str, day: date) -> bool:
        manifest, stage = self._manifest(asset, day), self._stages[asset]
        if manifest is None or manifest.failed_verdicts:
            return False
        made_by = (manifest.code_version, manifest.configuration_digest)
        if made_by != (stage.code_version, stage.configuration_digest(self._settings)):
            return False
        return all(self._hash(key) == known for key, known in manifest.inputs.items())

    def _hash(self, key: str) -> str | None:
        asset, day = key.split("/")
        manifest = self._manifest(asset, date.fromisoformat(day))
        return manifest.content_hash if manifest else None

    def _manifest(self, asset: str, day: date) -> Manifest | None:
        if (asset, day) not in self._manifests:
            self._manifests[asset, day] = self._lake.manifest(asset, day)
        return self._manifests[asset, day]
