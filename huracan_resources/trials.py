"""The trial ledger, in the database and in the lake: each outlives the other, and neither is ever aged.

A row is put into the lake first, as an object of its own, and then into the database. Whoever reads takes the
database and the list of the lake's objects, whose names carry the rows' hashes; what one of them lacks is
written again from the other. What a row says belongs in `huracan.promotion`.
"""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from huracan.errors import InputRefused
from huracan.models.canonical import canonical_json, read_json_object
from huracan.promotion.trial_rows import TrialRow, check_chain
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.store import ObjectStore

if TYPE_CHECKING:
    import psycopg

    from huracan_resources.database.database import Database

FOLDER = "trials"
_HOME = f"{FOLDER}/home.json"
_NAME = re.compile(rf"{FOLDER}/(\d{{8}})-([0-9a-f]{{16}})\.json")
_LOCK = 4_857_226_103
"""The advisory lock of whoever reads or appends; an arbitrary number of our own."""


def had_candles(lake: Lake) -> Callable[[date], bool]:
    """Whether the lake holds candles of a day that its checks found good."""

    def has(day: date) -> bool:
        manifest = lake.manifest("ohlcv", day)
        return manifest is not None and manifest.is_good

    return has


@dataclass(frozen=True)
class Copies:
    """What both copies hold."""

    home: str | None
    """Identity of the lake; None before its first row."""
    in_database: int
    in_lake: int


class TrialLedger:
    """The rows of one home."""

    def __init__(self, database: "Database", store: ObjectStore) -> None:
        self._database, self._store = database, store

    def rows(self) -> tuple[TrialRow, ...]:
        """All rows, in their order, both copies made equal.

        InputRefused where a row was changed or is gone from both, where the copies part, or where the
        database holds the ledger of another home.
        """
        with self._locked() as connection:
            return self._reconciled(connection)

    def append(self, kind: str, key: str, content: Mapping[str, Any]) -> TrialRow:
        """The row of `key`: a new one, or the first that was written under it, which stands."""
        with self._locked() as connection:
            rows = self._reconciled(connection)
            for row in rows:
                if (row.kind, row.key) == (kind, key):
                    return row
            row = TrialRow.after(rows, kind, key, content)
            home = self._home() or self._begin()
            self._store.put(_key(row), row.to_json())
            _insert(connection, row, home)
            return row

    def copies(self) -> Copies:
        """How many rows each holds, as they are."""
        with self._database.connect() as connection:
            found = connection.execute("SELECT count(*) FROM trials").fetchone()
        return Copies(self._home(), found[0] if found else 0, len(self._listed()))

    def verify(self) -> int:
        """Reads every row of both copies; how many there are. InputRefused as `rows`, or where an object of
        the lake is not what its name says."""
        rows = self.rows()
        for row in rows:
            if TrialRow.from_json(self._store.get(_key(row)), f"{self._store.url}/{_key(row)}") != row:
                raise InputRefused(
                    f"{row.name} was changed in the lake after it was written.",
                    f"Delete {self._store.url}/{_key(row)}: the next night writes it again.",
                )
        return len(rows)

    def adopt(self) -> int:
        """Takes the database's ledger over into a lake that has none, because the lake was lost; the rows."""
        with self._locked() as connection:
            homes = _homes(connection)
            if self._home() is not None or len(homes) != 1:
                raise InputRefused(
                    "There is no ledger to take over: the lake has one of its own, or the database has none.",
                    "Run the night.",
                )
            self._store.put(_HOME, canonical_json({"home": homes.pop()}))
            return len(self._reconciled(connection))

    @contextmanager
    def _locked(self) -> "Iterator[psycopg.Connection]":
        with self._database.connect() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            yield connection

    def _reconciled(self, connection: "psycopg.Connection") -> tuple[TrialRow, ...]:
        home, homes = self._home(), _homes(connection)
        self._refuse_another_home(home, homes)
        held, listed = _held(connection), self._listed()
        if home is None:
            return ()
        rows = []
        for sequence in sorted({*held, *listed}):
            row = held.get(sequence)
            if row is None:
                key = f"{FOLDER}/{sequence:08d}-{listed[sequence]}.json"
                row = TrialRow.from_json(self._store.get(key), f"{self._store.url}/{key}")
            elif sequence in listed and not row.sha256.startswith(listed[sequence]):
                self._refuse_parting(row)
            rows.append(row)
        check_chain(rows)
        for row in rows:
            if row.sequence not in listed:
                self._store.put(_key(row), row.to_json())
            if row.sequence not in held:
                _insert(connection, row, home)
        return tuple(rows)

    def _refuse_another_home(self, home: str | None, homes: set[str]) -> None:
        if home is None and homes:
            raise InputRefused(
                f"The database holds the trial ledger of the home {min(homes)}, of which the lake"
                f" {self._store.url} knows nothing.",
                "If that lake was lost and this one takes its place, run huracan trials adopt; else give this"
                " home a database of its own (DATABASE_URL).",
            )
        if home is not None and homes - {home}:
            raise InputRefused(
                f"Two homes share one database: it holds the trial ledger of the home {min(homes - {home})},"
                f" and the lake {self._store.url} is of the home {home}.",
                "Give each home a database of its own (DATABASE_URL).",
            )

    def _refuse_parting(self, row: TrialRow) -> None:
        raise InputRefused(
            f"{row.name} is another one in the lake than in the database.",
            "One of them was changed or restored from an older copy: delete the wrong one's rows from there"
            " on, in the table trials or below trials/ in the lake, and the next night writes them again.",
        )

    def _home(self) -> str | None:
        if not self._store.exists(_HOME):
            return None
        return str(read_json_object(self._store.get(_HOME), f"{self._store.url}/{_HOME}").get("home", ""))

    def _begin(self) -> str:
        """A new identity: no two homes are mistaken for one."""
        home = uuid.uuid4().hex
        self._store.put(_HOME, canonical_json({"home": home}))
        return home

    def _listed(self) -> dict[int, str]:
        """Sequence to the beginning of the hash, of the lake's objects."""
        found = (_NAME.fullmatch(key) for key in self._store.list(f"{FOLDER}/"))
        return {int(each[1]): each[2] for each in found if each is not None}


def _key(row: TrialRow) -> str:
    return f"{FOLDER}/{row.sequence:08d}-{row.sha256[:16]}.json"


def _held(connection: "psycopg.Connection") -> dict[int, TrialRow]:
    rows = connection.execute("SELECT sequence, kind, key, content, previous, sha256 FROM trials").fetchall()
    return {
        row[0]: TrialRow(row[0], row[1], row[2], read_json_object(row[3].encode(), "a trial"), row[4], row[5])
        for row in rows
    }


def _homes(connection: "psycopg.Connection") -> set[str]:
    return {row[0] for row in connection.execute("SELECT DISTINCT home FROM trials").fetchall()}


def _insert(connection: "psycopg.Connection", row: TrialRow, home: str) -> None:
    connection.execute(
        "INSERT INTO trials (sequence, kind, key, content, previous, sha256, home)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (
            *(row.sequence, row.kind, row.key, canonical_json(row.content).decode()),
            *(row.previous, row.sha256, home),
        ),
    )
