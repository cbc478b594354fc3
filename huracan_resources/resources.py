"""The outside world as assets see it, made from the settings, each part opened when it is first used.

Nothing is contacted and no driver imported when definitions load. Secrets stay inside: no part shows them in
Dagster.
"""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from huracan.candles.schema import Timeframe
from huracan.candles.source import CandleSource
from huracan_resources.candle_sources import candle_sources
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.store import LocalStore, ObjectStore, open_store
from huracan_resources.lake.verified_files import VerifiedFiles
from huracan_resources.notifier import Notifier
from huracan_resources.settings.settings import Settings

if TYPE_CHECKING:
    from huracan_resources.database.database import Database
    from huracan_resources.database.incidents import Incidents
    from huracan_resources.database.partition_rows import PartitionRows
    from huracan_resources.trials import TrialLedger


class Resources:
    """One place to reach the lake, the database, the brains, the candle source and the notifier."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def lake(self) -> Lake:
        verified = VerifiedFiles(LocalStore(self.settings.storage.home / "cache"))
        return Lake(self._store(self.settings.storage.lake), verified)

    @cached_property
    def brains(self) -> ObjectStore:
        return self._store(self.settings.storage.brains)

    @cached_property
    def database(self) -> "Database":
        from huracan_resources.database.database import Database

        given = self.settings.database
        urls = (None if url is None else url.get_secret_value() for url in (given.url, given.reader_url))
        return Database(self.settings.storage.home, *urls)

    @cached_property
    def rows(self) -> "PartitionRows":
        from huracan_resources.database.partition_rows import PartitionRows

        return PartitionRows(self.database)

    @cached_property
    def candle_source(self) -> CandleSource:
        return open_candle_source(self.settings)

    @cached_property
    def trials(self) -> "TrialLedger":
        from huracan_resources.trials import TrialLedger

        return TrialLedger(self.database, self.lake.store)

    @cached_property
    def notifier(self) -> Notifier:
        return Notifier(self.settings.alerts.urls)

    @cached_property
    def incidents(self) -> "Incidents":
        from huracan_resources.database.incidents import Incidents

        return Incidents(self.database)

    def _store(self, url: str) -> ObjectStore:
        return open_store(url, self._s3_client() if url.startswith("s3://") else None)

    def _s3_client(self) -> Any:
        from huracan_resources.lake.s3_client import make_s3_client

        return make_s3_client(self.settings.storage.s3_endpoint_url, self.settings.storage.s3_region)


def open_candle_source(settings: Settings) -> CandleSource:
    """The candle source that the settings name."""
    kind, universe = candle_sources()[settings.source.kind], settings.universe
    return kind.open(settings.source[kind.name], universe.symbols, Timeframe(universe.timeframe))
