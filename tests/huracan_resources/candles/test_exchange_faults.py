"""An exchange that errs now and then gives the same days as one that does not; one that refuses says why."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from huracan.candles.quality import DayOfCandles, assemble_day
from huracan.candles.schema import Timeframe
from huracan.candles.simulate import SimulatedMarket, SimulatedMarketConfig
from huracan.errors import InvalidInput, SymbolRefused, Unavailable
from huracan_resources.candles.exchange import Exchange
from huracan_resources.candles.exchange_asking import Barred
from huracan_resources.candles.exchange_client import ExchangeOptions, make_client
from tests.exchange_emulator import Emulator, running_emulator
from tests.exchange_faults import TRANSIENT
from tests.other_exchanges import OtherExchange, running

pytestmark = pytest.mark.slow  # whole days over HTTP, some of them at an exchange's own pace

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


def patience(fault: str) -> float:
    """Seconds to wait for an answer: a machine under load is no fault of the exchange's."""
    return 0.3 if fault == "timeout" else 10.0


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
    options = {"fault": fault, "fault_every": every, "largest_limit": page, "timeout_s": 1.0}
    with running_emulator(served, **options) as emulator:
        assert digest(fetched(emulator, timeout_s=patience(fault))) == expected


PERPETUAL = "BTC/USDT:USDT"
HOUR_MS = 3_600_000
MIDNIGHT = int(datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC).timestamp() * 1000)
ROUNDS_TIMES = {"times in seconds"}
"""No fault of candles, whose times are whole minutes; a settlement is recorded to the millisecond."""


def rates_of(
    served: dict[str, pa.Table], every_hours: int, fault: str = "", **options: Any
) -> tuple[pa.Table, int]:
    """The rates of three days, some a few milliseconds late, and how often was asked for them."""
    settled = [
        (MIDNIGHT + HOUR_MS * hour + hour % 3, round(1e-6 * hour, 8)) for hour in range(-48, 72, every_hours)
    ]
    options |= {"funding": {PERPETUAL: settled}, "timeout_s": 1.0, "fault": fault}
    with running_emulator({PERPETUAL: served["BTC/USDT"]}, **options) as emulator:
        source = exchange(emulator.url, "binanceusdm", timeout_s=patience(fault))
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
    rates, _ = rates_of(served, hours, fault, fault_every=every, largest_funding_limit=page)
    assert rates.equals(expected)


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("451", r"does not serve this location \(HTTP 451"),
        ("403", r"forbids requests from here \(HTTP 403: .*a web page \('Just a moment...'\)"),
        ("418", r"has banned this address until .* UTC \(it asks to wait 172800 s\) \(HTTP 418\)"),
        ("429", r"limits the rate of requests until .* UTC \(it asks to wait 172800 s\)"),
    ],
)
def test_an_exchange_that_does_not_want_this_address_is_asked_once_and_its_cause_told(
    served: dict[str, pa.Table], fault: str, cause: str
) -> None:
    with running_emulator(served, retry_after_s=172_800) as emulator:
        source = exchange(emulator.url)
        source.check_symbols(SYMBOLS)
        emulator.fail_next(9, fault)
        for symbol in SYMBOLS:
            with pytest.raises(Barred, match=cause):
                source.fetch_day(symbol, DAY)
            with pytest.raises(Barred, match=cause):
                source.fetch_funding(symbol, DAY)
        assert emulator.asked[True] == 1


def test_a_ban_ends_when_the_exchange_said(served: dict[str, pa.Table]) -> None:
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    with running_emulator(served, retry_after_s="Thu, 01 Jan 2026 02:00:00 GMT") as emulator:
        options = ExchangeOptions(base_url=emulator.url)
        source = Exchange("binance", MINUTE, options, now=lambda: now[0], sleep=[].append)
        emulator.fail_next(1, "418")
        with pytest.raises(Barred, match="until 2026-01-01 02:00 UTC"):
            source.check_symbols(SYMBOLS)
        now[0] += timedelta(hours=3)
        source.check_symbols(SYMBOLS)


def test_a_redirect_to_a_page_for_people_stops_at_once_and_says_where_to(served: dict[str, pa.Table]) -> None:
    with running_emulator(served) as emulator:
        source = exchange(emulator.url)
        source.check_symbols(SYMBOLS)
        emulator.fail_next(1, "captcha")
        with pytest.raises(InvalidInput, match=r"redirected to localhost:\d+, which answers with a web page"):
            source.fetch_day("BTC/USDT", DAY)
        assert emulator.asked[True] == 1


def test_a_symbol_that_is_listed_but_not_served_stops_at_once(served: dict[str, pa.Table]) -> None:
    with running_emulator(served) as emulator:
        emulator.tables["XRP/USDT"] = served["BTC/USDT"]
        source = exchange(emulator.url)
        with pytest.raises(InvalidInput, match=r"does not know the symbol: .*Invalid symbol"):
            source.fetch_day("XRP/USDT", DAY)
        assert emulator.asked[True] == 1


def test_a_request_that_is_refused_is_the_matter_of_its_symbol_alone(served: dict[str, pa.Table]) -> None:
    with running_emulator(served) as emulator:
        source = exchange(emulator.url)
        source.check_symbols(SYMBOLS)
        emulator.fail_next(1, "400")
        with pytest.raises(SymbolRefused, match=r"refused the request .*Illegal characters"):
            source.fetch_day(SYMBOLS[0], DAY)
        assert emulator.asked[True] == 1
        assert source.fetch_day(SYMBOLS[1], DAY).num_rows


@pytest.mark.parametrize("fault", ["maintenance", "html", "empty"])
def test_a_list_of_markets_that_is_none_is_asked_for_again(served: dict[str, pa.Table], fault: str) -> None:
    with running_emulator(served) as emulator:
        emulator.fail_next(2, fault)
        exchange(emulator.url).check_symbols(SYMBOLS)
        emulator.fail_next(9, fault)
        with pytest.raises(Unavailable, match="did not answer in 5 tries"):
            exchange(emulator.url).check_symbols(SYMBOLS)


def test_a_password_in_the_address_is_not_told(served: dict[str, pa.Table]) -> None:
    with running_emulator(served) as emulator:
        source = exchange(emulator.url.replace("//", "//user:hunter2@"))
        emulator.fail_next(9, "502")
        with pytest.raises(Unavailable, match=r"GET http://user:\*\*\*@127.0.0.1") as caught:
            source.check_symbols(SYMBOLS)
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("text times", "the open time is missing"),
        ("no times", "the open time is missing"),
        ("duplicate minutes", "a second row of the same open time with other values"),
        ("odd prices", "a price or the volume is not a finite number"),
    ],
)
def test_what_stays_odd_however_often_it_is_asked_for_is_quarantined(
    served: dict[str, pa.Table], fault: str, reason: str
) -> None:
    with running_emulator(served, fault=fault, fault_every=1) as emulator:
        day = fetched(emulator)
    assert day.quarantine.num_rows > 100
    assert set(day.quarantine["reason"].to_pylist()) == {reason}


def days_ago(days: int) -> date:
    return datetime.now(UTC).date() - timedelta(days=days)


@pytest.mark.parametrize("is_descending", [False, True])
@pytest.mark.parametrize(("day", "page"), [(DAY, 1000), (days_ago(3), 900), (days_ago(3), 1000), (DAY, 100)])
def test_bitgets_pages_that_are_answered_from_their_end_make_a_whole_day(
    day: date, page: int, is_descending: bool
) -> None:
    market = SimulatedMarket(SimulatedMarketConfig(first_day=day - timedelta(days=1)), ["BTC/USDT"], MINUTE)
    days = [market.fetch_day("BTC/USDT", day + timedelta(days=number)) for number in (-1, 0, 1)]
    with running(OtherExchange(pa.concat_tables(days), page, is_descending)) as bitget:
        table = exchange(bitget.url, "bitget").fetch_day("BTC/USDT", day)
        assert table.select(CANDLE).equals(days[1].select(CANDLE))
        assert len(bitget.spans) <= -(-1440 // min(page, 200)) + 1


CANDLE = ["open_time", "open", "high", "low", "close", "volume"]


def test_kraken_is_said_to_keep_only_its_last_720_candles() -> None:
    market = SimulatedMarket(SimulatedMarketConfig(first_day=DAY), ["BTC/USDT"], MINUTE)
    candles = pa.concat_tables(
        [market.fetch_day("BTC/USDT", DAY + timedelta(days=number)) for number in (0, 1)]
    )
    half_past = datetime(2025, 1, 3, 0, 30, tzinfo=UTC)
    for now, told in [
        (half_past, "of BTC/USDT on 2025-01-02 it has none before 12:31 UTC"),
        (half_past + timedelta(hours=20), "of BTC/USDT on 2025-01-02 it has none\\."),
    ]:
        with running(OtherExchange(candles, now_ms=int(now.timestamp() * 1000))) as kraken:
            options = ExchangeOptions(base_url=kraken.url)
            source = Exchange("kraken", MINUTE, options, now=lambda now=now: now, sleep=[].append)
            with pytest.raises(InvalidInput, match=f"kraken serves only its last 720 candles: {told}"):
                source.fetch_day("BTC/USDT", DAY)
            assert len(kraken.spans) <= 4
