"""Features of a day: gaps, warm-up, scale, context, and the start of the window."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from huracan.candles.schema import Timeframe
from huracan.errors import InvalidInput
from huracan.features.compute import compute_features, features_schema
from huracan.features.recipe import recipe_of

DAY = date(2024, 5, 4)
MINUTE = Timeframe("1m")
RECIPE = recipe_of(MINUTE, MINUTE)
FLOW = [spec.name for spec in RECIPE.specs if "order flow" in spec.lacks]
FILLED = [spec.name for spec in RECIPE.specs if not spec.is_optional]
BY_BARS = [spec.name for spec in RECIPE.specs if not spec.is_optional or spec.name in FLOW]


def values_of(features: pa.Table, symbol: str, names=BY_BARS) -> np.ndarray:
    rows = features.filter(pc.equal(features["symbol"], symbol))
    return np.column_stack([rows[name].to_numpy() for name in names])


def ready_of(features: pa.Table, symbol: str) -> np.ndarray:
    return features.filter(pc.equal(features["symbol"], symbol))["is_ready"].to_numpy()


@pytest.fixture(scope="module")
def candles(make_candles):
    return make_candles(DAY, 3)


@pytest.fixture(scope="module")
def features(candles):
    return compute_features(candles, DAY, RECIPE)


def test_the_table_has_every_bar_of_the_day_in_the_universes_order(features):
    assert features.schema == features_schema(RECIPE)
    assert features["symbol"].to_pylist() == [
        s for s in ("BTC/USDT", "ETH/USDT", "SOL/USDT") for _ in range(1440)
    ]
    assert features["open_time"][0].as_py().isoformat() == "2024-05-04T00:00:00+00:00"
    assert all(features["is_ready"].to_pylist())
    for symbol in ("BTC/USDT", "SOL/USDT"):
        assert np.isfinite(values_of(features, symbol)).all()


def test_hand_computed_values(candles, features):
    close = candles.filter(pc.equal(candles["symbol"], "SOL/USDT"))["close"].to_numpy()
    row = dict(zip(BY_BARS, values_of(features, "SOL/USDT")[-1], strict=True))
    returns = np.diff(np.log(close))
    assert row["return_15_bps"] == pytest.approx(np.log(close[-1] / close[-16]) * 1e4, rel=1e-5)
    assert row["return_std_60_bps"] == pytest.approx(returns[-60:].std() * 1e4, rel=1e-5)
    assert row["uptick_ratio_20"] == pytest.approx(np.sign(np.diff(close[-21:])).sum() / 20)
    assert row["time_of_day_cos"] == pytest.approx(np.cos(2 * np.pi * 1439 / 1440))
    assert row["weekday_sin"] == pytest.approx(np.sin(2 * np.pi * 5 / 7))  # a Saturday
    btc = candles.filter(pc.equal(candles["symbol"], "BTC/USDT"))["close"].to_numpy()
    leader = np.diff(np.log(btc))[-60:]
    assert row["btc_correlation_60"] == pytest.approx(np.corrcoef(leader, returns[-60:])[0, 1], abs=1e-5)
    assert row["btc_beta_60"] == pytest.approx(
        np.cov(leader, returns[-60:], ddof=0)[0, 1] / leader.var(), rel=1e-4
    )


def test_a_missing_bar_is_nan_everywhere_and_never_filled(make_candles):
    gap = list(range(2 * 1440 + 600, 2 * 1440 + 680))
    holed = compute_features(make_candles(DAY, 3, gaps={"ETH/USDT": gap}), DAY, RECIPE)
    eth = values_of(holed, "ETH/USDT")
    assert np.isnan(eth[600:680]).all()
    assert not ready_of(holed, "ETH/USDT")[600:680].any()
    assert np.isfinite(eth[680:]).all() and ready_of(holed, "ETH/USDT")[680:].all()
    sol = values_of(holed, "SOL/USDT", ("eth_return_5_bps", "btc_return_5_bps"))
    assert (sol[600:680, 0] == 0.0).all() and (sol[600:680, 1] != 0.0).any()


def test_flat_bars_give_finite_neutral_values(make_candles):
    flats = list(range(2 * 1440 + 100, 2 * 1440 + 900))
    still = compute_features(make_candles(DAY, 3, flats={"SOL/USDT": flats}), DAY, RECIPE)
    sol = values_of(still, "SOL/USDT")
    assert np.isfinite(sol).all() and np.abs(sol).max() < 1e4
    last = dict(zip(BY_BARS, sol[899], strict=True))
    neutral = {
        "rsi_14": 0.0,
        "adx_14": 0.0,
        "volume_z_20": 0.0,
        "volume_ratio_20_240": 1.0,
        "taker_imbalance_5": 0.0,
    }
    assert {name: last[name] for name in neutral} == neutral


def test_a_source_without_order_flow_has_nan_flow_and_ready_bars(make_candles):
    bare = compute_features(make_candles(DAY, 3, has_flow=False), DAY, RECIPE)
    assert np.isnan(values_of(bare, "SOL/USDT", FLOW)).all()
    assert np.isfinite(values_of(bare, "SOL/USDT", FILLED)).all()
    assert ready_of(bare, "SOL/USDT").all()


def test_a_symbol_is_ready_once_it_has_been_seen_for_the_warm_up(make_candles):
    listed = 1440 + 300
    young = make_candles(DAY, 3, gaps={"SOL/USDT": list(range(listed))})
    ready = ready_of(compute_features(young, DAY, RECIPE), "SOL/USDT")
    first = listed + RECIPE.ready_bars - 1 - 2 * 1440
    assert not ready[:first].any() and ready[first:].all()


def test_a_symbol_without_any_candle_is_nan_and_not_ready(make_candles):
    dead = make_candles(DAY, 2, gaps={"BTC/USDT": list(range(2880))})
    table = compute_features(dead, DAY, RECIPE)
    assert np.isnan(values_of(table, "BTC/USDT")).all() and not ready_of(table, "BTC/USDT").any()
    assert np.isfinite(values_of(table, "SOL/USDT", ("btc_beta_60", "btc_return_5_bps"))[-1]).all()


def test_a_universe_without_leaders_has_the_documented_neutral_context(make_candles):
    alone = compute_features(make_candles(DAY, 3, symbols=("PEPE/USDT",)), DAY, RECIPE)
    names = [spec.name for spec in RECIPE.specs if spec.group == "cross_market"]
    rows = values_of(alone, "PEPE/USDT", names)
    assert (rows == np.array([1.0 if name == "btc_beta_60" else 0.0 for name in names])).all()


@pytest.mark.parametrize(("price_unit", "volume_unit"), [(1000.0, 1.0), (1e-7, 1.0), (1.0, 1000.0)])
def test_units_of_price_and_volume_change_nothing(candles, features, price_unit, volume_unit):
    scaled = candles
    for name in ("open", "high", "low", "close", "volume", "taker_buy_volume"):
        unit = volume_unit if "volume" in name else price_unit
        index = scaled.column_names.index(name)
        scaled = scaled.set_column(index, name, pc.multiply(scaled[name], unit))
    again = compute_features(scaled, DAY, RECIPE)
    for symbol in ("BTC/USDT", "SOL/USDT"):
        np.testing.assert_allclose(
            values_of(again, symbol), values_of(features, symbol), rtol=1e-5, atol=2e-6
        )


def test_the_start_of_the_window_does_not_matter(make_candles):
    four = make_candles(DAY, 5)
    two = four.slice(2 * 3 * 1440)
    long, short = (compute_features(table, DAY, RECIPE) for table in (four, two))
    for symbol in ("BTC/USDT", "SOL/USDT"):
        np.testing.assert_allclose(values_of(short, symbol), values_of(long, symbol), rtol=1e-6, atol=1e-6)


def test_other_timeframes_work(make_candles):
    quarter = Timeframe("15m")
    table = compute_features(make_candles(DAY, 22, timeframe="15m"), DAY, recipe_of(quarter, quarter))
    assert table.num_rows == 3 * 96 and all(table["is_ready"].to_pylist())


def test_candles_of_a_later_day_a_lacking_day_and_a_repeated_day_are_refused(candles):
    with pytest.raises(InvalidInput, match="after 2024-05-03"):
        compute_features(candles, date(2024, 5, 3), RECIPE)
    with pytest.raises(InvalidInput, match="no candles of 2024-05-05"):
        compute_features(candles, date(2024, 5, 5), RECIPE)
    with pytest.raises(InvalidInput, match="twice"):
        compute_features(pa.concat_tables([candles, candles.slice(0, 1440)]), DAY, RECIPE)
    with pytest.raises(InvalidInput, match="15m grid"):
        compute_features(candles, DAY, recipe_of(Timeframe("15m"), Timeframe("15m")))
    with pytest.raises(InvalidInput, match="DOGE"):
        compute_features(candles, DAY, RECIPE, symbols=["DOGE/USDT"])
