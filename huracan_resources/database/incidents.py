"""Open troubles, so that each is told once: opened, alerted, resolved. Telling belongs in `notifier`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from huracan_resources.database.copy_in import storable
from huracan_resources.database.database import Database


@dataclass(frozen=True)
class Incident:
    """One trouble; `identity` is the same for the same trouble, whenever it is seen."""

    incident_id: int
    identity: str
    kind: str
    detail: str
    opened_at: datetime
    told: Sequence[str] = ()
    """Marks of the addresses that were told while another one did not answer."""


_COLUMNS = "incident_id, identity, kind, detail, opened_at, told"


class Incidents:
    """The table `incident`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open_incident(self, identity: str, kind: str, detail: str, at: datetime) -> bool:
        """Open an incident seen `at` (UTC); False if it is open already, whoever opened it."""
        with self._database.connect() as connection:
            row = connection.execute(
                "INSERT INTO incident (identity, kind, detail, opened_at) VALUES (%s, %s, %s, %s) "
                "ON CONFLICT (identity) WHERE resolved_at IS NULL DO NOTHING RETURNING incident_id",
                (storable(identity), kind, storable(detail), at),
            ).fetchone()
        return row is not None

    def mark_alerted(self, identity: str) -> None:
        """The open incident was delivered to a person."""
        self._change(
            "UPDATE incident SET is_alerted = true WHERE identity = %s AND resolved_at IS NULL",
            storable(identity),
        )

    def mark_told(self, identity: str, addresses: Iterable[str]) -> None:
        """The open incident was delivered to the addresses of these marks, and not to all."""
        self._change(
            "UPDATE incident SET told = %s WHERE identity = %s AND resolved_at IS NULL",
            sorted(addresses),
            storable(identity),
        )

    def undelivered(self) -> list[Incident]:
        """Open incidents that not every address was told of yet, oldest first."""
        return self._select("resolved_at IS NULL AND NOT is_alerted")

    def open_incidents(self) -> list[Incident]:
        """All open incidents, oldest first."""
        return self._select("resolved_at IS NULL")

    def resolve(self, identity: str, at: datetime) -> bool:
        """Close the open incident; False if there was none."""
        return bool(
            self._change(
                "UPDATE incident SET resolved_at = %s WHERE identity = %s AND resolved_at IS NULL",
                at,
                storable(identity),
            )
        )

    def _change(self, query: str, *values: object) -> int:
        with self._database.connect() as connection:
            return connection.execute(query.encode(), values).rowcount

    def _select(self, condition: str) -> list[Incident]:
        query = f"SELECT {_COLUMNS} FROM incident WHERE {condition} ORDER BY incident_id"
        with self._database.connect() as connection:
            return [Incident(*row) for row in connection.execute(query.encode()).fetchall()]
