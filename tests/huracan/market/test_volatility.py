"""Volatility of one bar: against numpy, window by window, and the same however a history is cut."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.market.block import MarketBlock
from huracan.market.block_tables import Trailing, build_market_block
from huracan.market.volatility import FEWEST_RETURNS, trailing_volatility_bps

FIRST = date(2025, 3, 1)
SYMBOLS = ("BTC/USDT", "ETH/USDT")
NAMES = ("f0",)


def _history(seed: int, bars: int, untraded: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Closes [2, bars], NaN where not traded, and where they are traded."""
    generator = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(generator.standard_normal((2, bars)) * 1e-3, axis=1))
    is_tradable = generator.random((2, bars)) >= untraded
    return np.where(is_tradable, close, np.nan), is_tradable


def _expected(close: np.ndarray, is_tradable: np.ndarray, bars: int) -> np.ndarray:
    """The population deviation of the returns in each window, by numpy."""
    returns = np.full(close.shape, np.nan)
    for symbol in range(close.shape[0]):
        at = np.flatnonzero(is_tradable[symbol])
        returns[symbol, at[1:]] = np.diff(np.log(close[symbol, at])) * 1e4
    found = np.full(close.shape, np.nan)
    for symbol, bar in np.ndindex(close.shape):
        window = returns[symbol, max(0, bar - bars + 1) : bar + 1]
        known = window[np.isfinite(window)]
        if known.size >= FEWEST_RETURNS:
            found[symbol, bar] = known.std()
    return found


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(20, 90), st.floats(0, 0.6))
def test_it_is_the_deviation_of_the_returns_of_the_window(seed: int, bars: int, untraded: float) -> None:
    close, is_tradable = _history(seed, 200, untraded)
    found = trailing_volatility_bps(close, is_tradable, bars)
    assert found == pytest.approx(_expected(close, is_tradable, bars), rel=1e-9, nan_ok=True)


def test_a_return_over_bars_that_were_not_traded_belongs_to_the_later_bar() -> None:
    # Steps of 1 % between traded bars; the one over the hole is one step all the same.
    close = np.tile([100.0, 101.0], 20)[None, :]
    is_tradable = np.ones((1, 40), bool)
    close[0, 30:35], is_tradable[0, 30:35] = np.nan, False
    found = trailing_volatility_bps(close, is_tradable, 40)
    step = np.log(1.01) * 1e4
    assert np.isnan(found[0, :20]).all()
    returns = np.where(np.arange(1, 40) % 2 == 1, step, -step)
    assert found[0, 20] == pytest.approx(returns[:20].std())
    # Bars 30 to 34 have none; bar 35 closes at 101 as bar 29 did: no return at all.
    known = np.concatenate([returns[:29], [0.0], returns[35:]])
    assert found[0, 39] == pytest.approx(known.std())
    assert (found[0, 30:35] == found[0, 29]).all()


def test_fewer_than_twenty_returns_tell_nothing() -> None:
    close, is_tradable = _history(1, 120, 0.0)
    assert np.isfinite(trailing_volatility_bps(close, is_tradable, 20)[:, 20:]).all()
    assert np.isnan(trailing_volatility_bps(close, is_tradable, 19)).all()
    is_tradable[0, 40:100], close[0, 40:100] = False, np.nan
    found = trailing_volatility_bps(close, is_tradable, 60)
    counts = [np.isfinite(found[0, bar]) for bar in (39, 79, 80, 99, 110, 119)]
    # Twenty of the returns are in the window of bar 79, nineteen in that of bar 80.
    assert counts == [True, True, False, False, False, True]
    assert np.isfinite(found[1, 20:]).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(20, 60), st.integers(0, 139))
def test_a_value_depends_on_its_span_alone_to_the_bit(seed: int, bars: int, cut: int) -> None:
    close, is_tradable = _history(seed, 200)
    found = trailing_volatility_bps(close, is_tradable, bars)
    later = close.copy()
    later[:, cut + 60 :] *= 7.0
    changed = trailing_volatility_bps(later, is_tradable, bars)
    assert np.array_equal(found[:, : cut + 60], changed[:, : cut + 60], equal_nan=True)
    # What lies before the span, huge as it may be, leaves no rounding behind. The bar before the span's first
    # traded one is where its first return begins.
    earlier = close.copy()
    earlier[:, :cut] *= 1e9
    changed = trailing_volatility_bps(earlier, is_tradable, bars)
    clear = np.zeros(close.shape, bool)
    for symbol in range(2):
        after = np.flatnonzero(is_tradable[symbol, cut:]) + cut
        clear[symbol, after[0] + bars :] = True
    assert np.array_equal(found[clear], changed[clear], equal_nan=True)
    alone = trailing_volatility_bps(close[1:], is_tradable[1:], bars)
    assert np.array_equal(found[1:], alone, equal_nan=True)


def _context(ohlcv: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Features and regimes that say nothing."""
    keys = {name: ohlcv[name] for name in ("symbol", "open_time")}
    quarter = pa.array(np.full(ohlcv.num_rows, 0.25, np.float32))
    features = pa.table({**keys, "is_ready": [True] * ohlcv.num_rows, NAMES[0]: quarter})
    named = {f"probability_{name}": quarter for name in ("trend", "range", "high_volatility", "panic")}
    return features, pa.table({**keys, "regime": ["range"] * ohlcv.num_rows, **named})


@pytest.mark.parametrize("minutes", [60, 30, 240])
def test_a_day_with_the_day_before_is_the_same_as_out_of_a_window_to_the_bit(
    make_candles: Callable[..., pa.Table], minutes: int
) -> None:
    last = FIRST + timedelta(days=2)
    gaps = {"ETH/USDT": [1430, 1431, 1445, *range(2_870, 2_890)]}
    days = make_candles(last, 3, SYMBOLS, gaps=gaps)
    day_of = pc.cast(days["open_time"], pa.date32())

    def build(first: date, earlier: date | None) -> MarketBlock:
        own = days.filter(pc.greater_equal(day_of, pa.scalar(first)))
        before = None if earlier is None else days.filter(pc.equal(day_of, pa.scalar(earlier)))
        return build_market_block(own, *_context(own), NAMES, trailing=Trailing(before, minutes))

    whole = build(FIRST, None).slice_days(last, last)
    alone = build(last, last - timedelta(days=1))
    for name in ("volatility_bps", "slippage_volatility_bps", "traded_value_usd", "close"):
        assert np.array_equal(getattr(whole, name), getattr(alone, name)), name
    assert np.isfinite(alone.volatility_bps).all()
    assert not alone.is_tradable[1, :10].any()
    # The unit looks back as long as the rules say and an hour at least; what prices an order always an hour.
    assert np.array_equal(alone.volatility_bps, alone.slippage_volatility_bps) is (minutes <= 60)
    without = build(last, None)
    assert np.isnan(without.volatility_bps[:, : FEWEST_RETURNS // 2]).all()


def test_a_blocks_volatility_is_that_of_its_closes_carried_over_bars_without_one(
    make_candles: Callable[..., pa.Table],
) -> None:
    candles = make_candles(FIRST, 1, SYMBOLS, gaps={"ETH/USDT": [*range(100, 250)]})
    block = build_market_block(candles, *_context(candles), NAMES)
    closes = np.where(block.is_tradable, block.close, np.nan)
    found = trailing_volatility_bps(closes, block.is_tradable, 60)
    known = np.isfinite(found)
    assert np.array_equal(block.volatility_bps[known], found[known])
    # In the hole there is none of its own from the bar on at which too few returns are left.
    eth = block.symbols.index("ETH/USDT")
    assert not known[eth, 200]
    last = np.flatnonzero(known[eth, :250])[-1]
    assert (block.volatility_bps[eth, last:250] == found[eth, last]).all()
    assert replace(block).volatility_bps is block.volatility_bps
