"""What `huracan.open()` gives: the agreement alone. The platform implements it, above this floor."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Day: TypeAlias = date | str | np.datetime64
else:
    # Nothing is imported for the sake of a hint.
    Day = date | str
"""A UTC day: a date, YYYY-MM-DD, or a moment in it (datetime, pandas' Timestamp, numpy's datetime64); one of
another zone is taken to UTC first."""


class Workspace(Protocol):
    """Read access to one home. Days are UTC, both ends included; times carry their zone."""

    def trades(self, first: Day, last: Day | None = None, **equal: str) -> "pd.DataFrame":
        """The shadow trades of `first` to `last` (one day where `last` is None), a row each, in time.

        Every column of the ledger, the loss's primary reason, and `outcome` (win or loss). `equal` keeps the
        rows with these values: symbol="BTC/USDT", regime="range". InvalidInput where no day of the range was
        traded, and for a symbol that was never traded and is not in the universe.
        """
        ...

    def table(self, name: str, first: Day | None = None, last: Day | None = None) -> "pd.DataFrame":
        """One table of the lake, with the day of its partition; see `tables`.

        InvalidInput where no day of the range holds it.
        """
        ...

    def tables(self) -> list[str]:
        """The names of all tables of the lake that hold anything."""
        ...

    def lake(self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> "pd.DataFrame":
        """DuckDB's answer over the lake's tables; parameters as `?` or `$name`."""
        ...

    def database(self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> "pd.DataFrame":
        """PostgreSQL's answer; parameters as `%s` or `%(name)s`. Nothing is written."""
        ...
