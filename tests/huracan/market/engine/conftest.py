"""Markets in which all that the step knows of comes up: thin bars, gaps, costs by day, borrowing."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from huracan.market.block import MarketBlock


@pytest.fixture(scope="session")
def rough_market(random_market: Callable[..., MarketBlock]) -> Callable[..., MarketBlock]:
    """Days of `day_bars` bars, drawn from a seed: most bars can take an order of 1,000 USD, some hardly any
    of it; a hole of 40 bars in the first symbol; costs, ticks and short sales by symbol and day."""

    def make(seed: int, symbols: int = 3, days: int = 2, day_bars: int = 120) -> MarketBlock:
        block = random_market(seed, symbols=symbols, bars=days * day_bars, day_bars=day_bars)
        generator = np.random.default_rng([seed, 7])
        shape, by_day = block.close.shape, (symbols, days)
        is_tradable = block.is_tradable.copy()
        is_tradable[0, 70:110] = False
        carried = np.where(is_tradable, block.close, np.nan)
        last = np.maximum.accumulate(np.where(is_tradable, np.arange(shape[1]), 0), axis=1)
        carried = np.take_along_axis(block.close, last, axis=1)
        prices = {
            name: np.where(is_tradable, getattr(block, name), carried)
            for name in ("open", "high", "low", "close")
        }
        return replace(
            block,
            **prices,
            is_tradable=is_tradable,
            value_usd=np.exp(generator.uniform(np.log(1e3), np.log(1e6), shape)) * is_tradable,
            traded_value_usd=np.exp(generator.uniform(np.log(1e4), np.log(1e6), shape)),
            volatility_bps=generator.uniform(5, 15, shape),
            slippage_volatility_bps=generator.uniform(5, 25, shape),
            taker_fee_bps=generator.uniform(-1, 12, by_day),
            maker_fee_bps=generator.uniform(-2, 4, by_day),
            half_spread_bps=generator.uniform(0, 5, by_day),
            tick_size=generator.choice([0.0, 0.01, 0.05], by_day),
            step_size=generator.choice([0.0, 0.001, 0.1], by_day),
            minimum_notional_usd=generator.choice([0.0, 100.0], by_day),
            borrow_pct_per_year=generator.choice([0.0, 5_000.0], by_day),
            may_short=generator.random(by_day) > 0.3,
            pattern_context=generator.random((*shape, 3)).astype(np.float32),
        )

    return make
