"""A market whose first feature truly says where the price drifts. No learner and no assertion here."""

import numpy as np

from huracan.market.block import MarketBlock

MS_PER_DAY = 86_400_000


def planted_market(
    seed: int, days: int = 20, edge: float = 1.0, symbols: int = 3, day_bars: int = 720, noise: int = 4
) -> MarketBlock:
    """An AR(1) signal of half-life 25 bars moves the price by about 80 bps in all when it stands at 2.

    Feature 0 is the signal with some noise, the others are noise. `edge` 0 makes a driftless walk. Days are
    of `day_bars` bars.
    """
    generator = np.random.default_rng([seed, 99])
    bars, decay = days * day_bars, 0.5 ** (1 / 25)
    signal = np.zeros((symbols, bars))
    shocks = generator.standard_normal((symbols, bars)) * np.sqrt(1 - decay**2)
    for bar in range(1, bars):
        signal[:, bar] = decay * signal[:, bar - 1] + shocks[:, bar]
    returns = generator.standard_normal((symbols, bars)) * 7e-4
    returns[:, 1:] += edge * 40e-4 * (1 - decay) * signal[:, :-1]
    close = 100 * np.exp(np.cumsum(returns, axis=1))
    open_ = np.concatenate([np.full((symbols, 1), 100.0), close[:, :-1]], axis=1)
    wick = np.abs(generator.standard_normal((2, symbols, bars))) * 3e-4
    seen = generator.standard_normal((symbols, bars, 1 + noise)).astype(np.float32)
    seen[:, :, 0] = signal + 0.3 * seen[:, :, 0]
    bar_of_day = np.arange(bars) % day_bars * (MS_PER_DAY // day_bars)
    times = 20_000 * MS_PER_DAY + np.arange(bars) // day_bars * MS_PER_DAY + bar_of_day
    shape = (symbols, bars)
    return MarketBlock(
        symbols=tuple(f"S{index}" for index in range(symbols)),
        feature_names=tuple(f"f{index}" for index in range(1 + noise)),
        open_time_ms=times,
        features=seen,
        open=open_,
        high=np.maximum(open_, close) * (1 + wick[0]),
        low=np.minimum(open_, close) * (1 - wick[1]),
        close=close,
        is_tradable=np.ones(shape, bool),
        is_ready=np.ones(shape, bool),
        volatility_bps=np.full(shape, 7.0),
        traded_value_usd=np.full(shape, 1e6),
        regime=np.zeros(shape, np.int8),
        regime_probabilities=np.tile(np.array([1, 0, 0, 0], np.float32), (*shape, 1)),
        day_index=times // MS_PER_DAY,
    )
