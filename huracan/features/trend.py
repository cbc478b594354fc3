"""Columns of the groups `trend` and `momentum`. Kernels live in `rolling`, shared series in `bars`."""

import numpy as np

from huracan.features.bars import Bars
from huracan.features.rolling import FloatArray, lag, ratio, rolling_mean, ta_lib
from huracan.features.specification import FeatureSpec, settled_bars, wilder_bars
from huracan.units import WHOLE_BPS

_SAME_MOVE = 1e-10


def _ema_spread(short: int, long: int) -> FeatureSpec:
    return FeatureSpec(
        f"ema_spread_{short}_{long}_bps",
        "trend",
        f"(EMA {short} - EMA {long}) / close x 1e4",
        settled_bars(long),
        lambda b: (b.ema(short) - b.ema(long)) / b.close * WHOLE_BPS,
    )


def _price_vs_mean(bars: Bars) -> FloatArray:
    return (bars.close / rolling_mean(bars.close, 100) - 1.0) * WHOLE_BPS


def _trend_strength(bars: Bars) -> FloatArray:
    return ratio(bars.log_return(60), bars.volatility(60) * np.sqrt(60.0), neutral=0.0)


def _wilder_sum(values: FloatArray) -> FloatArray:
    """Wilder's running sum over 14 bars, from 0: S = S x 13/14 + value."""
    from scipy.signal import lfilter

    return np.asarray(lfilter([1.0], [1.0, -13.0 / 14.0], values), dtype=np.float64)


def _directional_index(bars: Bars, sign: int) -> FloatArray:
    """+DI (`sign` 1) or -DI (-1) over 14 bars in 0..1.

    TA-Lib's own decides between an up and a down move of equally many ticks by the last bit of the prices,
    and so by their unit; here equal moves are equal, and neither counts, as Wilder has it.
    """
    return bars.once(f"directional_index_{sign}", lambda: _movement_index(bars, sign))


def _movement_index(bars: Bars, sign: int) -> FloatArray:
    equal = _SAME_MOVE * bars.close
    up = np.nan_to_num(bars.high - lag(bars.high, 1))
    down = np.nan_to_num(lag(bars.low, 1) - bars.low)
    own, other = (up, down) if sign > 0 else (down, up)
    movement = np.where((own > other + equal) & (own > equal), own, 0.0)
    true_range = np.nan_to_num(ta_lib("TRANGE", bars.high, bars.low, bars.close))
    index = ratio(_wilder_sum(movement), _wilder_sum(true_range), neutral=0.0)
    return bars.unless_still(index)


def _adx(bars: Bars) -> FloatArray:
    plus, minus = _directional_index(bars, 1), _directional_index(bars, -1)
    strength = ratio(np.abs(plus - minus), plus + minus, neutral=0.0)
    return bars.unless_still(_wilder_sum(strength) / 14.0)


def _directional(sign: int) -> FeatureSpec:
    return FeatureSpec(
        "plus_di_14" if sign > 0 else "minus_di_14",
        "trend",
        f"{'+' if sign > 0 else '-'}DI 14 (Wilder) / 100; 0 where nothing moved for 200 bars",
        wilder_bars(14),
        lambda b: _directional_index(b, sign),
    )


def _rsi(period: int) -> FeatureSpec:
    return FeatureSpec(
        f"rsi_{period}",
        "momentum",
        f"(RSI {period} (Wilder) - 50) / 50; 0 where nothing moved for 200 bars",
        wilder_bars(period),
        lambda b: b.unless_still((ta_lib("RSI", b.close, period) - 50.0) / 50.0),
    )


def _macd_histogram(bars: Bars) -> FloatArray:
    histogram: FloatArray = ta_lib("MACD", bars.close, 12, 26, 9)[2]
    return histogram / bars.close * WHOLE_BPS


def _roc(bars: Bars) -> FloatArray:
    return ta_lib("ROCP", bars.close, 30) * WHOLE_BPS


def _momentum_change(bars: Bars) -> FloatArray:
    return (bars.log_return(5) - lag(bars.log_return(5), 20)) * WHOLE_BPS


def stochastic_k(bars: Bars) -> FloatArray:
    """Slow %K (14, 3) in 0..1, 0.5 where the range is zero (TA-Lib says 0 there, the very bottom)."""

    def make() -> FloatArray:
        low = bars.lowest(14)
        return rolling_mean(ratio(bars.close - low, bars.highest(14) - low, neutral=0.5), 3)

    return bars.once("stochastic_k", make)


TREND = (
    _ema_spread(8, 34),
    _ema_spread(5, 60),
    _ema_spread(30, 240),
    FeatureSpec(
        "adx_14",
        "trend",
        "ADX 14 (Wilder) / 100; 0 where nothing moved for 200 bars",
        2 * wilder_bars(14),
        _adx,
    ),
    _directional(1),
    _directional(-1),
    FeatureSpec(
        "price_vs_mean_100_bps", "trend", "(close / mean of 100 closes - 1) x 1e4", 100, _price_vs_mean
    ),
    FeatureSpec(
        "trend_strength_60",
        "trend",
        "60-bar log return / (return std 60 x sqrt(60)); 0 where nothing moved",
        61,
        _trend_strength,
    ),
)

MOMENTUM = (
    _rsi(14),
    FeatureSpec(
        "macd_histogram_bps",
        "momentum",
        "histogram of MACD(12, 26, 9) / close x 1e4",
        settled_bars(26) + settled_bars(9),
        _macd_histogram,
    ),
    FeatureSpec("roc_30_bps", "momentum", "(close / close 30 bars ago - 1) x 1e4", 31, _roc),
    FeatureSpec(
        "stochastic_d_14",
        "momentum",
        "2 x slow %D(14, 3, 3) - 1",
        18,
        lambda b: 2.0 * rolling_mean(stochastic_k(b), 3) - 1.0,
    ),
    FeatureSpec(
        "momentum_change_20_bps",
        "momentum",
        "5-bar log return minus that of 20 bars ago, x 1e4",
        26,
        _momentum_change,
    ),
)
