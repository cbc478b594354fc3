"""A perpetual's day in the lake: its funding rates, and what its exchange demands of an order."""

from datetime import date
from pathlib import Path

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from huracan.candles.funding import funding_table
from huracan.candles.market_info import MARKET_INFO_FILE, MarketInfo, market_infos_from_json
from huracan.candles.schema import RAW_SCHEMA, Timeframe, day_start
from huracan.candles.simulate import SimulatedMarket, SimulatedMarketConfig
from huracan_assets.market.market_costs import market_costs
from huracan_assets.market.ohlcv import ohlcv
from huracan_assets.partitions import daily_partitions
from huracan_assets.wiring import asset_of
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.exchange_emulator import running_emulator

DAY = date(2025, 3, 2)
PERPETUAL, HOUR = "BTC/USDT:USDT", Timeframe("1h")
START = int(day_start(DAY).timestamp() * 1000)
RATES = [(START + 3, 1e-4), (START + 8 * 3_600_000, -2e-4), (START + 16 * 3_600_000 + 600_000, 3e-4)]


@pytest.fixture(scope="module")
def candles() -> pa.Table:
    return SimulatedMarket(SimulatedMarketConfig(), ["BTC/USDT"], HOUR).fetch_day("BTC/USDT", DAY)


def _resources(home: Path, **changes: object) -> Resources:
    chosen = {"universe.symbols": [PERPETUAL], "universe.timeframe": "1h", "storage.home": str(home)}
    return Resources(load_settings({**chosen, **changes}, environ={"HURACAN_CONFIG_DIR": str(home)}))


def _night(resources: Resources, day: date = DAY, *, may_fail: bool = False) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [asset_of(stage, daily_partitions(DAY)) for stage in (ohlcv, market_costs)],
        partition_key=day.isoformat(),
        resources={"resources": resources},
        instance=dg.DagsterInstance.ephemeral(),
        raise_on_error=not may_fail,
    )


def _infos(resources: Resources, asset: str) -> dict[str, MarketInfo]:
    return market_infos_from_json(resources.lake.read_file(asset, DAY, MARKET_INFO_FILE))


def test_files_give_rates_beside_candles_and_the_settings_tell_of_the_market(
    tmp_path: Path, candles: pa.Table
) -> None:
    pq.write_table(candles, tmp_path / "binanceusdm_BTC-USDT-USDT_1h.parquet")
    times, rates = zip(*RATES, strict=True)
    table = funding_table(np.array(times), np.array(rates))
    pq.write_table(table, tmp_path / "binanceusdm_BTC-USDT-USDT_funding.parquet")
    resources = _resources(
        tmp_path,
        **{
            "source.kind": "files",
            "source.files.directory": str(tmp_path),
            "universe.markets": {PERPETUAL: {"tick_size": 0.1, "minimum_notional": 5, "maker_fee_bps": -0.5}},
        },
    )
    result = _night(resources)
    day = resources.lake.read_table("ohlcv", DAY)
    assert day["funding_rate"].to_pylist()[:9] == [1e-4, *[None] * 7, -2e-4]
    odd = resources.lake.read_table("ohlcv", DAY, "quarantine").to_pylist()
    assert [(row["funding_rate"], row["reason"]) for row in odd] == [
        (3e-4, "the funding rate is settled at no bar's open")
    ]
    sanity = next(each for each in result.get_asset_check_evaluations() if each.check_name == "candle_sanity")
    assert sanity.passed
    assert "Funding rates in quarantine: BTC/USDT:USDT 1." in (sanity.description or "")
    assert _infos(resources, "ohlcv") == {PERPETUAL: MarketInfo(PERPETUAL)}
    costs = {PERPETUAL: MarketInfo(PERPETUAL, 0.1, None, 5.0, "perpetual", 5.0, -0.5, 1.0)}
    assert _infos(resources, "market_costs") == costs


def test_an_exchange_tells_of_its_markets_and_the_settings_go_before(
    tmp_path: Path, candles: pa.Table
) -> None:
    with running_emulator({PERPETUAL: candles}, timeframe="1h", funding={PERPETUAL: RATES}) as emulator:
        resources = _resources(
            tmp_path,
            **{
                "source.kind": "ccxt",
                "source.ccxt.exchange": "binanceusdm",
                "source.ccxt.base_url": emulator.url,
                "universe.markets": {PERPETUAL: {"minimum_notional": 50}},
            },
        )
        assert _night(resources).success
    told = {PERPETUAL: MarketInfo(PERPETUAL, 0.1, 0.001, 10.0, "perpetual", 5.0, 2.0)}
    assert _infos(resources, "ohlcv") == told
    costs = {PERPETUAL: MarketInfo(PERPETUAL, 0.1, 0.001, 50.0, "perpetual", 5.0, 2.0, 1.0)}
    assert _infos(resources, "market_costs") == costs
    assert resources.lake.read_table("ohlcv", DAY)["funding_rate"].null_count == 22


def test_a_market_of_which_nobody_says_anything_has_the_defaults_of_its_kind(tmp_path: Path) -> None:
    resources = _resources(tmp_path, **{"universe.symbols": ["BTC/USDT"]})
    assert _night(resources).success
    assert _infos(resources, "market_costs") == {"BTC/USDT": MarketInfo("BTC/USDT").resolved()}


def test_the_first_good_candles_decide_the_source_of_a_home_also_where_dagster_alone_runs(
    tmp_path: Path,
) -> None:
    spot: dict[str, object] = {"universe.symbols": ["BTC/USDT"]}
    resources = _resources(tmp_path, **spot)
    resources.candle_source.fetch_day = lambda *_: RAW_SCHEMA.empty_table()  # type: ignore[method-assign]
    assert not _night(resources, may_fail=True).success
    assert resources.lake.days("ohlcv") == [DAY] and not (tmp_path / "huracan.yaml").exists()
    assert _night(_resources(tmp_path, **spot, **{"source.simulated.seed": 9})).success
    assert _resources(tmp_path).settings.source["simulated"].seed == 9
    other = _resources(tmp_path, **spot, **{"source.simulated.seed": 8})
    before = (tmp_path / "huracan.yaml").read_bytes()
    failed = _night(other, may_fail=True, day=DAY.replace(day=3))
    (failure,) = [event for event in failed.all_events if event.is_step_failure]
    assert "simulated with seed 8 (command line) is another candle source" in str(failure.event_specific_data)
    assert other.lake.days("ohlcv") == [DAY] and (tmp_path / "huracan.yaml").read_bytes() == before


def test_days_that_were_stored_before_there_were_rates_are_read_as_null(tmp_path: Path) -> None:
    resources = _resources(tmp_path, **{"universe.symbols": ["BTC/USDT"]})
    assert _night(resources).success
    new = resources.lake.read_table("ohlcv", DAY)
    before = DAY.replace(day=1)
    old = encode_table(new.drop_columns(["funding_rate"]))
    resources.lake.write("ohlcv", before, {"data.parquet": old})
    both = resources.lake.read_manifests([resources.lake.require("ohlcv", day) for day in (before, DAY)])
    assert both.num_rows == 48
    assert both["funding_rate"].null_count == 48
    assert both.schema.names == new.schema.names
