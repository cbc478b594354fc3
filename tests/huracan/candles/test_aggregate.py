"""Candles of longer bars: as pandas makes them, as the exchange does, and of nothing that comes later."""

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from huracan.candles.aggregate import aggregate_candles
from huracan.candles.schema import FLAT, MISSING, OHLCV_SCHEMA, QUARANTINED, TRADED, Timeframe

DAY = date(2024, 5, 4)
MINUTE, QUARTER, HOUR = Timeframe("1m"), Timeframe("15m"), Timeframe("1h")
PRICES = ("open", "high", "low", "close")
VOLUMES = ("volume", "trade_count", "taker_buy_volume")


def test_whole_days_are_as_pandas_resamples_them(make_candles):
    candles = make_candles(DAY, 2)
    bars = aggregate_candles(candles, MINUTE, QUARTER)
    assert bars.schema == OHLCV_SCHEMA
    assert bars["symbol"].to_pylist()[:97] == ["BTC/USDT"] * 96 + ["ETH/USDT"]
    how = {"open": "first", "high": "max", "low": "min", "close": "last"} | dict.fromkeys(VOLUMES, "sum")
    for symbol in ("BTC/USDT", "SOL/USDT"):
        one = candles.filter(pc.equal(candles["symbol"], symbol)).to_pandas().set_index("open_time")
        expected = one.resample("15min").agg(how)
        made = bars.filter(pc.equal(bars["symbol"], symbol)).to_pandas().set_index("open_time")
        for name in how:
            np.testing.assert_allclose(made[name].to_numpy(np.float64), expected[name], rtol=1e-12)
        assert (made["close_time"] - made.index == pd.Timedelta(minutes=15)).all()
        assert (made["status"] == TRADED).all()


@given(
    status=st.lists(st.sampled_from([TRADED, FLAT, MISSING, QUARANTINED]), min_size=240, max_size=240),
    bar=st.integers(0, 15),
    seed=st.integers(0, 99),
)
def test_a_bar_is_made_of_its_own_detail_bars_alone(status, bar, seed):
    candles = _of_status(status, seed)
    whole = aggregate_candles(candles, MINUTE, QUARTER)
    cut = aggregate_candles(candles.slice(0, 15 * (bar + 1)), MINUTE, QUARTER)
    assert cut.equals(whole.slice(0, bar + 1))
    alone = aggregate_candles(candles.slice(15 * bar, 15), MINUTE, QUARTER)
    assert alone.equals(whole.slice(bar, 1))


@given(status=st.lists(st.sampled_from([TRADED, FLAT, MISSING, QUARANTINED]), min_size=15, max_size=15))
def test_a_bar_is_priced_by_what_was_traded_and_missing_only_where_all_is(status):
    candles = _of_status(status, 1)
    (bar,) = aggregate_candles(candles, MINUTE, QUARTER).to_pylist()
    rows = candles.to_pylist()
    used = [row for row in rows if row["status"] == TRADED] or [row for row in rows if row["status"] == FLAT]
    if not used:
        assert bar["status"] == (QUARANTINED if QUARANTINED in status else MISSING)
        assert all(bar[name] is None for name in (*PRICES, *VOLUMES))
        return
    assert bar["status"] == used[0]["status"]
    assert (bar["open"], bar["close"]) == (used[0]["open"], used[-1]["close"])
    assert bar["high"] == max(row["high"] for row in used)
    assert bar["low"] == min(row["low"] for row in used)
    assert bar["volume"] == pytest.approx(sum(row["volume"] or 0.0 for row in rows))


def test_volume_without_order_flow_has_none(make_candles):
    bars = aggregate_candles(make_candles(DAY, 1, has_flow=False), MINUTE, HOUR)
    assert bars["trade_count"].null_count == bars["taker_buy_volume"].null_count == 72
    assert not bars["volume"].null_count


def test_bars_of_one_length_are_given_back(make_candles):
    candles = make_candles(DAY, 1)
    assert aggregate_candles(candles, MINUTE, MINUTE) is candles


def test_the_universes_order_of_each_day_is_kept(make_candles):
    first = make_candles(date(2024, 5, 3), 1, symbols=("ETH/USDT", "BTC/USDT"))
    second = make_candles(DAY, 1, symbols=("BTC/USDT", "ETH/USDT"))
    bars = aggregate_candles(pa.concat_tables([first, second]), MINUTE, Timeframe("4h"))
    assert bars["symbol"].to_pylist() == [
        *(s for s in ("ETH/USDT", "BTC/USDT", "BTC/USDT", "ETH/USDT") for _ in range(6))
    ]


def test_real_minutes_make_the_hours_that_the_exchange_published(real_ohlcv, real_data):
    # 24 March 2023: an outage, with flat minutes before it and no bar for 80 of them.
    hours = aggregate_candles(real_ohlcv(date(2023, 3, 25), 2), MINUTE, HOUR)
    published = parquet.read_table(real_data / "binance_ETH-USDT_1h.parquet").to_pandas()
    published = published.set_index(pd.to_datetime(published["timestamp"], utc=True))
    made = hours.filter(pc.equal(hours["symbol"], "ETH/USDT")).to_pandas().set_index("open_time")
    known = made[made["status"] != MISSING]
    assert list(made.index[made["status"] == MISSING]) == [datetime(2023, 3, 24, 13, tzinfo=UTC)]
    assert made.loc["2023-03-24 12:00+00:00", "status"] == FLAT
    expected = published.loc[known.index]
    for name in (*PRICES, "volume"):
        np.testing.assert_allclose(known[name], expected[name], rtol=1e-9)


def _of_status(status: list[str], seed: int) -> pa.Table:
    random, count = np.random.default_rng(seed), len(status)
    has_candle = np.isin(status, (TRADED, FLAT))
    numbers = {name: random.uniform(90.0, 110.0, count) for name in PRICES} | {
        name: np.where(np.array(status) == TRADED, random.integers(1, 9, count), 0.0) for name in VOLUMES
    }
    opened = 1_714_780_800_000 + np.arange(count) * 60_000
    columns = {name: pa.array(values, mask=~has_candle) for name, values in numbers.items()} | {
        "symbol": pa.array(["BTC/USDT"] * count),
        "open_time": pa.array(opened),
        "close_time": pa.array(opened + 60_000),
        "status": pa.array(list(status)),
        "funding_rate": pa.nulls(count),
    }
    return pa.table({f.name: columns[f.name].cast(f.type) for f in OHLCV_SCHEMA}, schema=OHLCV_SCHEMA)
