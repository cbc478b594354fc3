"""Dagster's own storage in our PostgreSQL, so that a plain `dagster dev` needs no preparation.

Named in dagster.yaml. The one file of this floor that imports Dagster.
"""

from collections.abc import Mapping
from typing import Any

from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from sqlalchemy import create_engine

from huracan_resources.database.database import DAGSTER_SCHEMA, dagster_url, open_connection, plain_url
from huracan_resources.database.embedded_postgres import embedded_url
from huracan_resources.settings.settings import load_settings

_KEPT, _MORE = 1, 4
"""Connections that each of Dagster's three stores keeps open, and how many more it may open at once."""

_LOCK = 4_857_226_103
"""The advisory lock under which Dagster's tables are made; two processes at once would spoil them."""


class HuracanDagsterStorage(DagsterPostgresStorage):
    """dagster-postgres on the database of our settings, in a schema of its own.

    In dagster.yaml: `storage: {custom: {module: huracan_resources.database.dagster_storage, class:
    HuracanDagsterStorage, config: {}}}`.
    """

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Nothing to configure: the settings say where the database is."""
        return {}

    @classmethod
    def from_config_value(
        cls,
        inst_data: ConfigurableClassData | None,
        config_value: Mapping[str, Any],  # noqa: ARG003
    ) -> "HuracanDagsterStorage":
        """Start the embedded server if it is ours to start, and make Dagster's tables under a lock."""
        settings = load_settings()
        given = settings.database.url
        url = embedded_url(settings.storage.home) if given is None else plain_url(given.get_secret_value())
        with open_connection(url) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {DAGSTER_SCHEMA}".encode())
            connection.commit()
            storage = cls(dagster_url(url), inst_data=inst_data)
            storage._keep_connections()
            connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
        return storage

    def _keep_connections(self) -> None:
        """Dagster opens a connection for every statement; half of a run's overhead went into that.

        The webserver replaces the pool by one of its own with a time limit.
        """
        stores: list[Any] = [self.run_storage, self.event_log_storage, self.schedule_storage]
        for store in stores:
            store._engine.dispose()
            store._engine = create_engine(
                self.postgres_url,
                isolation_level="AUTOCOMMIT",
                pool_size=_KEPT,
                max_overflow=_MORE,
                pool_pre_ping=True,
            )
