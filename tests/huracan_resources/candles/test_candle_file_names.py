"""What the name of a file and its folders tell: which market, which prices, and what is passed over."""

import errno
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from huracan.candles.schema import Timeframe
from huracan.errors import InvalidInput
from huracan_resources.candles.files import CandleFiles

MINUTE, DAY = Timeframe("1m"), date(2025, 1, 2)
CSV = "timestamp,open,high,low,close,volume\n" + "".join(
    f"{1735776000000 + 60_000 * minute},100,102,99,101,5\n" for minute in range(4)
)


def put(path: Path, content: str = CSV) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def rows(directory: Path, symbol: str = "BTC/USDT") -> int:
    return CandleFiles(directory, MINUTE).fetch_day(symbol, DAY).num_rows


@pytest.mark.parametrize(
    "name",
    [
        "BTCUSDT-1m.csv",
        "BTCUSDT-1m-2025-01-02.CSV",
        "btcusdt_1m.Csv",
        "BTCUSDT-1m-2025-01-02 (1).csv",
        "Copy of BTCUSDT-1m.csv",
        "binance_BTC-USDT_1m_2025-01-01_2025-02-01.csv",
        "Binance_BTCUSDT_2025_1m.csv",
        "BTCUSDT-1m-20250102.csv",
        "BTCUSDT_1m_01.01.2025-02.01.2025.csv",
        "BTCUSDT_1m_1735689600_1735862400.csv",
        "BTCUSDT-1m-202501.csv",
        "1m_BTCUSDT.csv",
        "BTC USDT 1m history.csv",
        "BTC-USDT-candlesticks-1m-2025-01-02.csv",
        "BTCUSDT-1m-2025-01-02T00-00-00Z.csv",
    ],
)
def test_timeframes_dates_and_words_of_the_copy_may_stand_around_the_pair(tmp_path: Path, name: str) -> None:
    put(tmp_path / name)
    assert rows(tmp_path) == 4


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("BTCUSDT_250328-1m.csv", "is a delivery contract, which expires"),
        ("BTC-USDT-28MAR25-1m.csv", "is a delivery contract, which expires"),
        ("BTC-USDT-CURRENT_QUARTER-1m.csv", "is a delivery contract, which expires"),
        ("BTC-USDT-SWAP-1m.csv", "is the perpetual BTC/USDT:USDT"),
        ("BTCUSDT-PERP_1m.csv", "is the perpetual BTC/USDT:USDT"),
        ("BINANCE_BTCUSDT.P_1m.csv", "is the perpetual BTC/USDT:USDT"),
        ("BTCUSDT_UMCBL-1m.csv", "is the perpetual BTC/USDT:USDT"),
        ("BTC-USDT-USDT_1m.csv", "is the perpetual BTC/USDT:USDT"),
        ("futures/BTCUSDT-1m.csv", "is the perpetual BTC/USDT:USDT"),
        ("BTC_USDT-1m-mark.csv", "holds mark prices"),
        ("BTCUSDT_mark_price_1m.csv", "holds mark prices"),
        ("index_BTCUSDT-1m.csv", "holds index prices"),
        ("premiumIndexKlines/BTCUSDT/1m/BTCUSDT-1m-2025-01-02.csv", "holds the premium"),
        ("spot_index/BTCUSDT/BTCUSDT_1m_2025-01-02.csv", "holds index prices"),
        ("BTCUSDT-1m-bid.csv", "holds quotes"),
        ("BTCUSDT_1m_heikin-ashi.csv", "holds averages"),
        ("BTCUSDT-1m-funding.csv", "holds funding rates"),
        ("BTCUSDT-5m.csv", "is of 5m"),
        ("BTCUSDT-1M-2025-01.csv", "is of 1M"),
        ("BTCUSDT_M1.csv", "names no timeframe '1m'"),
        ("BTCUSDT-1min.csv", "names no timeframe '1m'"),
        ("BTCUSDT, 1.csv", "names no timeframe '1m'"),
        ("BTCUSDT_1m_filled.csv", "says 'filled' after the pair"),
        ("BTCUSDT_EUR_1m.csv", "says 'EUR' after the pair"),
        ("BTCUSDT-1m.xlsx", "is of the kind '.xlsx'"),
        ("BTCUSDT-1m.csv.xz", "is of the kind '.xz'"),
    ],
)
def test_a_file_that_is_not_taken_is_named_with_what_it_is(tmp_path: Path, name: str, reason: str) -> None:
    put(tmp_path / name)
    with pytest.raises(InvalidInput) as refused:
        rows(tmp_path)
    assert f"{name} {reason}" in refused.value.what
    assert "Did you mean 'BTC/USDT'?" not in refused.value.remedy


def test_prices_and_contracts_are_told_by_the_folders_above_the_directory_too(tmp_path: Path) -> None:
    archive = tmp_path / "data" / "futures" / "um" / "daily"
    for kind in ("klines", "indexPriceKlines"):
        put(archive / kind / "BTCUSDT" / "1m" / "BTCUSDT-1m-2025-01-02.csv")
    assert rows(archive / "klines", "BTC/USDT:USDT") == 4
    with pytest.raises(InvalidInput, match="is the perpetual BTC/USDT:USDT"):
        rows(archive / "klines")
    with pytest.raises(InvalidInput, match="holds index prices"):
        rows(archive / "indexPriceKlines", "BTC/USDT:USDT")


def test_a_day_that_only_a_misnamed_file_holds_is_refused_with_that_file(tmp_path: Path) -> None:
    put(tmp_path / "BTCUSDT-1m-2025-01-01.csv")
    put(tmp_path / "BTCUSDT-1m-2025-01-02-repaired.csv")
    with pytest.raises(
        InvalidInput, match=r"Passed over: BTCUSDT-1m-2025-01-02-repaired\.csv says 'repaired'"
    ):
        rows(tmp_path)


def test_a_misnamed_file_is_told_before_another_symbol_is_proposed(tmp_path: Path) -> None:
    put(tmp_path / "ETHUSD-1m.csv")
    put(tmp_path / "Kraken_XBT_btcusd_1-minute.csv")
    with pytest.raises(InvalidInput, match=r"rename it, for example to kraken_BTC-USD_1m\.csv"):
        rows(tmp_path, "BTC/USD")


def test_the_exchange_may_stand_after_the_pair(tmp_path: Path) -> None:
    for exchange in ("binance", "bybit"):
        put(tmp_path / f"BTC-USDT_1m_{exchange}.csv")
    with pytest.raises(InvalidInput, match="several exchanges: binance, bybit"):
        rows(tmp_path)
    assert CandleFiles(tmp_path, MINUTE, "bybit").fetch_day("BTC/USDT", DAY).num_rows == 4


@pytest.mark.parametrize("symbol", ["BTCUSDT", "BTC-USDT-SWAP"])
def test_a_symbol_that_names_no_pair_is_refused(tmp_path: Path, symbol: str) -> None:
    put(tmp_path / f"{symbol}-1m.csv")
    with pytest.raises(InvalidInput, match="Write it as BASE/QUOTE"):
        rows(tmp_path, symbol)


@pytest.mark.parametrize(
    "name",
    [
        "._BTCUSDT-1m.csv",
        "__MACOSX/BTCUSDT-1m.csv",
        ".ipynb_checkpoints/BTCUSDT-1m.csv",
        ".Trash-1000/files/BTCUSDT-1m.csv",
        "@eaDir/BTCUSDT-1m.csv",
        "$RECYCLE.BIN/BTCUSDT-1m.csv",
        "~$BTCUSDT-1m.csv",
    ],
)
def test_what_a_system_hides_or_leaves_behind_is_passed_over(tmp_path: Path, name: str) -> None:
    put(tmp_path / "BTCUSDT-1m.csv")
    put(tmp_path / name, "\0\5\26\7 not a candle")
    assert rows(tmp_path) == 4


def test_a_hidden_directory_itself_is_searched(tmp_path: Path) -> None:
    put(tmp_path / ".candles" / "BTCUSDT-1m.csv")
    assert rows(tmp_path / ".candles") == 4


def test_links_to_folders_are_followed_each_folder_once_and_circles_end(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere" / "BTCUSDT-1m.csv")
    directory = tmp_path / "candles"
    directory.mkdir()
    for link in ("one", "two"):
        (directory / link).symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(directory)
    assert rows(directory) == 4


def test_a_link_to_a_file_that_is_gone_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "BTCUSDT-1m.csv").symlink_to(tmp_path / "gone.csv")
    with pytest.raises(InvalidInput, match=r"BTCUSDT-1m\.csv is gone"):
        rows(tmp_path)


def test_a_folder_that_cannot_be_read_is_refused_and_not_called_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "closed" / "BTCUSDT-1m.csv")
    scan = os.scandir

    def refuse(path: str) -> Any:
        if Path(path).name == "closed":
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InvalidInput, match="closed cannot be read: Permission denied"):
        rows(tmp_path)
