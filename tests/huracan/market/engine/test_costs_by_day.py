"""Each fill pays what its own market asked on the day of its bar; borrowed coins are paid for. By hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.market.actions import (
    ADD_INDEX,
    ENTER_FULL_INDEX,
    ENTER_ONE_AND_HALF_INDEX,
    ENTER_SHORT_FULL_INDEX,
    EXIT_INDEX,
    HOLD_INDEX,
    WAIT_INDEX,
)
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.rules import TradingRules

OWN = CostAssumptions(slippage_coefficient=0)
RULES = TradingRules(
    allow_short=True, stop_volatilities=0, stop_floor_bps=900, target_volatilities=0, target_floor_bps=900,
    maximum_holding="2d",
)  # fmt: skip
MINUTES_PER_YEAR = 365 * 1440
FEES = np.array([[10.0, 4.0], [2.0, -1.0]])
SPREADS = np.array([[1.0, 3.0], [0.25, 8.0]])

Maker = Callable[..., MarketBlock]


def _two_by_two(make_block: Maker, **more: Any) -> MarketBlock:
    """Two symbols at a price of 100, two days of six minutes."""
    return make_block(
        [[100.0] * 12] * 2, day_bars=6,
        **{"taker_fee_bps": FEES, "half_spread_bps": SPREADS} | more,
    )  # fmt: skip


def _trade(
    block: MarketBlock, costs: CostAssumptions, enter: int, leave: int, action: int = ENTER_FULL_INDEX,
    rules: TradingRules = RULES,
) -> MarketEnvironment:  # fmt: skip
    """A lane of every symbol: entered at the close of bar `enter`, left at that of `leave`."""
    lanes = block.symbol_count
    environment = MarketEnvironment(block, rules, costs, lanes, records=True)
    environment.begin(np.arange(lanes), np.arange(lanes), np.zeros(lanes, int))
    for bar in range(block.bar_count - 1):
        idle = HOLD_INDEX if enter < bar <= leave else WAIT_INDEX
        environment.advance(np.full(lanes, {enter: action, leave: EXIT_INDEX}.get(bar, idle)))
    return environment


@pytest.mark.parametrize(
    ("enter", "leave", "days"),
    [(1, 3, (0, 0)), (7, 9, (1, 1)), (1, 9, (0, 1)), (4, 5, (0, 1)), (5, 6, (1, 1))],
)
def test_a_fill_pays_its_symbols_costs_on_the_day_of_its_bar(
    make_block: Maker, enter: int, leave: int, days: tuple[int, int]
) -> None:
    # What is decided at the last close of a day is filled, and paid, on the next.
    fills = _trade(_two_by_two(make_block), OWN, enter, leave).fills()
    assert fills["lane"].tolist() == [0, 0, 1, 1]
    for fill, day, sign in zip(fills, (*days, *days), (1, -1, 1, -1), strict=True):
        fee, spread = FEES[fill["lane"], day], SPREADS[fill["lane"], day]
        assert fill["price"] == pytest.approx(100 * (1 + sign * spread * 1e-4))
        assert fill["spread_usd"] == pytest.approx(fill["quantity"] * 100 * spread * 1e-4)
        assert fill["fee_usd"] == pytest.approx(fill["quantity"] * fill["price"] * fee * 1e-4)
        assert fill["slippage_usd"] == pytest.approx(0, abs=1e-9)


def test_ticks_steps_and_least_orders_are_those_of_the_day(make_block: Maker) -> None:
    block = _two_by_two(
        make_block,
        tick_size=np.array([[0.0, 0.5], [0.25, 0.0]]),
        step_size=np.array([[3.0, 0.0], [0.0, 4.0]]),
        minimum_notional_usd=np.array([[0.0, 0.0], [0.0, 801.0]]),
    )
    early = _trade(block, OWN, 1, 3).fills()
    assert early["quantity"].tolist() == [9, 9, 10, 10]
    assert early["price"].tolist() == pytest.approx([100.01, 99.99, 100.25, 99.75])
    late = _trade(block.slice(6, 11), OWN, 1, 3, ENTER_ONE_AND_HALF_INDEX).fills()
    assert late["quantity"].tolist() == [15, 15, 12, 12]
    assert late["price"].tolist() == pytest.approx([100.5, 99.5, 100.08, 99.92])
    # Eight of the second on its second day are worth 800 USD, and 801 are demanded. The day
    # before it was enough: what is decided at its close lapses.
    environment = MarketEnvironment(block, RULES, OWN, 1, records=True)
    environment.begin(np.zeros(1, int), np.ones(1, int), np.full(1, 5))
    environment.advance(np.full(1, ENTER_FULL_INDEX))
    assert environment.fills().size == 0
    environment = MarketEnvironment(block, RULES, OWN, 2)
    environment.begin(np.arange(2), np.array([1, 1]), np.array([1, 7]))
    assert environment.masks()[:, ENTER_FULL_INDEX].tolist() == [True, False]


def test_a_maker_pays_its_own_fee_of_the_day(make_block: Maker) -> None:
    block = _two_by_two(
        make_block, maker_fee_bps=np.array([[2.0, -2.0], [0.0, 5.0]]), low=np.full((2, 12), 99.9)
    )
    rules = replace(RULES, entries_are_maker=True)
    for enter, fees in ((1, [0.2, 0.0]), (7, [-0.2, 0.5])):
        entries = _trade(block, OWN, enter, enter + 2, rules=rules).fills()[::2]
        assert entries["is_maker"].all()
        assert entries["fee_usd"].tolist() == pytest.approx(fees)
        assert not entries["spread_usd"].any()


def test_numbers_of_the_settings_hold_for_all_markets_and_days(make_block: Maker) -> None:
    costs = replace(OWN, taker_fee_bps=7.0, half_spread_bps=2.0)
    fills = _trade(_two_by_two(make_block), costs, 1, 9).fills()
    usd = fills["quantity"] * fills["reference"]
    assert fills["spread_usd"] == pytest.approx(usd * 2e-4)
    assert fills["fee_usd"] == pytest.approx(fills["quantity"] * fills["price"] * 7e-4)
    # One alone leaves the other to each market.
    fills = _trade(_two_by_two(make_block), replace(OWN, half_spread_bps=2.0), 1, 9).fills()
    assert fills["fee_usd"] == pytest.approx(fills["quantity"] * fills["price"] * FEES.reshape(-1) * 1e-4)


def test_a_half_spread_is_no_less_than_its_floor(make_block: Maker) -> None:
    fills = _trade(_two_by_two(make_block), replace(OWN, half_spread_floor_bps=2.0), 1, 9).fills()
    expected = np.maximum(SPREADS, 2.0).reshape(-1)
    assert fills["spread_usd"] == pytest.approx(fills["quantity"] * 100 * expected * 1e-4)


def test_stress_doubles_what_is_paid_and_no_rebate(make_block: Maker) -> None:
    once, twice = (
        _trade(_two_by_two(make_block), replace(OWN, multiplier=each), 1, 9) for each in (1.0, 2.0)
    )
    factor = np.where(FEES.reshape(-1) > 0, 2.0, 1.0)
    rate = once.fills()["fee_usd"] / (once.fills()["quantity"] * once.fills()["price"])
    stressed = twice.fills()["fee_usd"] / (twice.fills()["quantity"] * twice.fills()["price"])
    assert stressed == pytest.approx(rate * factor)
    assert twice.fills()["spread_usd"] == pytest.approx(2 * once.fills()["spread_usd"])
    # While a learner's costs grow from nothing, a rebate does too.
    early = _trade(_two_by_two(make_block), replace(OWN, multiplier=0.25), 1, 9).fills()
    assert early["fee_usd"] / (early["quantity"] * early["price"]) == pytest.approx(rate / 4)


def test_what_is_seen_of_costs_is_that_of_the_day_of_the_close(make_block: Maker) -> None:
    environment = MarketEnvironment(_two_by_two(make_block), RULES, OWN, 4)
    environment.begin(np.arange(4), np.array([0, 0, 1, 1]), np.array([5, 6, 5, 6]))
    at = environment.observation_names.index("cost_in_volatility")
    unit = 10 * np.sqrt(60)
    assert environment.observe()[:, at] == pytest.approx(2 * (FEES + SPREADS).reshape(-1) / unit)


def test_a_lane_trades_by_costs_that_change_under_it(make_block: Maker) -> None:
    environment = MarketEnvironment(_two_by_two(make_block), RULES, OWN, 1, records=True)
    environment.begin(np.zeros(1, int), np.zeros(1, int), np.zeros(1, int))
    environment.advance(np.array([ENTER_FULL_INDEX]))
    environment.set_costs(replace(OWN, multiplier=3.0))
    environment.advance(np.array([EXIT_INDEX]))
    assert environment.fills()["spread_usd"] == pytest.approx([0.1, 0.3])


def test_an_entry_is_estimated_to_cost_what_its_trade_says_by_the_market_of_the_next_bar(
    make_block: Maker,
) -> None:
    for bar in (4, 5, 7):
        environment = MarketEnvironment(_two_by_two(make_block), RULES, OWN, 2, records=True)
        environment.begin(np.arange(2), np.arange(2), np.full(2, bar))
        told = environment.entry_costs_bps()
        environment.advance(np.full(2, ENTER_SHORT_FULL_INDEX))
        assert told[:, ENTER_SHORT_FULL_INDEX].tolist() == environment.state["estimated_cost_bps"].tolist()


def test_a_market_is_sold_short_only_where_and_when_it_may_be(make_block: Maker) -> None:
    block = _two_by_two(make_block, may_short=np.array([[True, False], [False, True]]))
    environment = MarketEnvironment(block, RULES, OWN, 6)
    environment.begin(np.arange(6), np.repeat([0, 1], 3), np.tile([1, 5, 8], 2))
    legal = environment.masks()
    assert legal[:, 10:].any(axis=1).tolist() == [True, True, False, False, False, True]
    assert (legal[:, 10:].all(axis=1) == legal[:, 10:].any(axis=1)).all()
    assert legal[:, 1:4].all()


def test_a_short_sale_that_the_next_day_does_not_take_lapses(make_block: Maker) -> None:
    block = _two_by_two(make_block, may_short=np.array([[True, False], [True, True]]))
    environment = MarketEnvironment(block, RULES, OWN, 2, records=True)
    environment.begin(np.arange(2), np.arange(2), np.full(2, 5))
    environment.advance(np.full(2, ENTER_SHORT_FULL_INDEX))
    assert environment.fills()["lane"].tolist() == [1]
    assert environment.state["quantity"].tolist() == [0, 10]


def test_what_is_held_short_may_be_bought_back_and_not_added_to(make_block: Maker) -> None:
    block = _two_by_two(make_block, may_short=np.array([[True, False], [True, True]]))
    environment = MarketEnvironment(block, RULES, OWN, 2, records=True)
    environment.begin(np.arange(2), np.arange(2), np.full(2, 3))
    environment.advance(np.full(2, ENTER_SHORT_FULL_INDEX))
    environment.advance(np.full(2, HOLD_INDEX))
    # Allowed at the last close of the day, and refused by the market of the next.
    assert environment.masks()[:, ADD_INDEX].all()
    environment.advance(np.full(2, ADD_INDEX))
    assert environment.state["adds"].tolist() == [0, 1]
    assert environment.masks()[:, ADD_INDEX].tolist() == [False, True]
    environment.advance(np.full(2, EXIT_INDEX))
    assert environment.closed()["exit_bar"].tolist() == [7, 7]


def test_a_short_pays_for_what_it_borrows_by_the_time_it_holds_it(make_block: Maker) -> None:
    # 52,560 % a year are 10 bps a minute.
    rate = 10e-4
    block = make_block(
        100 + 0.1 * np.arange(12), day_bars=6, taker_fee_bps=np.zeros(1), half_spread_bps=np.zeros(1),
        borrow_pct_per_year=np.full((1, 2), rate * MINUTES_PER_YEAR * 100),
    )  # fmt: skip
    for enter, leave in ((1, 4), (3, 9), (1, 2)):
        environment = _trade(block, OWN, enter, leave, ENTER_SHORT_FULL_INDEX)
        (trade,) = environment.closed()
        quantity, opens = trade["quantity"], block.open[0, enter + 2 : leave + 2]
        assert trade["exit_bar"] - trade["entry_bar"] == opens.size == leave - enter
        assert trade["funding_usd"] == pytest.approx(quantity * opens.sum() * rate)
        assert trade["net_usd"] == pytest.approx(trade["gross_usd"] - trade["funding_usd"])
    (long,) = _trade(block, OWN, 1, 9).closed()
    assert long["funding_usd"] == 0
    doubled = _trade(block, replace(OWN, multiplier=2.0), 1, 4, ENTER_SHORT_FULL_INDEX)
    single = _trade(block, OWN, 1, 4, ENTER_SHORT_FULL_INDEX)
    assert doubled.closed()["funding_usd"] == pytest.approx(2 * single.closed()["funding_usd"])


def test_borrowing_goes_on_over_bars_that_are_not_traded_and_over_midnight(make_block: Maker) -> None:
    tradable = np.ones(12, bool)
    tradable[4:8] = False
    rates = np.array([[10e-4, 20e-4]]) * MINUTES_PER_YEAR * 100
    block = make_block(
        [100.0] * 12, day_bars=6, tradable=tradable, borrow_pct_per_year=rates,
        taker_fee_bps=np.zeros(1), half_spread_bps=np.zeros(1),
    )  # fmt: skip
    (trade,) = _trade(block, OWN, 1, 8, ENTER_SHORT_FULL_INDEX).closed()
    # A minute to bar 3 at the first day's rate; five to bar 8, where they are paid at the second's; one more.
    assert (trade["entry_bar"], trade["exit_bar"]) == (2, 9)
    assert trade["funding_usd"] == pytest.approx(1_000 * (10e-4 + 6 * 20e-4))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 5, 60]), st.floats(0, 3_000))
def test_borrowing_costs_the_same_however_long_bars_are(
    make_block: Maker, seed: int, minutes: int, percent: float
) -> None:
    block = make_block([100.0] * 8, borrow_pct_per_year=np.full(1, percent), half_spread_bps=np.zeros(1))
    times = block.open_time_ms[0] + np.arange(8) * 60_000 * minutes
    block = replace(block, open_time_ms=times)
    rules = replace(RULES, maximum_holding="2d")
    (trade,) = _trade(block, OWN, 1, 5, ENTER_SHORT_FULL_INDEX, rules).closed()
    assert trade["funding_usd"] == pytest.approx(1_000 * percent / 100 * 4 * minutes / MINUTES_PER_YEAR)
