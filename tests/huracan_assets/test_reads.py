"""A read of one table of each day: what is read, by what it is recorded, and what makes it stale."""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from huracan.errors import InputRefused
from huracan.verdict import Verdict
from huracan_assets.reads import Inputs, Read, resolve_all, table_hash
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.manifest import Manifest, Origin
from huracan_resources.lake.parquet import encode_table
from huracan_resources.lake.store import LocalStore
from huracan_resources.settings.settings import load_settings

DAY = date(2025, 3, 3)
BEFORE = DAY - timedelta(days=1)
HOURS = Read("candles", key="hours", days=3, table="hourly", may_lack_days=True, edge=False)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(LocalStore(tmp_path))


def _write(
    lake: Lake, asset: str, day: date, values: Mapping[str, int], inputs: Mapping[str, str] | None = None
) -> Manifest:
    files = {f"{name}.parquet": encode_table(pa.table({"value": [value]})) for name, value in values.items()}
    return lake.write(asset, day, files, origin=Origin(inputs=inputs or {}, source="test"))


def _read(lake: Lake, *reads: Read) -> Inputs:
    return resolve_all(lake, reads, DAY, load_settings(environ={}))


def test_of_a_read_of_one_table_its_own_hash_is_recorded(lake: Lake) -> None:
    made = [_write(lake, "candles", day, {"data": 1, "hourly": day.day}) for day in (BEFORE, DAY)]
    inputs = _read(lake, HOURS)
    assert inputs.hashes() == dict(table_hash(manifest, "hourly") for manifest in made)
    assert inputs.table("hours", "hourly")["value"].to_pylist() == [2, 3]
    _write(lake, "candles", BEFORE, {"data": 9, "hourly": 2})
    assert _read(lake, HOURS).hashes() == inputs.hashes()
    _write(lake, "candles", BEFORE, {"data": 9, "hourly": 8})
    assert _read(lake, HOURS).hashes() != inputs.hashes()


def test_a_day_of_a_version_without_the_table_is_recorded_by_nothing(lake: Lake) -> None:
    _write(lake, "candles", BEFORE, {"data": 1})
    held = _write(lake, "candles", DAY, {"data": 1, "hourly": 3})
    inputs = _read(lake, HOURS)
    assert inputs.hashes() == dict([table_hash(held, "hourly")])
    assert inputs.days("hours") == [BEFORE, DAY]
    assert inputs.has("hours", "hourly.parquet")
    assert not inputs.holds("hours", BEFORE, "hourly.parquet")


def test_a_read_of_one_table_is_refused_where_its_day_is_missing_or_bad(lake: Lake) -> None:
    carried = Read("ledger", key="carried", ends=-1, optional=True, table="open", edge=False, is_record=True)
    assert not _read(lake, carried).has("carried", "open.parquet")
    _write(lake, "ledger", BEFORE - timedelta(days=1), {"data": 1, "open": 1})
    with pytest.raises(InputRefused, match="no partition ledger/2025-03-02"):
        _read(lake, carried)
    bad = [Verdict("adds_up", False, "It does not.")]
    lake.write("ledger", BEFORE, {}, verdicts=bad)
    with pytest.raises(InputRefused, match="judged bad by adds_up"):
        _read(lake, carried)


def test_of_what_was_made_from_one_table_only_that_table_makes_it_stale(lake: Lake) -> None:
    candles = _write(lake, "candles", DAY, {"data": 1, "hourly": 1})
    _write(lake, "features", DAY, {"data": 1}, dict([table_hash(candles, "hourly")]))
    reads = Read("candles"), Read("features")
    _write(lake, "candles", DAY, {"data": 2, "hourly": 1})
    assert _read(lake, *reads).has("features")
    _write(lake, "candles", DAY, {"data": 2, "hourly": 2})
    with pytest.raises(InputRefused, match="made from an earlier candles"):
        _read(lake, *reads)


def test_a_day_made_from_a_table_of_its_own_day_before_is_asked_only_in_a_chain(lake: Lake) -> None:
    before = _write(lake, "candles", BEFORE, {"data": 1, "closes": 1})
    _write(lake, "candles", DAY, {"data": 1, "closes": 1}, dict([table_hash(before, "closes")]))
    _write(lake, "candles", BEFORE, {"data": 1, "closes": 2})
    assert _read(lake, Read("candles", days=2)).days("candles") == [BEFORE, DAY]
    with pytest.raises(InputRefused, match="was not judged beside candles/2025-03-02"):
        _read(lake, Read("candles", days=2, chained="closes"))


def test_the_newest_earlier_day_that_holds_the_table_is_read_and_never_a_later_one(lake: Lake) -> None:
    newest = Read("candles", key="before", ends=-1, edge=False, newest="closes")
    days = [DAY - timedelta(days=back) for back in range(4, -1, -1)]
    assert _read(lake, newest).days("before") == []
    for day in (days[0], days[1], DAY):
        _write(lake, "candles", day, {"data": 1, "closes": day.day})
    assert _read(lake, newest).days("before") == [days[1]], "two days are missing"
    _write(lake, "candles", days[3], {"data": 1})
    assert _read(lake, newest).days("before") == [days[1]], "the last day lacks the table"
    _write(lake, "candles", days[3], {"data": 1, "closes": 7})
    assert _read(lake, newest).days("before") == [days[3]]
