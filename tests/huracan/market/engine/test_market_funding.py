"""Funding and gaps: what an account pays beside its orders, and the most that it can lose, by hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from huracan.market.actions import ENTER_FULL_INDEX, EXIT_INDEX, WAIT_INDEX, action_names
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.ledger import EXIT_REASONS
from huracan.market.rules import TradingRules

FREE = CostAssumptions(taker_fee_bps=0, maker_fee_bps=0, half_spread_bps=0, slippage_coefficient=0)
# 100 bps below, 200 bps above.
WIDTHS = {"stop_volatilities": 0, "stop_floor_bps": 100, "target_volatilities": 0, "target_floor_bps": 200}
RULES = TradingRules(allow_short=True, **WIDTHS)
POOR = replace(RULES, starting_cash_usd=1_100)
SHORT = action_names(True).index("ENTER_SHORT_FULL")

Maker = Callable[..., MarketBlock]
Player = Callable[..., Any]


def _reason(played: Any) -> str:
    return EXIT_REASONS[played.only()["reason"]]


def test_funding_is_paid_at_the_open_by_who_held_before(make_block: Maker, play: Player) -> None:
    rate = [0, 0.001, 0, 0.002, 0, 0]
    close, open_ = [100, 100, 100.5, 100.8, 100.5, 100.5], [100, 100, 100, 100.5, 100.8, 100.5]
    block = make_block(close, open_=open_, funding_rate=rate)
    played = play(block, {0: ENTER_FULL_INDEX}, RULES, FREE)
    # Bar 1 opens the position, so its funding was settled by others; bar 3 opens at 100.5
    # and closes at 100.8.
    assert played.only()["funding_usd"] == pytest.approx(10 * 100.5 * 0.002)
    assert played.only()["net_usd"] == pytest.approx(5 - 2.01)
    assert played.environment.state["costs_usd"][0] == pytest.approx(2.01)
    short = play(block, {0: SHORT}, RULES, FREE).only()
    assert short["funding_usd"] == pytest.approx(-2.01)
    assert short["net_usd"] == pytest.approx(-5 + 2.01)


def test_who_leaves_at_an_open_still_pays_the_funding_of_that_open(make_block: Maker, play: Player) -> None:
    block = make_block([100.0] * 6, funding_rate=[0, 0, 0, 0.002, 0, 0])
    trade = play(block, {0: ENTER_FULL_INDEX, 2: EXIT_INDEX}, RULES, FREE).only()
    assert (trade["exit_bar"], trade["funding_usd"]) == (3, pytest.approx(2.0))


def test_who_cannot_pay_the_funding_is_sold_out(make_block: Maker, play: Player) -> None:
    block = make_block([100.0] * 6, funding_rate=[0, 0, 0, 0.2, 0, 0])
    played = play(block, {0: ENTER_FULL_INDEX}, POOR, FREE)
    assert (_reason(played), played.only()["exit_bar"]) == ("STOP", 3)
    assert played.cash[-1, 0] == pytest.approx(900)
    assert (played.cash >= 0).all()


def test_the_funding_of_untraded_bars_is_paid_at_the_next_traded_open(
    make_block: Maker, play: Player
) -> None:
    # Bars 3 and 4 are not traded: who holds cannot sell there, and pays both at bar 5, at 101.
    open_, rate = [100, 100, 100, 100, 100, 101, 100, 100], [0, 0, 0, 0.1, 0.1, 0.01, 0, 0]
    block = make_block([100.0] * 8, open_=open_, tradable=[1, 1, 1, 0, 0, 1, 1, 1], funding_rate=rate)
    played = play(block, {0: ENTER_FULL_INDEX}, POOR, FREE)
    assert played.cash[:, 0] == pytest.approx([1100, 100, 100, 100, 100, 1100 + 10 - 212.1, *[897.9] * 2])
    assert (_reason(played), played.only()["exit_bar"]) == ("STOP", 5)
    assert played.only()["funding_usd"] == pytest.approx(10 * 101 * 0.21)


def test_after_the_last_traded_bar_no_funding_is_paid(make_block: Maker, play: Player) -> None:
    block = make_block([100.0] * 7, tradable=[1, 1, 1, 1, 0, 0, 0], funding_rate=[0, 0, 0, 0.001, 0, 0.1, 0])
    trade = play(block, {0: ENTER_FULL_INDEX}, RULES, FREE).only()
    assert (EXIT_REASONS[trade["reason"]], trade["exit_bar"]) == ("WINDOW_END", 3)
    assert trade["funding_usd"] == pytest.approx(1.0)


def test_a_short_that_funding_leaves_unable_to_buy_back_is_closed(make_block: Maker, play: Player) -> None:
    block = make_block([100.0] * 6, funding_rate=[0, 0, 0, -1.2, 0, 0])
    played = play(block, {0: SHORT}, POOR, FREE)
    assert (_reason(played), played.only()["exit_bar"]) == ("STOP", 3)


def test_a_gap_beyond_twice_the_price_costs_a_short_more_than_its_account(
    make_block: Maker, play: Player
) -> None:
    for after, left in ((200.0, 100.0), (300.0, -900.0)):
        prices = [100.0, 100, 100, after, after, after]
        played = play(make_block(prices, open_=prices), {0: SHORT}, POOR, FREE)
        assert (_reason(played), played.only()["exit_bar"]) == ("STOP", 3)
        assert played.only()["net_usd"] == pytest.approx(-10 * (after - 100))
        assert played.cash[:, 0] == pytest.approx([1100, 2100, 2100, left, left, left])
        assert played.masks[-1, 0].nonzero()[0].tolist() == [WAIT_INDEX]


def test_a_gap_costs_a_long_position_no_more_than_its_account(make_block: Maker, play: Player) -> None:
    prices = [100.0, 100, 100, 0.01, 0.01, 0.01]
    played = play(make_block(prices, open_=prices), {0: ENTER_FULL_INDEX}, POOR, FREE)
    assert played.cash[-1, 0] == pytest.approx(100.1)
