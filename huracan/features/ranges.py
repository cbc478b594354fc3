"""Columns of the groups `range`, `compression` and `breakout`. Kernels live in `rolling`."""

import numpy as np

from huracan.features.bars import Bars
from huracan.features.rolling import (
    FloatArray,
    lag,
    ratio,
    rolling_mean,
    rolling_median,
    rolling_min,
)
from huracan.features.specification import FeatureSpec, wilder_bars
from huracan.units import WHOLE_BPS

_ATR_WARMUP = wilder_bars(14)
_SAME_RANGE = 1e-10


def _bollinger_position(bars: Bars) -> FloatArray:
    deviation, spread = bars.deviation()
    return ratio(deviation, 2.0 * spread, neutral=0.0)


def _bollinger_width(bars: Bars) -> FloatArray:
    deviation, spread = bars.deviation()
    return 4.0 * spread / (bars.close - deviation) * WHOLE_BPS


def _range_position(window: int) -> FeatureSpec:
    def position(bars: Bars) -> FloatArray:
        low = bars.lowest(window)
        return 2.0 * ratio(bars.close - low, bars.highest(window) - low, neutral=0.5) - 1.0

    return FeatureSpec(
        f"range_position_{window}",
        "range",
        f"close within the high-low range of {window} bars, -1 bottom to 1 top; 0 where the range is zero",
        window,
        position,
    )


def _bar_range(bars: Bars) -> FloatArray:
    return (bars.high - bars.low) / bars.close * WHOLE_BPS


def _pullback_depth(bars: Bars) -> FloatArray:
    return ratio(bars.highest(20) - bars.close, bars.atr(), neutral=0.0)


def _compression(bars: Bars) -> FloatArray:
    return ratio(bars.highest(20) - bars.lowest(20), bars.atr() * np.sqrt(20.0), neutral=1.0)


def _narrowest_of_seven(bars: Bars) -> FloatArray:
    spread = bars.high - bars.low
    lowest = rolling_min(spread, 7)
    # Ranges of equally many ticks differ in their last bits, by the unit of the price: they are equal.
    is_lowest = spread <= lowest + _SAME_RANGE * bars.close
    is_narrowest = np.where(np.isnan(lowest), np.nan, is_lowest & (spread > 0.0))
    return rolling_mean(is_narrowest, 20)


def _compression_vs_median(bars: Bars) -> FloatArray:
    spread = bars.highest(20) - bars.lowest(20)
    return ratio(spread, rolling_median(spread, 50), neutral=1.0)


def _thrust_up(bars: Bars) -> FloatArray:
    above = bars.close - lag(bars.highest(20), 1)
    return ratio(np.maximum(above, 0.0), bars.atr(), neutral=0.0)


def _thrust_down(bars: Bars) -> FloatArray:
    below = lag(bars.lowest(20), 1) - bars.close
    return ratio(np.maximum(below, 0.0), bars.atr(), neutral=0.0)


def _ignition(bars: Bars) -> FloatArray:
    return 0.6 * np.minimum(_thrust_up(bars), 1.0) + 0.4 * np.minimum(bars.volume_surge(), 3.0) / 3.0


def _breakout_quality(bars: Bars) -> FloatArray:
    move = ratio(np.abs(bars.log_return(5)), bars.volatility(60) * np.sqrt(5.0), neutral=0.0)
    return move * np.minimum(bars.volume_surge(), 3.0)


RANGE = (
    FeatureSpec(
        "bollinger_position_20",
        "range",
        "(close - mean of 20 closes) / (2 population std of 20 closes); 0 where they are equal",
        20,
        _bollinger_position,
    ),
    FeatureSpec(
        "bollinger_width_20_bps", "range", "4 std of 20 closes / their mean x 1e4", 20, _bollinger_width
    ),
    _range_position(14),
    _range_position(60),
    FeatureSpec("bar_range_bps", "range", "(high - low) / close x 1e4", 1, _bar_range),
    FeatureSpec(
        "pullback_depth_20", "range", "(highest high of 20 - close) / ATR 14", _ATR_WARMUP, _pullback_depth
    ),
)

COMPRESSION = (
    FeatureSpec(
        "compression_20",
        "compression",
        "high-low range of 20 bars / (ATR 14 x sqrt(20)); 1 where nothing moved",
        _ATR_WARMUP,
        _compression,
    ),
    FeatureSpec(
        "nr7_density_20",
        "compression",
        "share of the last 20 bars that were the narrowest of 7 (and not flat)",
        26,
        _narrowest_of_seven,
    ),
    FeatureSpec(
        "compression_vs_median_50",
        "compression",
        "high-low range of 20 bars / its median over 50 bars; 1 where that is zero",
        69,
        _compression_vs_median,
    ),
)

BREAKOUT = (
    FeatureSpec(
        "breakout_thrust_20",
        "breakout",
        "max(0, close - highest high of the 20 bars before) / ATR 14",
        _ATR_WARMUP,
        _thrust_up,
    ),
    FeatureSpec(
        "breakdown_thrust_20",
        "breakout",
        "max(0, lowest low of the 20 bars before - close) / ATR 14",
        _ATR_WARMUP,
        _thrust_down,
    ),
    FeatureSpec(
        "ignition_20",
        "breakout",
        "0.6 min(breakout thrust, 1) + 0.4 min(volume surge, 3) / 3",
        _ATR_WARMUP,
        _ignition,
    ),
    FeatureSpec(
        "breakout_quality_20",
        "breakout",
        "|5-bar log return| / (return std 60 x sqrt(5)) x min(volume surge, 3)",
        61,
        _breakout_quality,
    ),
)
