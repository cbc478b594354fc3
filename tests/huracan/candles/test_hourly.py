"""What is kept of a day by the hour."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from huracan.candles.hourly import HOURLY_SCHEMA, hourly_summaries
from huracan.candles.schema import Timeframe

DAY = date(2024, 5, 4)
MINUTE = Timeframe("1m")


def test_an_hour_has_its_prices_its_volume_and_the_variance_of_its_bars(make_candles):
    candles = make_candles(DAY, 1)
    hourly = hourly_summaries(candles, MINUTE)
    assert hourly.schema == HOURLY_SCHEMA and hourly.num_rows == 72
    assert hourly["symbol"].to_pylist()[::24] == ["BTC/USDT", "ETH/USDT", "SOL/USDT"]
    eth = candles.filter(pc.equal(candles["symbol"], "ETH/USDT")).slice(5 * 60, 60)
    before = candles.filter(pc.equal(candles["symbol"], "ETH/USDT"))["close"][5 * 60 - 1].as_py()
    row = hourly.filter(pc.equal(hourly["symbol"], "ETH/USDT")).slice(5, 1).to_pylist()[0]
    close, volume = eth["close"].to_numpy(), eth["volume"].to_numpy()
    assert row["open_time"].isoformat() == "2024-05-04T05:00:00+00:00"
    assert (row["open"], row["close"]) == (eth["open"][0].as_py(), close[-1])
    assert (row["high"], row["low"]) == (pc.max(eth["high"]).as_py(), pc.min(eth["low"]).as_py())
    assert row["volume"] == pytest.approx(volume.sum())
    assert row["traded_value"] == pytest.approx((volume * close).sum())
    returns = np.diff(np.log(np.concatenate([[before], close])))
    assert row["realised_variance"] == pytest.approx((returns**2).sum(), rel=1e-12)
    assert row["observed_bars"] == 60 and row["funding_rate"] is None


def test_an_hour_without_a_candle_has_no_price_and_a_gap_is_one_move(make_candles):
    gap = list(range(90, 190))
    hourly = hourly_summaries(make_candles(DAY, 1, gaps={"BTC/USDT": gap}), MINUTE).to_pylist()
    assert hourly[2]["close"] is None and hourly[2]["observed_bars"] == 0 and hourly[2]["volume"] == 0.0
    assert (hourly[1]["observed_bars"], hourly[3]["observed_bars"]) == (30, 50)
    assert hourly[2]["realised_variance"] == 0.0 and hourly[3]["realised_variance"] > 0.0


def test_the_first_bar_of_a_day_counts_from_its_own_open(make_candles):
    one, two = make_candles(DAY, 1), make_candles(DAY, 2)
    whole = hourly_summaries(two, MINUTE)
    of_day = pa.concat_tables([whole.slice(24 * start, 24) for start in (3, 4, 5)])
    assert of_day.equals(hourly_summaries(two.slice(3 * 1440), MINUTE))
    first = one["close"][0].as_py() / one["open"][0].as_py()
    alone = hourly_summaries(one.slice(0, 1), MINUTE)
    assert alone["realised_variance"][0].as_py() == pytest.approx(np.log(first) ** 2)


def test_rates_that_settle_within_an_hour_are_added_up(make_candles):
    candles = make_candles(DAY, 1)
    rates = np.full(candles.num_rows, np.nan)
    rates[[0, 480, 510]] = 1e-4, 2e-4, 3e-4
    index = candles.column_names.index("funding_rate")
    candles = candles.set_column(index, "funding_rate", pa.array(rates, from_pandas=True))
    hourly = hourly_summaries(candles, MINUTE)["funding_rate"].to_pylist()
    assert hourly[0] == 1e-4 and hourly[8] == pytest.approx(5e-4) and hourly[9] is None


def test_bars_longer_than_an_hour_are_a_row_each(make_candles):
    assert hourly_summaries(make_candles(DAY, 1, timeframe="4h"), Timeframe("4h")).num_rows == 18
