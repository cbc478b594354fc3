"""Partitions are whole, verified and judged, whatever happens between two operations of the store."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.errors import InputRefused
from huracan.verdict import Verdict
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.manifest import Manifest, Origin
from huracan_resources.lake.parquet import encode_table
from huracan_resources.lake.store import LocalStore

DAY = date(2023, 6, 30)
BAD = Verdict("candle_continuity", False, "80 of 1440 minutes are missing.", {"missing": 80})


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
    return Lake(LocalStore(tmp_path))


def _table(*values: float) -> pa.Table:
    return pa.table({"symbol": ["BTC/USDT"] * len(values), "x": list(values)})


def _files(*values: float) -> dict[str, bytes]:
    return {"data.parquet": encode_table(_table(*values))}


def _data_file(lake: Lake, manifest: Manifest) -> Path:
    assert isinstance(lake.store, LocalStore)
    return lake.store.path(f"ohlcv/day={DAY}/{manifest.files['data.parquet'].stored_as}")


def _fill(lake: Lake, asset: str, *days: int, verdicts: tuple[Verdict, ...] = ()) -> list[Manifest]:
    return [
        lake.write(asset, DAY - timedelta(days=back), _files(float(back)), verdicts=verdicts) for back in days
    ]


files_of_a_partition = st.dictionaries(
    st.sampled_from(["policy.safetensors", "curve.csv", "report.json", "notes"]),
    st.binary(max_size=64),
    max_size=3,
)


@settings(max_examples=25, deadline=None)
@given(files=files_of_a_partition, note=st.text(max_size=20), number=st.floats())
def test_what_was_written_is_read_back(files: dict[str, bytes], note: str, number: float) -> None:
    with TemporaryDirectory() as root:
        lake = Lake(LocalStore(Path(root)))
        verdicts = [Verdict("rule", True, note, {"n": number, "s": "t", "b": True})]
        written = lake.write("a", DAY, files, note=note, verdicts=verdicts)
        read = lake.require("a", DAY)
        assert read.content_hash == written.content_hash
        assert read.to_json() == written.to_json()
        assert {name: lake.read_file("a", DAY, name) for name in read.files} == files
        assert len(read.verdicts) == 1 and read.note == note


def test_a_manifest_of_an_earlier_version_is_read(lake: Lake) -> None:
    """It had parameters, always none, and called a check a rule, which stored manifests still do."""
    (written,) = _fill(lake, "ohlcv", 0, verdicts=(BAD,))
    earlier = json.loads(written.to_json()) | {"parameters": {}}
    assert earlier["verdicts"][0]["rule"] == BAD.check
    assert Manifest.from_json(json.dumps(earlier).encode(), "manifest.json") == written


@settings(max_examples=40, deadline=None)
@given(old=files_of_a_partition, new=files_of_a_partition, changes=st.integers(0, 9))
def test_a_kill_between_any_two_changes_leaves_the_old_or_the_new(
    old: dict[str, bytes], new: dict[str, bytes], changes: int
) -> None:
    with TemporaryDirectory() as root:
        lake = Lake(LocalStore(Path(root)))
        lake.write("a", DAY, old)
        try:
            Lake(MortalStore(Path(root), changes)).write("a", DAY, new)
            survivors = [new]
        except Killed:
            survivors = [old, new]
        found = {name: lake.read_file("a", DAY, name) for name in lake.require("a", DAY).files}
        assert found in survivors
        lake.write("a", DAY, new)
        held = lake.require("a", DAY).files.values()
        assert lake.store.list() == sorted(
            ["a/day=2023-06-30/manifest.json", *(f"a/day=2023-06-30/{entry.stored_as}" for entry in held)]
        )


def test_a_first_write_that_is_killed_leaves_no_partition(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        Lake(MortalStore(tmp_path, 2)).write("a", DAY, {"x": b"1", "y": b"2"})
    assert Lake(LocalStore(tmp_path)).manifest("a", DAY) is None
    assert Lake(LocalStore(tmp_path)).days("a") == []


def test_a_changed_byte_is_refused_by_the_name_of_the_file(lake: Lake) -> None:
    (manifest,) = _fill(lake, "ohlcv", 0)
    path = _data_file(lake, manifest)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputRefused, match=path.name):
        lake.read_table("ohlcv", DAY)


@pytest.mark.parametrize(
    "damage", [lambda text: text[:-20], lambda text: text.replace(b"sha256", b"sha257"), lambda _: b"[]"]
)
def test_a_damaged_manifest_is_refused_by_its_name(lake: Lake, damage: Callable[[bytes], bytes]) -> None:
    _fill(lake, "ohlcv", 0)
    key = "ohlcv/day=2023-06-30/manifest.json"
    lake.store.put(key, damage(lake.store.get(key)))
    with pytest.raises(InputRefused, match=r"manifest\.json"):
        lake.require("ohlcv", DAY)


def test_the_same_rows_give_the_same_bytes_however_they_were_put_together() -> None:
    whole = pa.table({"symbol": ["A"] * 3 + ["B"] * 2, "x": [1.0, 2.0, 3.0, 4.0, 5.0]})
    pieces = pa.concat_tables([whole.slice(0, 1), whole.slice(1, 3), whole.slice(4)])
    assert encode_table(whole) == encode_table(pieces)


@pytest.mark.parametrize(
    ("rows", "groups"),
    [
        ([("A", 1440), ("B", 1440)], [1440, 1440]),
        ([("A", 1440), ("B", 1440), ("A", 1440)], [4320]),
        ([("A", 600), ("B", 600), ("C", 600)], [1200, 600]),
        ([("A", 24), ("B", 24)], [48]),
        ([], []),
    ],
)
def test_each_symbol_has_a_row_group_where_its_rows_stand_together_and_are_many(
    rows: list[tuple[str, int]], groups: list[int]
) -> None:
    symbols = [symbol for symbol, count in rows for _ in range(count)]
    table = pa.table({"symbol": pa.array(symbols, pa.string()), "x": pa.array(range(len(symbols)))})
    file = pq.ParquetFile(pa.BufferReader(encode_table(table)))
    assert file.read().equals(table)
    found = [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)]
    # Parquet writes one empty group for an empty table, or none, by version.
    assert [count for count in found if count] == groups


def test_days_are_sorted_and_know_only_whole_partitions(lake: Lake) -> None:
    _fill(lake, "ohlcv", 0, 3, 1)
    lake.store.put("ohlcv/day=2023-01-01/data-0.parquet", b"")
    assert lake.days("ohlcv") == [date(2023, 6, 27), date(2023, 6, 29), DAY]
    assert lake.days("other") == []


def test_a_missing_partition_is_refused_by_its_name(lake: Lake) -> None:
    with pytest.raises(InputRefused, match="ohlcv/2023-06-30"):
        lake.require("ohlcv", DAY)


def test_a_partition_judged_bad_is_refused_with_rule_and_reason(lake: Lake) -> None:
    _fill(lake, "ohlcv", 0, verdicts=(BAD,))
    with pytest.raises(InputRefused, match=r"candle_continuity: 80 of 1440"):
        lake.require("ohlcv", DAY)


def test_a_warning_does_not_close_a_partition(lake: Lake) -> None:
    _fill(lake, "ohlcv", 0, verdicts=(Verdict("warn", False, "so so", blocking=False),))
    assert lake.require("ohlcv", DAY).failed_verdicts == ()


def test_a_window_is_clipped_where_history_begins(lake: Lake) -> None:
    _fill(lake, "ohlcv", 2, 1, 0)
    assert [m.day for m in lake.window("ohlcv", DAY, 60)] == lake.days("ohlcv")
    assert [m.day for m in lake.window("ohlcv", DAY, 2)] == lake.days("ohlcv")[1:]
    read = lake.read_manifests(lake.window("ohlcv", DAY, 60), ["x"])
    assert read.column("x").to_pylist() == [2.0, 1.0, 0.0]


def test_a_hole_in_a_window_is_refused(lake: Lake) -> None:
    _fill(lake, "ohlcv", 3, 1, 0)
    with pytest.raises(InputRefused, match="2023-06-28"):
        lake.window("ohlcv", DAY, 60)
    assert len(lake.window("ohlcv", DAY, 2)) == 2


def test_more_than_a_week_without_a_day_is_a_beginning(lake: Lake) -> None:
    _fill(lake, "ohlcv", 30, 10, 2, 1, 0)
    assert [m.day for m in lake.window("ohlcv", DAY - timedelta(days=10), 60)] == [DAY - timedelta(days=10)]
    with pytest.raises(InputRefused, match="2023-06-27"):
        lake.window("ohlcv", DAY, 60)
    _fill(lake, "ohlcv", 11, 3)
    assert not lake.is_beginning("ohlcv", DAY - timedelta(days=9))
    assert lake.is_beginning("ohlcv", DAY - timedelta(days=20))
    assert not lake.is_beginning("ohlcv", DAY - timedelta(days=23))


def test_nothing_is_missed_before_the_first_day_of_the_universe(lake: Lake) -> None:
    _fill(lake, "ohlcv", 3, 1, 0)
    first_day = DAY - timedelta(days=1)
    assert [m.day for m in lake.window("ohlcv", DAY, 60, first_day)] == [first_day, DAY]


def test_a_bad_day_or_a_missing_last_day_closes_a_window(lake: Lake) -> None:
    _fill(lake, "ohlcv", 2)
    _fill(lake, "ohlcv", 1, verdicts=(BAD,))
    for last_day in (DAY - timedelta(days=1), DAY, DAY - timedelta(days=9)):
        with pytest.raises(InputRefused):
            lake.window("ohlcv", last_day, 3)


def test_a_window_passes_over_partitions_that_say_that_they_are_empty(lake: Lake) -> None:
    lake.write("shadow_trades", DAY - timedelta(days=1), {}, note="There is no checkpoint of the day before.")
    with pytest.raises(InputRefused):
        lake.read_manifests(lake.window("shadow_trades", DAY - timedelta(days=1), 30))
    with pytest.raises(InputRefused, match="no checkpoint of the day before"):
        lake.read_table("shadow_trades", DAY - timedelta(days=1))
    _fill(lake, "shadow_trades", 0)
    assert lake.read_manifests(lake.window("shadow_trades", DAY, 30)).num_rows == 1


def test_unchanged_work_is_current_and_anything_else_is_not(lake: Lake) -> None:
    inputs = {"ohlcv/2023-06-30": "hash"}
    made = lake.write("features", DAY, _files(1.0), origin=Origin(inputs, "1", "c"))
    assert lake.is_current("features", DAY, inputs, "1", "c") == made
    assert lake.is_current("features", DAY, {"ohlcv/2023-06-30": "other"}, "1", "c") is None
    assert lake.is_current("features", DAY, inputs, "2", "c") is None
    assert lake.is_current("features", DAY, inputs, "1", "d") is None
    assert lake.is_current("features", DAY - timedelta(days=1), inputs, "1", "c") is None
    lake.store.delete(f"features/day=2023-06-30/{made.files['data.parquet'].stored_as}")
    assert lake.is_current("features", DAY, inputs, "1", "c") is None


def test_a_partition_judged_bad_is_never_current(lake: Lake) -> None:
    _fill(lake, "ohlcv", 0, verdicts=(BAD,))
    assert lake.is_current("ohlcv", DAY, {}, "", "") is None


def test_writing_again_mends_a_damaged_file(lake: Lake) -> None:
    (manifest,) = _fill(lake, "ohlcv", 0)
    path = _data_file(lake, manifest)
    path.write_bytes(b"junk")
    assert _fill(lake, "ohlcv", 0) == [manifest]
    assert lake.read_table("ohlcv", DAY).num_rows == 1


def test_duckdb_reads_the_tables_in_place(lake: Lake, tmp_path: Path) -> None:
    import duckdb

    _fill(lake, "ohlcv", 1, 0)
    query = f"SELECT sum(x), count(*), min(day) FROM read_parquet('{tmp_path}/ohlcv/*/data-*.parquet')"
    assert duckdb.sql(query).fetchall() == [(1.0, 2, DAY - timedelta(days=1))]


def test_a_column_that_came_later_is_null_where_a_day_was_stored_before_it(lake: Lake) -> None:
    [first] = _fill(lake, "ohlcv", 0)
    later = _table(2.0).append_column("funding_rate", pa.array([0.0001]))
    files = {"data.parquet": encode_table(later)}
    second = lake.write("ohlcv", DAY + timedelta(days=1), files)
    both = lake.read_manifests([first, second])
    assert both["funding_rate"].to_pylist() == [None] * (both.num_rows - 1) + [0.0001]


def test_an_unknown_column_is_named(lake: Lake) -> None:
    _fill(lake, "ohlcv", 0)
    with pytest.raises(InputRefused, match="no column y"):
        lake.read_table("ohlcv", DAY, columns=["x", "y"])
