"""No door to a lake on disk gives a number from a file that is not as it was written."""

import hashlib
import json
import os
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

import huracan
from huracan.candles.schema import TIME
from huracan.errors import HuracanError, InputRefused, InvalidInput
from huracan_console.main import main
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.parquet import encode_table
from huracan_resources.lake.store import LocalStore
from huracan_resources.lake.verified_files import VALID_SECONDS, VerifiedFiles
from huracan_resources.lake.views import LakeViews

DAY, NEXT_DAY = date(2025, 2, 7), date(2025, 2, 8)
ENTERED = datetime(2025, 2, 7, 12, 1, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """Two days of two trades each, in a home that the environment names."""
    for name in [name for name in os.environ if name.startswith(("HURACAN", "DATABASE"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HURACAN_HOME", str(tmp_path))
    made = Lake(LocalStore(tmp_path / "lake"))
    for day in (DAY, NEXT_DAY):
        moments = pa.array([ENTERED] * 2, TIME)
        net = pa.array([12.5, -3.25])
        trades = {"trade_id": [f"{day}-a", f"{day}-b"], "signal_time": moments, "entry_time": moments}
        names = json.dumps({"actions": ["WAIT"], "bias_terms": []}).encode()
        table = pa.table(trades | {"net_bps": net, "net_usd": net})
        made.write("shadow_trades", day, {"data.parquet": encode_table(table), "model.json": names})
    return made


def _file(lake: Lake, day: date = DAY) -> Path:
    manifest = lake.manifest("shadow_trades", day)
    assert manifest is not None
    return lake.local_file(manifest, "data.parquet")


def _command(*words: str) -> None:
    """The console's own end is an exit code and one line; here it is the error."""
    answer = CliRunner().invoke(main, words)
    if answer.exit_code:
        said = answer.stdout + answer.stderr
        assert said.count("\n") == 1
        raise InputRefused(said, "")


DOORS = {
    "sql": lambda: _command("sql", "SELECT sum(net_bps) FROM shadow_trades"),
    "sql of the view": lambda: _command("sql", "--json", "SELECT sum(net_usd) FROM trades"),
    "sql --views": lambda: _command("sql", "--views"),
    "trades": lambda: _command("trades", "--from", str(DAY), "--to", str(DAY), "--json"),
    "trade": lambda: _command("trade", f"{DAY}-a", "--json"),
    "open().trades": lambda: huracan.open().trades(DAY),
    "open().table": lambda: huracan.open().table("shadow_trades", DAY),
    "open().lake": lambda: huracan.open().lake("SELECT count(*) FROM shadow_trades"),
}


@pytest.mark.slow
@pytest.mark.parametrize("door", DOORS)
def test_a_flipped_bit_is_refused_at_every_door(lake: Lake, door: str) -> None:
    DOORS[door]()
    path, generator = _file(lake), np.random.default_rng(60)
    whole = path.read_bytes()
    for place in generator.choice(len(whole) * 8, 60, replace=False).tolist():
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        path.write_bytes(flipped)
        with pytest.raises(InputRefused, match=f"{path.name} is damaged"):
            DOORS[door]()
    path.write_bytes(whole)
    DOORS[door]()


@pytest.mark.parametrize("door", DOORS)
def test_a_lost_file_is_one_sentence_at_every_door(lake: Lake, door: str) -> None:
    path = _file(lake)
    path.unlink()
    with pytest.raises(InputRefused, match=f"{path.name} is missing"):
        DOORS[door]()


def test_a_file_that_goes_while_it_is_asked_for_is_one_sentence(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lake, "local_file", lambda *_: Path("/gone.parquet"))
    with LakeViews(lake) as views, pytest.raises(InvalidInput, match="DuckDB refused") as refused:
        views.query("SELECT * FROM shadow_trades")
    assert "\n" not in str(refused.value)


def test_a_table_whose_every_file_is_lost_is_not_called_unknown(lake: Lake) -> None:
    for day in (DAY, NEXT_DAY):
        _file(lake, day).unlink()
    for first in (None, DAY):
        with LakeViews(lake, first) as views, pytest.raises(InputRefused, match="is missing"):
            views.query("SELECT * FROM shadow_trades")


@pytest.mark.parametrize("name", ["garbage", "2025-02-30", "20250209", "2025-W06-7", ""])
def test_a_folder_that_names_no_day_breaks_nothing(lake: Lake, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "lake" / "shadow_trades"
    shutil.copytree(folder / f"day={DAY}", folder / f"day={name}")
    assert lake.days("shadow_trades") == [DAY, NEXT_DAY]
    assert lake.strays() == [f"shadow_trades/day={name}"]
    for open_door in DOORS.values():
        open_door()


def test_a_folder_without_a_manifest_and_hidden_files_are_no_tables(lake: Lake, tmp_path: Path) -> None:
    path, folder = _file(lake), tmp_path / "lake" / "shadow_trades"
    path.with_name(f"._{path.name}").write_bytes(b"AppleDouble")
    (folder / ".DS_Store").write_bytes(b"\0")
    (folder / f"day={NEXT_DAY}" / "manifest.json").unlink()
    assert lake.strays() == [f"shadow_trades/day={NEXT_DAY}"]
    with LakeViews(lake) as views:
        assert list(views.tables) == ["shadow_trades"]


def test_a_folder_that_was_copied_to_another_day_is_refused(lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "lake" / "shadow_trades"
    shutil.copytree(folder / f"day={DAY}", folder / "day=2025-02-09")
    with pytest.raises(InputRefused, match=f"is that of shadow_trades/{DAY}"):
        lake.manifest("shadow_trades", date(2025, 2, 9))
    with LakeViews(lake) as views, pytest.raises(HuracanError, match="copied or renamed"):
        views.query("SELECT * FROM shadow_trades")


class Hashed:
    """Counts the files that are hashed, on a clock that stands where it was put."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
        self.times, self._real = 0, hashlib.file_digest
        self.now = path.stat().st_ctime + 3600.0
        monkeypatch.setattr(hashlib, "file_digest", self._count)

    def _count(self, *arguments: object) -> object:
        self.times += 1
        return self._real(*arguments)  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "file"
    made.write_bytes(b"content")
    return made


SHA256 = hashlib.sha256(b"content").hexdigest()


def _verify(path: Path, hashed: Hashed) -> bool:
    """As one process does after the other."""
    verified = VerifiedFiles(LocalStore(path.parent / "cache"), lambda: hashed.now)
    is_whole = verified.is_whole(path, SHA256)
    verified.save()
    return is_whole


def test_a_file_is_hashed_once_and_again_after_a_day(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = Hashed(monkeypatch, path)
    assert _verify(path, hashed) and _verify(path, hashed)
    assert hashed.times == 1
    hashed.now += VALID_SECONDS
    assert _verify(path, hashed) and hashed.times == 2
    hashed.now -= 1.0
    assert _verify(path, hashed) and hashed.times == 3


def test_a_change_that_hides_its_time_is_found(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed, before = Hashed(monkeypatch, path), path.stat()
    assert _verify(path, hashed)
    path.write_bytes(b"contemt")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not _verify(path, hashed)
    path.write_bytes(b"content")
    assert _verify(path, hashed)
    with pytest.raises(FileNotFoundError):
        path.unlink()
        _verify(path, hashed)


def test_a_file_that_was_just_written_is_not_trusted_by_its_time(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = Hashed(monkeypatch, path)
    hashed.now = path.stat().st_ctime + 1.0
    assert _verify(path, hashed) and _verify(path, hashed)
    assert hashed.times == 2


@pytest.mark.parametrize(
    "damage", [b"", b"[]", b"{", b"\xff", b'{"file": 1}', b'{"file": []}', b'{"f": [1, "x"]}']
)
def test_a_damaged_memory_of_what_was_verified_is_no_matter(
    path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes
) -> None:
    hashed = Hashed(monkeypatch, path)
    _verify(path, hashed)
    (path.parent / "cache" / "verified_files.json").write_bytes(damage)
    assert _verify(path, hashed) and hashed.times == 2


def test_a_home_that_may_not_be_written_is_read_all_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise InvalidInput("It could not be written.", "")

    hashed = Hashed(monkeypatch, path)
    monkeypatch.setattr(LocalStore, "put", refuse)
    assert _verify(path, hashed) and _verify(path, hashed)


def test_what_was_verified_long_ago_is_forgotten(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed, kept = Hashed(monkeypatch, path), path.parent / "cache" / "verified_files.json"
    _verify(path, hashed)
    assert list(json.loads(kept.read_bytes())) == [str(path)]
    other = path.with_name("other")
    path.rename(other)
    hashed.now += VALID_SECONDS + timedelta(hours=1).total_seconds()
    _verify(other, hashed)
    assert list(json.loads(kept.read_bytes())) == [str(other)]
