"""SQL over the lake: every table of every asset as a DuckDB view, with the day of its partition as a column.

A view reads exactly the files that the manifests name, each found as it was written. The tables of PostgreSQL
are not here.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, date
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from huracan.errors import AgedOut, HuracanError, InvalidInput
from huracan.tables import TEXT, Column, arrow_schema, chosen
from huracan_resources.catalogue import TRADES, catalogue, name_of
from huracan_resources.lake.lake import Lake, named_day
from huracan_resources.lake.manifest import Manifest
from huracan_resources.lake.one_select import check_one_select, open_closed
from huracan_resources.lake.store import LocalStore

_TABLE = re.compile(r"(?P<asset>[^/]+)/day=(?P<day>[^/]+)/(?P<table>[^/.][^/]*)-[0-9a-f]{12}\.parquet")
_OUTCOME = Column("outcome", TEXT, "win (net_bps above 0) or loss")
_ANALYSES = {
    "loss_analysis": ("primary_reason", "severity", "is_preventable", "avoidance_rule"),
    "win_analysis": ("pattern_strength", "entry_quality", "exit_quality", "explanation"),
}


class LakeViews:
    """Views of the days `first` to `last`, both included; of all days where they are None."""

    def __init__(self, lake: Lake, first: date | None = None, last: date | None = None) -> None:
        self._lake, self._first, self._last = lake, first, last
        self._closing = ExitStack()

    def __enter__(self) -> "LakeViews":
        return self

    def __exit__(self, *_: object) -> None:
        self._lake.verified.save()
        self._closing.close()

    def narrow(self, first: date, last: date) -> None:
        """Only these days from here on. A second connection would cost more than most statements do."""
        self._first, self._last = first, last
        for view in {TRADES, *self.tables}:
            self._connection.execute(f"DROP VIEW IF EXISTS {_quoted(view)}")
        for known in ("tables", "aged_out"):
            self.__dict__.pop(known, None)

    @cached_property
    def _connection(self) -> Any:
        """Made when the first statement comes: whoever only wants to know the tables needs no DuckDB."""
        return self._closing.enter_context(open_closed(self._folders()))

    @cached_property
    def tables(self) -> dict[str, tuple[str, str]]:
        """View -> (asset, file) of every table that a partition holds, in the order of their names.

        Also where its files are lost: whoever asks for it must hear so, and not that there is no such table.
        """
        found, assets = set[tuple[str, str]](), set[str]()
        for key in self._lake.store.list():
            asset, _, rest = key.partition("/day=")
            day = named_day(rest.partition("/")[0])
            if day is None or not self._is_asked_for(day):
                continue
            assets.add(asset)
            file = _TABLE.fullmatch(key)
            if file:
                found.add((asset, file["table"]))
        for entry in catalogue().values():
            asset, table = entry.asset, entry.key
            if asset in assets and (asset, table) not in found and self._holding(asset, f"{table}.parquet"):
                found.add((asset, table))
        return dict(sorted((name_of(*named), named) for named in found))

    @cached_property
    def aged_out(self) -> set[str]:
        """Views of which no file is left, because retention let every day of them go."""
        assets = {key.partition("/day=")[0] for key in self._lake.store.list() if "/day=" in key}
        marked = {
            name_of(asset, file.removesuffix(".parquet"))
            for asset in assets
            for manifest in self._manifests(asset)
            for file in manifest.aged_out
        }
        return marked - set(self.tables)

    def query(self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> pa.Table:
        """The answer of one SELECT. InvalidInput where it is wrong, does more than read the lake's tables, or
        asks for one that is not there.

        Views are made as they are asked for: a statement about trades reads no manifest of the candles.
        """
        import duckdb

        try:
            check_one_select(self._connection, statement)
        except duckdb.Error as error:
            raise _wrong(error) from error
        made = set[str]()
        while True:
            try:
                return self._connection.sql(statement, params=parameters or None).to_arrow_table()
            except duckdb.CatalogException as error:
                missing = re.search(r"Table with name (\S+) does not exist", str(error))
                # Of another schema, as in temp.ohlcv, it is missing also after our view was made.
                if missing is None or missing[1].lower() in made:
                    raise _wrong(error) from error
                made.add(missing[1].lower())
                self._make(missing[1].lower(), error)
            except duckdb.Error as error:
                raise _wrong(error) from error

    def interrupt(self) -> None:
        """End the question that another thread waits for; there it is an error."""
        self._connection.interrupt()

    def rows(
        self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The same as names of columns, which may repeat, and rows of plain values."""
        found = self.query(statement, parameters)
        return found.column_names, list(zip(*map(_values, found.columns), strict=True))

    def records(
        self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[dict[str, Any]]:
        """The same as one mapping per row."""
        names, rows = self.rows(statement, parameters)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def without(self, view: str) -> HuracanError:
        """The error for a table that these days do not hold, with those that do, or the tables there are."""
        table = "shadow_trades" if view == TRADES else view
        if table in self.aged_out:
            return _aged_out(view)
        held = LakeViews(self._lake).tables
        if table in held:
            days = self._lake.days(held[table][0])
            return InvalidInput(
                f"No day that was asked for holds {view}.", f"Ask for days from {days[0]} to {days[-1]}."
            )
        if not held:
            return InvalidInput(f"The lake has no table {view!r}.", "It is empty: run huracan nightly first.")
        days = sorted(
            day for asset in {asset for asset, _ in held.values()} for day in self._lake.days(asset)
        )
        has = f"It has {', '.join([*([TRADES] if 'shadow_trades' in held else []), *held])}"
        made = "; huracan nightly makes the others" if table in catalogue() else ""
        return InvalidInput(
            f"The lake has no table {view!r}{' yet' if made else ''}.",
            f"{has} of days from {days[0]} to {days[-1]}{made}.",
        )

    def definitions(self) -> str:
        """CREATE VIEW statements for any DuckDB that can read the lake's files, as they are now."""
        made = [
            f"CREATE OR REPLACE VIEW {_quoted(view)} AS {self._selection(view)};"
            for view, (asset, table) in self.tables.items()
            if self._holding(asset, f"{table}.parquet")
        ]
        if "shadow_trades" in self.tables:
            made.append(f"CREATE OR REPLACE VIEW {TRADES} AS {self._trades()};")
        return "\n".join(made)

    def _folders(self) -> list[Path]:
        """Of a lake on disk, those that hold partitions: beside them a home may keep its keys."""
        store = self._lake.store
        if not isinstance(store, LocalStore) or not store.root.is_dir():
            return []
        return [folder for folder in sorted(store.root.iterdir()) if next(folder.glob("day=*"), None)]

    def _make(self, view: str, error: Exception) -> None:
        if view == TRADES and "shadow_trades" in self.tables:
            for part in ("shadow_trades", *_ANALYSES):
                if part in self.tables:
                    self._make(part, error)
            self._connection.execute(f"CREATE OR REPLACE VIEW {TRADES} AS {self._trades()}")
        elif view not in self.tables:
            raise self.without(view) from error
        elif isinstance(self._lake.store, LocalStore):
            selection = self._selection(view)
            self._connection.execute(f"CREATE OR REPLACE VIEW {_quoted(view)} AS {selection}")
        else:
            self._connection.register(view, self._read(view))

    def _selection(self, view: str) -> str:
        """What a view selects from the files of its partitions."""
        import duckdb

        asset, table = self.tables[view]
        store = self._lake.store
        if not isinstance(store, LocalStore):
            raise InvalidInput(
                f"The lake lies in {store.url}, where a view cannot read files by their paths.",
                "Ask by huracan sql, or point your own DuckDB at the bucket.",
            )
        file = f"{table}.parquet"
        paths = [str(self._lake.local_file(manifest, file)) for manifest in self._holding(asset, file)]
        if not paths:
            raise _aged_out(view)
        listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
        files = f"read_parquet([{listed}], union_by_name = true, hive_partitioning = true)"
        try:
            known = self._connection.sql(f"SELECT * FROM {files}").columns
        except duckdb.Error as error:
            raise _wrong(error) from error
        return f"SELECT {', '.join(['*', *_nulls(_declared(view), known)])} FROM {files}"

    def _read(self, view: str) -> pa.Table:
        asset, table = self.tables[view]
        parts = []
        for manifest in self._holding(asset, f"{table}.parquet"):
            rows = self._lake.read_manifests([manifest], None, table)
            if "day" not in rows.column_names:
                rows = rows.append_column("day", pa.array([manifest.day] * rows.num_rows, pa.date32()))
            parts.append(rows)
        if not parts:
            raise _aged_out(view)
        parts.append(arrow_schema(_declared(view)).empty_table())
        return pa.concat_tables(parts, promote_options="default")

    def _trades(self) -> str:
        joined, shown = "FROM shadow_trades", ["shadow_trades.*"]
        for table, columns in _ANALYSES.items():
            if table in self.tables:
                joined += f" LEFT JOIN {table} USING (day, trade_id)"
                shown += [f"{table}.{column}" for column in columns]
        outcome = f"CASE WHEN shadow_trades.net_bps > 0 THEN 'win' ELSE 'loss' END AS {_OUTCOME.name}"
        return f"SELECT {', '.join([*shown, outcome])} {joined}"

    def _holding(self, asset: str, file: str) -> list[Manifest]:
        return [
            manifest
            for manifest in self._manifests(asset)
            if file in manifest.files and file not in manifest.aged_out
        ]

    def _manifests(self, asset: str) -> list[Manifest]:
        days = [day for day in self._lake.days(asset) if self._is_asked_for(day)]
        found = (self._lake.manifest(asset, day) for day in days)
        return [manifest for manifest in found if manifest is not None]

    def _is_asked_for(self, day: date) -> bool:
        return (self._first is None or day >= self._first) and (self._last is None or day <= self._last)


def trades_columns() -> tuple[Column, ...]:
    """Those of the view of trades, where there are analyses; `day` is added as to any view."""
    tables = {name: catalogue()[name].table.columns for name in ("shadow_trades", *_ANALYSES)}
    analysed = (column for name, names in _ANALYSES.items() for column in chosen(tables[name], *names))
    return *tables["shadow_trades"], *analysed, _OUTCOME


def _declared(view: str) -> Sequence[Column]:
    """The columns of today. Days of before may lack some and have nulls there, also where no day has them."""
    entry = catalogue().get(view)
    return () if entry is None else entry.table.columns


def _nulls(columns: Sequence[Column], known: Sequence[str]) -> list[str]:
    """Selections of those of the columns that are not `known`."""
    import duckdb

    schema = arrow_schema([column for column in columns if column.name not in known])
    # Not `empty_table`, which would import pandas.
    rows = pa.Table.from_batches([], schema)
    types = duckdb.from_arrow(rows).types if schema.names else []
    return [f"NULL::{kind} AS {_quoted(name)}" for name, kind in zip(schema.names, types, strict=True)]


def _values(column: pa.ChunkedArray) -> list[Any]:
    """As Python has them. For a time with a zone Arrow would import pandas, so it is given without one."""
    if getattr(column.type, "tz", None) != "UTC":
        values: list[Any] = column.to_pylist()
        return values
    times = column.cast(pa.timestamp(column.type.unit)).to_pylist()
    return [None if time is None else time.replace(tzinfo=UTC) for time in times]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _aged_out(view: str) -> AgedOut:
    return AgedOut(
        f"Every day of {view} that was asked for has aged out.",
        "Ask for later days; huracan retention --dry-run shows how long each table is kept.",
    )


def _wrong(error: Exception) -> InvalidInput:
    return InvalidInput(
        f"DuckDB refused the statement: {' '.join(str(error).split())}", "Correct it and ask again."
    )
