"""Scratch, add, scale-out, trail and shorts, by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from huracan.market.actions import (
    ADD_INDEX,
    ENTER_FULL_INDEX,
    EXIT_INDEX,
    HOLD_INDEX,
    SCALE_OUT_INDEX,
    SCRATCH_INDEX,
    TRAIL_INDEX,
    action_names,
)
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.ledger import EXIT_REASONS, FILL_KINDS
from huracan.market.rules import TradingRules

FREE = CostAssumptions(taker_fee_bps=0, maker_fee_bps=0, half_spread_bps=0, slippage_coefficient=0)
# One unit is 10 bps x sqrt(25) = 50 bps; the stop 100 bps away, the target 400.
RULES = TradingRules(
    stop_volatilities=2, stop_floor_bps=1, target_volatilities=8, target_floor_bps=1,
    volatility_horizon="25m", allow_short=True,
)  # fmt: skip
ENTER_SHORT_FULL_INDEX = action_names(True).index("ENTER_SHORT_FULL")

Maker = Callable[..., MarketBlock]
Player = Callable[..., Any]


def _reason(closed: np.void) -> str:
    return EXIT_REASONS[closed["reason"]]


def _kinds(fills: np.ndarray) -> list[str]:
    return [FILL_KINDS[kind] for kind in fills["kind"]]


def _legal(played: Any, bar: int) -> set[str]:
    return {action_names(True)[index] for index in played.masks[bar, 0].nonzero()[0]}


def test_a_young_small_loss_can_be_scratched(make_block: Maker, play: Player) -> None:
    close = [100, 100, 99.9, 99.8, 99.8]
    played = play(make_block(close), {0: ENTER_FULL_INDEX, 2: SCRATCH_INDEX}, RULES, FREE)
    assert _reason(played.only()) == "SCRATCH"
    assert played.only()["exit_reference"] == 99.9
    assert played.only()["net_usd"] == pytest.approx(-1.0)


@pytest.mark.parametrize(
    ("close", "rules", "may"),
    [
        (99.99, RULES, True),
        (99.76, RULES, True),  # 24 of at most 25 bps
        (99.74, RULES, False),
        (100.0, RULES, False),
        (100.2, RULES, False),
    ],
)
def test_only_a_small_loss_is_scratched(
    make_block: Maker, play: Player, close: float, rules: TradingRules, may: bool
) -> None:
    played = play(make_block([100, 100, close, close]), {0: ENTER_FULL_INDEX}, rules, FREE)
    assert ("SCRATCH" in _legal(played, 2)) is may


def test_only_a_young_position_is_scratched(make_block: Maker, play: Player) -> None:
    played = play(make_block([100, *[99.9] * 20]), {0: ENTER_FULL_INDEX}, RULES, FREE)
    # Filled at the open of bar 1, which is the close before: 100. At the close of bar 15 it is 15 bars old.
    assert ["SCRATCH" in _legal(played, bar) for bar in (1, 15, 16)] == [True, True, False]


def test_an_add_buys_half_a_size_and_moves_no_barrier(make_block: Maker, play: Player) -> None:
    close = [100, 100, 101, 101, 101, 102, 102]
    played = play(make_block(close), {0: ENTER_FULL_INDEX, 2: ADD_INDEX, 5: EXIT_INDEX}, RULES, FREE)
    trade = played.only()
    added = 500 / 101
    assert _kinds(played.fills) == ["ENTRY", "ADD", "POLICY_EXIT"]
    assert played.fills["quantity"].tolist() == pytest.approx([10, added, 10 + added])
    assert trade["adds"] == 1
    assert trade["quantity"] == pytest.approx(10 + added)
    assert trade["entry_reference"] == pytest.approx(1500 / (10 + added))
    assert (trade["stop"], trade["target"]) == (pytest.approx(99.0), pytest.approx(104.0))
    assert trade["net_usd"] == pytest.approx(10 * 2 + added * 1)
    assert trade["size_multiplier"] == 1.0


def test_there_are_at_most_three_adds(make_block: Maker, play: Player) -> None:
    adds = dict.fromkeys((2, 3, 4), ADD_INDEX)
    played = play(make_block([100.0] * 8), {0: ENTER_FULL_INDEX, **adds}, RULES, FREE)
    assert ["ADD" in _legal(played, bar) for bar in (4, 5)] == [True, False]
    assert played.only()["adds"] == 3


def test_an_add_needs_its_money(make_block: Maker, play: Player) -> None:
    poor = TradingRules(starting_cash_usd=1_500)
    assert "ADD" not in _legal(play(make_block([100.0] * 5), {0: ENTER_FULL_INDEX}, poor, FREE), 2)
    rich = TradingRules(starting_cash_usd=1_600)
    assert "ADD" in _legal(play(make_block([100.0] * 5), {0: ENTER_FULL_INDEX}, rich, FREE), 2)


def test_a_short_may_add_only_what_its_equity_covers(make_block: Maker, play: Player) -> None:
    action = {0: ENTER_SHORT_FULL_INDEX}
    for cash, may in ((1_500, False), (1_600, True)):
        rules = TradingRules(starting_cash_usd=cash, allow_short=True)
        assert ("ADD" in _legal(play(make_block([100.0] * 5), action, rules, FREE), 2)) is may


def test_scaling_out_closes_half(make_block: Maker, play: Player) -> None:
    close = [100, 100, 101, 101, 102, 102, 102]
    played = play(make_block(close), {0: ENTER_FULL_INDEX, 2: SCALE_OUT_INDEX, 4: EXIT_INDEX}, RULES, FREE)
    trade = played.only()
    assert _kinds(played.fills) == ["ENTRY", "SCALE_OUT", "POLICY_EXIT"]
    assert played.fills["quantity"].tolist() == pytest.approx([10, 5, 5])
    assert (trade["scale_outs"], trade["quantity"]) == (1, 10)
    assert trade["exit_reference"] == pytest.approx(101.5)
    assert trade["net_usd"] == pytest.approx(5 + 10)


def test_half_of_a_small_position_is_too_small_to_close(make_block: Maker, play: Player) -> None:
    again = {0: ENTER_FULL_INDEX, 1: SCALE_OUT_INDEX, 2: SCALE_OUT_INDEX}
    rules = TradingRules(minimum_notional_usd=250)
    played = play(make_block([100.0] * 7), again, rules, FREE)
    assert ["SCALE_OUT" in _legal(played, bar) for bar in (1, 2, 3)] == [True, True, False]
    market = make_block([100.0] * 7, minimum_notional_usd=251)
    first = {0: ENTER_FULL_INDEX, 1: SCALE_OUT_INDEX}
    assert "SCALE_OUT" not in _legal(play(market, first, rules, FREE), 2)


def test_add_and_scale_out_lapse_on_a_bar_that_was_not_traded(make_block: Maker, play: Player) -> None:
    for action in (ADD_INDEX, SCALE_OUT_INDEX):
        block = make_block([100.0] * 7, tradable=[1, 1, 1, 0, 1, 1, 1])
        played = play(block, {0: ENTER_FULL_INDEX, 2: action}, RULES, FREE)
        assert _kinds(played.fills) == ["ENTRY", "WINDOW_END"]


def test_a_trailing_stop_follows_the_best_price_from_the_next_bar_on(make_block: Maker, play: Player) -> None:
    # Best 101 at bar 2; trailing from its close on: the stop is at 101 - 0.5 = 100.5. Bar 3 makes 102, and
    # its low of 100.6 does not meet the stop of 101.5 that its high brings for bar 4.
    close = [100, 100, 101, 101.8, 101.8, 101.8]
    low = [100, 100, 100, 100.6, 101.4, 101.8]
    high = [100, 100, 101, 102, 101.8, 101.8]
    block = make_block(close, high=high, low=low)
    played = play(block, {0: ENTER_FULL_INDEX, 2: TRAIL_INDEX}, RULES, FREE)
    trade = played.only()
    assert _reason(trade) == "TRAILING_STOP"
    assert trade["is_trailing"]
    assert trade["exit_bar"] == 4
    assert trade["exit_reference"] == trade["stop"] == pytest.approx(101.5)
    assert "TRAIL" not in _legal(played, 3)


def test_a_trailing_stop_never_goes_back(make_block: Maker, play: Player) -> None:
    close = [100, 100, 101, 100.8, 100.7, 100.6, 100.6]
    played = play(make_block(close), {0: ENTER_FULL_INDEX, 2: TRAIL_INDEX}, RULES, FREE)
    stops = played.observations[3:, 0, list(played.environment.observation_names).index("position_to_stop")]
    assert stops[0] == pytest.approx((100.8 - 100.5) / 0.5, rel=1e-5)
    assert stops[2] == pytest.approx((100.6 - 100.5) / 0.5, rel=1e-4)


def test_a_trailing_stop_that_never_moved_is_a_stop(make_block: Maker, play: Player) -> None:
    wide = TradingRules(
        stop_volatilities=2, stop_floor_bps=1, target_volatilities=8, target_floor_bps=1,
        volatility_horizon="25m", trail_volatilities=3,
    )  # fmt: skip
    played = play(make_block([100, 100, 100, 98, 98]), {0: ENTER_FULL_INDEX, 1: TRAIL_INDEX}, wide, FREE)
    assert (_reason(played.only()), bool(played.only()["is_trailing"])) == ("STOP", True)


def test_a_trail_needs_no_traded_bar(make_block: Maker, play: Player) -> None:
    block = make_block([100, 100, 101, 101, 100.4, 100.4], tradable=[1, 1, 1, 0, 1, 1])
    played = play(block, {0: ENTER_FULL_INDEX, 2: TRAIL_INDEX}, RULES, FREE)
    assert _reason(played.only()) == "TRAILING_STOP"
    assert played.only()["exit_reference"] == pytest.approx(100.5)


def test_a_short_gains_where_the_price_falls(make_block: Maker, play: Player) -> None:
    actions = {0: ENTER_SHORT_FULL_INDEX, 3: EXIT_INDEX}
    played = play(make_block([100, 100, 99, 98, 98]), actions, RULES, FREE)
    trade = played.only()
    assert (trade["side"], _reason(trade)) == (-1, "POLICY_EXIT")
    assert played.fills["is_buy"].tolist() == [False, True]
    assert trade["net_usd"] == pytest.approx(20)
    assert (trade["stop"], trade["target"]) == (pytest.approx(101.0), pytest.approx(96.0))
    assert (trade["best"], trade["worst"]) == (98, 100)
    assert played.cash[1, 0] == pytest.approx(11_000)
    assert played.equity[2, 0] == pytest.approx(10_010)


def test_a_short_pays_both_sides_too(make_block: Maker, play: Player) -> None:
    costs = CostAssumptions(taker_fee_bps=10, half_spread_bps=2, slippage_coefficient=0)
    actions = {0: ENTER_SHORT_FULL_INDEX, 3: EXIT_INDEX}
    trade = play(make_block([100.0] * 6), actions, RULES, costs).only()
    assert (trade["entry_price"], trade["exit_price"]) == (pytest.approx(99.98), pytest.approx(100.02))
    assert trade["net_usd"] == pytest.approx(-2 * 0.2 - (999.8 + 1000.2) * 0.001)


@pytest.mark.parametrize(
    ("prices", "reason", "reference"),
    [
        ([100, 100, 101.5, 101.5, 101.5], "STOP", 101.0),
        ([100, 100, 95.0, 95.0, 95.0], "TARGET", 96.0),
    ],
)
def test_a_short_meets_its_barriers(
    make_block: Maker, play: Player, prices: list[float], reason: str, reference: float
) -> None:
    trade = play(make_block(prices), {0: ENTER_SHORT_FULL_INDEX}, RULES, FREE).only()
    assert (_reason(trade), trade["exit_reference"]) == (reason, pytest.approx(reference))


def test_a_gap_through_a_shorts_stop_fills_at_the_open(make_block: Maker, play: Player) -> None:
    prices = [100, 100, 103, 103, 103]
    trade = play(make_block(prices, open_=prices), {0: ENTER_SHORT_FULL_INDEX}, RULES, FREE).only()
    assert (_reason(trade), trade["exit_reference"]) == ("STOP", 103)


def test_a_shorts_stop_trails_downwards(make_block: Maker, play: Player) -> None:
    actions = {0: ENTER_SHORT_FULL_INDEX, 2: TRAIL_INDEX}
    trade = play(make_block([100, 100, 99, 98, 98.6, 98.6]), actions, RULES, FREE).only()
    assert (_reason(trade), trade["exit_reference"]) == ("TRAILING_STOP", pytest.approx(98.5))


def test_shorts_scratch_and_add_as_longs_do(make_block: Maker, play: Player) -> None:
    actions = {0: ENTER_SHORT_FULL_INDEX, 1: ADD_INDEX, 2: SCRATCH_INDEX}
    played = play(make_block([100, 100, 100.1, 100.1]), actions, RULES, FREE)
    assert _kinds(played.fills) == ["ENTRY", "ADD", "SCRATCH"]
    assert played.only()["net_usd"] == pytest.approx(-15 * 0.1)


def test_while_an_exit_is_on_its_way_one_can_only_hold(make_block: Maker, play: Player) -> None:
    block = make_block([100, 100, 99.9, 99.9, 99.9, 99.9], tradable=[1, 1, 1, 0, 1, 1])
    played = play(block, {0: ENTER_FULL_INDEX, 2: SCRATCH_INDEX}, RULES, FREE)
    assert played.masks[3, 0].nonzero()[0].tolist() == [HOLD_INDEX]
    assert _reason(played.only()) == "SCRATCH"
