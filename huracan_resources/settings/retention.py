"""How long each table is kept. Which tables there are, their assets declare; they are named as in SQL.

What reads a table back decides how short its days may be: see `huracan_assets.retention_needs`.
"""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from huracan.errors import InvalidInput
from huracan.tables import FOREVER, Always, Forever, Keep
from huracan_resources.catalogue import catalogue
from huracan_resources.database_tables import DATABASE_TABLES
from huracan_resources.settings.sections import OpenSection, Section

Days = Annotated[int, Field(ge=1)] | Forever
"""The newest nights whose rows are kept, or `forever`."""


def _never_deleted(value: Any, table: str, why: str) -> Any:
    if value == FOREVER:
        return value
    raise InvalidInput(
        f"The retention of {table} is {value}, but it is always kept: {why}.",
        f"Remove that setting, or write {FOREVER}.",
    )


def _setting(table: str, keep: Keep) -> tuple[Any, Any]:
    """Type and default. A table that is always kept has a setting too, to be refused with the reason."""
    if isinstance(keep, Always):
        refuse = partial(_never_deleted, table=table, why=keep.why)
        return Annotated[Forever, BeforeValidator(refuse)], FOREVER
    return Days, keep


class LakeRetention(OpenSection):
    """Tables of the lake. What has aged out of it can be made again only while its inputs are there."""

    @classmethod
    def declared(cls) -> Mapping[str, tuple[Any, Any]]:
        return {name: _setting(name, entry.table.keep) for name, entry in catalogue().items()}


class DatabaseRetention(OpenSection):
    """Tables of PostgreSQL."""

    @classmethod
    def declared(cls) -> Mapping[str, tuple[Any, Any]]:
        kept = {name: entry.table.keep for name, entry in catalogue().items() if entry.table.in_database}
        own = {name: table.keep for name, table in DATABASE_TABLES.items() if isinstance(table.keep, Always)}
        return {name: _setting(name, keep) for name, keep in {**kept, **own}.items()}


class DagsterRetention(Section):
    """Dagster's own records, in days of the calendar. What it knows of assets and checks is always kept."""

    event_log: Days = 90
    """What a run logged of its steps."""
    runs: Days = 90
    """Runs that made no asset and judged none, such as those of retention itself."""


class Retention(Section):
    """What ages out, and when."""

    lake: LakeRetention = Field(default_factory=lambda: LakeRetention.complete()())
    database: DatabaseRetention = Field(default_factory=lambda: DatabaseRetention.complete()())
    dagster: DagsterRetention = DagsterRetention()


def limited(section: Section) -> dict[str, int]:
    """Table to days, of those that are not kept forever."""
    return {name: days for name, days in section.model_dump().items() if isinstance(days, int)}
