"""A block made day by day, and one of a day with the candles of the day before it."""

from collections.abc import Callable
from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from huracan.errors import InputRefused
from huracan.market.block_tables import Trailing, build_market_block

FIRST, LAST = date(2025, 3, 1), date(2025, 3, 2)
NAMES = ("return_std_60_bps",)
ROWS = 2 * 1440


def _context(ohlcv: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Features and regimes that say nothing."""
    keys = {name: ohlcv[name] for name in ("symbol", "open_time")}
    quarter = pa.array(np.full(ohlcv.num_rows, 0.25, np.float32))
    names = ("trend", "range", "high_volatility", "panic")
    features = pa.table({**keys, "is_ready": [True] * ohlcv.num_rows, NAMES[0]: quarter})
    regimes = {f"probability_{name}": quarter for name in names}
    return features, pa.table({**keys, "regime": ["range"] * ohlcv.num_rows, **regimes})


def test_the_first_hour_looks_back_into_the_day_before(make_candles: Callable[..., pa.Table]) -> None:
    both = make_candles(LAST, 2, ("BTC/USDT", "ETH/USDT"), gaps={"ETH/USDT": [1430, 1431, 1445]})
    before, today = both.slice(0, ROWS), both.slice(ROWS)
    whole = build_market_block(both, *_context(both), NAMES).slice_days(LAST, LAST)
    alone = build_market_block(today, *_context(today), NAMES)
    joined = build_market_block(today, *_context(today), NAMES, trailing=Trailing(before))
    assert np.array_equal(joined.traded_value_usd, whole.traded_value_usd)
    assert not np.isclose(alone.traded_value_usd[:, :30], joined.traded_value_usd[:, :30]).any()
    assert np.array_equal(alone.traded_value_usd[:, 59:], joined.traded_value_usd[:, 59:])
    assert np.array_equal(alone.close, joined.close)


def test_a_day_before_with_other_symbols_is_left_alone(make_candles: Callable[..., pa.Table]) -> None:
    today = make_candles(LAST, 1, ("BTC/USDT", "ETH/USDT"))
    before = make_candles(FIRST, 1, ("BTC/USDT",))
    alone, joined = (
        build_market_block(today, *_context(today), NAMES, trailing=Trailing(earlier))
        for earlier in (None, before)
    )
    assert np.array_equal(alone.traded_value_usd, joined.traded_value_usd)


def test_features_that_come_day_by_day_make_the_same_block(make_candles: Callable[..., pa.Table]) -> None:
    both = make_candles(LAST, 2, ("BTC/USDT", "ETH/USDT"), gaps={"ETH/USDT": [1430, 1431, 1445]})
    features, regimes = _context(both)
    drawn = np.random.default_rng(5).standard_normal(both.num_rows).astype(np.float32)
    features = features.set_column(3, NAMES[0], pa.array(drawn))
    days = (features.slice(start, ROWS) for start in (0, ROWS))
    once, daily = (build_market_block(both, given, regimes, NAMES) for given in (features, days))
    for name in ("features", "is_ready", "volatility_bps"):
        assert np.array_equal(getattr(once, name), getattr(daily, name), equal_nan=True), name


@pytest.mark.parametrize("starts", [(0,), (ROWS,), (ROWS, 0), (0, ROWS, 0)])
def test_days_of_features_that_are_not_those_of_the_candles_are_refused(
    make_candles: Callable[..., pa.Table], starts: tuple[int, ...]
) -> None:
    both = make_candles(LAST, 2, ("BTC/USDT", "ETH/USDT"))
    features, regimes = _context(both)
    with pytest.raises(InputRefused, match="rows of features do not match"):
        build_market_block(both, (features.slice(start, ROWS) for start in starts), regimes, NAMES)
