"""Holes in the candles while something is held: how long is waited, what is paid for the time. By hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from huracan.market.actions import ENTER_FULL_INDEX, ENTER_SHORT_FULL_INDEX, EXIT_INDEX, WAIT_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.ledger import EXIT_REASONS, FILL_KINDS
from huracan.market.rules import TradingRules

FREE = CostAssumptions(taker_fee_bps=0, maker_fee_bps=0, half_spread_bps=0, slippage_coefficient=0)
RULES = TradingRules(
    allow_short=True, stop_volatilities=0, stop_floor_bps=100, target_volatilities=0, target_floor_bps=200,
    maximum_holding="5m",
)  # fmt: skip
BARS = 20

Maker = Callable[..., MarketBlock]
Player = Callable[..., Any]


def _holed(make_block: Maker, first: int, last: int, after: float = 100.0, **more: Any) -> MarketBlock:
    """A price of 100, 100.5 in the bar before the hole and `after` behind it."""
    close = np.full(BARS, 100.0)
    close[first - 1], close[last + 1 :] = 100.5, after
    tradable = np.ones(BARS, bool)
    tradable[first : last + 1] = False
    open_ = np.concatenate([[100.0], close[:-1]])
    open_[min(last + 1, BARS - 1)] = after
    return make_block(close, open_=open_, tradable=tradable, **more)


def test_a_hole_as_long_as_the_longest_holding_is_waited_out(make_block: Maker, play: Player) -> None:
    # Bought at bar 1; bars 3 to 7 are not traded, and at the open of bar 8 its time is long up.
    trade = play(_holed(make_block, 3, 7, 99.5), {0: ENTER_FULL_INDEX}, RULES, FREE).only()
    assert (EXIT_REASONS[trade["reason"]], trade["exit_bar"]) == ("TIME_OUT", 8)
    assert trade["exit_reference"] == 99.5


@pytest.mark.parametrize("last", [8, 12, BARS - 1])
def test_a_longer_one_closes_at_the_last_traded_price(make_block: Maker, play: Player, last: int) -> None:
    # Whatever the price is behind it: nobody knows of it at bar 8, the sixth that is not traded.
    block = _holed(make_block, 3, last, 50.0)
    played = play(block, {0: ENTER_FULL_INDEX}, RULES, FREE)
    trade = played.only()
    assert (EXIT_REASONS[trade["reason"]], trade["exit_bar"]) == ("DATA_GAP", 8)
    assert (trade["exit_reference"], trade["net_usd"]) == (100.5, pytest.approx(5))
    assert played.masks[8, 0].nonzero()[0].tolist() == [WAIT_INDEX]
    assert played.fills["bar"].tolist() == [1, 8]
    assert played.rewards_usd[:, 0].nonzero()[0].tolist() == [1]


def test_an_exit_that_waits_is_closed_by_a_gap_as_well(make_block: Maker, play: Player) -> None:
    trade = play(_holed(make_block, 3, 15), {0: ENTER_FULL_INDEX, 2: EXIT_INDEX}, RULES, FREE).only()
    assert (EXIT_REASONS[trade["reason"]], trade["exit_bar"]) == ("DATA_GAP", 8)


def test_what_a_thin_bar_left_of_an_exit_is_closed_whole_by_a_gap(make_block: Maker, play: Player) -> None:
    block = _holed(make_block, 4, 15)
    value = np.full((1, BARS), 1e6)
    value[0, 3] = 4_000 * block.open[0, 3] / 100
    played = play(replace(block, value_usd=value), {0: ENTER_FULL_INDEX, 2: EXIT_INDEX}, RULES, FREE)
    assert [FILL_KINDS[kind] for kind in played.fills["kind"]] == ["ENTRY", "POLICY_EXIT", "DATA_GAP"]
    assert played.fills["quantity"].tolist() == pytest.approx([10, 2, 8])
    assert played.fills["bar"].tolist() == [1, 3, 9]
    assert played.only()["exit_reference"] == pytest.approx((2 * 100 + 8 * 100.5) / 10)


def test_a_gap_is_closed_by_an_order_like_any_other(make_block: Maker, play: Player) -> None:
    costs = CostAssumptions(taker_fee_bps=10, half_spread_bps=2, slippage_coefficient=1)
    block = _holed(make_block, 3, 15, low=[99.2] * BARS, tick_size=0.01)
    _, fill = play(block, {0: ENTER_FULL_INDEX}, RULES, costs).fills
    # Half-spread and slippage of 1,005 USD, rounded down to the tick; no range of a bar is asked.
    raw = 100.5 * (1 - (2 + 10 * np.sqrt(1_005 / 1e6)) * 1e-4)
    assert fill["price"] == pytest.approx(np.floor(raw * 100) / 100)
    assert fill["fee_usd"] == pytest.approx(fill["quantity"] * fill["price"] * 1e-3)


def test_a_position_opened_into_a_hole_is_held_to_its_own_limit(make_block: Maker, play: Player) -> None:
    # The bar of the entry is traded and none after it.
    for holding, bar in (("2m", 4), ("9m", 11)):
        trade = play(
            _holed(make_block, 2, 15), {0: ENTER_FULL_INDEX}, replace(RULES, maximum_holding=holding), FREE
        ).only()
        assert (EXIT_REASONS[trade["reason"]], trade["exit_bar"]) == ("DATA_GAP", bar)


def test_the_limit_is_a_time_however_long_the_bars_are(make_block: Maker) -> None:
    block = _holed(make_block, 3, 15)
    block = replace(block, open_time_ms=block.open_time_ms[0] + np.arange(BARS) * 300_000)
    environment = MarketEnvironment(block, replace(RULES, maximum_holding="12m"), FREE, 1, records=True)
    environment.begin(np.zeros(1, int), np.zeros(1, int), np.zeros(1, int))
    environment.advance(np.array([ENTER_FULL_INDEX]))
    while environment.closed().size == 0:
        environment.advance(np.array([5]))
    # Twelve minutes are three bars of five, the last one begun.
    assert environment.closed()["exit_bar"].tolist() == [6]


@pytest.mark.parametrize(("action", "sign"), [(ENTER_FULL_INDEX, 1), (ENTER_SHORT_FULL_INDEX, -1)])
def test_funding_of_a_hole_is_paid_at_the_open_behind_it_and_lost_with_a_gap(
    make_block: Maker, play: Player, action: int, sign: int
) -> None:
    rates = np.zeros(BARS)
    rates[[2, 4, 6]] = 0.001, 0.002, 0.004
    rules = replace(RULES, stop_floor_bps=900, target_floor_bps=900)
    paid = play(_holed(make_block, 3, 7, 101.0, funding_rate=rates), {0: action}, rules, FREE)
    # One at bar 2, at 100; two while nothing was traded, at the price at which trading goes on.
    assert paid.only()["funding_usd"] == pytest.approx(sign * (10 * 100 * 0.001 + 10 * 101 * 0.006))
    # Until then the account has not paid it.
    assert paid.cash[3, 0] == paid.cash[7, 0] == pytest.approx(10_000 - sign * 1_000 - sign * 1)
    assert paid.environment.state["funding_due"][0] == 0
    gone = play(_holed(make_block, 3, 15, 101.0, funding_rate=rates), {0: action}, rules, FREE)
    assert gone.only()["funding_usd"] == pytest.approx(sign * 1.0)


def test_what_one_position_owes_is_not_asked_of_the_next(make_block: Maker, play: Player) -> None:
    rates = np.zeros(BARS)
    rates[5] = 0.5
    block = _holed(make_block, 3, 15, funding_rate=rates)
    played = play(block, {0: ENTER_FULL_INDEX, 16: ENTER_FULL_INDEX, 18: EXIT_INDEX}, RULES, FREE)
    assert [EXIT_REASONS[code] for code in played.closed["reason"]] == ["DATA_GAP", "POLICY_EXIT"]
    assert played.closed["funding_usd"].tolist() == [0, 0]
