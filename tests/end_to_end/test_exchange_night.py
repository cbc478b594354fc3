"""Real days through the real command: from files, and through ccxt over HTTP from an emulated exchange."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from unittest import mock

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from huracan.candles.market_info import MARKET_INFO_FILE
from huracan.candles.schema import Timeframe
from huracan_assets import definitions
from huracan_assets.market import ohlcv as candles
from huracan_assets.registry import stages
from huracan_console.backfill import Backfill, run_backfill
from huracan_resources.candles.files import CandleFiles
from huracan_resources.database.embedded_postgres import embedded_url
from huracan_resources.lake.manifest import Manifest
from tests.end_to_end.command import Home, assert_whole
from tests.end_to_end.conftest import MakeHome
from tests.exchange_emulator import Emulator, running_emulator

OUTAGE = date(2023, 3, 24)
DAYS = [OUTAGE - timedelta(days=1), OUTAGE]
NEXT = OUTAGE + timedelta(days=1)
SYMBOLS = ("BTC/USDT", "ETH/USDT")
FROM_FIRST = {"HURACAN__UNIVERSE__FIRST_DAY": DAYS[0].isoformat()}
_FILTERS = {"tick_size": 0.01, "step_size": 0.00001, "minimum_notional": 5.0}
MARKETS = ("--set", "universe.markets=" + json.dumps(dict.fromkeys(SYMBOLS, _FILTERS)))
"""What the emulated exchange states of its markets, for a source that states nothing."""
BACKFILL = ("backfill", "--from", DAYS[0].isoformat(), "--to", OUTAGE.isoformat(), "--jobs", "market")


def _widened(real_data: Path, folder: Path) -> None:
    """The real candles of three days with the order flow that only raw klines have, made up by a formula."""
    start = datetime(DAYS[0].year, DAYS[0].month, DAYS[0].day, tzinfo=UTC)
    window = [("timestamp", ">=", start), ("timestamp", "<", start + timedelta(days=3))]
    for symbol in SYMBOLS:
        name = f"binance_{symbol.replace('/', '-')}_1m.parquet"
        rows = pq.read_table(real_data / name, filters=window)
        volume = rows["volume"].to_numpy()
        rows = rows.append_column("trade_count", [(volume * 7).astype("int64") + 1])
        rows = rows.append_column("taker_buy_volume", [(volume * 0.47).round(8)])
        pq.write_table(rows, folder / name)


@pytest.fixture(scope="module")
def candle_folder(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("candles")
    _widened(real_data, folder)
    return folder


@pytest.fixture(scope="module")
def exchange(candle_folder: Path) -> Iterator[Emulator]:
    files = CandleFiles(candle_folder, Timeframe("1m"))
    served = {
        symbol: pa.concat_tables([files.fetch_day(symbol, day) for day in (*DAYS, NEXT)])
        for symbol in SYMBOLS
    }
    with running_emulator(served) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def files_home(make_home: MakeHome, candle_folder: Path) -> Home:
    home = make_home(**FROM_FIRST)
    embedded_url(home.path)
    source = ("--source", f"files:{candle_folder}", "--set", "source.files.exchange=binance")
    answer = home.call(*BACKFILL, *source, *MARKETS, "--json")
    assert answer.code == 0, answer.out + answer.err
    assert answer.summary["runs"] == 2
    return home


@pytest.fixture(scope="module")
def exchange_home(make_home: MakeHome, exchange: Emulator) -> Home:
    home = make_home(**FROM_FIRST)
    embedded_url(home.path)
    source = ("--source", "ccxt:binance", "--set", f"source.ccxt.base_url={exchange.url}")
    answer = home.run(*BACKFILL, *source, "--json")
    assert answer.code == 0, answer.out + answer.err
    assert answer.summary["runs"] == 2
    return home


def _hashes(manifest: Manifest, without: set[str]) -> dict[str, str]:
    return {name: each.sha256 for name, each in manifest.files.items() if name not in without}


@pytest.mark.parametrize("asset", ["ohlcv", "market_costs", "features", "regimes"])
def test_an_exchange_over_http_gives_the_same_partitions_as_files_hash_for_hash(
    files_home: Home, exchange_home: Home, asset: str
) -> None:
    for day in DAYS:
        ours, theirs = files_home.lake.manifest(asset, day), exchange_home.lake.manifest(asset, day)
        assert ours is not None and theirs is not None
        # Files say nothing of a market, and the settings what the exchange says: that meets in the costs.
        told = {MARKET_INFO_FILE} if asset == "ohlcv" else set()
        assert _hashes(ours, told) == _hashes(theirs, told)
        names = [manifest.source.partition("#")[0] for manifest in (ours, theirs)]
        assert names == ["files", "ccxt:binance"]
        assert not ours.is_simulated and not theirs.is_simulated


def test_the_command_puts_the_outage_into_the_partition_and_into_the_check(files_home: Home) -> None:
    manifest = files_home.lake.require("ohlcv", OUTAGE)
    (continuity,) = [verdict for verdict in manifest.verdicts if verdict.check == "candle_continuity"]
    assert continuity.passed
    assert "BTC/USDT: 80 minutes missing from 12:40, 72 flat" in continuity.reason
    status = files_home.lake.read_table("ohlcv", OUTAGE)["status"].to_pylist()
    assert (status.count("missing"), status.count("flat")) == (160, 144)
    with files_home.instance() as instance:
        records = instance.get_event_records(
            dg.EventRecordsFilter(event_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION), limit=50
        )
    told = [
        data.description
        for record in records
        if (event := record.event_log_entry.dagster_event) is not None
        and (data := event.asset_check_evaluation_data).check_name == "candle_continuity"
        and data.partition == OUTAGE.isoformat()
    ]
    assert told == [continuity.reason]


@pytest.fixture
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The retries of `ohlcv` as they are, but at once: the night waits 10, 20 and 40 seconds."""
    policy = candles.ohlcv.retry
    assert policy is not None and policy.delay_seconds == 10 and policy.times == 3
    at_once = replace(candles.ohlcv, retry=replace(policy, delay_seconds=0))
    others = [each for each in stages() if each.name != "ohlcv"]
    monkeypatch.setattr(definitions, "stages", lambda: [at_once, *others])


def _backfill_next(home: Home, exchange: Emulator) -> int:
    settings = home.settings(
        **{
            "source.kind": "ccxt",
            "source.ccxt.exchange": "binance",
            "source.ccxt.base_url": exchange.url,
            "source.ccxt.attempts": 1,
        }
    )
    with mock.patch.dict(os.environ, home.environ, clear=True):
        return run_backfill(
            settings,
            Backfill(NEXT, NEXT, "market"),
            datetime.now(UTC),
            Console(quiet=True),
            as_json=False,
            verbose=False,
        )


def test_an_exchange_that_fails_for_good_is_one_line_and_the_next_run_gets_through_after_two_errors(
    exchange_home: Home, exchange: Emulator, without_waiting: None, capsys: pytest.CaptureFixture[str]
) -> None:
    before = exchange_home.partitions()
    failed_before = exchange.requests["status 500"]
    exchange.fail_next(4, "500")
    assert _backfill_next(exchange_home, exchange) == 1
    assert exchange.requests["status 500"] - failed_before == 4
    lines = capsys.readouterr().err.splitlines()
    assert len([line for line in lines if " failed: " in line]) == 1
    assert lines[0].startswith(f"huracan: ohlcv of {NEXT} failed: binance did not answer")
    assert "Check the network connection and try again." in lines[0]
    assert "Traceback" not in "\n".join(lines)
    assert exchange_home.partitions() == before

    exchange.fail_next(2, "500")
    assert _backfill_next(exchange_home, exchange) == 0
    assert exchange.requests["status 500"] - failed_before == 6
    assert exchange_home.lake.manifest("features", NEXT) is not None
    assert_whole(exchange_home.lake)


def test_a_refused_key_is_not_asked_again_and_not_shown(exchange_home: Home, exchange: Emulator) -> None:
    before, refused = exchange_home.partitions(), exchange.requests["status 401"]
    exchange.fail_next(1, "401")
    secret = {"HURACAN_EXCHANGE_API_KEY": "key-of-nobody", "HURACAN_EXCHANGE_SECRET": "hunter2"}
    source = ("--source", "ccxt:binance", "--set", f"source.ccxt.base_url={exchange.url}")
    answer = exchange_home.call("nightly", "--date", OUTAGE.isoformat(), *source, **secret)
    assert answer.code == 2
    assert exchange.requests["status 401"] - refused == 1
    (told,) = [line for line in answer.err.splitlines() if line.startswith("huracan:")]
    assert "refuses the credentials" in told
    assert "Check HURACAN_EXCHANGE_API_KEY and HURACAN_EXCHANGE_SECRET" in told
    assert "hunter2" not in answer.err + answer.out and "Traceback" not in answer.err
    assert exchange_home.partitions() == before
