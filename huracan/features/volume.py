"""Columns of the groups `volume`, `micro` and `order_flow`. Kernels live in `rolling`."""

import numpy as np

from huracan.features.bars import Bars
from huracan.features.rolling import FloatArray, lag, ratio, rolling_sum, rolling_z, standardised_moment
from huracan.features.specification import FeatureSpec


def _volume_z(window: int) -> FeatureSpec:
    return FeatureSpec(
        f"volume_z_{window}",
        "volume",
        f"volume, z-score within its last {window} bars; 0 where it does not vary",
        window,
        lambda b: rolling_z(b.volume, window),
    )


def _volume_ratio(bars: Bars) -> FloatArray:
    return ratio(rolling_sum(bars.volume, 20) * 12.0, rolling_sum(bars.volume, 240), neutral=1.0)


def _uptick_ratio(bars: Bars) -> FloatArray:
    return rolling_sum(np.sign(bars.close - lag(bars.close, 1)), 20) / 20.0


def _micro_score(bars: Bars) -> FloatArray:
    signed = np.sign(bars.close - lag(bars.close, 1)) * bars.volume
    return ratio(rolling_sum(signed, 10), rolling_sum(bars.volume, 10), neutral=0.0)


def _imbalance(bars: Bars, window: int) -> FloatArray:
    def make() -> FloatArray:
        bought = rolling_sum(bars.taker_buy_volume, window)
        share = ratio(bought, rolling_sum(bars.volume, window), neutral=0.5)
        return np.clip(2.0 * share - 1.0, -1.0, 1.0)

    return bars.once(f"imbalance_{window}", make)


def _taker_imbalance(window: int) -> FeatureSpec:
    return FeatureSpec(
        f"taker_imbalance_{window}",
        "order_flow",
        f"2 x taker-buy volume / volume - 1 over {window} bars; 0 without volume, NaN without flow",
        window,
        lambda b: _imbalance(b, window),
        lacks="from a source without order flow",
    )


def _trade_size_ratio(bars: Bars) -> FloatArray:
    recent = ratio(rolling_sum(bars.volume, 20), rolling_sum(bars.trade_count, 20), neutral=0.0)
    usual = ratio(rolling_sum(bars.volume, 240), rolling_sum(bars.trade_count, 240), neutral=0.0)
    return ratio(recent, usual, neutral=1.0)


VOLUME = (
    _volume_z(20),
    _volume_z(240),
    FeatureSpec(
        "volume_ratio_20_240",
        "volume",
        "mean volume of 20 bars / of 240; 1 without volume",
        240,
        _volume_ratio,
    ),
    FeatureSpec(
        "volume_surge_20",
        "volume",
        "volume / mean volume of the 20 bars before, at most 10; 1 where those traded nothing",
        21,
        lambda b: b.volume_surge(),
    ),
)

MICRO = (
    FeatureSpec("uptick_ratio_20", "micro", "(up bars - down bars) / 20 over 20 bars", 21, _uptick_ratio),
    FeatureSpec(
        "micro_score_10",
        "micro",
        "sum of sign(change) x volume / volume over 10 bars; 0 without",
        11,
        _micro_score,
    ),
    FeatureSpec(
        "return_kurtosis_20",
        "micro",
        "excess kurtosis of the last 20 one-bar log returns; 0 where nothing moved",
        21,
        lambda b: standardised_moment(b.log_return(1), 20, 4),
    ),
    FeatureSpec(
        "return_skew_60",
        "micro",
        "skewness of the last 60 one-bar log returns; 0 where nothing moved",
        61,
        lambda b: standardised_moment(b.log_return(1), 60, 3),
    ),
)

ORDER_FLOW = (
    *(_taker_imbalance(window) for window in (1, 5, 15, 60)),
    FeatureSpec(
        "flow_acceleration_5_60",
        "order_flow",
        "taker imbalance of 5 bars minus that of 60",
        60,
        lambda b: _imbalance(b, 5) - _imbalance(b, 60),
        lacks="from a source without order flow",
    ),
    FeatureSpec(
        "trade_size_ratio_20_240",
        "order_flow",
        "volume per trade over 20 bars / over 240; 1 without trades",
        240,
        _trade_size_ratio,
        lacks="from a source without order flow",
    ),
    FeatureSpec(
        "trade_count_z_60",
        "order_flow",
        "number of trades, z-score within its last 60 bars",
        60,
        lambda b: rolling_z(b.trade_count, 60),
        lacks="from a source without order flow",
    ),
)
