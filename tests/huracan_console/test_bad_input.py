"""Wrong input through the real command: one clear line, the right exit code, and nothing left behind.

Most commands run in this process, for the imports of a new one cost more than all the rest.
"""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from huracan.candles.schema import Timeframe
from huracan.candles.simulate import SimulatedMarket, SimulatedMarketConfig
from huracan_resources.database.embedded_postgres import embedded_url
from tests.end_to_end.command import FIRST_DAY, Answer, Home, assert_whole
from tests.end_to_end.conftest import make_home, signing_key  # noqa: F401

FIRST = FIRST_DAY.isoformat()
BACKFILL = ("backfill", "--from", FIRST, "--to", FIRST)
NIGHT = ("nightly", "--date", "2025-02-12")
TOMORROW = (datetime.now(UTC).date() + timedelta(days=1)).isoformat()


@pytest.fixture(scope="module")
def home(make_home) -> Home:  # type: ignore[no-untyped-def]  # noqa: F811
    """A home with one day of history, which no wrong input may touch."""
    home: Home = make_home()
    embedded_url(home.path)  # held by this process, so that not every command starts and stops a server
    assert home.call(*BACKFILL).code == 0
    assert home.lake.days("regimes") == [FIRST_DAY]
    return home


def _told(answer: Answer, code: int) -> str:
    """The one line for a person."""
    assert answer.code == code, answer.out + answer.err
    assert "Traceback" not in answer.out + answer.err
    lines = [line for line in answer.err.splitlines() if line.startswith("huracan:")]
    went_on = "huracan: what is done stays done; without the cause the same command goes on."
    lines = [line for line in lines if line != went_on]
    assert len(lines) == 1, answer.err
    return lines[0]


WRONG_USE = [
    (("nightly", "--date", TOMORROW), (TOMORROW, "has not closed yet", "last closed UTC day is")),
    (("nightly", "--date", "2020-01-01"), ("2020-01-01", "before universe.first_day", "universe.first_day")),
    (("nightly", "--date", "2025-13-40"), ("--date", "'2025-13-40' is not a day", "YYYY-MM-DD")),
    (("nightly", "--source", "ftp:x"), ("--source 'ftp:x' is unknown", "files:DIRECTORY")),
    (("nightly", "--source", "simulated:7"), ("'simulated:7' is unknown", "simulated, ccxt:EXCHANGE or")),
    ((*BACKFILL, "--jobs", "markt"), ("--jobs names 'markt'", "market, trade, learn, publish or all")),
    (("backfill", "--from", "2025-02-07", "--to", FIRST), ("--from 2025-02-07 is after --to", "earlier day")),
    (("backfill", "--from", FIRST), ("Missing option '--to'", "--help")),
    (
        (*NIGHT, "--set", "training.window_dayz=5"),
        ("training.window_dayz is unknown", "window_days?"),
    ),
    ((*NIGHT, "--set", "source.kind=fils"), ("source.kind is wrong", "'simulated', 'ccxt' or 'files'")),
    ((*NIGHT, "--set", "universe.first_day"), ("has no '='", "SECTION.KEY=VALUE")),
    ((*NIGHT, "--set", "universe.symbols=[BTC/USDT"), ("is not closed", "SECTION.KEY=[ONE, TWO]")),
]


def test_a_process_that_is_used_wrongly_ends_with_code_2_and_one_line(home: Home) -> None:
    answer = home.run("nightly", "--date", TOMORROW)
    assert answer.out == "" and answer.err.count("\n") == 1
    assert TOMORROW in _told(answer, 2)


@pytest.mark.parametrize(("words", "parts"), WRONG_USE, ids=[" ".join(words) for words, _ in WRONG_USE])
def test_wrong_use_is_one_line_of_what_and_what_to_do_and_exit_code_2(
    home: Home, words: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    before = home.partitions()
    told = _told(home.call(*words), 2)
    for part in parts:
        assert part in told
    assert home.partitions() == before


@pytest.fixture(scope="module")
def new(make_home) -> Home:  # type: ignore[no-untyped-def]  # noqa: F811
    """A home that no candles have come to yet, so that it takes any source."""
    home: Home = make_home()
    embedded_url(home.path)
    return home


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("files", ("no directory is set", "--source files:DIRECTORY")),
        ("files:/nowhere/at/all", ("/nowhere/at/all does not exist", "Create it")),
        ("ccxt:binanse", ("'binanse' is unknown", "Did you mean 'binance'?")),
    ],
)
def test_a_source_that_cannot_be_is_wrong_use_and_the_next_one_is_welcome(
    new: Home, source: str, parts: tuple[str, ...]
) -> None:
    told = _told(new.call("nightly", "--source", source), 2)
    for part in parts:
        assert part in told
    assert new.partitions() == {} and not (new.path / "huracan.yaml").exists()


def test_another_source_is_refused_before_anything_is_written(home: Home) -> None:
    before = home.partitions()
    assert "edge_strength: 8.0" in (home.path / "huracan.yaml").read_text()
    for words in (NIGHT, BACKFILL, ("up",)):
        for said in ("source.kind=ccxt", "source.simulated.seed=8"):
            told = _told(home.call(*words, "--set", said), 2)
            assert "(command line) is another candle source than this home's, simulated" in told
            assert "huracan.yaml, line " in told and "HURACAN_HOME of its own" in told
    assert home.partitions() == before and not (home.path / "up.json").exists()


def test_the_homes_own_source_is_used_where_nobody_names_one(home: Home) -> None:
    edge = "HURACAN__SOURCE__SIMULATED__EDGE_STRENGTH"
    mute = Home(home.path, {name: value for name, value in home.variables.items() if name != edge})
    assert mute.settings().source["simulated"].edge_strength == 8.0
    before = home.partitions()
    assert mute.call(*BACKFILL).code == 0
    assert home.partitions() == before
    source = next(each for each in json.loads(mute.call("doctor", "--json").out) if "source" in each["part"])
    assert source["is_ok"], source


def test_malformed_yaml_is_named_with_its_line(home: Home, tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("universe:\n  symbols: [BTC/USDT\ntraining: {}\n")
    told = _told(home.call(*BACKFILL, HURACAN_CONFIG_DIR=str(tmp_path)), 2)
    assert f"{tmp_path}/base.yaml, line 3" in told and "Correct the YAML there." in told


def test_a_database_that_does_not_answer_is_named_without_its_password(home: Home) -> None:
    before = home.partitions()
    url = "postgresql://nobody:hunter2@127.0.0.1:1/x"
    answer = home.call(*BACKFILL, DATABASE_URL=url)
    told = _told(answer, 1)
    assert "127.0.0.1:1" in told and "did not answer" in told and "DATABASE_URL" in told
    assert "hunter2" not in answer.out + answer.err
    assert home.partitions() == before


def test_a_database_that_refuses_the_user_is_wrong_use(home: Home) -> None:
    url = embedded_url(home.path).replace("postgres:@", "nobody:hunter2@")
    assert "nobody" in url
    told = _told(home.call(*BACKFILL, DATABASE_URL=url), 2)
    assert "refused the connection" in told and "Check user, password and name in DATABASE_URL" in told
    assert "hunter2" not in told


def test_an_exchange_that_cannot_be_reached_is_one_line(new: Home) -> None:
    nowhere = "source.ccxt.base_url=http://127.0.0.1:1"
    told = _told(new.call(*NIGHT, "--source", "ccxt:binance", "--set", nowhere), 1)
    assert "binance did not answer" in told and "Check the network connection" in told
    assert new.partitions() == {}


@pytest.fixture(scope="module")
def candles() -> pa.Table:
    market = SimulatedMarket(SimulatedMarketConfig(), ["BTC/USDT"], Timeframe("1m"))
    table = market.fetch_day("BTC/USDT", FIRST_DAY)
    return table.rename_columns(["timestamp", *table.column_names[1:]])


def _unreadable(table: pa.Table, path: Path) -> None:
    path.write_bytes(b"PAR1 this is not Parquet PAR1")


def _without_volume(table: pa.Table, path: Path) -> None:
    pq.write_table(table.drop_columns(["volume"]), path)


def _of_a_later_day(table: pa.Table, path: Path) -> None:
    later = pa.compute.add(table["timestamp"], pa.scalar(86_400_000, pa.duration("ms")))
    pq.write_table(table.set_column(0, "timestamp", later), path)


BAD_FILES: list[tuple[Callable[[pa.Table, Path], None], tuple[str, ...]]] = [
    (_unreadable, ("binance_BTC-USDT_1m.parquet",)),
    (_without_volume, ("binance_BTC-USDT_1m.parquet", "volume")),
    (
        _of_a_later_day,
        (
            f"no candle of BTC/USDT on {FIRST}",
            "2025-02-07",
            "Ask for a day inside that range: huracan nightly --date",
        ),
    ),
]


@pytest.fixture(scope="module")
def files_home(make_home) -> Home:  # type: ignore[no-untyped-def]  # noqa: F811
    made: Home = make_home(HURACAN__UNIVERSE__SYMBOLS="BTC/USDT")
    embedded_url(made.path)
    return made


@pytest.mark.parametrize(("spoil", "parts"), BAD_FILES, ids=["unreadable", "no volume", "before the data"])
def test_a_bad_candle_file_fails_the_day_in_one_line_and_leaves_no_partition(
    files_home: Home,
    candles: pa.Table,
    tmp_path: Path,
    spoil: Callable[[pa.Table, Path], None],
    parts: tuple[str, ...],
) -> None:
    spoil(candles, tmp_path / "binance_BTC-USDT_1m.parquet")
    told = _told(files_home.call(*BACKFILL, "--source", f"files:{tmp_path}"), 1)
    assert told.startswith(f"huracan: ohlcv of {FIRST} failed: ")
    for part in parts:
        assert part in told
    assert files_home.partitions() == {}


def test_after_bad_files_a_right_one_completes_and_an_unknown_symbol_names_the_nearest(
    files_home: Home, candles: pa.Table, tmp_path: Path
) -> None:
    pq.write_table(candles, tmp_path / "binance_BTC-USDT_1m.parquet")
    source = ("--source", f"files:{tmp_path}")
    misspelt = ("--set", "universe.symbols=[BTC/USDT, BTC/USD]")
    told = _told(files_home.call("nightly", "--date", FIRST, *source, *misspelt), 2)
    assert "BTC/USD" in told and "Did you mean" in told and "BTC/USDT" in told
    assert files_home.partitions() == {}
    answer = files_home.call(*BACKFILL, *source, "--json")
    assert answer.code == 0 and answer.summary["failed"] == []
    assert files_home.lake.days("features") == [FIRST_DAY]
    assert_whole(files_home.lake)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that holds a day of candles but not of features."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_said_nothing_half_written_is_left_and_with_space_the_same_command_goes_on(
    home: Home, small_disk: Path
) -> None:
    small = Home(home.path, {**home.variables, "HURACAN__STORAGE__LAKE_URL": str(small_disk / "lake")})
    told = _told(small.call(*BACKFILL), 1)
    assert told.startswith(f"huracan: features of {FIRST} failed: The disk is full: {small_disk}")
    assert "Free some space" in told
    lake = small.settings().storage.lake
    left = [path for path in Path(lake).rglob("*") if path.is_file()]
    assert {path.relative_to(lake).parts[0] for path in left} == {"ohlcv", "market_costs"}
    subprocess.run(["mount", "-o", "remount,size=32m", str(small_disk)], check=True)
    answer = small.call(*BACKFILL, "--json")
    assert answer.code == 0
    for asset in ("ohlcv", "features", "regimes"):
        again = Home(home.path).lake.manifest(asset, FIRST_DAY)
        assert again is not None
        assert (
            f'"{again.content_hash}"' in (Path(lake) / asset / f"day={FIRST}" / "manifest.json").read_text()
        )


def test_after_all_wrong_input_the_same_command_still_completes(home: Home) -> None:
    day = (FIRST_DAY + timedelta(days=1)).isoformat()
    answer = home.call("backfill", "--from", FIRST, "--to", day, "--json")
    assert answer.code == 0
    assert answer.summary["runs"] == 1, "the day that was done is passed over"
    assert_whole(home.lake)
