"""Markets in which nobody can have skill: prices are martingales, but for a drift where one is asked for.

Prices change by factors of mean 1, so that the expectation of a price, and not of its logarithm, is what it
is; a bar's high and low are those of a continuous path between its open and close.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from huracan.market.block import EPOCH, MS_PER_DAY, MS_PER_MINUTE, MarketBlock
from huracan.market.volatility import trailing_volatility_bps
from huracan.regimes.model import REGIMES
from huracan.units import BASIS_POINT

Floats = NDArray[np.float64]
Kind = Literal["still", "clustered", "drifting"]
HOUR_MINUTES, BARS_PER_DAY = 60, 24
_FIRST_DAY = date(2025, 1, 1)
_PERSISTENCE, _REACTION = 0.90, 0.08
"""Of a GARCH(1, 1) that never explodes: both together are below 1."""


@dataclass(frozen=True)
class NullMarketConfig:
    """Bars are hours, all of them decided on."""

    kind: Kind = "still"
    """Still: geometric steps of one volatility. Clustered: GARCH. Drifting: still, and rising."""
    symbols: int = 3
    days: int = 365
    volatility_bps: float = 60.0
    """Of a bar."""
    correlation: float = 0.5
    """Of any two symbols' steps."""
    drift_bps_per_day: float = 40.0
    """Of the drifting kind alone."""
    seed: int = 1


def null_market(config: NullMarketConfig) -> MarketBlock:
    """The same config gives the same bytes."""
    generator = np.random.default_rng([config.seed, 71])
    whole = (config.symbols, config.days * BARS_PER_DAY)
    weight, shared = config.correlation, generator.standard_normal((1, whole[1]))
    shocks = np.sqrt(weight) * shared + np.sqrt(1.0 - weight) * generator.standard_normal(whole)
    volatility = _volatility(config, shocks) * BASIS_POINT
    drift = config.drift_bps_per_day * BASIS_POINT / BARS_PER_DAY if config.kind == "drifting" else 0.0
    moves = volatility * shocks - 0.5 * volatility**2 + np.log1p(drift)
    # The highest and lowest point of a Brownian bridge (Karatzas & Shreve 1991, 4.3.40).
    reach = np.sqrt(moves**2 - 2.0 * volatility**2 * np.log1p(-generator.random((2, *whole))))
    ends = np.cumsum(moves, axis=1)
    begins = ends - moves
    up, down = begins + 0.5 * (moves + reach[0]), begins + 0.5 * (moves - reach[1])
    return block_of(*(100.0 * np.exp(each) for each in (begins, up, down, ends)))


def block_of(opened: Floats, high: Floats, low: Floats, close: Floats) -> MarketBlock:
    """A market of these prices [S, T], every bar traded, and nothing to see in it."""
    symbols, bars = close.shape
    volatility = trailing_volatility_bps(close, np.ones(close.shape, np.bool_), BARS_PER_DAY)
    first = np.isfinite(volatility).argmax(axis=1)
    volatility = np.where(np.isfinite(volatility), volatility, volatility[np.arange(symbols), first][:, None])
    begins = (_FIRST_DAY - EPOCH).days * MS_PER_DAY
    times = begins + np.arange(bars, dtype=np.int64) * HOUR_MINUTES * MS_PER_MINUTE
    usual = np.median(volatility, axis=1, keepdims=True)
    regime = np.where(volatility > 1.3 * usual, REGIMES.index("high_volatility"), REGIMES.index("range"))
    return MarketBlock(
        symbols=tuple(f"N{index + 1}/USDT:USDT" for index in range(symbols)),
        feature_names=(),
        open_time_ms=times,
        features=np.zeros((symbols, bars, 0), np.float32),
        open=opened,
        high=high,
        low=low,
        close=close,
        is_tradable=np.ones(close.shape, np.bool_),
        is_ready=np.ones(close.shape, np.bool_),
        volatility_bps=volatility,
        traded_value_usd=np.full(close.shape, 1e9),
        regime=regime.astype(np.int8),
        regime_probabilities=np.zeros((symbols, bars, len(REGIMES)), np.float32),
        day_index=times // MS_PER_DAY,
        is_perpetual=np.ones((symbols, bars // BARS_PER_DAY), np.bool_),
        may_short=np.ones((symbols, bars // BARS_PER_DAY), np.bool_),
    )


def _volatility(config: NullMarketConfig, shocks: Floats) -> Floats:
    """[S, T] of a bar, in bps, known before it."""
    if config.kind != "clustered":
        return np.full(shocks.shape, config.volatility_bps)
    rest = (1.0 - _PERSISTENCE - _REACTION) * config.volatility_bps**2
    variance, now = np.empty(shocks.shape), np.full(len(shocks), config.volatility_bps**2)
    for bar in range(shocks.shape[1]):
        variance[:, bar] = now
        now = rest + now * (_PERSISTENCE + _REACTION * shocks[:, bar] ** 2)
    return np.asarray(np.sqrt(variance))
