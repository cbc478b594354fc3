"""Days and symbols as people write them, over two traded days: found, or refused with the reason."""

import zoneinfo
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from huracan.candles.schema import TIME
from huracan.errors import InvalidInput
from huracan_console.ledger.trades import TradeFilter, show_trades
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.parquet import encode_table
from huracan_resources.lake.store import LocalStore
from huracan_resources.settings.settings import load_settings
from huracan_resources.workspace import HomeWorkspace

DAY = date(2023, 6, 2)
NEW_YORK = zoneinfo.ZoneInfo("America/New_York")


def _settings(home: Path) -> Any:
    return load_settings({"storage.home": str(home)}, {"HURACAN_CONFIG_DIR": str(home)})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("home")
    lake = Lake(LocalStore(made / "lake"))
    for offset, name in ((0, "a"), (1, "b")):
        day = DAY + timedelta(days=offset)
        entered = pa.array([datetime(day.year, day.month, day.day, 12, tzinfo=UTC)], TIME)
        trades = pa.table(
            {"trade_id": [name], "symbol": ["BTC/USDT"], "entry_time": entered, "net_bps": [1.0]}
        )
        lake.write("shadow_trades", day, {"data.parquet": encode_table(trades)})
    lake.write("features", DAY, {"data.parquet": encode_table(pa.table({"symbol": ["BTC/USDT"]}))})
    return made


@pytest.fixture(scope="module")
def workspace(home: Path) -> HomeWorkspace:
    return HomeWorkspace(_settings(home))


@pytest.mark.parametrize(
    "day",
    [
        "2023-06-02",
        DAY,
        datetime(2023, 6, 2, 23, 59),  # noqa: DTZ001 - as people write them
        datetime(2023, 6, 1, 21, 0, tzinfo=NEW_YORK),
        pd.Timestamp("2023-06-02"),
        pd.Timestamp("2023-06-02 12:00", tz="UTC"),
        pd.Timestamp("2023-06-01 21:00", tz="America/New_York"),
        np.datetime64("2023-06-02"),
        np.datetime64("2023-06-02T12:00:00.123456789"),
    ],
    ids=lambda day: f"{type(day).__name__} {day}",
)
def test_a_day_is_found_however_it_is_written(workspace: HomeWorkspace, day: Any) -> None:
    assert workspace.trades(day)["trade_id"].tolist() == ["a"]
    assert workspace.table("shadow_trades", day, day)["trade_id"].tolist() == ["a"]
    assert workspace.trades(day, pd.Timestamp("2023-06-03"))["trade_id"].tolist() == ["a", "b"]


@pytest.mark.parametrize(
    "day", ["2023-02-30", "yesterday", 20230602, pd.NaT, np.datetime64("NaT"), [DAY], 1.5]
)
def test_what_is_no_day_is_refused(workspace: HomeWorkspace, day: Any) -> None:
    with pytest.raises(InvalidInput, match="is not a day"):
        workspace.trades(day)


def test_a_range_without_a_traded_day_says_so_and_which_there_are(workspace: HomeWorkspace) -> None:
    with pytest.raises(
        InvalidInput, match=r"No day .* holds trades\. Ask for days from 2023-06-02 to 2023-06-03"
    ):
        workspace.trades("1999-01-01", "1999-12-31")
    with pytest.raises(InvalidInput, match=r"holds features\. Ask for days from 2023-06-02 to 2023-06-02"):
        workspace.table("features", "2023-06-03")
    with pytest.raises(InvalidInput, match=r"2023-06-03 is after 2023-06-02"):
        workspace.trades("2023-06-03", "2023-06-02")


def test_an_unknown_table_and_an_empty_lake_are_still_told_apart(
    workspace: HomeWorkspace, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=r"no table 'nothing'\. It has trades, features"):
        workspace.table("nothing", DAY)
    with pytest.raises(InvalidInput, match="It is empty"):
        HomeWorkspace(_settings(tmp_path)).trades(DAY)


@pytest.mark.parametrize("symbol", ["btc/usdt", "BTCUSDT", "BTC-USDT", "Btc/Usdt"])
def test_a_symbol_that_is_written_otherwise_is_refused_with_the_nearest(
    workspace: HomeWorkspace, home: Path, symbol: str
) -> None:
    with pytest.raises(InvalidInput, match=r"unknown to the ledger.*Did you mean 'BTC/USDT'\?"):
        workspace.trades(DAY, symbol=symbol)
    with pytest.raises(InvalidInput, match=r"unknown to the ledger.*Did you mean 'BTC/USDT'\?"):
        show_trades(_settings(home), TradeFilter(symbol=symbol), 0, as_json=True, as_csv=False)


def test_a_symbol_of_the_universe_without_a_trade_is_no_row(workspace: HomeWorkspace) -> None:
    assert workspace.trades(DAY, symbol="ETH/USDT").empty
    with pytest.raises(InvalidInput, match="symbol is None"):
        workspace.trades(DAY, symbol=None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (TradeFilter(regime="panik"), r"no regime 'panik'\. Did you mean 'panic'\?"),
        (TradeFilter(regime="Trend"), r"Did you mean 'trend'\?"),
        (TradeFilter(reason="stopp"), r"no reason 'stopp'\. Did you mean 'stop'\?"),
        (TradeFilter(reason="weather"), r"no reason 'weather'"),
    ],
)
def test_a_regime_or_reason_that_there_is_not_is_refused(home: Path, asked: TradeFilter, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        show_trades(_settings(home), asked, 0, as_json=True, as_csv=False)
