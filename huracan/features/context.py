"""Columns of the groups `time` and `cross_market`: the clock, and what Bitcoin and Ether do meanwhile.

A leader is taken at the very bar of the symbol, never before or after. Where the universe has no such
leader, or its bar is missing, or its history too short, the column holds the neutral value that its
formula names.
"""

from collections.abc import Callable

import numpy as np

from huracan.features.bars import Bars
from huracan.features.rolling import FloatArray, ratio, rolling_mean, rolling_variance
from huracan.features.specification import FeatureSpec
from huracan.units import WHOLE_BPS

LEADERS = ("BTC", "ETH")
"""Base assets of the reference symbols, looked up in the universe by base asset (`BTC/USDT`, `BTC-USDT`)."""

_DAY_MINUTES = 1440
_WINDOW = 60


def _phase(name: str, period: str, angle: Callable[[Bars], FloatArray]) -> tuple[FeatureSpec, FeatureSpec]:
    return (
        FeatureSpec(f"{name}_sin", "time", f"sin(2 pi {period})", 1, lambda b: np.sin(angle(b))),
        FeatureSpec(f"{name}_cos", "time", f"cos(2 pi {period})", 1, lambda b: np.cos(angle(b))),
    )


def _time_of_day(bars: Bars) -> FloatArray:
    return np.asarray(2.0 * np.pi * (bars.minutes % _DAY_MINUTES) / _DAY_MINUTES, dtype=np.float64)


def _weekday(bars: Bars) -> FloatArray:
    # 1970-01-01 was a Thursday, weekday 3 counted from Monday.
    return np.asarray(2.0 * np.pi * ((bars.minutes // _DAY_MINUTES + 3) % 7) / 7.0, dtype=np.float64)


def beside(bars: Bars, leader: str, values: Callable[[Bars], FloatArray]) -> FloatArray:
    """A series of the leader laid beside the symbol's own bars; NaN where it has none."""
    other = bars.leaders.get(leader)
    laid = np.full(len(bars), np.nan)
    if other is None or not len(other):
        return laid
    indices = np.minimum(np.searchsorted(other.slots, bars.slots), len(other) - 1)
    is_same_bar = other.slots[indices] == bars.slots
    laid[is_same_bar] = values(other)[indices[is_same_bar]]
    return laid


def _neutral(values: FloatArray, neutral: float) -> FloatArray:
    return np.where(np.isnan(values), neutral, values)


def _leader_return(leader: str, bars: int) -> FeatureSpec:
    return FeatureSpec(
        f"{leader.lower()}_return_{bars}_bps",
        "cross_market",
        f"{bars}-bar log return of {leader} x 1e4; 0 without {leader}",
        1,
        lambda b: _neutral(beside(b, leader, lambda other: other.log_return(bars)) * WHOLE_BPS, 0.0),
    )


def _joint_moments(bars: Bars) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Covariance, own variance and BTC's of one-bar returns over the last 60 bars that both markets have."""
    return bars.once("joint_moments", lambda: _moments_beside_leader(bars))


def _moments_beside_leader(bars: Bars) -> tuple[FloatArray, FloatArray, FloatArray]:
    leader = beside(bars, "BTC", lambda other: other.log_return(1))
    own = bars.log_return(1)
    is_joint = ~np.isnan(leader) & ~np.isnan(own)
    x, y = leader[is_joint], own[is_joint]
    moments = (
        rolling_mean(x * y, _WINDOW) - rolling_mean(x, _WINDOW) * rolling_mean(y, _WINDOW),
        rolling_variance(y, _WINDOW),
        rolling_variance(x, _WINDOW),
    )
    covariance, own_variance, leader_variance = (np.full(len(bars), np.nan) for _ in moments)
    covariance[is_joint], own_variance[is_joint], leader_variance[is_joint] = moments
    return covariance, own_variance, leader_variance


def _beta(bars: Bars) -> FloatArray:
    covariance, _, leader_variance = _joint_moments(bars)
    return np.clip(_neutral(ratio(covariance, leader_variance, neutral=1.0), 1.0), -10.0, 10.0)


def _correlation(bars: Bars) -> FloatArray:
    covariance, own_variance, leader_variance = _joint_moments(bars)
    scale = np.sqrt(own_variance) * np.sqrt(leader_variance)
    return np.clip(_neutral(ratio(covariance, scale, neutral=0.0), 0.0), -1.0, 1.0)


def _relative_strength(bars: Bars) -> FloatArray:
    leader = beside(bars, "BTC", lambda other: other.log_return(15))
    return np.where(np.isnan(leader), 0.0 * bars.log_return(15), bars.log_return(15) - leader) * WHOLE_BPS


def _leader_volatility(bars: Bars) -> FloatArray:
    leader = beside(bars, "BTC", lambda other: other.volatility(60))
    return _neutral(leader * WHOLE_BPS, 0.0)


TIME = (
    *_phase("time_of_day", "minute of the UTC day / 1440", _time_of_day),
    *_phase("weekday", "UTC weekday / 7", _weekday),
)

CROSS_MARKET = (
    _leader_return("BTC", 5),
    _leader_return("BTC", 15),
    _leader_return("ETH", 5),
    _leader_return("ETH", 15),
    FeatureSpec(
        "btc_beta_60",
        "cross_market",
        "slope of own on BTC's one-bar log returns, last 60 joint bars; 1 without",
        1,
        _beta,
    ),
    FeatureSpec(
        "btc_correlation_60",
        "cross_market",
        "their correlation over the last 60 joint bars; 0 without",
        1,
        _correlation,
    ),
    FeatureSpec(
        "relative_strength_15_bps",
        "cross_market",
        "own minus BTC's 15-bar log return x 1e4; 0 without BTC",
        16,
        _relative_strength,
    ),
    FeatureSpec(
        "btc_return_std_60_bps",
        "cross_market",
        "BTC's return std 60 x 1e4; 0 without BTC",
        1,
        _leader_volatility,
    ),
)
