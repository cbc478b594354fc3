"""An exchange that errs now and then gives the same days as one that does not; one that refuses says why."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from huracan.candles.quality import DayOfCandles, assemble_day
from huracan.candles.schema import Timeframe
from huracan.candles.simulate import SimulatedMarket, SimulatedMarketConfig
from huracan.errors import InvalidInput, Unavailable
from huracan_resources.candles.exchange import Exchange
from huracan_resources.candles.exchange_client import ExchangeOptions
from tests.exchange_emulator import Emulator, running_emulator
from tests.exchange_faults import TRANSIENT

MINUTE = Timeframe("1m")
DAY = date(2025, 1, 2)
SYMBOLS = ("BTC/USDT", "SOL/USDT")


@pytest.fixture(scope="module")
def served() -> dict[str, pa.Table]:
    """Three days around DAY, SOL with an outage of 80 minutes at noon and one at midnight."""
    market = SimulatedMarket(SimulatedMarketConfig(first_day=DAY - timedelta(days=1)), SYMBOLS, MINUTE)
    days = [DAY + timedelta(days=number) for number in (-1, 0, 1)]
    tables = {symbol: pa.concat_tables([market.fetch_day(symbol, day) for day in days]) for symbol in SYMBOLS}
    sol = tables["SOL/USDT"]
    minutes = pa.array(range(sol.num_rows), pa.int64()).to_numpy()
    noon = (minutes >= 1440 + 720) & (minutes < 1440 + 800)
    midnight = (minutes >= 2880 - 15) & (minutes < 2880 + 10)
    return tables | {"SOL/USDT": sol.filter(pa.array(~(noon | midnight)))}


def exchange(emulator: Emulator, **options: Any) -> Exchange:
    naps: list[float] = []
    return Exchange("binance", MINUTE, ExchangeOptions(base_url=emulator.url, **options), sleep=naps.append)


def fetched(emulator: Emulator, **options: Any) -> DayOfCandles:
    source = exchange(emulator, **options)
    source.check_symbols(SYMBOLS)
    return assemble_day({symbol: source.fetch_day(symbol, DAY) for symbol in SYMBOLS}, DAY, MINUTE)


def digest(day: DayOfCandles) -> str:
    text = repr((day.ohlcv.to_pydict(), day.quarantine.to_pydict()))
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture(scope="module")
def expected(served: dict[str, pa.Table]) -> str:
    with running_emulator(served) as emulator:
        day = fetched(emulator)
    assert day.quarantine.num_rows == 0
    assert day.ohlcv["status"].to_pylist().count("missing") == 95
    return digest(day)


@pytest.mark.parametrize("page", [1000, 200])
@pytest.mark.parametrize("every", [2, 5])
@pytest.mark.parametrize("fault", TRANSIENT)
def test_a_fault_at_every_few_requests_leaves_the_day_as_it_is(
    served: dict[str, pa.Table], expected: str, fault: str, every: int, page: int
) -> None:
    options = {"fault": fault, "fault_every": every, "largest_limit": page, "timeout_s": 0.2}
    with running_emulator(served, **options) as emulator:
        assert digest(fetched(emulator, timeout_s=0.1)) == expected
        print(fault, every, page, emulator.asked)
