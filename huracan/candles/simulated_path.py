"""The hidden path of the simulated market, minute by minute, a calendar month at a time.

Prices here are exact logarithms; candles are made from them in `simulated_bars`. Nothing is drawn here
that depends on which days or symbols were asked for.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from huracan.candles.simulated_symbols import SymbolParameters
from huracan.units import WHOLE_BPS

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int8]

REGIMES = ("trend_up", "trend_down", "range", "high_volatility", "panic")
_MEAN_MINUTES = np.array([420.0, 420.0, 600.0, 240.0, 45.0])
_NEXT_REGIME = np.array(
    [
        [0.00, 0.15, 0.60, 0.22, 0.03],
        [0.15, 0.00, 0.55, 0.22, 0.08],
        [0.38, 0.38, 0.00, 0.22, 0.02],
        [0.25, 0.25, 0.35, 0.00, 0.15],
        [0.15, 0.15, 0.10, 0.60, 0.00],
    ]
)
_VOLATILITY = np.array([1.0, 1.05, 0.75, 1.7, 3.2])
_DRIFT_BPS = np.array([0.10, -0.10, 0.0, 0.0, -0.30])

MARKET_VOLATILITY_BPS = 2.6
"""of a quiet minute"""
_COMMON_SIGNAL = 0.5
"""correlation weight of the imbalance that all symbols share"""
_SLOW_VOLATILITY = (2880.0, 0.30)
_FAST_VOLATILITY = (90.0, 0.35)
_OWN_VOLATILITY = (240.0, 0.30)
"""half-life in minutes and stationary standard deviation of the parts of log volatility"""
_TAIL_DEGREES = 4.0
_LARGEST_SHOCK = 14.0


@dataclass(frozen=True)
class MarketState:
    """The market's end of a block: what the next block goes on from."""

    regime: int = 2
    slow: float = 0.0
    fast: float = 0.0
    imbalance: float = 0.0


@dataclass(frozen=True)
class SymbolState:
    """A symbol's end of a block."""

    log_price: float
    own: float = 0.0
    own_imbalance: float = 0.0
    imbalance: float = 0.0


@dataclass(frozen=True)
class MarketPath:
    """What all symbols share in a block, one value per minute."""

    regime: IntArray
    activity: FloatArray
    """volatility relative to a quiet minute: regime, clusters and time of day"""
    shock_bps: FloatArray
    imbalance: FloatArray
    end: MarketState


@dataclass(frozen=True)
class SymbolPath:
    """A symbol's block: `log_price` has one value more than minutes, its first is the block's start."""

    log_price: FloatArray
    volatility_bps: FloatArray
    imbalance: FloatArray
    """latent order-flow imbalance, unit variance; it drives the drift of the following minutes"""
    end: SymbolState


@dataclass(frozen=True)
class Edge:
    """How the latent imbalance becomes drift."""

    strength: float
    half_life_minutes: float
    threshold: float
    """imbalance (in standard deviations) below which nothing moves"""
    drift_bps: float
    """drift of a minute per standard deviation beyond the threshold, at strength 1"""

    def drift(self, imbalance: FloatArray) -> FloatArray:
        """Drift of the next minute in bps."""
        beyond = np.sign(imbalance) * np.maximum(np.abs(imbalance) - self.threshold, 0.0)
        return self.strength * self.drift_bps * beyond


def season(minute_of_day: npt.NDArray[np.int64]) -> FloatArray:
    """Volatility over the day relative to its mean: busy at 14:30 UTC, quiet at 4:00 UTC."""
    hours = minute_of_day / 60.0
    afternoon = np.exp(-0.5 * ((hours - 14.5) / 2.5) ** 2)
    night = np.exp(-0.5 * ((hours - 4.0) / 3.0) ** 2)
    shape: FloatArray = 0.95 + 0.55 * afternoon - 0.25 * night
    return shape


def walk_market(generator: np.random.Generator, days: int, start: MarketState, edge: Edge) -> MarketPath:
    """The market factor over `days` days."""
    minutes = days * 1440
    regime = _walk_regimes(generator, minutes, start.regime)
    slow = _autoregression(generator.standard_normal(minutes), *_SLOW_VOLATILITY, start.slow)
    fast = _autoregression(generator.standard_normal(minutes), *_FAST_VOLATILITY, start.fast)
    imbalance = _autoregression(
        generator.standard_normal(minutes), edge.half_life_minutes, 1.0, start.imbalance
    )
    daily = np.tile(season(np.arange(1440, dtype=np.int64)), days)
    activity = _VOLATILITY[regime] * np.exp(slow + fast) * daily
    shock_bps = MARKET_VOLATILITY_BPS * activity * _fat_tailed(generator, minutes)
    # Without an edge the market is a martingale: then trends are seen afterwards, never ahead.
    shock_bps += edge.strength * _DRIFT_BPS[regime]
    end = MarketState(int(regime[-1]), float(slow[-1]), float(fast[-1]), float(imbalance[-1]))
    return MarketPath(regime, activity, shock_bps, imbalance, end)


def walk_symbol(
    generator: np.random.Generator,
    market: MarketPath,
    symbol: SymbolParameters,
    start: SymbolState,
    edge: Edge,
) -> SymbolPath:
    """One symbol's path along the market's."""
    minutes = len(market.regime)
    own = _autoregression(generator.standard_normal(minutes), *_OWN_VOLATILITY, start.own)
    own_imbalance = _autoregression(
        generator.standard_normal(minutes), edge.half_life_minutes, 1.0, start.own_imbalance
    )
    imbalance = _COMMON_SIGNAL * market.imbalance + np.sqrt(1 - _COMMON_SIGNAL**2) * own_imbalance
    own_bps = symbol.own_volatility_bps * market.activity * np.exp(own)
    known = np.concatenate(([start.imbalance], imbalance[:-1]))
    returns_bps = symbol.beta * market.shock_bps + own_bps * _fat_tailed(generator, minutes)
    volatility_bps = np.hypot(symbol.beta * MARKET_VOLATILITY_BPS * market.activity, own_bps)
    # Half the variance is taken off so that the price, not its logarithm, is the martingale.
    returns = (returns_bps + edge.drift(known)) / WHOLE_BPS - 0.5 * (volatility_bps / WHOLE_BPS) ** 2
    log_price = np.cumsum(np.concatenate(([start.log_price], returns)))
    end = SymbolState(float(log_price[-1]), float(own[-1]), float(own_imbalance[-1]), float(imbalance[-1]))
    return SymbolPath(log_price, volatility_bps, imbalance, end)


def first_symbol_state(symbol: SymbolParameters) -> SymbolState:
    """Where a symbol starts on the market's first day."""
    return SymbolState(float(np.log(symbol.first_price)))


def _walk_regimes(generator: np.random.Generator, minutes: int, regime: int) -> IntArray:
    """Sojourns of geometric length: memoryless, so a block may cut one in two."""
    states: list[int] = []
    lengths: list[int] = []
    while sum(lengths) < minutes:
        states.append(regime)
        lengths.append(int(generator.geometric(1.0 / _MEAN_MINUTES[regime])))
        regime = int(generator.choice(len(REGIMES), p=_NEXT_REGIME[regime]))
    return np.repeat(np.array(states, dtype=np.int8), lengths)[:minutes]


def _autoregression(noise: FloatArray, half_life: float, deviation: float, start: float) -> FloatArray:
    """A first-order autoregression of the given stationary deviation, continued from `start`."""
    decay = 0.5 ** (1.0 / half_life)
    scale = deviation * np.sqrt(1 - decay**2)
    from scipy.signal import lfilter

    values, _ = lfilter([scale], [1.0, -decay], noise, zi=[decay * start])
    return np.asarray(values, dtype=np.float64)


def _fat_tailed(generator: np.random.Generator, count: int) -> FloatArray:
    """Student's t with unit variance, cut at a shock no exchange has survived."""
    draws = generator.standard_t(_TAIL_DEGREES, count) / np.sqrt(_TAIL_DEGREES / (_TAIL_DEGREES - 2))
    return np.asarray(np.clip(draws, -_LARGEST_SHOCK, _LARGEST_SHOCK), dtype=np.float64)
