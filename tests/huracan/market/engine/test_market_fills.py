"""Ticks, steps, least orders and makers, by hand."""

from collections.abc import Callable
from typing import Any

import pytest

from huracan.market.actions import (
    ADD_INDEX,
    ENTER_FULL_INDEX,
    ENTER_HALF_INDEX,
    EXIT_INDEX,
    SCALE_OUT_INDEX,
    TRAIL_INDEX,
    WAIT_INDEX,
    action_names,
)
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.ledger import EXIT_REASONS, FILL_KINDS
from huracan.market.rules import TradingRules

FREE = CostAssumptions(taker_fee_bps=0, maker_fee_bps=0, half_spread_bps=0, slippage_coefficient=0)
COSTS = CostAssumptions(taker_fee_bps=10, maker_fee_bps=2, half_spread_bps=1, slippage_coefficient=0)
# 100 bps below, 200 bps above.
WIDTHS = {"stop_volatilities": 0, "stop_floor_bps": 100, "target_volatilities": 0, "target_floor_bps": 200}
RULES = TradingRules(allow_short=True, **WIDTHS)
SHORT = action_names(True).index("ENTER_SHORT_FULL")

Maker = Callable[..., MarketBlock]
Player = Callable[..., Any]


def _reason(played: Any) -> str:
    return EXIT_REASONS[played.only()["reason"]]


def test_prices_are_rounded_to_the_tick_against_us(make_block: Maker, play: Player) -> None:
    block = make_block([100.0] * 6, tick_size=0.25)
    costs = CostAssumptions(taker_fee_bps=0, half_spread_bps=1, slippage_coefficient=0)
    trade = play(block, {0: ENTER_FULL_INDEX, 2: EXIT_INDEX}, RULES, costs).only()
    assert (trade["entry_price"], trade["exit_price"]) == (100.25, 99.75)
    assert trade["spread_usd"] == pytest.approx(0.2)
    assert trade["slippage_usd"] == pytest.approx(2 * 2.4)
    assert trade["net_usd"] == pytest.approx(-5.0)
    short = play(block, {0: SHORT, 2: EXIT_INDEX}, RULES, costs).only()
    assert (short["entry_price"], short["exit_price"]) == (99.75, 100.25)


def test_a_price_on_a_tick_is_not_rounded(make_block: Maker, play: Player) -> None:
    # 0.07 / 0.01 is 7.000000000000001 in binary.
    block = make_block([0.07] * 6, tick_size=0.01)
    trade = play(block, {0: ENTER_FULL_INDEX, 2: EXIT_INDEX}, RULES, FREE).only()
    assert (trade["entry_price"], trade["exit_price"], trade["net_usd"]) == (0.07, 0.07, 0)


def test_stop_and_target_lie_on_ticks_away_from_the_entry(make_block: Maker, play: Player) -> None:
    block = make_block([100.0] * 6, tick_size=0.35)
    trade = play(block, {0: ENTER_FULL_INDEX}, RULES, FREE).only()
    assert (trade["stop"], trade["target"]) == (pytest.approx(98.7), pytest.approx(102.2))
    short = play(block, {0: SHORT}, RULES, FREE).only()
    assert (short["stop"], short["target"]) == (pytest.approx(101.15), pytest.approx(98.0))


def test_a_trailing_stop_lies_on_a_tick(make_block: Maker, play: Player) -> None:
    rules = TradingRules(volatility_horizon="25m", **WIDTHS)
    played = play(make_block([100.0] * 6, tick_size=0.3), {0: ENTER_FULL_INDEX, 1: TRAIL_INDEX}, rules, FREE)
    assert played.only()["stop"] == pytest.approx(99.3)


def test_quantities_are_floored_to_the_step(make_block: Maker, play: Player) -> None:
    block = make_block([300.0] * 7, step_size=0.5)
    actions = {0: ENTER_FULL_INDEX, 1: ADD_INDEX, 2: SCALE_OUT_INDEX}
    played = play(block, actions, RULES, FREE)
    assert played.fills["quantity"].tolist() == [3.0, 1.5, 2.0, 2.5]
    assert played.only()["quantity"] == 4.5


def test_an_order_that_rounds_to_too_little_is_illegal(make_block: Maker, play: Player) -> None:
    block = make_block([600.0] * 5, step_size=1.0)
    played = play(block, {}, RULES, FREE)
    assert played.masks[0, 0, :4].tolist() == [True, False, True, True]
    least = make_block([100.0] * 5, minimum_notional_usd=1_000.0)
    assert play(least, {}, RULES, FREE).masks[0, 0, :4].tolist() == [True, False, True, True]
    strict = TradingRules(minimum_notional_usd=1_001.0)
    assert play(make_block([100.0] * 5), {}, strict, FREE).masks[0, 0, :4].tolist() == [
        True,
        False,
        False,
        True,
    ]


def test_an_order_lapses_where_the_open_makes_it_too_small(make_block: Maker, play: Player) -> None:
    # At 499 the half size of 500 USD buys one; the next open is 501.
    block = make_block([499.0, 501, 501, 501], open_=[499.0, 501, 501, 501], step_size=1.0)
    played = play(block, {0: ENTER_HALF_INDEX}, RULES, FREE)
    assert played.masks[0, 0, ENTER_HALF_INDEX]
    assert played.fills.size == 0
    assert played.masks[1, 0, WAIT_INDEX]


def test_an_order_of_exactly_the_least_value_is_filled_at_any_price(make_block: Maker, play: Player) -> None:
    for price in (99.7, 100.1, 3.3333, 0.07):
        block = make_block([price] * 5, minimum_notional_usd=1_000.0)
        assert play(block, {0: ENTER_FULL_INDEX}, RULES, FREE).fills.size == 2


def test_a_maker_entry_needs_a_price_beyond_its_own(make_block: Maker, play: Player) -> None:
    rules = TradingRules(entries_are_maker=True, allow_short=True, **WIDTHS)
    touched = make_block([100.0] * 5)
    assert play(touched, {0: ENTER_FULL_INDEX}, rules, COSTS).fills.size == 0
    through = make_block([100.0] * 5, low=[100, 99.99, 100, 100, 100])
    played = play(through, {0: ENTER_FULL_INDEX}, rules, COSTS)
    entry, leave = played.fills
    assert (bool(entry["is_maker"]), bool(leave["is_maker"])) == (True, False)
    assert entry["price"] == entry["reference"] == 100
    assert (entry["spread_usd"], entry["slippage_usd"]) == (0, 0)
    assert entry["fee_usd"] == pytest.approx(1000 * 2e-4)
    assert played.only()["estimated_cost_bps"] == pytest.approx(2 + 11)
    assert play(through, {0: SHORT}, rules, COSTS).fills.size == 0
    above = make_block([100.0] * 5, high=[100, 100.01, 100, 100, 100])
    assert play(above, {0: SHORT}, rules, COSTS).fills[0]["is_maker"]


def test_a_maker_entry_does_not_reach_its_target_in_its_own_bar(make_block: Maker, play: Player) -> None:
    # Which came first, the low that filled it or the high? The worse for us is assumed.
    rules = TradingRules(entries_are_maker=True, **WIDTHS)
    block = make_block(
        [100, 100.5, 100, 100, 100], high=[100, 103, 100.5, 100, 100], low=[100, 99.9, 100, 100, 100]
    )
    played = play(block, {0: ENTER_FULL_INDEX}, rules, FREE)
    assert _reason(played) == "WINDOW_END"
    assert (played.only()["best"], played.only()["worst"]) == (100.5, 99.9)
    taker = play(block, {0: ENTER_FULL_INDEX}, RULES, FREE)
    assert _reason(taker) == "TARGET"
    stopped = make_block([100, 100, 100, 100], low=[100, 98, 100, 100], high=[100, 103, 100, 100])
    assert _reason(play(stopped, {0: ENTER_FULL_INDEX}, rules, FREE)) == "STOP"


def test_a_maker_target_needs_a_price_beyond_its_own(make_block: Maker, play: Player) -> None:
    rules = TradingRules(targets_are_maker=True, **WIDTHS)
    touched = make_block([100, 100, 102, 100, 100])
    assert _reason(play(touched, {0: ENTER_FULL_INDEX}, rules, COSTS)) == "WINDOW_END"
    assert _reason(play(touched, {0: ENTER_FULL_INDEX}, RULES, COSTS)) == "TARGET"
    played = play(make_block([100, 100, 102.1, 100, 100]), {0: ENTER_FULL_INDEX}, rules, COSTS)
    leave = played.fills[1]
    assert (FILL_KINDS[leave["kind"]], bool(leave["is_maker"])) == ("TARGET", True)
    assert leave["price"] == leave["reference"] == pytest.approx(102)
    assert leave["fee_usd"] == pytest.approx(10 * 102 * 2e-4)


@pytest.mark.parametrize(("action", "is_maker"), [(ENTER_FULL_INDEX, False), (SHORT, False), (SHORT, True)])
def test_the_estimated_cost_knows_the_tick(
    make_block: Maker, play: Player, action: int, is_maker: bool
) -> None:
    # At 100.1 +- 1 bps the next ticks are 100.25 and 100: 15 and 10 of 100.1.
    rules = TradingRules(allow_short=True, entries_are_maker=is_maker, **WIDTHS)
    block = make_block([100.1] * 6, tick_size=0.25, low=[100] * 6, high=[100.2] * 6)
    played = play(block, {0: action, 2: EXIT_INDEX}, rules, COSTS)
    bought, sold = 15 / 100.1 * 100, 10 / 100.1 * 100
    expected = (2 + 10 + bought) if is_maker else (20 + bought + sold)
    assert played.only()["estimated_cost_bps"] == pytest.approx(expected)
    paid = played.fills["fee_usd"] + played.fills["spread_usd"] + played.fills["slippage_usd"]
    assert paid.sum() / 0.1 == pytest.approx(expected, rel=1e-3)


def test_halves_are_counted_however_many_they_are(make_block: Maker, play: Player) -> None:
    rules = TradingRules(minimum_notional_usd=0, maximum_holding="1000m", **WIDTHS)
    close = [100.0] * 3 + [101.0] * 167
    trade = play(
        make_block(close), {0: ENTER_FULL_INDEX, **dict.fromkeys(range(1, 150), SCALE_OUT_INDEX)}, rules, FREE
    ).only()
    assert trade["scale_outs"] == 149
    gross = trade["quantity"] * (trade["exit_reference"] - trade["entry_reference"])
    assert gross == pytest.approx(trade["gross_usd"])
