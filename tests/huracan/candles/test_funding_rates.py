"""Funding rates on the grid: which bar each belongs to, and that none disappears."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.candles.funding import (
    FUNDING_SLACK_MS,
    empty_funding,
    funding_table,
    funding_window,
    lay_funding,
)
from huracan.candles.quality import assemble_day, judge_day
from huracan.candles.schema import (
    FUNDING_SCHEMA,
    OHLCV_SCHEMA,
    QUARANTINE_SCHEMA,
    RAW_SCHEMA,
    Timeframe,
    day_end,
    day_start,
)
from huracan.candles.simulate import SimulatedMarket, SimulatedMarketConfig
from huracan.errors import InvalidInput

DAY = date(2025, 1, 1)
START = int(day_start(DAY).timestamp() * 1000)
END = int(day_end(DAY).timestamp() * 1000)
HOUR_MS, HOUR = 3_600_000, Timeframe("1h")
PERPETUAL = "BTC/USDT:USDT"


def _settled(*rates: tuple[int, float]) -> pa.Table:
    """Rates by milliseconds after the day's start."""
    times = np.array([START + at for at, _ in rates], np.int64)
    return funding_table(times, np.array([rate for _, rate in rates]))


def _candles(timeframe: Timeframe = HOUR) -> pa.Table:
    return SimulatedMarket(SimulatedMarketConfig(), ["BTC/USDT"], timeframe).fetch_day("BTC/USDT", DAY)


def test_each_rate_stands_at_the_bar_at_whose_open_it_is_settled() -> None:
    rates = _settled((16 * HOUR_MS, 3e-5), (-4, 1e-4), (8 * HOUR_MS + 14, -2e-4))
    day = assemble_day({PERPETUAL: _candles()}, DAY, HOUR, {PERPETUAL: rates})
    assert day.ohlcv.schema == OHLCV_SCHEMA
    expected: list[float | None] = [None] * 24
    expected[0], expected[8], expected[16] = 1e-4, -2e-4, 3e-5
    assert day.ohlcv["funding_rate"].to_pylist() == expected
    assert day.quarantine.num_rows == 0


def test_a_bar_without_a_candle_keeps_its_rate() -> None:
    late = _candles().slice(9)
    day = assemble_day({PERPETUAL: late}, DAY, HOUR, {PERPETUAL: _settled((8 * HOUR_MS, 1e-4))})
    row = day.ohlcv.slice(8, 1).to_pylist()[0]
    assert (row["status"], row["close"], row["funding_rate"]) == ("missing", None, 1e-4)


@pytest.mark.parametrize(
    ("rate", "reason"),
    [
        ((8 * HOUR_MS + 120_000, 1e-4), "settled at no bar's open"),
        ((8 * HOUR_MS + FUNDING_SLACK_MS + 1, 1e-4), "settled at no bar's open"),
        ((-FUNDING_SLACK_MS - 1, 1e-4), "missing or outside the day"),
        ((24 * HOUR_MS, 1e-4), "missing or outside the day"),
        ((8 * HOUR_MS, float("nan")), "not a finite number"),
        ((8 * HOUR_MS, 1.5), "not a finite number within 10 %"),
        ((16 * HOUR_MS + 1, 3e-5), "exact duplicate"),
        ((16 * HOUR_MS + 1, 4e-5), "second funding rate of the same bar"),
    ],
)
def test_a_rate_that_does_not_fit_lies_in_quarantine_with_its_reason(
    rate: tuple[int, float], reason: str
) -> None:
    rates = _settled((16 * HOUR_MS, 3e-5), (0, 1e-4), rate)
    day = assemble_day({PERPETUAL: _candles()}, DAY, HOUR, {PERPETUAL: rates})
    assert day.quarantine.schema == QUARANTINE_SCHEMA
    (row,) = day.quarantine.to_pylist()
    assert reason in row["reason"]
    assert row["symbol"] == PERPETUAL
    assert row["open_time"].timestamp() * 1000 == START + rate[0]
    assert row["funding_rate"] == pytest.approx(rate[1], nan_ok=True)
    assert row["close"] is None
    assert day.ohlcv["funding_rate"].null_count == 22
    assert day.ohlcv["funding_rate"][16].as_py() == 3e-5


def test_a_null_rate_and_a_null_time_are_kept_too() -> None:
    rows = [{"settled_at": None, "funding_rate": 1e-4}, {"settled_at": day_start(DAY), "funding_rate": None}]
    rates = pa.Table.from_pylist(rows, schema=FUNDING_SCHEMA)
    day = assemble_day({PERPETUAL: _candles()}, DAY, HOUR, {PERPETUAL: rates})
    assert day.quarantine.num_rows == 2
    sanity = judge_day(day, HOUR).verdicts[1]
    assert sanity.numbers["quarantined_rows"] == 0
    assert sanity.numbers["quarantined_funding_rates"] == 2


def test_the_verdict_tells_of_rates_in_quarantine_and_refuses_where_most_are() -> None:
    good, odd = [(0, 1e-4), (8 * HOUR_MS, 1e-4)], [(600_000, 1e-4), (700_000, 1e-4), (800_000, 1e-4)]
    verdicts = []
    for rates in (good, good + odd[:1], good + odd):
        day = assemble_day({PERPETUAL: _candles()}, DAY, HOUR, {PERPETUAL: _settled(*rates)})
        verdicts.append(judge_day(day, HOUR).verdicts[1])
    assert [verdict.passed for verdict in verdicts] == [True, True, False]
    assert "unding" not in verdicts[0].reason
    assert verdicts[0].numbers["funding_rates"] == 2
    assert "Funding rates in quarantine: BTC/USDT:USDT 1" in verdicts[1].reason
    assert "most of its 5 funding rates fit no bar" in verdicts[2].reason


def test_the_verdict_names_a_perpetual_without_rates_and_no_spot_market() -> None:
    day = assemble_day({PERPETUAL: _candles(), "BTC/USDT": _candles()}, DAY, HOUR)
    verdict = judge_day(day, HOUR).verdicts[1]
    assert verdict.passed
    assert verdict.reason.endswith("No funding rate is known of BTC/USDT:USDT.")


def test_a_table_of_other_columns_is_refused() -> None:
    with pytest.raises(InvalidInput, match="funding rates of BTC/USDT:USDT have the columns"):
        lay_funding(PERPETUAL, pa.table({"rate": [1.0]}), START, HOUR)


def test_a_simulated_market_has_no_funding_and_no_filters() -> None:
    market = SimulatedMarket(SimulatedMarketConfig(), ["BTC/USDT"], HOUR)
    assert market.fetch_funding("BTC/USDT", DAY).equals(empty_funding())
    assert market.market_info("BTC/USDT") is None
    with pytest.raises(InvalidInput, match="unknown to this simulated market"):
        market.fetch_funding("ETH/USDT", DAY)


def test_the_windows_of_days_meet_without_overlap() -> None:
    assert funding_window(START, END)[1] == funding_window(END, END + 24 * HOUR_MS)[0]


@given(
    st.lists(
        st.tuples(
            st.integers(-2_000, 24 * HOUR_MS + 2_000),
            st.sampled_from([1e-4, -3e-4, 0.0, 2.0, float("inf"), float("nan")]),
        ),
        max_size=12,
    ),
    st.sampled_from(["1m", "5m", "1h", "4h"]),
)
@settings(max_examples=80, deadline=None)
def test_every_rate_is_on_the_grid_or_in_quarantine(rates: list[tuple[int, float]], name: str) -> None:
    timeframe = Timeframe(name)
    laid = lay_funding(PERPETUAL, _settled(*rates), START, timeframe)
    assert len(laid.by_bar) == timeframe.bars_per_day
    assert len(laid.by_bar) - laid.by_bar.null_count + laid.quarantine.num_rows == len(rates)
    given_rates = {rate for _, rate in rates}
    assert {rate for rate in laid.by_bar.to_pylist() if rate is not None} <= given_rates


def test_candles_stay_what_they_were_with_and_without_rates() -> None:
    raw = {PERPETUAL: _candles()}
    with_rates = assemble_day(raw, DAY, HOUR, {PERPETUAL: _settled((0, 1e-4))}).ohlcv
    without = assemble_day(raw, DAY, HOUR).ohlcv
    names = [*RAW_SCHEMA.names, "symbol", "close_time", "status"]
    assert with_rates.select(names).equals(without.select(names))
    assert without["funding_rate"].null_count == 24
