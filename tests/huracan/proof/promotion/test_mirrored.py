"""Real bars that are kept or turned over by a coin have no edge left, and nothing else is lost."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.errors import InvalidInput
from huracan.proof.promotion.mirrored import PRICES, mirrored, mirrored_market
from huracan.proof.promotion.null_markets import NullMarketConfig, null_market
from huracan.proof.promotion.nulls import NullSettings, prove_nulls
from huracan.proof.promotion.skillless import SKILLLESS

RISING = null_market(NullMarketConfig(kind="drifting", drift_bps_per_day=100.0, days=60, seed=3))


def candles_of(**prices: np.ndarray) -> pa.Table:
    count, bars = prices["close"].shape
    symbols = np.repeat([f"S{index}" for index in range(count)], bars)
    values = {name: pa.array(each.reshape(-1), from_pandas=True) for name, each in prices.items()}
    return pa.table({"symbol": symbols, "open_time": np.tile(np.arange(bars), count), **values})


def real() -> pa.Table:
    return candles_of(**{name: getattr(RISING, name) for name in PRICES})


def of(table: pa.Table, name: str) -> np.ndarray:
    return table[name].to_numpy().reshape(len(table["symbol"].unique()), -1)


def test_a_bar_that_is_turned_over_is_as_far_below_the_close_before_it_as_it_was_above() -> None:
    bar = {"open": [101.0], "high": [110.0], "low": [96.0], "close": [104.0]}
    before = {"open": [100.0], "high": [100.0], "low": [100.0], "close": [100.0]}
    flow = {"volume": [[5.0, 8.0]], "taker_buy_volume": [[1.0, 6.0]]}
    candles = candles_of(
        **{name: np.array([before[name] + bar[name]]) for name in PRICES},
        **{name: np.array(values) for name, values in flow.items()},
    )
    found = {
        tuple(mirrored(candles, np.random.default_rng(seed)).slice(1, 1).to_pylist()[0].items())
        for seed in range(20)
    }
    turned = bar | {"open": [99.0], "high": [104.0], "low": [90.0], "close": [96.0]}
    asked = [
        {name: each[0] for name, each in prices.items()} | {"volume": 8.0, "taker_buy_volume": bought}
        for prices, bought in ((bar, 6.0), (turned, 2.0))
    ]
    own = [{key: value for key, value in row if key not in ("symbol", "open_time")} for row in found]
    assert len(own) == 2
    for row in asked:
        assert any(row == pytest.approx(each) for each in own), row


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_one_coin_turns_all_symbols_and_a_bar_stays_whole(seed: int) -> None:
    candles = real()
    made = mirrored(candles, np.random.default_rng(seed))
    assert (of(made, "high") >= np.maximum(of(made, "open"), of(made, "close")) - 1e-9).all()
    assert (of(made, "low") <= np.minimum(of(made, "open"), of(made, "close")) + 1e-9).all()
    moved = of(made, "close")[:, 1:] / of(made, "close")[:, :-1] - 1.0
    kept = of(candles, "close")[:, 1:] / of(candles, "close")[:, :-1] - 1.0
    assert np.abs(moved) == pytest.approx(np.abs(kept)), "a bar is kept or turned, never changed"
    sides = np.sign(moved * kept)
    assert (sides == sides[0]).all() and 0.3 < (sides[0] > 0).mean() < 0.7


def test_a_market_that_rises_does_not_when_its_bars_are_turned_over() -> None:
    bars = RISING.bar_count
    ends = [of(mirrored(real(), np.random.default_rng(seed)), "close")[:, -1] for seed in range(400)]
    begins = RISING.open[:, 0]
    gained = np.stack(ends) / begins - 1.0
    error = gained.std(axis=0) / np.sqrt(len(ends))
    assert (np.abs(gained.mean(axis=0)) < 4.0 * error).all(), "each symbol, not their mean alone"
    assert (RISING.close[:, -1] / begins).min() > 1.1 and bars == 60 * 24


def test_an_hour_without_a_bar_stays_one_and_stands_still_in_the_market() -> None:
    prices = {name: getattr(RISING, name).copy() for name in PRICES}
    for values in prices.values():
        values[:, 100] = np.nan
    candles = candles_of(**prices)
    made = mirrored(candles, np.random.default_rng(1))
    assert made["close"].null_count == 3 and np.isnan(of(made, "close")[:, 100]).all()
    block = mirrored_market(candles, 60, seed=1)
    assert np.isfinite(block.close).all()
    assert (block.close[:, 100] == block.close[:, 99]).all()


def test_a_price_that_doubles_within_a_bar_is_named() -> None:
    prices = {name: getattr(RISING, name).copy() for name in PRICES}
    prices["high"][1, 7] = 3.0 * prices["close"][1, 6]
    with pytest.raises(InvalidInput, match="S1 doubled in the bar of 7"):
        mirrored(candles_of(**prices), np.random.default_rng(1))


@pytest.mark.slow
def test_nobody_without_skill_is_promoted_on_turned_bars() -> None:
    rows = prove_nulls(NullSettings(markets=2, days=60, procedures=2, candles=real()))
    assert [row.policy for row in rows] == [*SKILLLESS, *SKILLLESS]
    assert not any(row.promoted or row.promoted_in_turn for row in rows)
