"""What ages out is marked, counted and deleted, whatever kills it in between; all else stays as it was."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from huracan.errors import AgedOut, InputRefused, InvalidInput
from huracan_resources.database.database import Database
from huracan_resources.database.partition_rows import PartitionRows
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.parquet import encode_table
from huracan_resources.lake.store import LocalStore
from huracan_resources.lake.views import LakeViews
from huracan_resources.retention.ageing import age_out_of_database, age_out_of_lake

NEWEST = date(2025, 3, 10)
TODAY = date(2025, 3, 11)
TABLES = {("shadow_trades", "signals"): 3}


class Killed(BaseException):
    """The process ended here."""


class MortalStore(LocalStore):
    """A store whose process dies before its n-th change."""

    def __init__(self, root: Path, changes: int) -> None:
        super().__init__(root)
        self._left = changes

    def _live(self) -> None:
        if self._left == 0:
            raise Killed
        self._left -= 1

    def put(self, key: str, data: bytes) -> None:
        self._live()
        super().put(key, data)

    def delete(self, key: str) -> None:
        self._live()
        super().delete(key)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Five days up to NEWEST: trades, and as many signals as the day's number in the month."""
    made = Lake(LocalStore(tmp_path))
    for back in range(5):
        day = NEWEST - timedelta(days=back)
        signals = pa.table({"symbol": ["BTC/USDT"] * day.day})
        trades = pa.table({"trade_id": [f"{day}"]})
        files = {"data.parquet": encode_table(trades), "signals.parquet": encode_table(signals)}
        made.write("shadow_trades", day, files)
    return made


@pytest.fixture
def clean(database: Database) -> Iterator[Database]:
    yield database
    with database.connect() as connection:
        for table in ("retention_report", "shadow_signals", "partition_rows"):
            connection.execute(f"DELETE FROM {table}".encode())


def _reported(database: Database) -> list[tuple[object, ...]]:
    with database.connect() as connection:
        return connection.execute(
            "SELECT deleted_on, kind, table_name, day, rows, files, kept_from FROM retention_report"
            " ORDER BY day, deleted_on"
        ).fetchall()


EXPECTED = [(TODAY, "lake", "shadow_signals", date(2025, 3, day), day, 1, date(2025, 3, 8)) for day in (6, 7)]


def test_days_older_than_those_that_are_kept_go_and_are_reported(lake: Lake, clean: Database) -> None:
    found = age_out_of_lake(lake, clean, TABLES, NEWEST, TODAY, dry=False)
    assert [(each.day.day, each.rows, each.files) for each in found] == [(6, 6, 1), (7, 7, 1)]
    assert all(each.bytes > 100 for each in found)
    assert _reported(clean) == EXPECTED
    left = [key for key in lake.store.list() if "/signals-" in key]
    assert [key[24:28] for key in left] == ["3-08", "3-09", "3-10"]
    assert len([key for key in lake.store.list() if "/data-" in key]) == 5


def test_a_second_run_finds_nothing_more(lake: Lake, clean: Database) -> None:
    age_out_of_lake(lake, clean, TABLES, NEWEST, TODAY, dry=False)
    before = {key: lake.store.get(key) for key in lake.store.list()}
    assert age_out_of_lake(lake, clean, TABLES, NEWEST, TODAY + timedelta(days=1), dry=False) == []
    assert {key: lake.store.get(key) for key in lake.store.list()} == before
    assert _reported(clean) == EXPECTED


def test_a_dry_run_says_the_same_and_changes_nothing(lake: Lake, clean: Database) -> None:
    before = {key: lake.store.get(key) for key in lake.store.list()}
    would = age_out_of_lake(lake, clean, TABLES, NEWEST, TODAY, dry=True)
    assert {key: lake.store.get(key) for key in lake.store.list()} == before
    assert _reported(clean) == []
    assert would == age_out_of_lake(lake, clean, TABLES, NEWEST, TODAY, dry=False)


def test_a_folder_that_names_no_day_does_not_stop_it(lake: Lake, clean: Database) -> None:
    lake.store.put("shadow_trades/day=garbage/signals-0123456789ab.parquet", b"")
    assert len(age_out_of_lake(lake, clean, TABLES, NEWEST, TODAY, dry=False)) == 2


@pytest.mark.parametrize("changes", range(4))
def test_killed_before_any_of_its_changes_the_next_day_ends_it_and_counts_each_file_once(
    lake: Lake, clean: Database, changes: int
) -> None:
    assert isinstance(lake.store, LocalStore)
    with pytest.raises(Killed):
        mortal = Lake(MortalStore(lake.store.root, changes))
        age_out_of_lake(mortal, clean, TABLES, NEWEST, TODAY, dry=False)
    with LakeViews(lake) as views:
        kept = views.query("SELECT DISTINCT day FROM shadow_signals").num_rows
    assert kept == 5 - (changes + 1) // 2
    age_out_of_lake(lake, clean, TABLES, NEWEST, TODAY + timedelta(days=1), dry=False)
    assert [line[1:] for line in _reported(clean)] == [line[1:] for line in EXPECTED]
    assert not [key for key in lake.store.list() if "/signals-" in key and ("-06/" in key or "-07/" in key)]


def test_a_reader_is_told_that_it_aged_out_and_when_and_the_lineage_stays(
    lake: Lake, clean: Database
) -> None:
    day = date(2025, 3, 6)
    before = lake.manifest("shadow_trades", day)
    age_out_of_lake(lake, clean, TABLES, NEWEST, TODAY, dry=False)
    with pytest.raises(AgedOut, match=r"signals.parquet aged out on 2025-03-11 by retention"):
        lake.read_table("shadow_trades", day, "signals")
    assert lake.read_table("shadow_trades", day).num_rows == 1
    after = lake.manifest("shadow_trades", day)
    assert before is not None and after is not None
    assert (after.content_hash, after.files) == (before.content_hash, before.files)


def test_a_partition_is_done_work_while_its_main_table_is_there(lake: Lake, clean: Database) -> None:
    day, made_from = date(2025, 3, 6), ({}, "", "")
    age_out_of_lake(lake, clean, TABLES, NEWEST, TODAY, dry=False)
    assert lake.is_current("shadow_trades", day, *made_from) is not None
    age_out_of_lake(lake, clean, {("shadow_trades", "data"): 3}, NEWEST, TODAY, dry=False)
    assert lake.is_current("shadow_trades", day, *made_from) is None
    assert lake.is_current("shadow_trades", day, *made_from, may_be_aged_out=True) is not None


def test_a_partition_made_again_is_whole_again(lake: Lake, clean: Database) -> None:
    day = date(2025, 3, 6)
    age_out_of_lake(lake, clean, TABLES, NEWEST, TODAY, dry=False)
    lake.write("shadow_trades", day, {"signals.parquet": encode_table(pa.table({"symbol": ["X"]}))})
    assert lake.read_table("shadow_trades", day, "signals").num_rows == 1


def test_what_was_made_again_and_ages_out_on_the_same_day_is_counted_too(lake: Lake, clean: Database) -> None:
    age_out_of_lake(lake, clean, TABLES, NEWEST, TODAY, dry=False)
    again = {"signals.parquet": encode_table(pa.table({"symbol": ["X"] * 99}))}
    lake.write("shadow_trades", date(2025, 3, 6), again)
    (found,) = age_out_of_lake(lake, clean, TABLES, NEWEST, TODAY, dry=False)
    assert found.rows == 99
    assert [line[4:6] for line in _reported(clean)] == [(6 + 99, 2), (7, 1)]


def test_views_leave_out_what_aged_out_and_say_so_where_nothing_is_left(lake: Lake, clean: Database) -> None:
    age_out_of_lake(lake, clean, TABLES, NEWEST, TODAY, dry=False)
    with LakeViews(lake) as views:
        assert views.query("SELECT count(*) AS n FROM shadow_signals").to_pylist() == [{"n": 8 + 9 + 10}]
        assert "shadow_signals" in views.definitions()
    with LakeViews(lake, None, date(2025, 3, 7)) as views:
        assert views.query("SELECT trade_id FROM shadow_trades").num_rows == 2
        with pytest.raises(AgedOut, match="Every day of shadow_signals that was asked for has aged out"):
            views.query("SELECT * FROM shadow_signals")
    with LakeViews(lake) as views, pytest.raises(InvalidInput, match="no table 'nothing'"):
        views.query("SELECT * FROM nothing")


def test_only_a_marked_file_is_ever_deleted(lake: Lake) -> None:
    manifest = lake.require("shadow_trades", NEWEST)
    with pytest.raises(InputRefused, match="not marked"):
        lake.remove_aged_out(manifest, "signals.parquet")


def _signals(database: Database) -> None:
    rows = PartitionRows(database)
    for back in range(5):
        day = NEWEST - timedelta(days=back)
        times = [f"{day}T00:{minute:02}:00Z" for minute in range(back + 1)]
        table = pa.table(
            {
                "symbol": ["BTC/USDT"] * len(times),
                "signal_time": times,
                "action": ["ENTER_LONG"] * len(times),
                "side": ["long"] * len(times),
                "status": ["declined"] * len(times),
            }
        )
        rows.load("shadow_signals", day, f"hash of {day}", table)


def _days(database: Database) -> list[int]:
    with database.connect() as connection:
        found = connection.execute("SELECT DISTINCT day FROM shadow_signals ORDER BY 1").fetchall()
    return [day.day for (day,) in found]


def test_rows_go_with_their_count_and_are_not_loaded_again(clean: Database) -> None:
    _signals(clean)
    tables = {"shadow_signals": 3}
    would = age_out_of_database(clean, tables, NEWEST, TODAY, dry=True)
    assert _days(clean) == [6, 7, 8, 9, 10] and _reported(clean) == []
    found = age_out_of_database(clean, tables, NEWEST, TODAY, dry=False)
    assert found == would and [(each.day.day, each.rows) for each in found] == [(6, 5), (7, 4)]
    _signals(clean)
    assert _days(clean) == [8, 9, 10]
    assert age_out_of_database(clean, tables, NEWEST, TODAY, dry=False) == []
    assert [(line[1], line[3].day, line[4], line[5]) for line in _reported(clean)] == [  # type: ignore[attr-defined]
        ("database", 6, 5, 0),
        ("database", 7, 4, 0),
    ]


def test_killed_before_the_commit_no_row_is_gone_and_none_is_reported(
    clean: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Killed

    _signals(clean)
    monkeypatch.setattr("huracan_resources.retention.ageing.add", die)
    with pytest.raises(Killed):
        age_out_of_database(clean, {"shadow_signals": 3}, NEWEST, TODAY, dry=False)
    assert _days(clean) == [6, 7, 8, 9, 10] and _reported(clean) == []


def test_an_unknown_table_is_refused_with_the_nearest_name(clean: Database) -> None:
    with pytest.raises(InvalidInput, match=r"no table shadow_signal\b.*shadow_signals"):
        age_out_of_database(clean, {"shadow_signal": 3}, NEWEST, TODAY, dry=True)
