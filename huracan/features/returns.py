"""Columns of the groups `returns` and `volatility`. Kernels live in `rolling`, shared series in `bars`."""

import numpy as np

from huracan.features.bars import Bars
from huracan.features.rolling import FloatArray, ratio, rolling_mean, rolling_z
from huracan.features.specification import FeatureSpec, wilder_bars
from huracan.units import WHOLE_BPS

_LN2 = float(np.log(2.0))


def _return_bps(bars: int) -> FeatureSpec:
    return FeatureSpec(
        f"return_{bars}_bps",
        "returns",
        f"ln(close / close {bars} bars ago) x 1e4",
        bars + 1,
        lambda b: b.log_return(bars) * WHOLE_BPS,
    )


def _return_z(bars: int, window: int) -> FeatureSpec:
    return FeatureSpec(
        f"return_{bars}_z",
        "returns",
        f"{bars}-bar log return, z-score within its last {window} values; 0 where nothing moved",
        bars + window,
        lambda b: rolling_z(b.log_return(bars), window),
    )


def _return_std(window: int) -> FeatureSpec:
    return FeatureSpec(
        f"return_std_{window}_bps",
        "volatility",
        f"population standard deviation of the last {window} one-bar log returns x 1e4",
        window + 1,
        lambda b: b.volatility(window) * WHOLE_BPS,
    )


def _volatility_ratio(short: int, long: int) -> FeatureSpec:
    return FeatureSpec(
        f"volatility_ratio_{short}_{long}",
        "volatility",
        f"return std {short} / return std {long}; 1 where nothing moved",
        long + 1,
        lambda b: ratio(b.volatility(short), b.volatility(long), neutral=1.0),
    )


def _atr_bps(bars: Bars) -> FloatArray:
    return bars.atr() / bars.close * WHOLE_BPS


def _garman_klass_bps(bars: Bars) -> FloatArray:
    spread = np.log(bars.high / bars.low)
    body = np.log(bars.close / bars.open)
    variance = rolling_mean(0.5 * spread**2 - (2.0 * _LN2 - 1.0) * body**2, 30)
    return np.sqrt(np.maximum(variance, 0.0)) * WHOLE_BPS


RETURNS = (
    *(_return_bps(bars) for bars in (1, 3, 5, 15, 60)),
    *(_return_z(bars, 60) for bars in (1, 3, 5, 15)),
    _return_z(60, 240),
)

VOLATILITY = (
    _return_std(60),
    _volatility_ratio(10, 50),
    _volatility_ratio(30, 180),
    _volatility_ratio(60, 1440),
    FeatureSpec("atr_14_bps", "volatility", "ATR 14 (Wilder) / close x 1e4", wilder_bars(14), _atr_bps),
    FeatureSpec(
        "garman_klass_30_bps",
        "volatility",
        "sqrt(mean of 30 (0.5 ln(high / low)^2 - (2 ln 2 - 1) ln(close / open)^2)) x 1e4 (Garman-Klass 1980)",
        30,
        _garman_klass_bps,
    ),
)
