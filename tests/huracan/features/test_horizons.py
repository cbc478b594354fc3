"""Calendar horizons by hand, with holes, and for coins that are new."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from huracan.candles.hourly import hourly_summaries
from huracan.candles.schema import TIME, Timeframe, day_start
from huracan.features.compute import compute_features
from huracan.features.recipe import recipe_of

DAY = date(2024, 5, 30)
MINUTE, QUARTER, HOUR = Timeframe("1m"), Timeframe("15m"), Timeframe("1h")
SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")


def hours_of(candles, detail):
    per_day = len(SYMBOLS) * detail.bars_per_day
    return pa.concat_tables(
        [hourly_summaries(candles.slice(at, per_day), detail) for at in range(0, candles.num_rows, per_day)]
    )


def of(table, symbol):
    return table.filter(pc.equal(table["symbol"], symbol))


@pytest.fixture(scope="module")
def quarters(make_candles):
    return make_candles(DAY, 31, timeframe="15m")


@pytest.fixture(scope="module")
def hourly(quarters):
    return hours_of(quarters, QUARTER)


@pytest.fixture(scope="module")
def features(quarters, hourly):
    return compute_features(quarters, DAY, recipe_of(QUARTER, QUARTER), hourly=hourly)


@pytest.mark.parametrize("bar", [0, 3, 50, 95])
@pytest.mark.parametrize(("horizon", "days"), [("1d", 1), ("7d", 7), ("30d", 30)])
def test_a_horizon_is_that_of_its_stored_bars(quarters, features, bar, horizon, days):
    rows = {symbol: of(features, symbol).slice(bar, 1).to_pylist()[0] for symbol in SYMBOLS}
    returns = {}
    for symbol in SYMBOLS:
        bars, end = of(quarters, symbol), 30 * 96 + 4 * ((bar + 1) // 4)
        window = bars.slice(end - 96 * days, 96 * days)
        now = bars["close"][30 * 96 + bar].as_py()
        high, low = max(pc.max(window["high"]).as_py(), now), min(pc.min(window["low"]).as_py(), now)
        opened, closes = window["open"][0].as_py(), window["close"].to_numpy()
        squared = np.diff(np.log(np.concatenate([[opened], closes]))) ** 2
        returns[symbol] = np.log(now / opened) * 1e4
        row = rows[symbol]
        assert row[f"available_{horizon}"] == 1.0
        assert row[f"return_{horizon}_bps"] == pytest.approx(returns[symbol], rel=1e-4, abs=1e-3)
        expected = np.sqrt(squared.mean() * 4) * 1e4
        assert row[f"volatility_{horizon}_bps"] == pytest.approx(expected, rel=1e-3)
        assert row[f"range_position_{horizon}"] == pytest.approx(2 * (now - low) / (high - low) - 1, abs=1e-5)
        trend = np.log(closes[-1] / opened) / np.sqrt(squared.sum())
        assert row[f"trend_strength_{horizon}"] == pytest.approx(trend, rel=2e-3, abs=1e-4)
        if days > 1:
            assert row[f"distance_from_top_{horizon}_bps"] == pytest.approx(
                np.log(now / high) * 1e4, rel=1e-4, abs=1e-3
            )
            assert row[f"distance_from_bottom_{horizon}_bps"] >= 0.0
    for symbol in SYMBOLS:
        less = returns[symbol] - np.mean(list(returns.values()))
        assert rows[symbol][f"relative_return_{horizon}_bps"] == pytest.approx(less, rel=1e-3, abs=1e-2)


def test_volatilities_and_volumes_are_compared_across_horizons(quarters, features):
    row = of(features, "SOL/USDT").slice(95, 1).to_pylist()[0]
    ratio = np.log(row["volatility_1d_bps"] / row["volatility_7d_bps"])
    assert row["volatility_ratio_1d_7d"] == pytest.approx(ratio, abs=1e-5)
    value = of(quarters, "SOL/USDT")["volume"].to_numpy() * of(quarters, "SOL/USDT")["close"].to_numpy()
    expected = np.log(value[-96 * 7 :].mean() / value[-96 * 30 :].mean())
    assert row["volume_ratio_7d_30d"] == pytest.approx(expected, rel=1e-5)


def test_the_age_of_the_newest_large_move_is_told(quarters, hourly):
    at = int((day_start(DAY) - timedelta(hours=10)).timestamp() * 1000)
    is_it = pc.and_(
        pc.equal(hourly["symbol"], "SOL/USDT"), pc.equal(hourly["open_time"].cast(pa.int64()), at)
    )
    high = pc.if_else(is_it, pc.multiply(hourly["open"], 1.5), hourly["high"])
    moved = hourly.set_column(hourly.column_names.index("high"), "high", high)
    table = compute_features(quarters, DAY, recipe_of(QUARTER, QUARTER), hourly=moved)
    ages = np.expm1(of(table, "SOL/USDT")["hours_since_large_move"].to_numpy() * np.log1p(720))
    np.testing.assert_allclose(ages[[0, 2, 3, 7]], [9.0, 9.0, 10.0, 11.0], rtol=1e-4)


def test_a_new_coin_and_a_day_set_aside_trade_on(make_candles):
    quarter_days = {"new": list(range(96 * 27)), "aside": list(range(96 * 27, 96 * 28))}
    gaps = {"ETH/USDT": quarter_days["new"], "SOL/USDT": quarter_days["aside"]}
    candles = make_candles(DAY, 31, timeframe="15m", gaps=gaps)
    hourly = hours_of(candles, QUARTER)
    table = compute_features(candles, DAY, recipe_of(QUARTER, QUARTER), hourly=hourly)
    new, aside, old = (of(table, symbol) for symbol in ("ETH/USDT", "SOL/USDT", "BTC/USDT"))
    assert not np.any(new["available_30d"].to_numpy()) and np.isnan(new["return_30d_bps"].to_numpy()).all()
    assert np.all(new["available_1d"].to_numpy() == 1.0)
    assert np.isfinite(new["return_1d_bps"].to_numpy()).all()
    assert np.isnan(new["volume_ratio_1d_30d"].to_numpy()).all()
    for horizon in ("1d", "7d", "30d"):
        assert np.all(aside[f"available_{horizon}"].to_numpy() == 1.0)
    assert aside["is_ready"].to_pylist() == old["is_ready"].to_pylist()
    two = of(table, "BTC/USDT")["return_30d_bps"].to_numpy(), aside["return_30d_bps"].to_numpy()
    less = old["relative_return_30d_bps"].to_numpy()
    np.testing.assert_allclose(less, two[0] - (two[0] + two[1]) / 2.0, rtol=1e-3, atol=1e-2)


def test_without_summaries_nothing_is_known_and_nothing_is_held_up(quarters):
    table = compute_features(quarters, DAY, recipe_of(QUARTER, QUARTER))
    assert all(table["is_ready"].to_pylist())
    assert not np.any(table["available_30d"].to_numpy()) and np.isnan(table["return_1d_bps"].to_numpy()).all()


def test_funding_is_the_newest_rate_and_what_a_day_costs(make_candles):
    candles = make_candles(DAY, 31, timeframe="1h")
    times = candles["open_time"].cast(pa.int64()).to_numpy() // 3_600_000
    is_sol = pc.equal(candles["symbol"], "SOL/USDT").to_numpy()
    rates = np.where(is_sol & (times % 8 == 0), 1e-4 * (times // 8 % 3), np.nan)
    index = candles.column_names.index("funding_rate")
    candles = candles.set_column(index, "funding_rate", pa.array(rates, from_pandas=True))
    table = compute_features(candles, DAY, recipe_of(HOUR, HOUR), hourly=hours_of(candles, HOUR))
    sol, btc = of(table, "SOL/USDT"), of(table, "BTC/USDT")
    newest = 1e-4 * (times[is_sol][-24:] // 8 % 3) * 1e4
    np.testing.assert_allclose(sol["funding_last_bps"].to_numpy(), newest, rtol=1e-5)
    np.testing.assert_allclose(sol["funding_per_day_bps"].to_numpy()[-1], 3.0, rtol=1e-5)
    assert np.all(sol["available_funding"].to_numpy() == 1.0)
    assert not np.any(btc["available_funding"].to_numpy())
    assert np.isnan(btc["funding_last_bps"].to_numpy()).all()


def test_a_coins_first_day_costs_as_much_funding_a_day_as_any_other(make_candles):
    candles = make_candles(DAY, 1, timeframe="1h")
    times = candles["open_time"].cast(pa.int64()).to_numpy() // 3_600_000
    rates = np.where(times % 8 == 0, 1e-4, np.nan)
    index = candles.column_names.index("funding_rate")
    candles = candles.set_column(index, "funding_rate", pa.array(rates, from_pandas=True))
    table = compute_features(candles, DAY, recipe_of(HOUR, HOUR), hourly=hours_of(candles, HOUR))
    told = of(table, "SOL/USDT")["funding_per_day_bps"].to_numpy()
    # The second settlement, at 08:00, is known with the close of its hour.
    assert np.isnan(told[:8]).all()
    np.testing.assert_allclose(told[8:], 3.0, rtol=1e-5)


def test_sessions_are_told_by_the_close(quarters, features):
    btc = of(features, "BTC/USDT")  # the 30th of May 2024, a Thursday
    hours = (np.arange(96) + 1) / 4 % 24
    np.testing.assert_array_equal(btc["session_asia"].to_numpy(), hours < 8)
    np.testing.assert_array_equal(btc["session_europe"].to_numpy(), (hours >= 7) & (hours < 16))
    np.testing.assert_array_equal(btc["session_america"].to_numpy(), (hours >= 13) & (hours < 22))
    assert not np.any(btc["is_weekend"].to_numpy())
    assert np.all(btc["is_end_of_month"].to_numpy() == 1.0)


def test_units_of_price_and_volume_change_no_horizon(quarters, features):
    scaled = quarters
    for name in ("open", "high", "low", "close", "volume", "taker_buy_volume"):
        unit = 1e-7 if "volume" not in name else 1000.0
        scaled = scaled.set_column(scaled.column_names.index(name), name, pc.multiply(scaled[name], unit))
    recipe = recipe_of(QUARTER, QUARTER)
    again = compute_features(scaled, DAY, recipe, hourly=hours_of(scaled, QUARTER))
    for spec in recipe.specs:
        if spec.group in ("horizon", "funding"):
            np.testing.assert_allclose(
                again[spec.name].to_numpy(), features[spec.name].to_numpy(), rtol=1e-4, atol=1e-3
            )


def test_decision_bars_see_the_same_horizons_as_their_last_detail_bar(make_candles):
    candles = make_candles(DAY, 31)
    hourly = hours_of(candles, MINUTE)
    fine = compute_features(candles.slice(28 * 3 * 1440), DAY, recipe_of(MINUTE, MINUTE), hourly=hourly)
    coarse = compute_features(candles, DAY, recipe_of(MINUTE, HOUR), hourly=hourly)
    last = fine.take(np.arange(59, fine.num_rows, 60))
    for spec in recipe_of(MINUTE, HOUR).specs:
        if spec.group in ("horizon", "funding", "sessions"):
            assert np.array_equal(last[spec.name].to_numpy(), coarse[spec.name].to_numpy(), equal_nan=True)
    assert coarse["open_time"].cast(TIME)[1].as_py() - coarse["open_time"][0].as_py() == timedelta(hours=1)
