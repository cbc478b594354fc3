"""From Arrow tables to arrays, and the refusals."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from huracan.candles.market_info import MarketInfo
from huracan.candles.schema import TIME
from huracan.errors import InputRefused, InvalidInput
from huracan.market.block import carry_last, trailing_mean
from huracan.market.block_audit import audited_days, block_faults, check_block
from huracan.market.block_tables import build_market_block

START = 1_704_067_200_000  # 2024-01-01
HOUR = 3_600_000
NAMES = ("return_std_60_bps", "f1")
DAYS = 2


def _tables(hole: int | None = None) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Two days of hourly bars of B and A, day after day, each day in the universe's order B, A."""
    symbols, times, closes = [], [], []
    for day in range(DAYS):
        for symbol in ("B", "A"):
            for hour in range(24):
                symbols.append(symbol)
                times.append(START + (day * 24 + hour) * HOUR)
                closes.append((1000.0 if symbol == "A" else 10.0) + day * 24 + hour)
    status = ["traded"] * len(symbols)
    price: list[float | None] = list(closes)
    if hole is not None:
        status[hole], price[hole] = "missing", None
    keys = {"symbol": symbols, "open_time": pa.array(times).cast(TIME)}
    candles = pa.table(
        {
            **keys,
            **{name: pa.array(price, pa.float64()) for name in ("open", "high", "low", "close")},
            "volume": pa.array([None if value is None else 2.0 for value in price], pa.float64()),
            "status": status,
        }
    )
    features = pa.table(
        {
            **keys,
            "is_ready": [True] * len(symbols),
            "return_std_60_bps": np.arange(len(symbols), dtype=np.float32),
            "f1": np.array(closes, np.float32),
        }
    )
    quarter = {f"probability_{name}": np.full(len(symbols), 0.25, np.float32) for name in
               ("trend", "range", "high_volatility", "panic")}  # fmt: skip
    return candles, features, pa.table({**keys, "regime": ["panic"] * len(symbols), **quarter})


def test_rows_become_symbols_by_bars_in_the_universes_order() -> None:
    block = build_market_block(*_tables(), NAMES)
    assert block.symbols == ("B", "A")
    assert block.close.shape == (2, 48)
    assert block.close[0].tolist() == [10.0 + bar for bar in range(48)]
    assert block.features[1, :, 1].tolist() == [1000.0 + bar for bar in range(48)]
    assert block.days == (date(2024, 1, 1), date(2024, 1, 2))
    assert set(block.regime.reshape(-1).tolist()) == {3}
    assert block.day_first.tolist() == [0, 24]
    assert block.day_of_bar.tolist() == [0] * 24 + [1] * 24


def test_a_block_without_context_knows_of_no_funding_no_steps_and_no_pattern() -> None:
    block = build_market_block(*_tables(), NAMES)
    assert block.funding_rate.shape == (2, 48)
    assert block.pattern_context.shape == (2, 48, 3)
    assert block.pattern_context.dtype == np.float32
    for name in ("funding_rate", "tick_size", "step_size", "minimum_notional_usd", "pattern_context"):
        assert not getattr(block, name).any()


def test_funding_stands_at_the_bar_where_it_settles_and_is_zero_elsewhere() -> None:
    candles, features, regimes = _tables(hole=8)
    rates: list[float | None] = [None] * candles.num_rows
    rates[8], rates[72 + 16] = 0.0001, -0.0003  # B on day 1 at 08:00 (no candle), A on day 2 at 16:00
    candles = candles.append_column("funding_rate", pa.array(rates, pa.float64()))
    block = build_market_block(candles, features, regimes, NAMES)
    assert block.funding_rate[0, 8] == 0.0001
    assert block.funding_rate[1, 24 + 16] == -0.0003
    assert np.count_nonzero(block.funding_rate) == 2
    assert block.slice(24, 47).funding_rate[1, 16] == -0.0003


def test_what_a_market_costs_goes_to_its_symbol_and_day() -> None:
    first = {
        "A": MarketInfo("A", 0.01, 0.001, 5.0, "perpetual", 4.0, -0.5, 7.0),
        "C": MarketInfo("C", 9.0, 9.0, 9.0),
    }
    second = {"A": MarketInfo("A", 0.02, half_spread_bps=3.0), "B": MarketInfo("B", borrow_pct_per_year=6.0)}
    infos = {date(2024, 1, 1): first, date(2024, 1, 2): second}
    block = build_market_block(*_tables(), NAMES, market_infos=infos)
    assert block.symbols == ("B", "A")
    assert block.tick_size.tolist() == [[0.0, 0.0], [0.01, 0.02]]
    assert block.step_size.tolist() == [[0.0, 0.0], [0.001, 0.0]]
    assert block.minimum_notional_usd.tolist() == [[0.0, 0.0], [5.0, 0.0]]
    assert block.taker_fee_bps.tolist() == [[10.0, 10.0], [4.0, 10.0]]
    assert block.maker_fee_bps.tolist() == [[10.0, 10.0], [-0.5, 10.0]]
    assert block.half_spread_bps.tolist() == [[1.0, 1.0], [7.0, 3.0]]
    assert block.borrow_pct_per_year.tolist() == [[0.0, 6.0], [0.0, 0.0]]
    assert block.may_short.tolist() == [[False, True], [True, False]]
    assert block.slice(24, 30).tick_size.tolist() == [[0.0], [0.02]]


def test_the_patterns_of_a_block_are_sliced_with_its_bars_and_must_fit_them() -> None:
    known = np.arange(2 * 48 * 3, dtype=np.float32).reshape(2, 48, 3)
    block = replace(build_market_block(*_tables(), NAMES), pattern_context=known)
    assert block.slice(10, 12).pattern_context[1].tolist() == known[1, 10:13].tolist()
    with pytest.raises(InvalidInput, match="pattern_context of a block is"):
        replace(block, pattern_context=known[:, 1:])


def test_the_order_of_the_rows_does_not_matter() -> None:
    candles, features, regimes = _tables()
    shuffled = features.take(pa.array(np.random.default_rng(0).permutation(features.num_rows)))
    first, second = (
        build_market_block(candles, features, regimes, NAMES),
        build_market_block(candles, shuffled.sort_by([("symbol", "descending")]), regimes, NAMES),
    )
    assert np.array_equal(first.features, second.features)


def test_a_missing_bar_carries_the_last_close_and_cannot_be_traded() -> None:
    block = build_market_block(*_tables(hole=5), NAMES)
    assert block.close[0, 4:7].tolist() == [14.0, 14.0, 16.0]
    assert block.is_tradable[0, 4:7].tolist() == [True, False, True]
    assert block.traded_value_usd[0, 5] == pytest.approx(2 * (10 + 11 + 12 + 13 + 14) / 6)


def test_tables_of_other_bars_are_refused() -> None:
    candles, features, regimes = _tables()
    with pytest.raises(InputRefused, match="regimes do not match"):
        build_market_block(candles, features, regimes.slice(48), NAMES)
    with pytest.raises(InputRefused, match="same number of bars"):
        build_market_block(candles.slice(1), features, regimes, NAMES)
    with pytest.raises(InputRefused, match="missing or twice"):
        build_market_block(pa.concat_tables([candles.slice(0, 48)] * 2), features, regimes, NAMES)


def test_a_day_that_lacks_between_two_others_is_refused() -> None:
    candles, features, regimes = _tables()
    times = candles["open_time"].cast(pa.int64()).to_numpy()
    later = pa.array(np.where(times >= START + 24 * HOUR, times + 24 * HOUR, times)).cast(TIME)
    with pytest.raises(InputRefused, match="a day is missing after 2024-01-01T23:00"):
        build_market_block(candles.set_column(1, "open_time", later), features, regimes, NAMES)


def test_a_column_that_lacks_is_named() -> None:
    candles, features, regimes = _tables()
    with pytest.raises(InputRefused, match="features lacks f9"):
        build_market_block(candles, features, regimes, (*NAMES, "f9"))


def test_a_slice_holds_the_days_asked_for_and_no_others() -> None:
    block = build_market_block(*_tables(), NAMES)
    second = block.slice_days(date(2024, 1, 2), date(2024, 1, 2))
    assert second.bar_count == 24
    assert second.close[0, 0] == 34.0
    assert second.features.base is not None
    with pytest.raises(InvalidInput, match="are not in a block"):
        block.slice(0, 48)
    with pytest.raises(InvalidInput, match="no bar from"):
        block.slice_days(date(2025, 1, 2), date(2025, 1, 2))


def test_carrying_and_trailing_look_back_only() -> None:
    values = np.array([np.nan, 1.0, np.nan, 3.0])
    assert carry_last(values).tolist()[1:] == [1.0, 1.0, 3.0]
    assert np.isnan(carry_last(values)[0])
    assert trailing_mean(np.array([2.0, 4.0, 6.0]), 2).tolist() == [2.0, 3.0, 5.0]


def test_a_block_that_holds_what_its_tables_say_passes_and_any_other_value_is_named() -> None:
    candles, features, regimes = _tables(hole=30)
    block = build_market_block(candles, features, regimes, NAMES)
    for day in block.days:
        check_block(block, day, candles, features, regimes)
    first, last = block.days
    early = block.features.copy()
    early[1, 24:47, 1] = block.features[1, 25:48, 1]
    with pytest.raises(InputRefused, match="f1 of A at 2024-01-02T00:00"):
        check_block(replace(block, features=early), last, candles, features, regimes)
    check_block(replace(block, features=early), first, candles, features, regimes)
    for name, other in (
        ("close", block.close + 1e-9),
        ("is_ready", ~block.is_ready),
        ("regime", block.regime - 1),
        ("is_tradable", ~block.is_tradable),
        ("regime_probabilities", block.regime_probabilities + np.float32(0.1)),
    ):
        faults = list(block_faults(replace(block, **{name: other}), last, candles, features, regimes))
        assert faults and faults[0].startswith(name.removeprefix("regime_").removesuffix("ilities")), name


def test_a_day_is_audited_against_its_own_bars_alone() -> None:
    candles, features, regimes = _tables()
    block = build_market_block(candles, features, regimes, NAMES)
    with pytest.raises(InputRefused, match="lacks bars"):
        check_block(block, block.days[1], candles, features.slice(0, 48), regimes)


def test_the_first_and_the_last_day_of_a_window_are_audited_and_others_in_turn() -> None:
    days = [date(2024, 1, 1) + timedelta(days=each) for each in range(30)]
    chosen = audited_days(days)
    assert chosen == audited_days(days) and chosen == sorted(chosen)
    assert (chosen[0], chosen[-1], len(chosen)) == (days[0], days[-1], 3)
    assert len({audited_days(days[each:])[1] for each in range(20)}) > 3
    assert audited_days(days[:2]) == days[:2]
