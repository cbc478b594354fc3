"""Small hand-made markets."""

from collections.abc import Callable

import numpy as np
import pytest

from huracan.market.block import MarketBlock, carry_last

MS_PER_DAY = 86_400_000
FIRST_DAY_MS = 20_000 * MS_PER_DAY

BlockMaker = Callable[..., MarketBlock]


@pytest.fixture(scope="session")
def make_block() -> BlockMaker:
    """Builds a block of one symbol-row per row of `close`; every day has `day_bars` bars.

    Opens default to the close before; highs and lows to the larger and smaller of the two.
    """

    def make(
        close: object,
        *,
        open_: object = None,
        high: object = None,
        low: object = None,
        tradable: object = None,
        volatility_bps: float = 10.0,
        traded_value_usd: float = 1e6,
        day_bars: int | None = None,
        features: np.ndarray | None = None,
    ) -> MarketBlock:
        closes = np.atleast_2d(np.asarray(close, dtype=float))
        symbols, bars = closes.shape
        opens = np.concatenate([closes[:, :1], closes[:, :-1]], axis=1)
        if open_ is not None:
            opens = np.atleast_2d(np.asarray(open_, dtype=float))
        highs = np.maximum(opens, closes) if high is None else np.atleast_2d(np.asarray(high, float))
        lows = np.minimum(opens, closes) if low is None else np.atleast_2d(np.asarray(low, float))
        able = np.ones((symbols, bars), bool)
        if tradable is not None:
            able = np.atleast_2d(np.asarray(tradable, bool))
        carried = carry_last(np.where(able, closes, np.nan))
        length = day_bars or bars
        bar = np.arange(bars)
        times = FIRST_DAY_MS + (bar // length) * MS_PER_DAY + (bar % length) * (MS_PER_DAY // length)
        seen = np.zeros((symbols, bars, 2), np.float32) if features is None else features.astype(np.float32)
        return MarketBlock(
            symbols=tuple(f"S{place}" for place in range(symbols)),
            feature_names=tuple(f"f{place}" for place in range(seen.shape[2])),
            open_time_ms=times,
            features=seen,
            open=np.where(able, opens, carried),
            high=np.where(able, highs, carried),
            low=np.where(able, lows, carried),
            close=carried,
            is_tradable=able,
            is_ready=np.ones((symbols, bars), bool),
            volatility_bps=np.full((symbols, bars), volatility_bps),
            traded_value_usd=np.full((symbols, bars), traded_value_usd),
            regime=np.zeros((symbols, bars), np.int8),
            regime_probabilities=np.tile(np.array([1, 0, 0, 0], np.float32), (symbols, bars, 1)),
            day_index=times // MS_PER_DAY,
        )

    return make


@pytest.fixture(scope="session")
def random_market(make_block: BlockMaker) -> Callable[..., MarketBlock]:
    """A random walk with wicks and untraded bars, drawn from a seed."""

    def make(seed: int, symbols: int = 2, bars: int = 160, day_bars: int = 80) -> MarketBlock:
        generator = np.random.default_rng(seed)
        steps = generator.standard_normal((symbols, bars)) * 25e-4
        close = 100.0 * np.exp(np.cumsum(steps, axis=1))
        open_ = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
        open_ = open_ * (1 + generator.standard_normal((symbols, bars)) * 5e-4)
        wick = np.abs(generator.standard_normal((2, symbols, bars))) * 15e-4
        tradable = generator.random((symbols, bars)) > 0.1
        tradable[:, 0] = True
        features = generator.standard_normal((symbols, bars, 3))
        return make_block(
            close,
            open_=open_,
            high=np.maximum(open_, close) * (1 + wick[0]),
            low=np.minimum(open_, close) * (1 - wick[1]),
            tradable=tradable,
            day_bars=day_bars,
            features=features,
        )

    return make
