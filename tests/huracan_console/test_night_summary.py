"""What the summary of a night tells of its day on paper."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from huracan_console.summary import traded_of
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.parquet import encode_table
from huracan_resources.lake.store import LocalStore

DAY = date(2025, 6, 30)
NET = {"scope": ["all", "symbol"], "trades": [2] * 2, "net_usd": [3.0] * 2, "maximum_drawdown_pct": [0.1] * 2}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(LocalStore(tmp_path))


def test_the_days_result_stands_beside_the_net_of_what_was_closed_and_what_is_open(lake: Lake) -> None:
    told = pa.table({**NET, "result_usd": [-1.5, -1.5]})
    lake.write("model_performance", DAY, {"data.parquet": encode_table(told)})
    accounts = pa.table({"symbol": ["A", "B", "C"], "side": ["long", None, "short"]})
    lake.write("shadow_trades", DAY, {"open_positions.parquet": encode_table(accounts)})
    assert traded_of(lake, DAY) == {
        "trades": 2, "net_usd": 3.0, "result_usd": -1.5, "maximum_drawdown_pct": 0.1, "held": 2,
    }  # fmt: skip


def test_a_day_of_a_version_that_ended_its_days_flat_has_no_result_and_nothing_open(lake: Lake) -> None:
    lake.write("model_performance", DAY, {"data.parquet": encode_table(pa.table(NET))})
    lake.write("shadow_trades", DAY, {"data.parquet": encode_table(pa.table({"side": ["long"]}))})
    told = traded_of(lake, DAY)
    assert told is not None and (told["result_usd"], told["held"], told["net_usd"]) == (None, 0, 3.0)
    assert traded_of(lake, date(2025, 7, 1)) is None
