"""The outside world as assets see it, made from the settings, each part opened when it is first used.

Nothing is contacted when definitions load. Secrets stay inside: no part shows them in Dagster.
"""

from functools import cached_property
from typing import Any

from huracan.candles.schema import Timeframe
from huracan.candles.source import CandleSource
from huracan.errors import InvalidInput
from huracan_resources.database.database import Database
from huracan_resources.database.incidents import Incidents
from huracan_resources.database.partition_rows import PartitionRows
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.store import ObjectStore, open_store
from huracan_resources.notifier import Notifier
from huracan_resources.settings.settings import Settings


class Resources:
    """One place to reach the lake, the database, the brains, the candle source and the notifier."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def lake(self) -> Lake:
        return Lake(self._store(self.settings.storage.lake))

    @cached_property
    def brains(self) -> ObjectStore:
        return self._store(self.settings.storage.brains)

    @cached_property
    def database(self) -> Database:
        url = self.settings.database.url
        return Database(self.settings.storage.home, url.get_secret_value() if url else None)

    @cached_property
    def rows(self) -> PartitionRows:
        return PartitionRows(self.database)

    @cached_property
    def candle_source(self) -> CandleSource:
        return open_candle_source(self.settings)

    @cached_property
    def notifier(self) -> Notifier:
        return Notifier(self.settings.alerts.urls)

    @cached_property
    def incidents(self) -> Incidents:
        return Incidents(self.database)

    def _store(self, url: str) -> ObjectStore:
        return open_store(url, self._s3_client() if url.startswith("s3://") else None)

    def _s3_client(self) -> Any:
        """Credentials come from the environment, as everywhere with S3; the settings name only the server."""
        from dagster_aws.s3 import S3Resource

        storage = self.settings.storage
        return S3Resource(
            endpoint_url=storage.s3_endpoint_url, region_name=storage.s3_region, max_attempts=4
        ).get_client()


def open_candle_source(settings: Settings) -> CandleSource:
    """The candle source that the settings name."""
    source, timeframe = settings.source, Timeframe(settings.universe.timeframe)
    if source.kind == "files":
        from huracan_resources.candles.files import CandleFiles

        if source.files.directory is None:
            raise InvalidInput(
                "The candle source is files, but no directory is set.",
                "Use --source files:DIRECTORY, or set source.files.directory.",
            )
        return CandleFiles(source.files.directory, timeframe, source.files.exchange)
    if source.kind == "ccxt":
        from huracan_resources.candles.exchange import Exchange
        from huracan_resources.candles.exchange_client import ExchangeOptions

        ccxt = source.ccxt
        options = ExchangeOptions(
            api_key=ccxt.api_key.get_secret_value() if ccxt.api_key else "",
            api_secret=ccxt.secret.get_secret_value() if ccxt.secret else "",
            base_url=ccxt.base_url or "",
            timeout_s=ccxt.timeout_seconds,
            maximum_waits=ccxt.attempts,
            secret_variable="HURACAN_EXCHANGE_SECRET",
        )
        return Exchange(ccxt.exchange, timeframe, options)
    from huracan.candles.simulate import SimulatedMarket

    return SimulatedMarket(source.simulated, tuple(settings.universe.symbols), timeframe)
