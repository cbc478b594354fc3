"""Windows agree with plain definitions and with TA-Lib, and do not look ahead."""

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from huracan.features import rolling
from huracan.features.bars import Bars
from huracan.features.ranges import RANGE
from huracan.features.trend import MOMENTUM, TREND, stochastic_k

RSI_CLOSES = [
    44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931,
    46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439, 46.2122, 46.2521,
    45.7137, 46.4515, 45.7835, 45.3548, 44.0288, 44.1783, 44.2181, 44.5672, 43.4205, 42.6628, 43.1314,
]  # fmt: skip
RSI_VALUES = [
    70.53, 66.32, 66.55, 69.41, 66.36, 57.97, 62.93, 63.26, 56.06, 62.38, 54.71, 50.42, 39.99, 41.46, 41.87,
    45.46, 37.30, 33.08, 37.77,
]  # fmt: skip


def bars_of(close, high=None, low=None) -> Bars:
    close = np.asarray(close, dtype=np.float64)
    high = close if high is None else high
    low = close if low is None else low
    count = np.arange(len(close))
    ones = np.ones(len(close))
    return Bars(count, count, close, high, low, close, ones, ones, ones)


@pytest.fixture
def walk() -> Bars:
    random = np.random.default_rng(3)
    close = 1e4 * np.exp(np.cumsum(random.normal(0.0, 1e-3, 900)))
    wick = np.abs(random.normal(0.0, 5.0, (2, 900)))
    return bars_of(close, close + wick[0], close - wick[1])


def column(specs, name, bars):
    return next(spec for spec in specs if spec.name == name).compute(bars)


def test_rsi_14_equals_the_published_example():
    rsi = 50.0 + 50.0 * column(MOMENTUM, "rsi_14", bars_of(RSI_CLOSES))[14:]
    np.testing.assert_allclose(rsi, RSI_VALUES, atol=0.0051)


@pytest.mark.parametrize("window", [1, 2, 3, 7, 20, 60, 64, 240])
def test_a_rolling_sum_is_the_sum_of_its_window(window):
    values = np.random.default_rng(window).normal(size=300)
    expected = [values[t - window + 1 : t + 1].sum() if t >= window - 1 else np.nan for t in range(300)]
    np.testing.assert_allclose(rolling.rolling_sum(values, window), expected, rtol=1e-9, atol=1e-12)


def test_moments_agree_with_scipy():
    values = np.random.default_rng(5).standard_t(4, 200)
    windows = np.lib.stride_tricks.sliding_window_view(values, 20)
    np.testing.assert_allclose(rolling.rolling_std(values, 20)[19:], windows.std(axis=1), rtol=1e-10)
    np.testing.assert_allclose(
        rolling.standardised_moment(values, 20, 3)[19:], stats.skew(windows, axis=1), rtol=1e-8, atol=1e-10
    )
    np.testing.assert_allclose(
        rolling.standardised_moment(values, 20, 4)[19:],
        stats.kurtosis(windows, axis=1),
        rtol=1e-8,
        atol=1e-10,
    )
    np.testing.assert_allclose(rolling.rolling_median(values, 20)[19:], np.median(windows, axis=1))


def test_bollinger_bands_agree_with_ta_lib(walk):
    upper, middle, lower = talib.BBANDS(walk.close, 20, 2.0, 2.0)
    position = (walk.close - middle) / (upper - middle)
    width = (upper - lower) / middle * 1e4
    np.testing.assert_allclose(column(RANGE, "bollinger_position_20", walk), position, atol=1e-6)
    np.testing.assert_allclose(column(RANGE, "bollinger_width_20_bps", walk), width, rtol=1e-6)


def test_stochastic_efficiency_and_mean_agree_with_ta_lib(walk):
    k, d = talib.STOCH(walk.high, walk.low, walk.close, 14, 3, 0, 3, 0)
    known = ~np.isnan(d)
    np.testing.assert_allclose(stochastic_k(walk)[known] * 100.0, k[known], atol=1e-8)
    own_d = 50.0 * (column(MOMENTUM, "stochastic_d_14", walk) + 1.0)
    np.testing.assert_allclose(own_d[known], d[known], atol=1e-8)
    mean = (walk.close / talib.SMA(walk.close, 100) - 1.0) * 1e4
    np.testing.assert_allclose(column(TREND, "price_vs_mean_100_bps", walk), mean, atol=1e-6)


def test_directional_movement_agrees_with_ta_lib_past_its_warm_up(walk):
    functions = {"adx_14": talib.ADX, "plus_di_14": talib.PLUS_DI, "minus_di_14": talib.MINUS_DI}
    for name, function in functions.items():
        expected = function(walk.high, walk.low, walk.close, 14)[500:]
        np.testing.assert_allclose(column(TREND, name, walk)[500:] * 100.0, expected, atol=1e-9, err_msg=name)


def test_an_up_and_a_down_move_of_equally_many_ticks_count_for_neither_side():
    high = 1e4 + 0.1 * np.cumsum(np.arange(300) % 7)
    low = 1e4 - 0.1 * np.cumsum(np.arange(300) % 7)
    bars = bars_of((high + low) / 2.0, high, low)
    assert (column(TREND, "plus_di_14", bars) == 0.0).all() and (column(TREND, "adx_14", bars) == 0.0).all()


def test_a_window_of_one_repeated_price_has_no_spread_and_no_direction():
    bars = bars_of(np.full(700, 1234.567))
    for spec in (*TREND, *MOMENTUM, *RANGE):
        value = spec.compute(bars)[-1]
        assert abs(value) < 1e-9, spec.name


def test_quiet_bars_far_above_zero_keep_their_digits():
    ticks = np.random.default_rng(1).integers(0, 2, 200)
    deviation, spread = rolling.deviation_from_mean(1e4 + ticks * 1e-6, 20)
    windows = np.lib.stride_tricks.sliding_window_view(ticks.astype(float), 20)
    np.testing.assert_allclose(spread[19:], windows.std(axis=1) * 1e-6, rtol=1e-4, atol=1e-12)
    np.testing.assert_allclose(deviation[19:], (ticks[19:] - windows.mean(axis=1)) * 1e-6, atol=1e-10)


@settings(max_examples=40, deadline=None)
@given(length=st.integers(1, 260), window=st.sampled_from([1, 5, 14, 20, 50, 60]), seed=st.integers(0, 99))
def test_every_window_is_the_same_to_the_bit_whatever_follows(length, window, seed):
    values = np.random.default_rng(seed).normal(size=300)
    for function in (rolling.rolling_sum, rolling.rolling_std, rolling.rolling_z):
        np.testing.assert_array_equal(function(values[:length], window), function(values, window)[:length])
    np.testing.assert_array_equal(
        rolling.rolling_median(values[:length], 50), rolling.rolling_median(values, 50)[:length]
    )
