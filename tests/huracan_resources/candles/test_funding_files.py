"""Funding rates beside candles: every way to name and write them, and the real ones."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from huracan.candles.funding import empty_funding, funding_table, lay_funding
from huracan.candles.quality import assemble_day, judge_day
from huracan.candles.schema import FUNDING_SCHEMA, Timeframe, day_start
from huracan.candles.simulate import SimulatedMarket, SimulatedMarketConfig
from huracan.errors import InvalidInput, SymbolRefused
from huracan_resources.candles.files import CandleFiles
from huracan_resources.candles.funding_files import FundingFiles

DAY, HOUR = date(2025, 1, 2), Timeframe("1h")
PERPETUAL = "BTC/USDT:USDT"
START = int(day_start(DAY).timestamp() * 1000)
EIGHT_HOURS = 8 * 3_600_000


def rates(days: int = 3, late_ms: int = 7) -> pa.Table:
    """Every eight hours from a day before DAY on, each `late_ms` late, its number times 1e-5."""
    count = 3 * days
    times = START - 3 * EIGHT_HOURS + EIGHT_HOURS * np.arange(count) + late_ms
    return funding_table(times, np.arange(count, dtype=np.float64) * 1e-5)


def candles(directory: Path, name: str = "binanceusdm_BTC-USDT-USDT_1h.parquet") -> None:
    market = SimulatedMarket(SimulatedMarketConfig(), ["BTC/USDT"], HOUR)
    pq.write_table(market.fetch_day("BTC/USDT", DAY), directory / name)


def fetch(directory: Path) -> list[float]:
    found = CandleFiles(directory, HOUR).fetch_funding(PERPETUAL, DAY)
    assert found.schema == FUNDING_SCHEMA
    return [round(rate, 9) for rate in found["funding_rate"].to_pylist()]


def test_a_parquet_file_beside_the_candles_gives_the_days_rates(tmp_path: Path) -> None:
    candles(tmp_path)
    table = rates().rename_columns(["timestamp", "funding_rate"])
    pq.write_table(table, tmp_path / "binanceusdm_BTC-USDT-USDT_funding.parquet")
    assert fetch(tmp_path) == [3e-5, 4e-5, 5e-5]


def test_a_rate_recorded_just_before_midnight_belongs_to_the_next_day(tmp_path: Path) -> None:
    candles(tmp_path)
    pq.write_table(rates(late_ms=-5), tmp_path / "BTC-USDT-USDT_funding.parquet")
    assert fetch(tmp_path) == [3e-5, 4e-5, 5e-5]


def test_freqtrades_file_keeps_the_rate_in_the_column_open(tmp_path: Path) -> None:
    (tmp_path / "futures").mkdir()
    candles(tmp_path)
    table = rates(late_ms=0).rename_columns(["date", "open"])
    zeros = pa.array(np.zeros(table.num_rows))
    for name in ("high", "low", "close", "volume"):
        table = table.append_column(name, zeros)
    feather.write_feather(table, tmp_path / "futures" / "BTC_USDT_USDT-1h-funding_rate.feather")
    assert fetch(tmp_path) == [3e-5, 4e-5, 5e-5]


def test_binances_monthly_archive_is_read(tmp_path: Path) -> None:
    (tmp_path / "futures").mkdir()
    candles(tmp_path)
    table = pa.table(
        {
            "calc_time": rates()["settled_at"].cast(pa.int64()),
            "funding_interval_hours": pa.array([8] * 9),
            "last_funding_rate": rates()["funding_rate"],
        }
    )
    pacsv.write_csv(table, tmp_path / "futures" / "BTCUSDT-fundingRate-2025-01.csv")
    assert fetch(tmp_path) == [3e-5, 4e-5, 5e-5]


def test_of_two_folders_the_nearer_one_gives_the_day(tmp_path: Path) -> None:
    candles(tmp_path)
    for folder, factor in ((tmp_path / "old", 7.0), (tmp_path, 1.0)):
        folder.mkdir(exist_ok=True)
        scaled = pa.array(rates()["funding_rate"].to_numpy() * factor)
        table = rates().set_column(1, "funding_rate", scaled)
        pq.write_table(table, folder / "binanceusdm_BTC-USDT-USDT_funding.parquet")
    assert fetch(tmp_path) == [3e-5, 4e-5, 5e-5]


def test_rates_of_another_exchange_another_symbol_or_none_are_not_taken(tmp_path: Path) -> None:
    candles(tmp_path)
    for name in ("bybit_BTC-USDT-USDT_funding", "binanceusdm_ETH-USDT-USDT_funding", "BTC-USDT_funding"):
        pq.write_table(rates(), tmp_path / f"{name}.parquet")
    assert fetch(tmp_path) == []


def test_candles_of_no_named_exchange_take_the_only_rates_there_are(tmp_path: Path) -> None:
    candles(tmp_path, "BTC-USDT-USDT_1h.parquet")
    pq.write_table(rates(), tmp_path / "bybit_BTC-USDT-USDT_funding.parquet")
    assert fetch(tmp_path) == [3e-5, 4e-5, 5e-5]
    pq.write_table(rates(), tmp_path / "okx_BTC-USDT-USDT_funding.parquet")
    with pytest.raises(InvalidInput, match="by several exchanges: bybit, okx"):
        fetch(tmp_path)


def test_a_spot_market_has_no_funding_and_files_state_no_filters(tmp_path: Path) -> None:
    candles(tmp_path, "binance_BTC-USDT_1h.parquet")
    pq.write_table(rates(), tmp_path / "binanceusdm_BTC-USDT-USDT_funding.parquet")
    source = CandleFiles(tmp_path, HOUR)
    assert source.fetch_funding("BTC/USDT", DAY).equals(empty_funding())
    assert source.market_info("BTC/USDT") is None
    with pytest.raises(InvalidInput, match="unknown"):
        source.market_info("ETH/USDT")


def test_a_damaged_file_and_one_without_rates_are_refused_by_name(tmp_path: Path) -> None:
    candles(tmp_path)
    path = tmp_path / "binanceusdm_BTC-USDT-USDT_funding.parquet"
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(SymbolRefused, match=r"funding\.parquet cannot be read"):
        fetch(tmp_path)
    pq.write_table(pa.table({"timestamp": rates()["settled_at"], "level": [0.0] * 9}), path)
    with pytest.raises(InvalidInput, match="no column 'funding_rate'"):
        fetch(tmp_path)


@pytest.mark.parametrize("symbol", [PERPETUAL, "NEAR/USDT:USDT", "1000PEPE/USDT:USDT"])
def test_real_rates_some_milliseconds_late_all_find_their_bar(real_data: Path, symbol: str) -> None:
    files, hours = FundingFiles(real_data), []
    for offset in range(70):
        day = date(2026, 1, 12) + timedelta(days=offset)
        start_ms = int(day_start(day).timestamp() * 1000)
        laid = lay_funding(symbol, files.fetch_day(symbol, day, {"binanceusdm"}), start_ms, Timeframe("1m"))
        assert laid.quarantine.num_rows == 0
        hours += [bar / 60 for bar in np.flatnonzero(laid.by_bar.is_valid())]
    assert len(hours) == 200
    assert set(hours) == {0.0, 8.0, 16.0}


def test_real_candles_and_their_real_rates_come_together(real_data: Path) -> None:
    source, five = CandleFiles(real_data, Timeframe("5m"), "bybit"), Timeframe("5m")
    day = date(2025, 2, 3)
    symbols = [PERPETUAL, "ETH/USDT:USDT"]
    assembled = assemble_day(
        {symbol: source.fetch_day(symbol, day) for symbol in symbols},
        day,
        five,
        {symbol: source.fetch_funding(symbol, day) for symbol in symbols},
    )
    known = assembled.ohlcv.filter(assembled.ohlcv["funding_rate"].is_valid())
    assert known.num_rows == 6
    assert known["open_time"][1].as_py() == datetime(2025, 2, 3, 8, tzinfo=UTC)
    verdict = judge_day(assembled, five).verdicts[1]
    assert verdict.passed
    assert verdict.numbers["funding_rates"] == 6


def test_freqtrades_real_feather_equals_the_real_parquet_file(real_data: Path) -> None:
    ours = FundingFiles(real_data / "native" / "freqtrade")
    theirs = FundingFiles(real_data / "funding")
    days = [date(2025, 1, 1) + timedelta(days=offset) for offset in range(400)]
    found = [ours.fetch_day(PERPETUAL, day, {"bybit"}) for day in days]
    assert pa.concat_tables(found).equals(
        pa.concat_tables([theirs.fetch_day(PERPETUAL, day, {"bybit"}) for day in days])
    )
    assert found[0].num_rows == 2
    assert all(table.num_rows == 3 for table in found[1:])
