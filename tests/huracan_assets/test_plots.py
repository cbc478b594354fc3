"""Pictures and tables of the metadata, where the market's names and prices are unusual."""

import numpy as np
import pyarrow as pa

from huracan.candles.schema import TIME
from huracan_assets import shown
from huracan_assets.market.plots import price_with_regimes
from huracan_assets.shadow import plots


def test_a_symbol_with_dollars_is_no_formula() -> None:
    bars = 4
    session = pa.table(
        {
            "symbol": ["$^$/USDT"] * bars,
            "open_time": pa.array(np.arange(bars) * 60_000).cast(TIME),
            "equity_usd": [100.0, 101.0, 99.0, 100.0],
        }
    )
    assert "data:image/png;base64," in plots.equity_curve(session).text


def test_the_price_of_a_cheap_coin_is_not_rounded_to_nothing() -> None:
    rows = shown.top_rows(pa.table({"price": [1.23456789e-6, 31.123456, 0.0]}), 3)
    assert [record["price"] for record in rows.records] == [1.234568e-6, 31.1235, 0.0]


def test_a_symbol_that_is_set_aside_leaves_the_others_in_the_picture() -> None:
    bars = 4
    times = pa.array(np.tile(np.arange(bars) * 60_000, 2)).cast(TIME)
    symbols = ["A/USDT"] * bars + ["B/USDT"] * bars
    ohlcv = pa.table({"symbol": symbols, "open_time": times, "close": [None] * bars + [1.0, 1.1, 1.2, 1.1]})
    regimes = pa.table({"regime": ["range"] * 2 * bars})
    assert "data:image/png;base64," in price_with_regimes(ohlcv, regimes).text
