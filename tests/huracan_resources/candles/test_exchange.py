"""Exchange candles over real HTTP: ccxt drives the emulator, and the table equals that of the files."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import ccxt
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from huracan.candles.market_info import MarketInfo
from huracan.candles.quality import assemble_day
from huracan.candles.schema import FUNDING_SCHEMA, RAW_SCHEMA, Timeframe
from huracan.candles.simulate import SimulatedMarket, SimulatedMarketConfig
from huracan.errors import InvalidInput, Unavailable
from huracan_resources.candles.exchange import Exchange
from huracan_resources.candles.exchange_client import ExchangeOptions
from huracan_resources.candles.exchange_funding import collect_funding
from huracan_resources.candles.exchange_pages import rows_to_table
from huracan_resources.candles.files import CandleFiles
from tests.exchange_emulator import Emulator, running_emulator
from tests.other_exchanges import OtherExchange, running

MINUTE = Timeframe("1m")
DAY = date(2025, 1, 1)
SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")


@pytest.fixture(scope="module")
def candles() -> pa.Table:
    return SimulatedMarket(SimulatedMarketConfig(), ["BTC/USDT"], MINUTE).fetch_day("BTC/USDT", DAY)


def exchange(emulator: Emulator, slept: list[float] | None = None, **options: Any) -> Exchange:
    naps = slept if slept is not None else []
    return Exchange("binance", MINUTE, ExchangeOptions(base_url=emulator.url, **options), sleep=naps.append)


def test_a_day_comes_over_http_in_pages_and_equals_what_is_served(candles: pa.Table) -> None:
    with running_emulator({"BTC/USDT": candles}) as emulator:
        source = exchange(emulator)
        source.check_symbols(["BTC/USDT"])
        assert source.fetch_day("BTC/USDT", DAY).equals(candles)
        assert emulator.requests["/api/v3/klines"] == 2
        assert emulator.requests["/api/v3/exchangeInfo"] == 1
        assert source.identity.name == "ccxt:binance" and not source.identity.is_simulated


def test_real_days_over_http_equal_those_from_binance_zips(real_data: Path) -> None:
    files = CandleFiles(real_data / "native", MINUTE)
    days = [date(2023, 3, 23) + timedelta(index) for index in range(3)]
    served = {symbol: pa.concat_tables([files.fetch_day(symbol, day) for day in days]) for symbol in SYMBOLS}
    with running_emulator(served) as emulator:
        source = exchange(emulator)
        for day in days:
            ours = assemble_day({symbol: source.fetch_day(symbol, day) for symbol in SYMBOLS}, day, MINUTE)
            theirs = assemble_day({symbol: files.fetch_day(symbol, day) for symbol in SYMBOLS}, day, MINUTE)
            assert ours.ohlcv.equals(theirs.ohlcv)
            assert ours.quarantine.num_rows == theirs.quarantine.num_rows == 0


def test_real_days_over_http_equal_those_from_a_widened_parquet_file(real_data: Path, tmp_path: Path) -> None:
    start = datetime(2022, 11, 8, tzinfo=UTC)
    window = [("timestamp", ">=", start), ("timestamp", "<", start + timedelta(days=2))]
    served = {}
    for symbol in SYMBOLS:
        name = f"binance_{symbol.replace('/', '-')}_1m.parquet"
        rows = pq.read_table(real_data / name, filters=window)
        volume = rows["volume"].to_numpy()
        rows = rows.append_column("trade_count", pa.array((volume * 7).astype(np.int64) + 1))
        rows = rows.append_column("taker_buy_volume", pa.array(np.round(volume * 0.47, 8)))
        pq.write_table(rows, tmp_path / name)
        served[symbol] = rows.rename_columns(RAW_SCHEMA.names).cast(RAW_SCHEMA)
    files = CandleFiles(tmp_path, MINUTE)
    with running_emulator(served, largest_limit=500) as emulator:
        source = exchange(emulator)
        for day in (date(2022, 11, 8), date(2022, 11, 9)):
            ours = assemble_day({symbol: source.fetch_day(symbol, day) for symbol in SYMBOLS}, day, MINUTE)
            theirs = assemble_day({symbol: files.fetch_day(symbol, day) for symbol in SYMBOLS}, day, MINUTE)
            assert ours.ohlcv.equals(theirs.ohlcv)


def test_repeated_candles_on_every_page_change_nothing(candles: pa.Table) -> None:
    with running_emulator({"BTC/USDT": candles}, largest_limit=300, repeats_last_candle=True) as emulator:
        assert exchange(emulator).fetch_day("BTC/USDT", DAY).equals(candles)


def test_a_day_that_is_not_closed_is_refused(candles: pa.Table) -> None:
    noon = datetime(2025, 1, 1, 12, tzinfo=UTC)
    source = Exchange("binance", MINUTE, now=lambda: noon)
    with pytest.raises(InvalidInput, match="2025-01-01 is not closed yet"):
        source.fetch_day("BTC/USDT", DAY)


def test_the_open_candle_of_the_next_day_is_not_taken(candles: pa.Table) -> None:
    midnight = datetime(2025, 1, 2, tzinfo=UTC)
    with running_emulator({"BTC/USDT": candles}, open_candle=True) as emulator:
        options = ExchangeOptions(base_url=emulator.url)
        source = Exchange("binance", MINUTE, options, now=lambda: midnight)
        assert source.fetch_day("BTC/USDT", DAY).equals(candles)


def test_a_rate_limit_is_waited_out_as_the_exchange_asks(candles: pa.Table) -> None:
    with running_emulator({"BTC/USDT": candles}, retry_after_s=7) as emulator:
        slept: list[float] = []
        source = exchange(emulator, slept)
        emulator.fail_next(2, "429")
        assert source.fetch_day("BTC/USDT", DAY).equals(candles)
        assert slept == [7.0, 7.0]


def test_the_weight_of_a_minute_is_counted_and_its_limit_answered_with_429(candles: pa.Table) -> None:
    seconds = [1_000_000.0]

    def wait(duration: float) -> None:
        seconds[0] += duration

    with running_emulator(
        {"BTC/USDT": candles}, weight_per_minute=23, retry_after_s=60, clock=lambda: seconds[0]
    ) as emulator:
        source = Exchange("binance", MINUTE, ExchangeOptions(base_url=emulator.url), sleep=wait)
        assert source.fetch_day("BTC/USDT", DAY).equals(candles)
        assert emulator.requests["status 429"] == 1


def test_a_limit_that_does_not_end_is_unavailable_after_the_allowed_tries(candles: pa.Table) -> None:
    with running_emulator({"BTC/USDT": candles}) as emulator:
        slept: list[float] = []
        source = exchange(emulator, slept, attempts=3)
        emulator.fail_next(9, "429")
        with pytest.raises(Unavailable, match="limits the rate"):
            source.fetch_day("BTC/USDT", DAY)
        assert slept == [1.0, 1.0]


@pytest.mark.parametrize("fault", ["500", "timeout", "cut", "html", "empty", "broken"])
def test_what_may_pass_is_tried_again_at_the_call_longer_and_longer_and_then_told(
    candles: pa.Table, fault: str
) -> None:
    with running_emulator({"BTC/USDT": candles}, timeout_s=0.4) as emulator:
        slept: list[float] = []
        source = exchange(emulator, slept, timeout_s=0.2, attempts=4)
        source.check_symbols(["BTC/USDT"])
        emulator.fail_next(3, fault)
        assert source.fetch_day("BTC/USDT", DAY).equals(candles)
        assert [int(wait) for wait in slept] == pytest.approx([1, 2, 4], abs=1)
        assert slept == sorted(slept) and len(set(slept)) == 3
        emulator.fail_next(4, fault)
        with pytest.raises(Unavailable, match="did not answer in 4 tries"):
            source.fetch_day("BTC/USDT", DAY)
        assert emulator.requests[f"fault {fault}"] == 7


def test_no_network_is_unavailable() -> None:
    options = ExchangeOptions(base_url="http://127.0.0.1:9")
    source = Exchange("binance", MINUTE, options, sleep=[].append)
    with pytest.raises(Unavailable, match="Check the network"):
        source.check_symbols(["BTC/USDT"])


def test_an_unknown_symbol_or_exchange_is_refused_with_the_nearest_name(candles: pa.Table) -> None:
    with running_emulator({"BTC/USDT": candles}) as emulator:
        source = exchange(emulator)
        with pytest.raises(InvalidInput, match=r"'BTC/USD' is unknown to binance. Did you mean 'BTC/USDT'"):
            source.check_symbols(["BTC/USD"])
    with pytest.raises(InvalidInput, match="Did you mean 'binance'"):
        Exchange("binanse", MINUTE).check_symbols(["BTC/USDT"])


def test_wrong_credentials_are_refused_naming_the_variables_and_not_the_key(candles: pa.Table) -> None:
    with running_emulator({"BTC/USDT": candles}) as emulator:
        source = exchange(emulator, api_key="k-very-secret", api_secret="s-very-secret")
        source.check_symbols(["BTC/USDT"])
        emulator.fail_next(1, "401")
        with pytest.raises(InvalidInput, match="HURACAN_EXCHANGE_API_KEY") as caught:
            source.fetch_day("BTC/USDT", DAY)
        shown = f"{caught.value} {source!r} {source.identity} {ExchangeOptions(api_key='k-very-secret')!r}"
        assert "very-secret" not in shown


def test_a_day_before_the_first_candle_is_refused_with_the_first_day(candles: pa.Table) -> None:
    with running_emulator({"BTC/USDT": candles}) as emulator:
        with pytest.raises(InvalidInput, match="its candles begin on 2025-01-01"):
            exchange(emulator).fetch_day("BTC/USDT", date(2024, 6, 1))
        assert exchange(emulator).fetch_day("BTC/USDT", date(2025, 1, 2)).num_rows == 0


def test_a_markets_kind_fees_and_steps_come_from_the_exchange(candles: pa.Table) -> None:
    with running_emulator({"BTC/USDT": candles}) as emulator:
        info = exchange(emulator).market_info("BTC/USDT")
    assert info == MarketInfo("BTC/USDT", 0.01, 0.00001, 5.0, "spot", 10.0, 10.0)


def test_an_exchange_with_fees_of_its_own_tells_those_of_its_first_tier(candles: pa.Table) -> None:
    with running(OtherExchange(candles)) as kraken:
        info = Exchange("kraken", MINUTE, ExchangeOptions(base_url=kraken.url)).market_info("BTC/USDT")
    assert (info.kind, info.taker_fee_bps, info.maker_fee_bps, info.tick_size) == ("spot", 40.0, 25.0, 0.1)


PERPETUAL = "BTC/USDT:USDT"
HOURS_8 = 8 * 3_600_000
MIDNIGHT = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp() * 1000)


def futures(emulator: Emulator, slept: list[float] | None = None) -> Exchange:
    naps = slept if slept is not None else []
    return Exchange("binanceusdm", MINUTE, ExchangeOptions(base_url=emulator.url), sleep=naps.append)


def settlements(first_day: int = -5, days: int = 12) -> list[tuple[int, float]]:
    """Every eight hours, a few milliseconds off, the rate its number in 1e-5."""
    numbers = range(3 * first_day, 3 * (first_day + days))
    return [(MIDNIGHT + HOURS_8 * number + number % 9 - 4, number * 1e-5) for number in numbers]


def test_a_perpetuals_day_comes_with_its_funding_and_filters(candles: pa.Table) -> None:
    with running_emulator({PERPETUAL: candles}, funding={PERPETUAL: settlements()}) as emulator:
        source = futures(emulator)
        assert source.fetch_day(PERPETUAL, DAY).equals(candles)
        rates = source.fetch_funding(PERPETUAL, DAY)
        assert rates.schema == FUNDING_SCHEMA
        assert rates["funding_rate"].to_pylist() == [0.0, 1e-5, 2e-5]
        assert rates["settled_at"][0].as_py() < datetime(2025, 1, 1, tzinfo=UTC)  # 4 ms early
        next_day = source.fetch_funding(PERPETUAL, DAY + timedelta(days=1))
        assert next_day["funding_rate"].to_pylist() == pytest.approx([3e-5, 4e-5, 5e-5])
        assert source.market_info(PERPETUAL) == MarketInfo(PERPETUAL, 0.1, 0.001, 10.0, "perpetual", 5.0, 2.0)
        day = assemble_day({PERPETUAL: candles}, DAY, MINUTE, {PERPETUAL: rates})
        assert np.flatnonzero(day.ohlcv["funding_rate"].is_valid()).tolist() == [0, 480, 960]
        assert day.quarantine.num_rows == 0


def test_where_contracts_are_counted_the_step_is_told_in_coins_and_a_rebate_stays_one() -> None:
    class Client:
        precisionMode = ccxt.TICK_SIZE
        last_response_headers: ClassVar[dict[str, str]] = {}

        def load_markets(self) -> dict[str, Any]:
            fees = {"taker": 0.0005, "maker": -0.00005}
            sizes = {"precision": {"price": 0.1, "amount": 0.01}, "limits": {"cost": {"min": None}}}
            return {PERPETUAL: {**sizes, "contract": True, "linear": True, "contractSize": 0.001, **fees}}

    source = Exchange("okx", MINUTE)
    source.__dict__["_client"] = Client()
    assert source.market_info(PERPETUAL) == MarketInfo(
        PERPETUAL, 0.1, 0.01 * 0.001, None, "perpetual", 5.0, -0.5
    )


def test_funding_is_paged_by_time_where_pages_are_small(candles: pa.Table) -> None:
    hourly = [(MIDNIGHT + 3_600_000 * hour + 2, hour * 1e-6) for hour in range(-30, 60)]
    options = {"funding": {PERPETUAL: hourly}, "largest_funding_limit": 5}
    with running_emulator({PERPETUAL: candles}, **options) as emulator:
        rates = futures(emulator).fetch_funding(PERPETUAL, DAY)
        assert rates["funding_rate"].to_pylist() == pytest.approx([hour * 1e-6 for hour in range(24)])
        assert emulator.requests["/fapi/v1/fundingRate"] == 5


def test_a_spot_market_is_not_asked_for_funding(candles: pa.Table) -> None:
    with running_emulator({"BTC/USDT": candles}) as emulator:
        assert exchange(emulator).fetch_funding("BTC/USDT", DAY).num_rows == 0
        assert emulator.requests["/fapi/v1/fundingRate"] == 0


def test_a_rate_limit_on_funding_is_waited_out_and_a_dead_host_is_unavailable(candles: pa.Table) -> None:
    slept: list[float] = []
    with running_emulator({PERPETUAL: candles}, funding={PERPETUAL: settlements()}) as emulator:
        source = futures(emulator, slept)
        source.check_symbols([PERPETUAL])
        emulator.fail_next(1, "429")
        assert source.fetch_funding(PERPETUAL, DAY).num_rows == 3
        assert slept == [1.0]
        emulator.fail_next(1, "500")
        assert source.fetch_funding(PERPETUAL, DAY).num_rows == 3
        emulator.fail_next(9, "500")
        with pytest.raises(Unavailable, match="did not answer"):
            source.fetch_funding(PERPETUAL, DAY)


def test_a_walk_over_rates_keeps_what_is_odd_and_refuses_what_contradicts_itself() -> None:
    pages = {0: [(5, "1e-4"), (0, None), ("soon", 1e-4)], 6: [(5, 1e-4), (8, -1e-4)]}
    found = collect_funding(lambda since: pages.get(since, []), 0, 100)
    assert found["settled_at"].cast(pa.int64()).to_pylist() == [0, 5, 8, None]
    assert found["funding_rate"].to_pylist() == pytest.approx([np.nan, 1e-4, -1e-4, 1e-4], nan_ok=True)
    changed = {0: [(5, 1e-4)], 6: [(5, 2e-4), (5, 3e-4), (8, 0.0)]}
    with pytest.raises(Unavailable, match="two different funding rates"):
        collect_funding(lambda since: changed.get(since, []), 0, 100)
    assert collect_funding(lambda since: [(500, 1e-4)], 0, 100).num_rows == 0
    assert collect_funding(lambda since: [(-5, 1e-4)], 0, 100).num_rows == 0


def test_six_fields_have_no_order_flow() -> None:
    table = rows_to_table([[minute * 60_000, 1.0, 1.0, 1.0, 1.0, 5.0] for minute in range(2)])
    assert table.schema == RAW_SCHEMA
    assert table["trade_count"].null_count == table["taker_buy_volume"].null_count == 2


def answered_by_kraken(monkeypatch: pytest.MonkeyPatch, minutes: range) -> Exchange:
    day_ms = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp() * 1000)
    served = [[day_ms + 60_000 * minute, 1.0, 2.0, 0.5, 1.5, 3.0] for minute in minutes]
    markets = {"BTC/USDT": {"symbol": "BTC/USDT", "id": "XBTUSDT"}}

    def page(_: Any, symbol: str, timeframe: str, since: int, limit: int) -> list[list[float]]:
        return [each for each in served if each[0] >= since][: min(limit, 200)]

    monkeypatch.setattr(ccxt.kraken, "load_markets", lambda _: markets)
    monkeypatch.setattr(ccxt.kraken, "fetch_ohlcv", page)
    return Exchange("kraken", MINUTE)


def test_another_exchange_gives_six_fields_through_ccxt(monkeypatch: pytest.MonkeyPatch) -> None:
    table = answered_by_kraken(monkeypatch, range(1440)).fetch_day("BTC/USDT", DAY)
    assert table.num_rows == 1440 and table["trade_count"].null_count == 1440


def test_half_a_day_of_kraken_is_not_taken_for_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    source = answered_by_kraken(monkeypatch, range(720, 1440))
    with pytest.raises(InvalidInput, match=r"only its last 720 candles: .* none before 12:00 UTC"):
        source.fetch_day("BTC/USDT", DAY)
