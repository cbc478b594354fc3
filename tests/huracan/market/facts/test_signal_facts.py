"""The market at a signal, by hand, and never by what came after it."""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.candles.schema import OHLCV_SCHEMA, TIME
from huracan.errors import InvalidInput
from huracan.market.facts.columns import FACT_NAMES, FACTS_SCHEMA, fact, facts_of
from huracan.market.facts.flow import bulk_bought, imbalance, toxicity
from huracan.market.facts.signal_facts import signal_facts
from tests.huracan.gates.columns import with_column

START = datetime(2025, 5, 1, tzinfo=UTC)
CandleMaker = Callable[..., pa.Table]


def _signals(*minutes: int, symbol: str = "BTC/USDT") -> pa.Table:
    moments = [START + timedelta(minutes=each) for each in minutes]
    ids = [f"{symbol}-{each}" for each in minutes]
    return pa.table(
        {"trade_id": ids, "symbol": [symbol] * len(ids), "signal_time": pa.array(moments).cast(TIME)}
    )


def _candles(close: list[float], bought: float | None = None, volume: float = 10.0) -> pa.Table:
    """One bar a minute from START: opens at the close before, a wick of a cent on both sides."""
    opened = [close[0], *close[:-1]]
    times = [START + timedelta(minutes=bar) for bar in range(len(close))]
    count = len(close)
    columns = {
        "symbol": ["BTC/USDT"] * count,
        "open_time": pa.array(times).cast(TIME),
        "close_time": pa.array([each + timedelta(minutes=1) for each in times]).cast(TIME),
        "open": opened,
        "high": [max(pair) + 0.01 for pair in zip(opened, close, strict=True)],
        "low": [min(pair) - 0.01 for pair in zip(opened, close, strict=True)],
        "close": close,
        "volume": [volume] * count,
        "trade_count": pa.nulls(count),
        "taker_buy_volume": pa.array([bought] * count, pa.float64()),
        "status": ["traded"] * count,
        "funding_rate": pa.nulls(count),
    }
    arrays = [
        pa.array(columns[f.name]) if isinstance(columns[f.name], list) else columns[f.name]
        for f in OHLCV_SCHEMA
    ]
    cast = [array.cast(field.type) for array, field in zip(arrays, OHLCV_SCHEMA, strict=True)]
    return pa.table(cast, schema=OHLCV_SCHEMA)


def test_facts_by_hand() -> None:
    # Up and down by turns: 61 bars that end at 100 again, and 60 returns of the same size.
    close = [100.0 if bar % 2 == 0 else 101.0 for bar in range(61)]
    row = signal_facts(_signals(61), _candles(close, bought=7.5)).to_pylist()[0]
    step = math.log(101 / 100)
    assert row["trade_id"] == "BTC/USDT-61" and row["bar_minutes"] == 1.0
    assert row["untraded_share"] == 0.0 and row["is_flow_estimated"] is False
    assert row["imbalance"] == row["earlier_imbalance"] == row["toxicity"] == pytest.approx(0.5)
    assert row["activity"] == pytest.approx(1.0) and row["compression"] == pytest.approx(1.0)
    assert row["last_move"] == pytest.approx(-1.0)
    assert row["short_move"] == pytest.approx(0.0, abs=1e-9)
    assert row["illiquidity_bps"] == pytest.approx(1e4 * step * 1e6 * (1 / 1000 + 1 / 1010) / 2)
    assert row["buy_fill_chance"] == row["sell_fill_chance"] == 1.0
    assert row["buy_fill_drift_bps"] == row["sell_fill_drift_bps"] == 0.0
    # The bounce is all there is: every close lies half a step off the middle of its bar.
    assert row["half_spread_bps"] == pytest.approx(step / 2 * 1e4, rel=1e-3)


def test_bars_that_were_not_traded_fill_nobody() -> None:
    close = [100.0 if bar % 2 == 0 else 101.0 for bar in range(61)]
    candles = with_column(_candles(close), "status", ["traded"] * 31 + ["flat"] * 30)
    row = signal_facts(_signals(61), candles).to_pylist()[0]
    assert row["buy_fill_chance"] == row["sell_fill_chance"] == row["untraded_share"] == 0.5


def test_an_order_is_filled_where_the_price_goes_through_its_open_and_the_price_goes_on() -> None:
    # Three bars up by 1, then one down by 3, without wicks: only the falls fill a resting buy.
    close = list(np.cumsum([1.0, 1.0, 1.0, -3.0] * 16) + 1000.0)[:61]
    candles = _candles(close, 5.0)
    for name, edge in (("high", max), ("low", min)):
        ends = [edge(o, c) for o, c in zip(candles["open"].to_pylist(), close, strict=True)]
        candles = candles.set_column(candles.schema.get_field_index(name), name, pa.array(ends))
    row = signal_facts(_signals(61), candles).to_pylist()[0]
    assert row["buy_fill_chance"] == 0.25 and row["sell_fill_chance"] == 0.75
    assert row["buy_fill_drift_bps"] < -20.0 and row["sell_fill_drift_bps"] < -5.0


def test_without_takers_the_flow_is_told_by_moves_and_says_so() -> None:
    close = [100.0 + 0.1 * bar + (0.05 if bar % 3 else 0.0) for bar in range(61)]
    estimated, said = (signal_facts(_signals(61), _candles(close, bought)) for bought in (None, 5.0))
    assert estimated["is_flow_estimated"].to_pylist() == [True]
    assert estimated["imbalance"][0].as_py() > 0.5 > 1e-9 > abs(said["imbalance"][0].as_py())
    assert bulk_bought(np.array([10.0, 10.0]), np.array([np.nan, 1e-3]), 1e-3) == pytest.approx(
        [5.0, 8.413447]
    )
    assert bulk_bought(np.array([4.0]), np.array([1.0]), 0.0).tolist() == [2.0]


def test_toxicity_is_of_equal_volumes_and_not_of_equal_times() -> None:
    assert toxicity(np.full(10, 1.0), np.tile([1.0, 0.0], 5)) == pytest.approx(1.0)
    # One bar of all the volume, balanced, and nine tiny one-sided ones.
    volume = np.array([1000.0] + [0.001] * 9)
    assert toxicity(volume, np.array([500.0] + [0.001] * 9)) < 1e-4
    assert math.isnan(toxicity(np.zeros(3), np.zeros(3))) and math.isnan(imbalance(np.zeros(3), np.zeros(3)))


def test_what_is_not_traded_is_counted_and_too_few_bars_tell_nothing_else() -> None:
    candles = _candles([100.0 + bar % 2 for bar in range(61)], 5.0)
    status = ["traded"] * 15 + ["missing"] * 46
    thin = candles.set_column(candles.schema.get_field_index("status"), "status", pa.array(status))
    row = signal_facts(_signals(61), thin).to_pylist()[0]
    assert row["untraded_share"] == pytest.approx(46 / 60) and row["imbalance"] is None
    nobody = signal_facts(_signals(61, symbol="NEW/USDT"), candles).to_pylist()[0]
    assert all(nobody[name] is None for name in FACT_NAMES)
    backwards = candles.take(pa.array(range(60, -1, -1)))
    with pytest.raises(InvalidInput, match="not in time order"):
        signal_facts(_signals(61), backwards)


@given(st.integers(61, 1439), st.integers(0, 400))
def test_a_signal_knows_no_later_candle_and_forgets_what_lies_further_back(minute: int, cut: int) -> None:
    candles = _SHARED
    whole = signal_facts(_signals(minute), candles)
    closes = pc.cast(candles["close_time"], pa.int64()).to_numpy()
    moment = int((START + timedelta(minutes=minute)).timestamp() * 1000)
    window = (closes <= moment) & (closes > moment - 60_000 * (61 + cut))
    assert signal_facts(_signals(minute), candles.filter(pa.array(window))).equals(whole)


def _made() -> pa.Table:
    from tests.huracan.conftest import made_candles

    return made_candles(date(2025, 5, 1), 1, symbols=("BTC/USDT",), gaps={"BTC/USDT": [300, 301, 700]})


_SHARED = _made()


def test_on_real_candles_every_fact_is_told_and_lies_where_it_can(real_ohlcv: CandleMaker) -> None:
    last = date(2023, 3, 14)
    candles = real_ohlcv(last, 2)
    start = int(datetime(2023, 3, 14, tzinfo=UTC).timestamp() * 1000)
    signals = pa.table(
        {
            "trade_id": [f"{base}-{hour}" for base in ("BTC", "ETH", "SOL") for hour in range(24)],
            "symbol": [f"{base}/USDT" for base in ("BTC", "ETH", "SOL") for _ in range(24)],
            "signal_time": pa.array([start + hour * 3_600_000 for hour in range(24)] * 3).cast(TIME),
        }
    )
    facts = signal_facts(signals, candles)
    assert {name: facts[name].null_count for name in FACT_NAMES} == dict.fromkeys(FACT_NAMES, 0)
    # These candles do not say who took.
    assert set(facts["is_flow_estimated"].to_pylist()) == {True}
    assert (fact(facts, "untraded_share") < 0.2).all()
    assert ((fact(facts, "toxicity") > 0.0) & (fact(facts, "toxicity") < 0.9)).all()
    assert (np.abs(fact(facts, "imbalance")) < 1.0).all()
    assert np.median(fact(facts, "half_spread_bps")) < 5.0
    for name in ("buy_fill_drift_bps", "sell_fill_drift_bps"):
        assert np.median(fact(facts, name)) < 0.0, "whoever is filled is filled against"


def test_stored_facts_are_found_by_trade_and_are_null_where_there_are_none() -> None:
    stored = signal_facts(_signals(70, 80), _SHARED)
    asked = pa.chunked_array([["BTC/USDT-80", "unknown", "BTC/USDT-70"]])
    found = facts_of(stored, asked)
    assert found.schema == FACTS_SCHEMA and found["trade_id"].to_pylist() == asked.to_pylist()
    assert found["imbalance"].to_pylist() == [
        stored["imbalance"][1].as_py(),
        None,
        stored["imbalance"][0].as_py(),
    ]
    assert np.isnan(fact(found, "imbalance")[1])
    with pytest.raises(InvalidInput, match="lack the market fact 'imbalance'"):
        fact(_signals(70), "imbalance")
