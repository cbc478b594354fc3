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
from huracan_resources.candles.exchange_client import ExchangeOptions, make_client
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


def exchange(url: str, exchange_id: str = "binance", **options: Any) -> Exchange:
    """A source that waits for nothing, neither after a failure nor between two requests."""
    source = Exchange(exchange_id, MINUTE, ExchangeOptions(base_url=url, **options), sleep=[].append)
    source.__dict__["_client"] = client = make_client(exchange_id, ExchangeOptions(base_url=url, **options))
    client.enableRateLimit = False
    return source


def fetched(emulator: Emulator, **options: Any) -> DayOfCandles:
    source = exchange(emulator.url, **options)
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


@pytest.mark.parametrize(("every", "page"), [(2, 1000), (5, 1000), (5, 200)])
@pytest.mark.parametrize("fault", TRANSIENT)
def test_a_fault_at_every_few_requests_leaves_the_day_as_it_is(
    served: dict[str, pa.Table], expected: str, fault: str, every: int, page: int
) -> None:
    options = {"fault": fault, "fault_every": every, "largest_limit": page, "timeout_s": 0.2}
    with running_emulator(served, **options) as emulator:
        assert digest(fetched(emulator, timeout_s=0.1)) == expected


PERPETUAL = "BTC/USDT:USDT"
HOUR_MS = 3_600_000
MIDNIGHT = int(datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC).timestamp() * 1000)
ROUNDS_TIMES = {"times in seconds"}
"""No fault of candles, whose times are whole minutes; a settlement is recorded to the millisecond."""


def rates_of(served: dict[str, pa.Table], every_hours: int, **options: Any) -> tuple[pa.Table, int]:
    """The rates of three days, some a few milliseconds late, and how often was asked for them."""
    settled = [
        (MIDNIGHT + HOUR_MS * hour + hour % 3, round(1e-6 * hour, 8)) for hour in range(-48, 72, every_hours)
    ]
    options |= {"funding": {PERPETUAL: settled}, "timeout_s": 0.2}
    with running_emulator({PERPETUAL: served["BTC/USDT"]}, **options) as emulator:
        source = exchange(emulator.url, "binanceusdm", timeout_s=0.1)
        source.check_symbols([PERPETUAL])
        days = [source.fetch_funding(PERPETUAL, DAY + timedelta(days=number)) for number in (-1, 0, 1)]
        return pa.concat_tables(days), emulator.asked[True]


@pytest.mark.parametrize(("hours", "page", "every"), [(8, 1000, 2), (1, 5, 5)])
@pytest.mark.parametrize("fault", [fault for fault in TRANSIENT if fault not in ROUNDS_TIMES])
def test_a_fault_at_every_few_requests_loses_no_funding_rate(
    served: dict[str, pa.Table], fault: str, hours: int, page: int, every: int
) -> None:
    expected, questions = rates_of(served, hours, largest_funding_limit=page)
    assert expected.num_rows == 3 * 24 // hours
    assert questions == 3 * -(-24 // hours // page)
    options = {"fault": fault, "fault_every": every, "largest_funding_limit": page}
    rates, _ = rates_of(served, hours, **options)
    assert rates.equals(expected)
