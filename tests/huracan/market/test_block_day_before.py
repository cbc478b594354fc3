"""A block of one day with the candles of the day before it."""

from collections.abc import Callable
from datetime import date

import numpy as np
import pyarrow as pa

from huracan.market.block_tables import build_market_block

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
    joined = build_market_block(today, *_context(today), NAMES, earlier=before)
    assert np.array_equal(joined.traded_value_usd, whole.traded_value_usd)
    assert not np.isclose(alone.traded_value_usd[:, :30], joined.traded_value_usd[:, :30]).any()
    assert np.array_equal(alone.traded_value_usd[:, 59:], joined.traded_value_usd[:, 59:])
    assert np.array_equal(alone.close, joined.close)


def test_a_day_before_with_other_symbols_is_left_alone(make_candles: Callable[..., pa.Table]) -> None:
    today = make_candles(LAST, 1, ("BTC/USDT", "ETH/USDT"))
    before = make_candles(FIRST, 1, ("BTC/USDT",))
    alone, joined = (
        build_market_block(today, *_context(today), NAMES, earlier=earlier) for earlier in (None, before)
    )
    assert np.array_equal(alone.traded_value_usd, joined.traded_value_usd)
