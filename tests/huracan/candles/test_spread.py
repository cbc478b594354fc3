"""Half-spreads from candles: by hand, on a bounce that is known, and by the days before."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.candles.jumps import LastClose
from huracan.candles.market_info import MarketInfo
from huracan.candles.schema import FLAT, MISSING, TRADED
from huracan.candles.spread import (
    SPREADS_SCHEMA,
    day_spreads,
    half_spread_moments,
    price_step,
    with_half_spreads,
)

PRICES = ("open", "high", "low", "close")
TRADES = 40
"""In a bar of a simulated day."""


def _grid(bars: np.ndarray, status: list[str] | None = None, symbol: str = "A") -> pa.Table:
    """A day of one symbol, [bars, 4] prices."""
    columns = {name: pa.array(bars[:, at], from_pandas=True) for at, name in enumerate(PRICES)}
    return pa.table({"symbol": [symbol] * len(bars), **columns, "status": status or [TRADED] * len(bars)})


def _bouncing(half_spread_bps: float, seed: int, bars: int = 1440, volatility_bps: float = 4.0) -> np.ndarray:
    """Bars of trades at bid or ask, each side as likely, around a middle that wanders."""
    generator = np.random.default_rng(seed)
    moves = generator.normal(0, volatility_bps * 1e-4 / np.sqrt(TRADES), bars * TRADES)
    sides = generator.choice([-1, 1], bars * TRADES)
    trades = (100 * np.exp(np.cumsum(moves)) * (1 + half_spread_bps * 1e-4 * sides)).reshape(bars, TRADES)
    return np.stack([trades[:, 0], trades.max(axis=1), trades.min(axis=1), trades[:, -1]], axis=1)


def _told(*days: tuple[float | None, float | None], step: float | None = None) -> list[pa.Table]:
    """Days, each by half-spread and noise; the first of them by the step of its prices too."""
    steps = [step, *[None] * len(days)]
    rows = [
        {"symbol": "A", "half_spread_bps": spread, "noise_bps": noise, "half_step_bps": half_step}
        for (spread, noise), half_step in zip(days, steps, strict=False)
    ]
    return [pa.Table.from_pylist([row], schema=SPREADS_SCHEMA) for row in rows]


def _used(told: list[pa.Table], info: MarketInfo | None = None, close: float | None = None) -> float:
    closes = {} if close is None else {"A": LastClose(0, close, 0.01, False)}
    (found,) = with_half_spreads([info or MarketInfo("A")], told, closes)
    assert found.half_spread_bps is not None
    return found.half_spread_bps


def test_two_bars_by_hand() -> None:
    # middles 0 and 4 bps, the first close at 10 bps: (10 - 0) x (10 - 4)
    high, low = np.exp(np.array([12e-4, 9e-4])), np.exp(np.array([-12e-4, -1e-4]))
    assert half_spread_moments(high, low, np.exp(np.array([10e-4, 1.0]))) == pytest.approx([60.0])


@given(st.integers(0, 10**6), st.sampled_from([2.0, 5.0, 20.0]))
def test_a_known_bounce_is_found(seed: int, half_spread_bps: float) -> None:
    (row,) = day_spreads(_grid(_bouncing(half_spread_bps, seed))).to_pylist()
    assert row["half_spread_bps"] == pytest.approx(half_spread_bps, rel=0.15, abs=0.2)
    assert row["bars"] == 1439


@given(st.integers(0, 10**6))
def test_prices_that_do_not_bounce_have_hardly_a_spread_and_no_step(seed: int) -> None:
    (row,) = day_spreads(_grid(_bouncing(0.0, seed))).to_pylist()
    assert row["half_spread_bps"] <= 3 * row["noise_bps"] < 2.5
    assert row["half_step_bps"] is None or row["half_step_bps"] < 1e-3


@given(st.integers(0, 10**6), st.sampled_from([1e-3, 0.5, 3.0]))
def test_neither_the_price_nor_the_way_up_matters(seed: int, scale: float) -> None:
    bars = _bouncing(5.0, seed, bars=200)
    one, other, mirrored = (
        day_spreads(_grid(each)).to_pylist()[0]["half_spread_bps"]
        for each in (bars, bars * scale, (1e4 / bars)[:, [0, 2, 1, 3]])
    )
    assert other == pytest.approx(one, rel=1e-6)
    assert mirrored == pytest.approx(one, rel=1e-6)


def test_only_bars_that_were_traded_one_after_the_other_tell() -> None:
    bars = _bouncing(5.0, seed=1, bars=60)
    status = [TRADED] * 60
    status[10], status[20] = FLAT, MISSING
    holed = bars.copy()
    holed[20] = np.nan
    moments = np.delete(half_spread_moments(bars[:, 1], bars[:, 2], bars[:, 3]), [9, 10, 19, 20])
    holed[10] = 1.0  # whatever a flat bar says
    (row,) = day_spreads(_grid(holed, status)).to_pylist()
    assert row["bars"] == 55
    assert row["half_spread_bps"] == pytest.approx(np.sqrt(moments.mean()))


def test_a_day_of_few_bars_or_none_tells_nothing() -> None:
    few = day_spreads(_grid(_bouncing(5.0, seed=1, bars=10)))
    none = day_spreads(_grid(np.full((24, 4), np.nan), [MISSING] * 24, "B"))
    told = [(row["symbol"], row["half_spread_bps"], row["noise_bps"], row["bars"]) for row in few.to_pylist()]
    assert told == [("A", None, None, 9)]
    assert [list(row.values()) for row in none.to_pylist()] == [["B", None, None, None, 0]]


def test_prices_to_the_cent_keep_to_half_a_cent_of_their_last_close() -> None:
    bars = _bouncing(5.0, seed=1, bars=60).round(2)
    assert day_spreads(_grid(bars))["half_step_bps"][0].as_py() == pytest.approx(50.0 / bars[-1, 3])


def test_a_day_that_tells_nothing_and_one_without_the_symbol_leave_what_days_before_told() -> None:
    told = _told((3.0, 0.5), (5.0, 0.5), (4.0, 0.5), step=4.5)
    other = day_spreads(_grid(_bouncing(90.0, seed=1, bars=60), symbol="B"))
    silent = day_spreads(_grid(np.full((24, 4), np.nan), [MISSING] * 24))
    assert _used(told) == _used([*told, other, silent]) == 4.5, "the step of a day, as no later one tells it"
    assert _used([*told[1:], other, silent]) == pytest.approx(np.sqrt((5**2 + 4**2) / 2))
    assert _used([*told, *_told((4.0, 0.5), step=6.0)]) == 6.0, "the newest step that is told"
    assert _used([other, silent]) == 1.0


def test_days_of_a_version_that_carried_trailing_days_along_are_read_by_their_own() -> None:
    old = [day.append_column("trailing_bps", pa.array([[9.0]])) for day in _told(*[(4.0, 0.5)] * 7)]
    assert _used(old) == pytest.approx(4.0)


def test_each_symbol_is_told_by_its_own_bars() -> None:
    wide, narrow = (_grid(_bouncing(s, 3), symbol=name) for name, s in (("W", 20.0), ("N", 2.0)))
    both = day_spreads(pa.concat_tables([wide, narrow])).to_pylist()
    assert both == [*day_spreads(wide).to_pylist(), *day_spreads(narrow).to_pylist()]


@pytest.mark.parametrize(
    ("prices", "step"),
    [
        (np.arange(20) * 0.01 + 23.45, 0.01),
        (np.arange(20) + 20_000.0, 1.0),
        (np.arange(20) * 1e-8 + 1.2e-6, 1e-8),
        (np.arange(20) * 0.5 + 100, 0.1),
        (np.repeat([1.0, 2.0], 50), None),
        (np.geomspace(1, 2, 50), None),
    ],
)
def test_the_step_that_prices_keep_to(prices: np.ndarray, step: float | None) -> None:
    assert price_step(prices) == (None if step is None else pytest.approx(step))


def test_the_median_of_the_last_seven_days_is_used() -> None:
    spreads = [90.0, 90.0, 8.0, 2.0, 4.0, 3.0, 9.0, 5.0, 70.0]
    assert _used(_told(*((each, 0.5) for each in spreads))) == pytest.approx(5.0)
    assert _used(_told((3.0, 0.5), (4.0, 0.5), (9.0, 0.5))) == pytest.approx(4.0)


def test_what_cannot_be_told_from_none_is_the_default_and_a_month_tells_more_than_a_week() -> None:
    assert _used([]) == 1.0
    assert _used(_told(*[(4.0, 4.0)] * 7)) == pytest.approx(4.0)  # 16 > 2 x 1.25 x 16 / root of 7 = 15.2
    assert _used(_told(*[(3.8, 4.0)] * 7)) == 1.0
    assert _used(_told(*[(3.8, 4.0)] * 28)) == pytest.approx(3.8)
    assert _used(_told(*[(0.0, 4.0)] * 28)) == 1.0


def test_a_market_that_surely_is_tighter_than_the_default_costs_what_it_tells() -> None:
    assert _used(_told(*[(0.0, 0.5)] * 7)) == 0.0
    assert _used(_told(*[(0.3, 0.5)] * 7)) == pytest.approx(0.3)


def test_it_is_never_below_half_a_tick_at_the_last_known_close() -> None:
    told = _told(*[(0.3, 0.1)] * 7, step=0.7)
    tick = MarketInfo("A", tick_size=0.01)
    assert _used(told, tick, close=20.0) == pytest.approx(2.5)
    assert _used(told, tick, close=2_000.0) == pytest.approx(0.3)
    assert _used([], tick, close=20.0) == pytest.approx(2.5)
    # of nobody who says the tick, half of the step that prices kept to
    assert _used(told, close=20.0) == pytest.approx(0.7)
    assert _used(told, tick) == pytest.approx(0.7)


def test_a_tick_that_is_not_of_these_prices_is_no_cost_beyond_belief() -> None:
    assert _used([], MarketInfo("A", tick_size=1.0), close=1e-6) == 1000.0


def test_what_the_settings_say_stays() -> None:
    said = MarketInfo("A", tick_size=0.01, half_spread_bps=0.2)
    assert _used(_told(*[(5.0, 0.1)] * 7), said, close=20.0) == 0.2


@given(st.lists(st.tuples(st.floats(0, 50), st.floats(0.1, 20)), max_size=28))
def test_it_lies_between_what_the_days_say_and_the_default(told: list[Any]) -> None:
    used = _used(_told(*told))
    own = [spread for spread, _ in told]
    assert min([1.0, *own]) - 1e-9 <= used <= max([1.0, *own]) + 1e-9
