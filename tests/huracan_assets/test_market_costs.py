"""What a market costs on a day, as the night stores it: its own half-spread, and the one by days before."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from huracan.candles.market_info import MARKET_INFO_FILE, MarketInfo, market_infos_from_json
from huracan.candles.schema import RAW_SCHEMA, day_start
from huracan.candles.spread import TRAILING_DAYS
from huracan.features.hours import HOURLY_DAYS
from huracan_assets.inputs.windows import regime_days
from huracan_assets.market.features import features
from huracan_assets.market.market_costs import market_costs
from huracan_assets.market.ohlcv import ohlcv
from huracan_assets.market.regimes import regimes
from huracan_assets.running import run_stage
from huracan_assets.stage import StageContext
from huracan_resources.lake.manifest import Manifest
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings

FIRST, SYMBOL, BARS = date(2025, 3, 2), "A/USDT", 288
DAYS = [FIRST + timedelta(days=number) for number in range(3)]


def _candles(day: date, half_spread_bps: float, seed: int) -> pa.Table:
    """Five-minute bars that bounce between bid and ask around a wandering middle."""
    generator = np.random.default_rng(seed)
    moves = generator.normal(0, 1e-4, (BARS, 20))
    sides = generator.choice([-1, 1], moves.shape)
    middle = np.exp(np.cumsum(moves.ravel())).reshape(moves.shape)
    trades = 100 * middle * (1 + half_spread_bps * 1e-4 * sides)
    start = int(day_start(day).timestamp() * 1000)
    return pa.table(
        [
            pa.array(start + np.arange(BARS) * 300_000).cast(RAW_SCHEMA.field("open_time").type),
            *(pa.array(each) for each in (trades[:, 0], trades.max(1), trades.min(1), trades[:, -1])),
            pa.array(np.full(BARS, 5.0)),
            *(pa.nulls(BARS, RAW_SCHEMA.field(name).type) for name in RAW_SCHEMA.names[-2:]),
        ],
        schema=RAW_SCHEMA,
    )


def _resources(
    home: Path, candles: list[pa.Table], changes: dict[str, object] | None = None, **market: float
) -> Resources:
    (home / "candles").mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.concat_tables(candles), home / "candles" / "binance_A-USDT_5m.parquet")
    chosen = {
        "universe.symbols": [SYMBOL],
        "universe.timeframe": "5m",
        "universe.markets": {SYMBOL: market} if market else {},
        "storage.home": str(home),
        "source.kind": "files",
        "source.files.directory": str(home / "candles"),
        **(changes or {}),
    }
    return Resources(load_settings(chosen, environ={"HURACAN_CONFIG_DIR": str(home)}))


def _made(resources: Resources, day: date) -> tuple[Manifest, Manifest]:
    """Candles and costs of the day."""
    candles, costs = (
        run_stage(each, StageContext(each.name, day, resources.settings, resources, "")).manifest
        for each in (ohlcv, market_costs)
    )
    return candles, costs


def _market(resources: Resources, day: date) -> MarketInfo:
    costs = resources.lake.read_file("market_costs", day, MARKET_INFO_FILE)
    (info,) = market_infos_from_json(costs).values()
    return info


def _own(resources: Resources, day: date) -> float:
    (row,) = resources.lake.read_table("ohlcv", day, "spreads").to_pylist()
    return float(row["half_spread_bps"])


@pytest.fixture
def candles() -> list[pa.Table]:
    return [_candles(day, spread, seed=day.day) for day, spread in zip(DAYS, (4.0, 8.0, 40.0), strict=True)]


def test_a_day_costs_what_the_days_before_it_tell_and_its_own_bars_count_from_the_next_day_on(
    tmp_path: Path, candles: list[pa.Table]
) -> None:
    resources = _resources(tmp_path, candles)
    for day in DAYS:
        _made(resources, day)
    own = [_own(resources, day) for day in DAYS]
    assert own == pytest.approx([4.0, 8.0, 40.0], rel=0.1)
    used = [_market(resources, day).half_spread_bps for day in DAYS]
    assert used == pytest.approx([1.0, own[0], np.sqrt((own[0] ** 2 + own[1] ** 2) / 2)])


def test_a_later_day_changes_no_earlier_estimate_and_its_own_candles_not_what_it_costs(
    tmp_path: Path, candles: list[pa.Table]
) -> None:
    one = _resources(tmp_path / "one", candles)
    other = _resources(tmp_path / "other", [*candles[:2], _candles(DAYS[2], 0.0, seed=99)])
    for day in DAYS:
        _made(one, day)
        _made(other, day)
    for day in DAYS:
        assert _market(one, day) == _market(other, day)
    assert _own(one, DAYS[2]) > 10 * _own(other, DAYS[2])


def test_a_day_before_is_recorded_by_its_table_alone(tmp_path: Path, candles: list[pa.Table]) -> None:
    resources = _resources(tmp_path, candles)
    (before, _), made = _made(resources, DAYS[0]), _made(resources, DAYS[1])
    assert made[1].inputs[f"{before.key}#spreads"] == before.files["spreads.parquet"].sha256
    assert not [key for key in made[0].inputs if "#spreads" in key], "candles are made of no spread"
    volume = candles[0].schema.get_field_index("volume")
    candles[0] = candles[0].set_column(volume, "volume", pa.array(np.full(BARS, 7.0)))
    again = _resources(tmp_path, candles)
    (changed, _), kept = _made(again, DAYS[0]), _made(again, DAYS[1])
    assert changed.content_hash != before.content_hash
    for now, then in zip(kept, made, strict=True):
        assert (now.inputs, now.content_hash) == (then.inputs, then.content_hash)


def test_what_the_settings_say_of_a_market_goes_before_all(tmp_path: Path, candles: list[pa.Table]) -> None:
    said = {"half_spread_bps": 2.5, "maker_fee_bps": -0.5, "borrow_pct_per_year": 12.0}
    resources = _resources(tmp_path, candles, **said)
    for day in DAYS[:2]:
        _made(resources, day)
    assert _market(resources, DAYS[1]) == MarketInfo(SYMBOL, None, None, None, "spot", 10.0, -0.5, 2.5, 12.0)


def test_only_the_days_before_a_day_are_among_its_inputs_and_one_that_is_missing_is_left_out(
    tmp_path: Path, candles: list[pa.Table]
) -> None:
    resources = _resources(tmp_path, candles)
    _made(resources, DAYS[0])
    _, made = _made(resources, DAYS[2])
    read = [key for key in made.inputs if key.endswith("#spreads")]
    assert read == [f"ohlcv/{DAYS[0]}#spreads"]
    assert _market(resources, DAYS[2]).half_spread_bps == pytest.approx(_own(resources, DAYS[0]))


def test_what_is_said_of_a_market_prices_it_anew_and_makes_nothing_else_again(tmp_path: Path) -> None:
    plain, said = (
        _resources(tmp_path, [_candles(FIRST, 4.0, 1)], **fee) for fee in ({}, {"taker_fee_bps": 1.0})
    )
    for stage in (ohlcv, features, regimes, market_costs):
        one, other = (stage.configuration_digest(each.settings) for each in (plain, said))
        assert (one == other) == (stage is not market_costs), stage.name


CHANGED, FIRST_FEATURES, LAST = 3, 33, 45
LONG = [FIRST + timedelta(days=number) for number in range(LAST + 1)]


def _remade(resources: Resources, *, from_day: int = 0) -> dict[str, list[int]]:
    """Of each asset the days that were not as they would be made now, and are; features and regimes of the
    last days alone. The candles of `from_day` are asked for again."""
    lake, settings, remade = resources.lake, resources.settings, dict[str, list[int]]()
    begins = [(ohlcv, from_day), (market_costs, 0), (features, FIRST_FEATURES), (regimes, LAST)]
    for number, day in enumerate(LONG):
        for stage in (each for each, first in begins if number >= first):
            is_stale = stage.current(lake, day, settings, stage.inputs(lake, day, settings)) is None
            if is_stale or (stage.name, number) == ("ohlcv", from_day):
                digest = stage.configuration_digest(settings)
                run_stage(stage, StageContext(stage.name, day, settings, resources, digest))
                remade.setdefault(stage.name, []).append(number)
    return remade


def test_other_candles_of_a_day_remake_no_later_candles_and_price_four_weeks_anew(tmp_path: Path) -> None:
    chosen: dict[str, object] = {"regimes.minimum_days": 1, "regimes.fit_days": 11}
    candles = [_candles(day, 4.0, seed=number) for number, day in enumerate(LONG)]
    resources = _resources(tmp_path, candles, chosen)
    assert _remade(resources).keys() == {"ohlcv", "market_costs", "features", "regimes"}
    assert CHANGED + HOURLY_DAYS + regime_days(resources.settings) == LAST

    # Higher highs, with the closes that they had.
    index, highs = candles[CHANGED].schema.get_field_index("high"), candles[CHANGED]["high"].to_numpy()
    candles[CHANGED] = candles[CHANGED].set_column(index, "high", pa.array(highs * 1.002))
    before = [_market(resources, day) for day in LONG[CHANGED : CHANGED + 2]]
    assert _remade(_resources(tmp_path, candles, chosen), from_day=CHANGED) == {
        "ohlcv": [CHANGED],
        "market_costs": list(range(CHANGED, CHANGED + 1 + max(TRAILING_DAYS))),
        # Those that look back on the day; regimes of the last day look back on others.
        "features": [CHANGED + HOURLY_DAYS - 1],
    }
    assert _market(resources, LONG[CHANGED]) == before[0]
    assert _market(resources, LONG[CHANGED + 1]) != before[1]
