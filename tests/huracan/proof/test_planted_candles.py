"""Candles with a planted harm: the same ones every time, and the plant in prices, volume and flow alone."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from huracan.candles.schema import FLAT, OHLCV_SCHEMA, TRADED
from huracan.candles.spread import day_spreads
from huracan.errors import InvalidInput
from huracan.proof.candle_nights import CandleNights, play_nights
from huracan.proof.gate_plants import (
    FLOW_AGAINST,
    FLOW_FOR,
    FREEZE,
    PAYS_IN,
    PLANTS,
    STRETCH,
    VOLATILE,
    Plant,
    PlantedCandlesConfig,
    plan_day,
)
from huracan.proof.planted_candles import PlantedCandles, plant_candles, planted_at

_SMALL = PlantedCandlesConfig(symbols=4, days=12, seed=3, broken_share=0.3)
_MOVES: tuple[Plant, ...] = ("toxic_flow", "false_pattern", "losing_regime")


def _market(plant: Plant, **other: object) -> PlantedCandles:
    return plant_candles(replace(_SMALL, plant=plant, **other))


def _grid(market: PlantedCandles, name: str) -> NDArray[np.float64]:
    """[symbols, bars]"""
    return market.candles[name].to_numpy().reshape(market.config.symbols, -1)


def _returns_bps(market: PlantedCandles) -> NDArray[np.float64]:
    return np.diff(np.log(_grid(market, "close")), axis=1) * 1e4


def _looks(market: PlantedCandles) -> NDArray[np.int8]:
    config = market.config
    rows = [
        np.concatenate([plan_day(config, symbol, day).look for day in range(config.days)])
        for symbol in range(config.symbols)
    ]
    return np.stack(rows)


def _hour_after(market: PlantedCandles, at: NDArray[np.bool_]) -> float:
    """Mean move of the hour after the moments at `at`, on the driver's side, in bps."""
    closes, sides = np.log(_grid(market, "close")) * 1e4, market.sides
    symbol, bar = np.nonzero((sides != 0) & at)
    moves = closes[symbol, bar + PAYS_IN] - closes[symbol, bar]
    return float((moves * sides[symbol, bar]).mean())


@pytest.mark.parametrize("plant", PLANTS)
def test_the_same_settings_give_the_same_candles_and_more_days_only_append(plant: Plant) -> None:
    market, longer = _market(plant, days=3, turn_day=1), _market(plant, days=4, turn_day=1)
    assert market.candles.schema.equals(OHLCV_SCHEMA)
    assert market.candles.equals(_market(plant, days=3, turn_day=1).candles)
    assert not market.candles.equals(_market(plant, days=3, turn_day=1, seed=4).candles)
    bars = 3 * 1440
    for symbol in range(market.config.symbols):
        begun = longer.candles.slice(symbol * 4 * 1440, bars)
        assert begun.equals(market.candles.slice(symbol * bars, bars))
    assert np.array_equal(longer.sides[:, :bars], market.sides)
    assert np.array_equal(longer.planted[:, :bars], market.planted)


@pytest.mark.parametrize("plant", PLANTS)
def test_a_bar_has_its_prices_between_low_and_high_and_no_more_bought_than_traded(plant: Plant) -> None:
    market = _market(plant)
    prices = {name: _grid(market, name) for name in ("open", "high", "low", "close")}
    assert (prices["low"] <= np.minimum(prices["open"], prices["close"]) + 1e-9).all()
    assert (prices["high"] >= np.maximum(prices["open"], prices["close"]) - 1e-9).all()
    bought, volume = _grid(market, "taker_buy_volume"), _grid(market, "volume")
    assert (bought >= 0.0).all() and (bought <= volume).all()
    status = np.array(market.candles["status"].to_pylist()).reshape(volume.shape)
    assert np.array_equal(status == FLAT, volume == 0.0) and set(np.unique(status)) <= {FLAT, TRADED}


@pytest.mark.parametrize("plant", [*_MOVES, "cost_trap"])
def test_a_market_differs_from_one_without_a_plant_only_where_it_is_planted(plant: Plant) -> None:
    market, fair = _market(plant), _market("none")
    differs = np.abs(_returns_bps(market) - _returns_bps(fair)) > 1e-6
    touched = market.planted[:, 1:] | market.planted[:, :-1]
    assert differs.any() and not (differs & ~touched).any()
    assert np.array_equal(market.sides, fair.sides) and not fair.planted.any()
    for name in ("volume", "taker_buy_volume"):
        # In the coins' own unit the volume changes with the price alone.
        both = [_grid(each, name) * _grid(each, "close") for each in (market, fair)]
        assert np.allclose(*both)


@pytest.mark.parametrize("plant", _MOVES)
def test_prices_move_against_the_driver_where_that_is_planted_and_with_it_elsewhere(plant: Plant) -> None:
    market = _market(plant)
    assert _hour_after(market, market.planted) == pytest.approx(-market.config.harm_bps, abs=12.0)
    assert _hour_after(market, ~market.planted) == pytest.approx(market.config.edge_bps, abs=6.0)


def test_each_plant_lies_in_the_look_that_it_is_named_for() -> None:
    late = np.arange(12 * 1440) >= _SMALL.turn_day * 1440
    looks = _looks(_market("none"))
    assert np.array_equal(_market("toxic_flow").planted, looks == FLOW_AGAINST)
    assert np.array_equal(_market("losing_regime").planted, looks == VOLATILE)
    assert np.array_equal(_market("false_pattern").planted, (looks == FLOW_FOR) & late)


def test_the_flow_runs_with_the_driver_or_against_it_as_the_look_says_also_where_nothing_is_planted() -> None:
    market = _market("none")
    looks, side = _looks(market), np.zeros(market.sides.shape)
    for symbol in range(4):
        days = [plan_day(market.config, symbol, day).side for day in range(12)]
        side[symbol] = np.concatenate(days)
    imbalance = side * (2.0 * _grid(market, "taker_buy_volume") / _grid(market, "volume") - 1.0)
    means = [imbalance[looks == look].mean() for look in (FLOW_FOR, FLOW_AGAINST, VOLATILE)]
    assert means[0] > 0.25 and means[1] < -0.25 and abs(means[2]) < 0.05


def test_the_trap_is_a_wide_spread_that_the_candles_show() -> None:
    market = _market("cost_trap", days=2)
    trapped = market.planted.all(axis=1)
    assert trapped.sum() == 1 and not market.planted[~trapped].any()
    half = np.array(day_spreads(market.candles)["half_spread_bps"].to_pylist())
    assert half[trapped] == pytest.approx(35.0, abs=3.0) and (half[~trapped] < 3.0).all()


def test_a_broken_feed_stands_still_and_comes_back_with_a_jump_against_the_driver() -> None:
    market = _market("broken_feed")
    frozen, high, low = market.planted, _grid(market, "high"), _grid(market, "low")
    assert 0.1 < frozen.mean() < 0.6 and np.array_equal(high == low, frozen)
    stretch = frozen.reshape(4, -1, STRETCH)
    assert np.isin(stretch.sum(axis=2), (0, FREEZE)).all()
    # The middle of the bar that it comes back with, less the last one that it stood at.
    symbol, bar = np.nonzero(np.diff(frozen.astype(int), axis=1) < 0)
    closes = np.log(_grid(market, "close")) * 1e4
    side = [plan_day(market.config, s, b // 1440).side[b % 1440] for s, b in zip(symbol, bar, strict=True)]
    jumps = (closes[symbol, bar + 1] - closes[symbol, bar]) * np.array(side)
    assert (jumps < -50.0).all() and jumps.mean() == pytest.approx(-80.0, abs=8.0)


def test_the_oracle_knows_of_each_trade_whether_it_was_entered_where_harm_is_done() -> None:
    market = _market("toxic_flow", days=6, symbols=2)
    trades = pa.concat_tables([night.trades for night in play_nights(market, CandleNights(patterns=None))])
    net, planted = trades["net_bps"].to_numpy(), planted_at(market, trades)
    assert 0 < planted.sum() < len(net)
    assert net[planted].mean() < -40.0 and net[~planted].mean() > 10.0


def test_what_a_night_on_candles_ends_with_does_not_change_when_more_days_follow() -> None:
    short, long = (
        play_nights(_market("false_pattern", days=days, symbols=2, turn_day=6), CandleNights())
        for days in (7, 8)
    )
    assert len(short) == 2 and len(long) == 3
    for early, late in zip(short, long, strict=False):
        assert early.trades.num_rows > 20 and early.trades.equals(late.trades)
        assert early.library.equals(late.library)


def test_a_plant_that_nobody_knows_and_a_market_of_nothing_are_refused() -> None:
    for wrong in ({"plant": "magic"}, {"symbols": 0}, {"look_shares": (0.5, 0.6, 0.0, 0.0)}):
        with pytest.raises(InvalidInput):
            PlantedCandlesConfig(**wrong)
