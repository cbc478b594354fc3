"""The user's own files: every format, the choice among several files, and what is refused and how."""

import gzip
import json
import time
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from huracan.candles.quality import assemble_day, judge_day
from huracan.candles.schema import RAW_SCHEMA, Timeframe
from huracan.candles.simulate import SimulatedMarket, SimulatedMarketConfig
from huracan.errors import InvalidInput
from huracan_resources.candles.files import CandleFiles

MINUTE, HOUR = Timeframe("1m"), Timeframe("1h")
DAY = date(2025, 1, 2)


@pytest.fixture(scope="module")
def candles() -> pa.Table:
    """Two days of one-minute candles of BTC/USDT, 2025-01-01 and 2025-01-02."""
    market = SimulatedMarket(SimulatedMarketConfig(), ["BTC/USDT"], MINUTE)
    return pa.concat_tables([market.fetch_day("BTC/USDT", day) for day in (date(2025, 1, 1), DAY)])


def of_day(candles: pa.Table, day: date = DAY) -> pa.Table:
    index = (day - date(2025, 1, 1)).days
    return candles.slice(1440 * index, 1440).combine_chunks()


def fetch(directory: Path, day: date = DAY, **options: Any) -> pa.Table:
    return CandleFiles(directory, MINUTE, **options).fetch_day("BTC/USDT", day)


def six_fields(candles: pa.Table, time_name: str) -> pa.Table:
    return candles.select(RAW_SCHEMA.names[:6]).rename_columns([time_name, *RAW_SCHEMA.names[1:6]])


def kline_lines(candles: pa.Table, unit: int) -> list[str]:
    times = candles["open_time"].cast(pa.int64()).to_pylist()
    columns = [candles[name].to_pylist() for name in RAW_SCHEMA.names[1:]]
    return [
        f"{at * unit},{o!r},{h!r},{low!r},{c!r},{v!r},{(at + 60_000) * unit - 1},1.0,{count},{taker!r},1.0,0"
        for at, o, h, low, c, v, count, taker in zip(times, *columns, strict=True)
    ]


def without_flow(candles: pa.Table) -> pa.Table:
    table = candles.select(RAW_SCHEMA.names[:6])
    for name in RAW_SCHEMA.names[6:]:
        table = table.append_column(name, pa.nulls(table.num_rows, RAW_SCHEMA.field(name).type))
    return table.cast(RAW_SCHEMA)


def test_a_parquet_file_gives_the_day_with_its_order_flow(tmp_path: Path, candles: pa.Table) -> None:
    pq.write_table(candles, tmp_path / "binance_BTC-USDT_1m.parquet", row_group_size=1000)
    assert fetch(tmp_path).equals(of_day(candles))


@pytest.mark.parametrize("name", ["timestamp", "open_time", "Date", "datetime"])
def test_a_csv_with_a_header_gives_the_day_whatever_its_time_is_called(
    tmp_path: Path, candles: pa.Table, name: str
) -> None:
    pacsv.write_csv(six_fields(candles, name), tmp_path / "BTC_USDT-1m.csv")
    assert fetch(tmp_path).equals(without_flow(of_day(candles)))


@pytest.mark.parametrize("suffix", ["", "+00:00", "Z"])
def test_times_written_as_text_are_utc(tmp_path: Path, candles: pa.Table, suffix: str) -> None:
    lines = ["date,open,high,low,close,volume"]
    for row in of_day(candles).to_pylist():
        at = row["open_time"].strftime("%Y-%m-%d %H:%M:%S")
        lines.append(
            f"{at}{suffix},{row['open']!r},{row['high']!r},{row['low']!r},{row['close']!r},{row['volume']!r}"
        )
    (tmp_path / "BTC-USDT_1m.csv").write_text("\n".join(lines))
    assert fetch(tmp_path).equals(without_flow(of_day(candles)))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3, 1e6])
def test_epochs_are_told_apart_by_magnitude_also_as_floats(
    tmp_path: Path, candles: pa.Table, scale: float
) -> None:
    epochs = candles["open_time"].cast(pa.int64()).to_numpy() * scale
    table = six_fields(candles, "timestamp").set_column(0, "timestamp", pa.array(epochs.astype(float)))
    pq.write_table(table, tmp_path / "BTCUSDT-1m.parquet")
    assert fetch(tmp_path).equals(without_flow(of_day(candles)))


def test_a_freqtrade_feather_file_gives_the_day(tmp_path: Path, candles: pa.Table) -> None:
    table = six_fields(candles, "date")
    feather.write_feather(
        table.set_column(0, "date", table["date"].cast(pa.timestamp("ns", "UTC"))),
        str(tmp_path / "BTC_USDT-1m.feather"),
    )
    assert fetch(tmp_path).equals(without_flow(of_day(candles)))


@pytest.mark.parametrize("packed", [False, True])
def test_a_freqtrade_json_file_gives_the_day(tmp_path: Path, candles: pa.Table, packed: bool) -> None:
    table = six_fields(candles, "at")
    times = table["at"].cast(pa.int64()).to_pylist()
    rows = list(zip(times, *[table[name].to_pylist() for name in table.column_names[1:]], strict=True))
    if packed:
        (tmp_path / "BTC_USDT-1m.json.gz").write_bytes(gzip.compress(json.dumps(rows).encode()))
    else:
        (tmp_path / "BTC_USDT-1m.json").write_text(json.dumps(rows))
    assert fetch(tmp_path).equals(without_flow(of_day(candles)))


@pytest.mark.parametrize("unit", [1, 1000])
@pytest.mark.parametrize("has_header", [False, True])
def test_binance_day_zips_give_the_day_in_milliseconds_and_microseconds(
    tmp_path: Path, candles: pa.Table, unit: int, has_header: bool
) -> None:
    header = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,x,ignore"
    for day in (date(2025, 1, 1), DAY):
        lines = [header] * has_header + kline_lines(of_day(candles, day), unit)
        with zipfile.ZipFile(tmp_path / f"BTCUSDT-1m-{day}.zip", "w") as archive:
            archive.writestr(f"BTCUSDT-1m-{day}.csv", "\n".join(lines))
    assert fetch(tmp_path).equals(of_day(candles))


def test_a_header_under_a_line_of_advertisement_is_found(tmp_path: Path, candles: pa.Table) -> None:
    path = tmp_path / "BTC_USDT-1m.csv"
    pacsv.write_csv(six_fields(candles, "date"), path)
    path.write_text("Times are UTC,https://example.org\n" + path.read_text())
    assert fetch(tmp_path).equals(without_flow(of_day(candles)))


def test_rows_in_falling_order_are_found_and_assembled_the_same(tmp_path: Path, candles: pa.Table) -> None:
    falling = candles.take(pa.array(np.arange(candles.num_rows)[::-1]))
    pq.write_table(falling, tmp_path / "BTC-USDT_1m.parquet", row_group_size=700)
    rows = fetch(tmp_path)
    assert rows.num_rows == 1440
    expected = assemble_day({"BTC/USDT": of_day(candles)}, DAY, MINUTE)
    assert assemble_day({"BTC/USDT": rows}, DAY, MINUTE).ohlcv.equals(expected.ohlcv)


def test_a_large_csv_is_parsed_once(tmp_path: Path) -> None:
    minutes = 220_000
    start = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) * 1000
    price = np.full(minutes, 100.0)
    columns = dict.fromkeys(("open", "high", "low", "close", "volume"), price)
    table = pa.table({"timestamp": start + 60_000 * np.arange(minutes), **columns})
    path = tmp_path / "BTC_USDT-1m.csv"
    pacsv.write_csv(table, path)
    source = CandleFiles(tmp_path, MINUTE)
    assert source.fetch_day("BTC/USDT", date(2024, 1, 5)).num_rows == 1440
    path.unlink()
    assert source.fetch_day("BTC/USDT", date(2024, 4, 5)).num_rows == 1440


def test_the_perpetual_is_not_taken_for_the_spot_market(tmp_path: Path, candles: pa.Table) -> None:
    pq.write_table(candles, tmp_path / "binance_BTC-USDT-USDT_1m.parquet")
    pq.write_table(candles, tmp_path / "binance_BTC-USDT_15m.parquet")
    with pytest.raises(InvalidInput, match=r"'BTC/USDT' is unknown.*BTC/USDT:USDT"):
        fetch(tmp_path)
    assert CandleFiles(tmp_path, MINUTE).fetch_day("BTC/USDT:USDT", DAY).num_rows == 1440


def test_a_longer_name_that_contains_the_symbol_is_not_taken(tmp_path: Path, candles: pa.Table) -> None:
    pq.write_table(candles, tmp_path / "WBTCUSDT-1m.parquet")
    with pytest.raises(InvalidInput, match="unknown"):
        fetch(tmp_path)


def test_files_of_two_exchanges_need_a_choice(tmp_path: Path, candles: pa.Table) -> None:
    pq.write_table(candles, tmp_path / "binance_BTC-USDT_1m.parquet")
    pq.write_table(candles.slice(0, 2000), tmp_path / "kraken_BTC-USDT_1m.parquet")
    with pytest.raises(InvalidInput, match=r"several exchanges: binance, kraken"):
        CandleFiles(tmp_path, MINUTE).check_symbols(["BTC/USDT"])
    assert fetch(tmp_path, exchange="binance").num_rows == 1440
    assert fetch(tmp_path, exchange="kraken").num_rows == 560
    with pytest.raises(InvalidInput, match="1m by okx"):
        fetch(tmp_path, exchange="okx")


def test_a_row_without_a_time_comes_to_the_day_in_which_it_stands_and_spoils_no_other(
    tmp_path: Path, candles: pa.Table
) -> None:
    rows = six_fields(candles, "date").to_pylist()
    rows[5]["date"] = None
    pacsv.write_csv(pa.Table.from_pylist(rows), tmp_path / "BTC_USDT-1m.csv")
    assert fetch(tmp_path).num_rows == 1440
    first = assemble_day({"BTC/USDT": fetch(tmp_path, date(2025, 1, 1))}, date(2025, 1, 1), MINUTE)
    assert first.ohlcv["status"].to_pylist().count("traded") == 1439
    assert first.quarantine["reason"].to_pylist() == ["the open time is missing"]


def test_of_two_folders_that_hold_a_day_the_nearer_one_is_taken(tmp_path: Path, candles: pa.Table) -> None:
    (tmp_path / "older").mkdir()
    (tmp_path / "older" / "BTCUSDT-1m-2025-01-02.csv").write_text("\n".join(kline_lines(of_day(candles), 1)))
    pq.write_table(without_flow(candles.slice(0, 1440)), tmp_path / "BTC-USDT_1m.parquet")
    assert fetch(tmp_path, DAY).equals(of_day(candles))
    assert fetch(tmp_path, date(2025, 1, 1))["trade_count"].null_count == 1440


def test_a_day_before_or_after_the_candles_is_refused_with_file_and_range(
    tmp_path: Path, candles: pa.Table
) -> None:
    pq.write_table(candles, tmp_path / "BTC-USDT_1m.parquet")
    for day in (date(2024, 12, 31), date(2025, 1, 3)):
        expected = r"BTC-USDT_1m\.parquet.*from 2025-01-01 00:00 to 2025-01-02 23:59 UTC"
        with pytest.raises(InvalidInput, match=expected):
            fetch(tmp_path, day)


def test_a_day_in_a_hole_of_the_files_is_empty_and_fails_continuity(
    tmp_path: Path, candles: pa.Table
) -> None:
    lines = kline_lines(of_day(candles, date(2025, 1, 1)), 1)
    (tmp_path / "BTCUSDT-1m-2025-01-01.csv").write_text("\n".join(lines))
    later = [line.replace("17357", "17366", 1) for line in kline_lines(of_day(candles), 1)]
    (tmp_path / "BTCUSDT-1m-2025-01-12.csv").write_text("\n".join(later))
    rows = fetch(tmp_path, date(2025, 1, 5))
    assert rows.num_rows == 0
    day = assemble_day({"BTC/USDT": rows}, date(2025, 1, 5), MINUTE)
    assert not judge_day(day, MINUTE).verdicts[0].passed


def test_a_truncated_file_is_refused_by_name(tmp_path: Path, candles: pa.Table) -> None:
    whole = tmp_path / "BTC-USDT_1m.parquet"
    pq.write_table(candles, whole)
    whole.write_bytes(whole.read_bytes()[:5000])
    with pytest.raises(InvalidInput, match=r"BTC-USDT_1m\.parquet cannot be read.*Download it again"):
        fetch(tmp_path)
    whole.unlink()
    packed = tmp_path / "BTCUSDT-1m-2025-01-02.zip"
    packed.write_bytes(b"PK\x03\x04 and nothing more")
    with pytest.raises(InvalidInput, match=r"2025-01-02\.zip cannot be read"):
        fetch(tmp_path)


@pytest.mark.parametrize("name", ["x.json", "x.csv", "x.feather"])
def test_a_file_that_is_no_candle_file_is_refused_by_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"BTC_USDT-1m{Path(name).suffix}"
    path.write_text('{"code": -1121}' if name == "x.json" else "")
    with pytest.raises(InvalidInput, match=path.name):
        fetch(tmp_path)


def test_a_missing_column_is_refused_with_its_name_and_what_there_is(
    tmp_path: Path, candles: pa.Table
) -> None:
    pq.write_table(candles.drop_columns("volume"), tmp_path / "BTC-USDT_1m.parquet")
    with pytest.raises(InvalidInput, match=r"1m\.parquet has no column 'volume' \(it has open_time"):
        fetch(tmp_path)


def test_a_column_of_words_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "BTC_USDT-1m.csv").write_text(
        "date,open,high,low,close,volume\n2025-01-02 00:00:00,1,2,1,cheap,5\n"
    )
    with pytest.raises(InvalidInput, match=r"'close' of .*1m\.csv cannot be read as close"):
        fetch(tmp_path)


def test_candles_of_another_timeframe_than_the_name_says_are_refused(
    tmp_path: Path, candles: pa.Table
) -> None:
    every_fifth = candles.take(pa.array(np.arange(0, candles.num_rows, 5)))
    pq.write_table(every_fifth, tmp_path / "BTC-USDT_1m.parquet")
    with pytest.raises(InvalidInput, match="are 5 minutes apart, not 1"):
        fetch(tmp_path)
    pq.write_table(candles, tmp_path / "BTC-USDT_1h.parquet")
    with pytest.raises(InvalidInput, match="are 1 minutes apart, not 60"):
        CandleFiles(tmp_path, HOUR).fetch_day("BTC/USDT", DAY)


def test_a_directory_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="does not exist"):
        CandleFiles(tmp_path / "nowhere", MINUTE)


def test_real_binance_zips_hold_the_outage_and_the_order_flow(real_data: Path) -> None:
    source = CandleFiles(real_data / "native", MINUTE)
    day = date(2023, 3, 24)
    symbols = ["BTC/USDT", "ETH/USDT", "SOL/USDT"]
    assembled = assemble_day({symbol: source.fetch_day(symbol, day) for symbol in symbols}, day, MINUTE)
    continuity, sanity, _ = judge_day(assembled, MINUTE).verdicts
    assert continuity.passed and sanity.passed
    assert "BTC/USDT: 80 minutes missing from 12:40, 72 flat from 11:28" in continuity.reason
    assert assembled.ohlcv["trade_count"].null_count == 3 * 80


def test_real_zips_equal_the_real_parquet_file(real_data: Path) -> None:
    """Two publications of the same candles, through two readers."""
    zips, parquet = CandleFiles(real_data / "native", MINUTE), CandleFiles(real_data, MINUTE)
    for day in (date(2023, 3, 23), date(2023, 3, 24)):
        names = RAW_SCHEMA.names[:6]
        ours = zips.fetch_day("SOL/USDT", day).select(names)
        assert ours.equals(parquet.fetch_day("SOL/USDT", day).select(names))


@pytest.mark.parametrize(
    ("symbol", "timeframe", "day", "rows"),
    [
        ("BTC/USDT", "1h", date(2024, 12, 3), 24),
        ("BTC/USDT", "1h", date(2025, 1, 3), 24),
        ("BTC/USDT", "15m", date(2025, 1, 7), 96),
        ("1000PEPE/USDT:USDT", "5m", date(2025, 10, 10), 288),
        ("XRP/USDT", "1m", date(2026, 4, 1), 1440),
        ("ETH/BTC", "5m", date(2018, 1, 12), 288),
        ("UNITTEST/BTC", "1m", date(2017, 11, 7), 1342),
    ],
)
def test_real_files_of_every_publisher_are_read(
    real_data: Path, symbol: str, timeframe: str, day: date, rows: int
) -> None:
    source = CandleFiles(real_data / "native", Timeframe(timeframe))
    found = source.fetch_day(symbol, day)
    assert found.num_rows == rows
    assert found["open_time"][0].as_py().date() == day


def test_real_pages_with_gaps_and_impossible_prices_do_not_pass(real_data: Path) -> None:
    source = CandleFiles(real_data / "odd", MINUTE)
    for symbol in ("OP/USDT:USDT", "BTC/USDT:USDT"):
        for offset in range(3):
            day = date(2024, 12, 9) + timedelta(offset)
            assembled = assemble_day({symbol: source.fetch_day(symbol, day)}, day, MINUTE)
            assert not judge_day(assembled, MINUTE).verdicts[0].passed


def test_a_day_out_of_a_long_parquet_file_costs_milliseconds_after_the_first(real_data: Path) -> None:
    source = CandleFiles(real_data, MINUTE)
    source.fetch_day("BTC/USDT", date(2022, 2, 1))
    begin = time.perf_counter()
    for index in range(20):
        source.fetch_day("BTC/USDT", date(2022, 2, 2) + timedelta(index))
    assert (time.perf_counter() - begin) / 20 < 0.01
