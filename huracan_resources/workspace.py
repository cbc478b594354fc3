"""Read access to a home as pandas frames: what `huracan.open()` gives, and what the console shows trades by.

Nothing is written and nothing is computed here.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from huracan.candles.source import unknown_symbol
from huracan.errors import InvalidInput
from huracan.workspace import Day
from huracan_resources.catalogue import TRADES
from huracan_resources.lake.views import LakeViews
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import Settings, load_settings

if TYPE_CHECKING:
    import pandas as pd

_LEDGER = "shadow_trades"


class HomeWorkspace:
    """A `huracan.workspace.Workspace` over the lake and the database that the settings name."""

    def __init__(self, settings: Settings) -> None:
        self.resources = Resources(settings)

    def trades(self, first: Day, last: Day | None = None, **equal: str) -> "pd.DataFrame":
        conditions, values = ["true"], []
        for column, value in equal.items():
            if not column.isidentifier():
                raise InvalidInput(f"The trades have no column {column!r}.", "Use a column of the ledger.")
            if value is None:
                raise InvalidInput(
                    f"{column} is None, which no trade equals.", "Leave it out, or give a value."
                )
            conditions.append(f'"{column}" = ?')
            values.append(value)
        statement = f"SELECT * FROM trades WHERE {' AND '.join(conditions)} ORDER BY entry_time, trade_id"
        with self._views(first, first if last is None else last) as views:
            frame = _frame(views, statement, values)
        if frame.empty and "symbol" in equal:
            self.check_symbol(equal["symbol"])
        return frame

    def check_symbol(self, symbol: str) -> None:
        """InvalidInput, with the nearest name, for one that was never traded and is not in the universe."""
        known = set(self.resources.settings.universe.symbols)
        with self._views() as views:
            if symbol not in known and _LEDGER in views.tables:
                known |= {row["symbol"] for row in views.records(f"SELECT DISTINCT symbol FROM {_LEDGER}")}
        if symbol not in known:
            raise unknown_symbol(str(symbol), known, "the ledger and the universe")

    def table(self, name: str, first: Day | None = None, last: Day | None = None) -> "pd.DataFrame":
        with self._views(first, last) as views:
            return _frame(views, f'SELECT * FROM "{name.replace(chr(34), "")}" ORDER BY day')

    def tables(self) -> list[str]:
        with self._views() as views:
            return [*([TRADES] if _LEDGER in views.tables else []), *views.tables]

    def lake(self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> "pd.DataFrame":
        with self._views() as views:
            return _frame(views, statement, parameters)

    def database(self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> "pd.DataFrame":
        import pandas as pd

        names, rows = self.resources.database.query(statement, parameters)
        return pd.DataFrame(rows, columns=names)

    def _views(self, first: Day | None = None, last: Day | None = None) -> LakeViews:
        begins, ends = _day(first), _day(last)
        if begins is not None and ends is not None and begins > ends:
            raise InvalidInput(f"{begins} is after {ends}.", "Name the earlier day first.")
        return LakeViews(self.resources.lake, begins, ends)


def open_workspace(settings: Mapping[str, Any] | None = None) -> HomeWorkspace:
    """The workspace of this machine's settings, with `settings` by dotted key before them."""
    return HomeWorkspace(load_settings(settings))


def _frame(
    views: LakeViews, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
) -> "pd.DataFrame":
    frame: pd.DataFrame = views.query(statement, parameters).to_pandas()
    return frame


def _day(day: Day | None) -> date | None:
    if day is None:
        return None
    try:
        if isinstance(day, str):
            return date.fromisoformat(day)
        moment: Any = day if isinstance(day, date) else day.astype("datetime64[us]").item()
        if isinstance(moment, datetime):
            moment = (moment if moment.tzinfo is None else moment.astimezone(UTC)).date()
        if type(moment) is date:  # pandas' NaT says of itself that it is one
            return moment
    except (ValueError, TypeError, AttributeError):
        pass
    raise InvalidInput(f"{day!r} is not a day.", "Write it as YYYY-MM-DD, or give a date or a datetime.")
