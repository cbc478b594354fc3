"""Pictures and tables of the metadata, where the market's names and prices are unusual."""

import numpy as np
import pyarrow as pa

from huracan.candles.schema import TIME
from huracan_assets import shown
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
