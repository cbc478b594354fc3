"""Dagster's own storage in our PostgreSQL, so that a plain `dagster dev` needs no preparation.

Named in dagster.yaml. The one file of this floor that imports Dagster.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage
from sqlalchemy import create_engine

from huracan_resources.database.address import DAGSTER_SCHEMA, dagster_url, plain_url, shown_url
from huracan_resources.database.database import open_connection
from huracan_resources.database.embedded_postgres import embedded_url
from huracan_resources.database.refusals import as_ours
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
        with as_ours(shown_url(url), url), _locked(url) as connection:
            # A role that may not make schemas may use one that an administrator made.
            if connection.execute("SELECT to_regnamespace(%s)", (DAGSTER_SCHEMA,)).fetchone() == (None,):
                connection.execute(f"CREATE SCHEMA {DAGSTER_SCHEMA}".encode())
            connection.commit()
            storage = cls(dagster_url(url), inst_data=inst_data)
            storage._event_log_storage = _EventLog(storage.postgres_url, should_autocreate_tables=False)
            storage._keep_connections()
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


class _EventLog(PostgresEventLogStorage):
    """Dagster's own, but for the first run of an asset: several processes at once would each insert its
    limit, and all but one go on in a transaction that is over."""

    def initialize_concurrency_limit_to_default(self, concurrency_key: str) -> bool:
        with _locked(self.postgres_url):
            limits = {pool.name: pool.limit for pool in self.get_pool_limits()}
            # Whoever held the lock before may have made it.
            is_made = limits.get(concurrency_key) == self._instance.global_op_concurrency_default_limit
            return is_made or super().initialize_concurrency_limit_to_default(concurrency_key)


@contextmanager
def _locked(url: str) -> Iterator[psycopg.Connection]:
    """A connection that holds the lock until it is closed."""
    connection = open_connection(plain_url(url))
    try:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        connection.commit()
        yield connection
    finally:
        connection.close()
