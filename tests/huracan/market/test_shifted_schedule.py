"""Random rivals are the same schedule at another time: held as long, as clustered, at the same risk."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from huracan.market.block import MarketBlock
from huracan.market.rules import TradingRules
from huracan.market.what_if.shifted_schedule import Schedule, mean_rival_gross_usd, rivals_of

Maker = Callable[..., MarketBlock]
RULES = TradingRules(minimum_volatility_bps=0.001)
VOLATILITY = 10.0


def _schedule(*trades: tuple[int, int, int, int], gross: float = 0.0, cost: float = 0.0) -> Schedule:
    """Of (symbol, side, entry bar, bars held), each of 1,000 USD."""
    columns = np.array(trades, np.int64).reshape(len(trades), 4).T
    of_all = np.ones(len(trades))
    return Schedule(*columns, 1_000.0 * of_all, VOLATILITY * of_all, gross * of_all, cost * of_all)


def _calm(block: MarketBlock) -> MarketBlock:
    return replace(block, volatility_bps=np.full_like(block.open, VOLATILITY))


def _all(block: MarketBlock, schedule: Schedule) -> NDArray[np.float64]:
    """Every offset but none at all."""
    return rivals_of(schedule, block, RULES, np.random.default_rng(0), draws=10**6).net_usd


def test_a_moved_trade_makes_what_its_holding_time_moved_elsewhere(make_block: Maker) -> None:
    block = _calm(make_block([100.0, 101.0, 103.0, 102.0, 104.0, 105.0]))
    opens = block.open[0]
    made = _all(block, _schedule((0, 1, 1, 2), cost=3.0))
    # Moved by one: bars 2 to 4; by two: 3 to 5; by three: 4 to the last close.
    by_hand = [opens[4] / opens[2] - 1, opens[5] / opens[3] - 1, block.close[0, -1] / opens[4] - 1]
    assert made[:3] == pytest.approx(1_000.0 * np.array(by_hand) - 3.0)
    # By four: bar 5 to the end, and from the beginning on one bar more.
    around = block.close[0, -1] / opens[5] * opens[1] / opens[0] - 1
    assert made[3] == pytest.approx(1_000.0 * around - 3.0)
    assert _all(block, _schedule((0, -1, 1, 2), cost=3.0)) == pytest.approx(-(made + 3.0) - 3.0)


def test_all_trades_move_together_so_that_clusters_stay(random_market: Maker) -> None:
    block = _calm(random_market(2, symbols=2))
    one, other = _schedule((0, 1, 5, 7)), _schedule((1, -1, 30, 4))
    both = _schedule((0, 1, 5, 7), (1, -1, 30, 4))
    assert _all(block, both) == pytest.approx(_all(block, one) + _all(block, other))


def test_a_rival_risks_as_much_as_the_trade_did_at_its_own_entry(make_block: Maker) -> None:
    block = _calm(make_block(100.0 * 1.001 ** np.arange(20)))
    volatility = np.full_like(block.open, VOLATILITY)
    volatility[0, 9] = 2 * VOLATILITY  # known at the open of bar 10
    made = _all(replace(block, volatility_bps=volatility), _schedule((0, 1, 4, 1)))
    usual = np.delete(made[:15], 5)  # entered from bar 5 to the end; bar 0 does not move
    assert made[5] == pytest.approx(usual[0] / 2) and usual == pytest.approx(usual[0])


def test_the_chance_counts_who_did_as_well_and_the_schedule_itself(make_block: Maker) -> None:
    block = _calm(make_block([100.0, 100.0, 100.0, 110.0, 110.0, 110.0, 110.0, 110.0]))
    rises = np.flatnonzero(np.diff(np.append(block.open[0], block.close[0, -1])) > 0)
    schedule = replace(_schedule((0, 1, int(rises[0]), 1)), gross_usd=np.array([100.0]))
    rivals = rivals_of(schedule, block, RULES, np.random.default_rng(0), draws=100)
    assert rivals.net_usd.size == block.bar_count - 1
    assert rivals.chance == 1 / block.bar_count
    loser = replace(schedule, gross_usd=np.array([-1.0]))
    assert rivals_of(loser, block, RULES, np.random.default_rng(0)).chance == 1.0
    nobody = rivals_of(_schedule(), block, RULES, np.random.default_rng(0))
    assert nobody.chance == 1.0 and not nobody.net_usd.any()


def test_offsets_are_drawn_without_replacement_by_the_generator(random_market: Maker) -> None:
    block = _calm(random_market(2))
    schedule = _schedule((0, 1, 5, 7), (0, 1, 40, 3))
    draw = [rivals_of(schedule, block, RULES, np.random.default_rng(seed), 30).net_usd for seed in (1, 1, 2)]
    assert np.array_equal(draw[0], draw[1]) and not np.array_equal(draw[0], draw[2])
    assert np.unique(draw[0]).size == 30


def test_whoever_always_holds_a_rising_market_has_rivals_who_hold_it_too(make_block: Maker) -> None:
    block = _calm(make_block(100.0 * 1.001 ** np.arange(50)))
    whole = _schedule((0, 1, 0, block.bar_count))
    held = 1_000.0 * (block.close[0, -1] / block.open[0, 0] - 1)
    # Of a position as long as the span, entered anywhere in it or before, all bars are held on average.
    lead = np.concatenate([np.full((1, 50), block.open[0, 0]), block.open], axis=1)
    longer = _calm(make_block(lead[0]))
    longer = replace(
        longer,
        open=lead,
        close=np.concatenate([np.full((1, 50), block.open[0, 0]), block.close], axis=1),
    )
    mean = mean_rival_gross_usd(whole, longer, RULES, 50, 99, span_bars=50)
    assert mean == pytest.approx(held, rel=0.03)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_the_mean_over_all_offsets_is_that_of_every_entry_looked_at_one_by_one(
    random_market: Maker, data: st.DataObject
) -> None:
    block = random_market(data.draw(st.integers(0, 20)), symbols=2, bars=60)
    bars = block.bar_count
    trades = data.draw(
        st.lists(
            st.tuples(
                st.integers(0, 1), st.sampled_from([-1, 1]), st.integers(-9, bars - 1), st.integers(1, 12)
            ),
            min_size=1,
            max_size=5,
        )
    )
    schedule, first, last = _schedule(*trades), 20, bars - 1
    volatility = np.concatenate([block.volatility_bps[:, :1], block.volatility_bps[:, :-1]], axis=1)
    least = np.maximum(0.001, 0.1 * np.median(np.nan_to_num(volatility), axis=1))
    total = 0.0
    for symbol, side, _, held in trades:
        price = np.append(block.open[symbol], block.close[symbol, -1])
        for entry in range(max(first - held + 1, 0), bars):
            notional = 1_000.0 * VOLATILITY / np.fmax(volatility[symbol, entry], least[symbol])
            ends, begins = min(entry + held, bars), max(entry, first)
            total += side * notional * (price[ends] - price[begins]) / price[entry]
    found = mean_rival_gross_usd(schedule, block, RULES, first, last, span_bars=500)
    assert found == pytest.approx(total / 500, rel=1e-9, abs=1e-9)


def test_a_schedule_is_read_back_to_the_bit() -> None:
    schedule = replace(_schedule((0, 1, 5, 7), (1, -1, 30, 4)), gross_usd=np.array([0.1 + 0.2, -1e-17]))
    again = Schedule.read(schedule.plain())
    assert all(np.array_equal(getattr(again, name), getattr(schedule, name)) for name in schedule.plain())
    assert again.symbol.dtype == np.int64 and again.gross_usd.dtype == np.float64
