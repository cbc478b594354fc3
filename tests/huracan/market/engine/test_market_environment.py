"""The clock, stops, targets, times and masks, by hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from huracan.errors import InvalidInput
from huracan.market.actions import (
    ACTIONS,
    ENTER_FULL_INDEX,
    ENTER_HALF_INDEX,
    ENTER_ONE_AND_HALF_INDEX,
    EXIT_INDEX,
    HOLD_INDEX,
    WAIT_INDEX,
    action_names,
)
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.ledger import EXIT_REASONS, FILL_KINDS
from huracan.market.rules import TradingRules

FREE = CostAssumptions(taker_fee_bps=0, maker_fee_bps=0, half_spread_bps=0, slippage_coefficient=0)
COSTS = CostAssumptions(taker_fee_bps=10, half_spread_bps=1, slippage_coefficient=1)
# 100 bps below, 200 bps above.
RULES = TradingRules(stop_volatilities=0, stop_floor_bps=100, target_volatilities=0, target_floor_bps=200)

Maker = Callable[..., MarketBlock]
Player = Callable[..., Any]


def _reason(closed: np.void) -> str:
    return EXIT_REASONS[closed["reason"]]


def _held(closed: np.void) -> int:
    return int(closed["exit_bar"] - closed["entry_bar"])


def test_a_decision_at_a_close_fills_at_the_next_open(make_block: Maker, play: Player) -> None:
    close = [100, 100, 100.2, 100.4, 100.1, 100.1]
    open_ = [100, 100, 100.1, 100.3, 100.25, 100.1]
    block = make_block(close, open_=open_, high=[100.5] * 6, low=[99.9] * 6)
    trade = play(block, {1: ENTER_FULL_INDEX, 3: EXIT_INDEX}, RULES, FREE).only()
    assert trade["entry_reference"] == trade["entry_price"] == 100.1
    assert trade["exit_reference"] == trade["exit_price"] == 100.25
    assert (trade["signal_bar"], trade["entry_bar"], trade["exit_bar"]) == (1, 2, 4)
    assert _reason(trade) == "POLICY_EXIT"
    assert trade["gross_usd"] == pytest.approx(1000 * (100.25 / 100.1 - 1))
    assert trade["net_usd"] == trade["gross_usd"]


@pytest.mark.parametrize(
    ("action", "size"),
    [
        (ENTER_HALF_INDEX, 0.5),
        (ENTER_FULL_INDEX, 1.0),
        (ENTER_ONE_AND_HALF_INDEX, 1.5),
        (10, 0.5),
        (11, 1.0),
        (12, 1.5),
    ],
)
def test_an_entry_is_of_its_size_and_side(make_block: Maker, play: Player, action: int, size: float) -> None:
    rules = TradingRules(allow_short=True)
    trade = play(make_block([100.0] * 6), {1: action}, rules, FREE).only()
    assert trade["size_multiplier"] == size
    assert trade["quantity"] == pytest.approx(size * 10)
    assert trade["side"] == (1 if action < len(ACTIONS) else -1)


def test_a_round_trip_at_a_constant_price_costs_two_fees_spreads_and_slippages(
    make_block: Maker, play: Player
) -> None:
    block = make_block([100.0] * 8, volatility_bps=10, traded_value_usd=100_000.0)
    trade = play(block, {1: ENTER_FULL_INDEX, 4: EXIT_INDEX}, RULES, COSTS).only()
    side = 1 + 10 * np.sqrt(1_000 / 100_000)
    assert trade["gross_usd"] == 0
    assert trade["spread_usd"] == pytest.approx(2 * 0.1)
    assert trade["slippage_usd"] == pytest.approx(2 * 0.1)
    paid, received = 1000 * (1 + side * 1e-4), 1000 * (1 - side * 1e-4)
    assert trade["fee_usd"] == pytest.approx((paid + received) * 0.001)
    assert trade["net_usd"] == pytest.approx(-0.4 - (paid + received) * 0.001)
    assert trade["estimated_cost_bps"] == pytest.approx(2 * (10 + side))


def test_a_lane_may_begin_in_a_position(make_block: Maker) -> None:
    block = make_block(np.linspace([100, 200], [101, 201], 160, axis=1), day_bars=80)
    rules = TradingRules(allow_short=True)
    begun, stepped = (MarketEnvironment(block, rules, COSTS, 3, records=True) for _ in range(2))
    every, symbols, bars = np.arange(3), np.array([0, 1, 1]), np.array([0, 0, 80])
    for environment in (begun, stepped):
        environment.begin(every, symbols, bars)
    actions = np.array([0, ENTER_FULL_INDEX, 12])
    stepped.advance(actions)
    before = begun.state[:1].copy()
    begun.begin(every[1:], symbols[1:], bars[1:], actions[1:])
    assert np.array_equal(begun.state[1:], stepped.state[1:])
    assert begun.state["side"].tolist() == [0, 1, -1]
    assert np.array_equal(begun.state[:1], before)
    assert np.array_equal(begun.fills(), stepped.fills())
    with pytest.raises(InvalidInput, match="HOLD of S0"):
        begun.begin(every[:1], symbols[:1], bars[:1], np.array([HOLD_INDEX]))


def test_units_and_costs_are_those_known_when_it_was_decided(make_block: Maker, play: Player) -> None:
    block = make_block([100.0] * 8)
    volatility, traded = np.full((1, 8), 77.0), np.full((1, 8), 5e3)
    volatility[0, [1, 4]], traded[0, [1, 4]] = (10.0, 20.0), (100_000.0, 400_000.0)
    block = replace(
        block, volatility_bps=volatility, slippage_volatility_bps=volatility, traded_value_usd=traded
    )
    rules = TradingRules(volatility_horizon="25m", stop_volatilities=2)
    played = play(block, {1: ENTER_FULL_INDEX, 4: EXIT_INDEX}, rules, COSTS)
    trade, (entry, leave) = played.only(), played.fills
    assert (trade["volatility_bps"], trade["unit_bps"]) == (10, 50)
    assert (trade["stop"], trade["target"]) == (pytest.approx(99), pytest.approx(101.25))
    assert entry["slippage_usd"] == pytest.approx(0.1 * 10 * np.sqrt(1_000 / 100_000))
    assert leave["slippage_usd"] == pytest.approx(0.1 * 20 * np.sqrt(1_000 / 400_000))


def test_a_bar_that_touches_both_barriers_meets_the_stop_first(make_block: Maker, play: Player) -> None:
    block = make_block([100.0] * 8, high=[100] * 4 + [103] + [100] * 3, low=[100] * 4 + [98] + [100] * 3)
    trade = play(block, {1: ENTER_FULL_INDEX}, RULES, FREE).only()
    assert _reason(trade) == "STOP"
    assert trade["exit_reference"] == trade["stop"] == pytest.approx(99.0)
    assert trade["best"] == 100
    assert trade["worst"] == pytest.approx(99)


def test_a_price_that_only_touches_the_stop_stops(make_block: Maker, play: Player) -> None:
    stop = 100.0 * (1.0 - 0.01)
    block = make_block([100.0] * 6, low=[100, 100, 100, stop, 100, 100])
    assert _reason(play(block, {1: ENTER_FULL_INDEX}, RULES, FREE).only()) == "STOP"
    above = make_block([100.0] * 6, low=[100, 100, 100, stop + 1e-6, 100, 100])
    assert _reason(play(above, {1: ENTER_FULL_INDEX}, RULES, FREE).only()) == "WINDOW_END"


def test_the_entry_bar_itself_can_stop(make_block: Maker, play: Player) -> None:
    block = make_block([100.0] * 6, low=[100, 100, 98.5, 100, 100, 100])
    played = play(block, {1: ENTER_FULL_INDEX}, RULES, FREE)
    assert (_reason(played.only()), _held(played.only())) == ("STOP", 0)
    assert [FILL_KINDS[kind] for kind in played.fills["kind"]] == ["ENTRY", "STOP"]


def test_a_gap_through_the_stop_fills_at_the_open(make_block: Maker, play: Player) -> None:
    prices = [100, 100, 100, 97, 97, 97]
    trade = play(make_block(prices, open_=prices), {1: ENTER_FULL_INDEX}, RULES, FREE).only()
    assert _reason(trade) == "STOP"
    assert trade["exit_reference"] == 97.0
    assert trade["gross_usd"] == pytest.approx(-30)


def test_a_gap_through_the_target_is_not_paid_better_than_the_target(make_block: Maker, play: Player) -> None:
    prices = [100, 100, 100, 105, 105, 105]
    trade = play(make_block(prices, open_=prices), {1: ENTER_FULL_INDEX}, RULES, FREE).only()
    assert _reason(trade) == "TARGET"
    assert trade["exit_reference"] == trade["target"] == pytest.approx(102.0)
    assert trade["best"] == trade["target"]


def test_a_position_times_out_at_the_open_after_its_last_bar(make_block: Maker, play: Player) -> None:
    rules = TradingRules(maximum_holding="3m")
    played = play(make_block([100.0] * 9), {1: ENTER_FULL_INDEX}, rules, FREE)
    assert (_reason(played.only()), _held(played.only())) == ("TIME_OUT", 3)
    assert played.masks[4, 0].nonzero()[0].tolist() == [HOLD_INDEX]


def test_an_entry_onto_a_bar_that_was_not_traded_lapses(make_block: Maker, play: Player) -> None:
    block = make_block([100.0] * 6, tradable=[1, 1, 0, 1, 1, 1])
    played = play(block, {1: ENTER_FULL_INDEX}, RULES, FREE)
    assert played.closed.size == played.fills.size == 0
    assert played.masks[2, 0, WAIT_INDEX]


def test_an_exit_waits_for_the_next_traded_bar(make_block: Maker, play: Player) -> None:
    block = make_block([100.0] * 8, tradable=[1, 1, 1, 1, 0, 0, 1, 1])
    played = play(block, {1: ENTER_FULL_INDEX, 3: EXIT_INDEX}, RULES, FREE)
    assert (_reason(played.only()), _held(played.only())) == ("POLICY_EXIT", 4)
    assert played.masks[4, 0].nonzero()[0].tolist() == [HOLD_INDEX]


def test_no_barrier_is_met_on_a_bar_that_was_not_traded(make_block: Maker, play: Player) -> None:
    # The block carries the last close there, and even a wrong price of such a bar must not count.
    block = make_block([100.0] * 6, tradable=[1, 1, 1, 0, 1, 1])
    block.low[0, 3] = 50.0
    assert _reason(play(block, {1: ENTER_FULL_INDEX}, RULES, FREE).only()) == "WINDOW_END"


def test_what_is_open_at_the_end_is_closed_at_the_last_traded_close(make_block: Maker, play: Player) -> None:
    block = make_block([100, 100, 100, 100.5, 100.5], tradable=[1, 1, 1, 1, 0])
    played = play(block, {1: ENTER_FULL_INDEX}, RULES, FREE)
    assert _reason(played.only()) == "WINDOW_END"
    assert played.only()["exit_reference"] == 100.5
    assert played.only()["exit_bar"] == 3
    assert played.equity[-1, 0] == played.cash[-1, 0]


@pytest.mark.parametrize(("ends", "last"), [(np.array([3]), 3), (None, 7)])
def test_a_lane_ends_where_it_is_told_or_with_the_block_and_then_stands_still(
    make_block: Maker, ends: np.ndarray | None, last: int
) -> None:
    environment = MarketEnvironment(make_block([100.0] * 8, day_bars=4), RULES, FREE, 1)
    environment.begin(np.zeros(1, int), np.zeros(1, int), np.array([1]), ends=ends)
    ended = [bool(environment.advance(np.zeros(1, int)).has_ended[0]) for _ in range(last)]
    assert ended == [False] * (last - 2) + [True, True]
    assert environment.bar[0] == last
    assert environment.masks()[0].nonzero()[0].tolist() == [WAIT_INDEX]


def test_a_position_passes_midnight_as_any_other_bar(make_block: Maker) -> None:
    block = make_block(100 + 0.01 * np.arange(12), day_bars=4)
    environment = MarketEnvironment(block, RULES, FREE, 1, records=True)
    environment.begin(np.zeros(1, int), np.zeros(1, int), np.array([2]))
    for action in (ENTER_FULL_INDEX, *[HOLD_INDEX] * 6, EXIT_INDEX):
        environment.advance(np.array([action]))
    (trade,) = environment.closed()
    assert (_reason(trade), trade["entry_bar"], trade["exit_bar"]) == ("POLICY_EXIT", 3, 10)
    assert environment.fills()["price"].tolist() == pytest.approx([100.02, 100.09])


def test_an_entry_is_allowed_at_every_close_but_the_last(make_block: Maker) -> None:
    environment = MarketEnvironment(make_block([100.0] * 10, day_bars=5), TradingRules(), FREE, 10)
    environment.begin(np.arange(9), np.zeros(9, np.int64), np.arange(9))
    assert environment.masks()[:9, ENTER_FULL_INDEX].all()
    environment.advance(np.zeros(10, np.int64))
    assert environment.masks()[:9, ENTER_FULL_INDEX].tolist() == [True] * 8 + [False]


def test_the_masks_follow_the_state(make_block: Maker) -> None:
    environment = MarketEnvironment(make_block([100.0] * 10), RULES, FREE, 1)
    environment.begin(np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1, np.int64))

    def legal() -> list[str]:
        return [environment.action_names[index] for index in environment.masks()[0].nonzero()[0]]

    assert legal() == ["WAIT", "ENTER_HALF", "ENTER_FULL", "ENTER_ONE_AND_HALF"]
    environment.advance(np.array([ENTER_HALF_INDEX]))
    # At a price that has not moved nothing is lost that could be scratched.
    assert legal() == ["EXIT", "HOLD", "ADD", "SCALE_OUT", "TRAIL"]
    environment.advance(np.array([EXIT_INDEX]))
    assert legal()[0] == "WAIT"


def test_an_illegal_action_is_refused_and_moves_nothing(make_block: Maker) -> None:
    environment = MarketEnvironment(make_block([[100.0] * 10] * 2), RULES, FREE, 2, records=True)
    environment.begin(np.arange(2), np.arange(2), np.zeros(2, np.int64))
    before = environment.state.copy()
    for second in (HOLD_INDEX, EXIT_INDEX, 10, -1, 1_000):
        with pytest.raises(InvalidInput, match="of S1 at bar 0 is one that its lane's mask forbids"):
            environment.advance(np.array([ENTER_FULL_INDEX, second]))
    assert (environment.state == before).all()
    assert environment.fills().size == 0
    environment.advance(np.array([ENTER_FULL_INDEX, WAIT_INDEX]))
    for first in (WAIT_INDEX, ENTER_FULL_INDEX):
        with pytest.raises(InvalidInput, match=f"{action_names(False)[first]} of S0 at bar 1"):
            environment.advance(np.array([first, WAIT_INDEX]))


def test_an_account_without_money_may_not_enter(make_block: Maker) -> None:
    poor = TradingRules(starting_cash_usd=1_100)
    environment = MarketEnvironment(make_block([100.0] * 10), poor, FREE, 1)
    environment.begin(np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1, np.int64))
    assert environment.masks()[0, : ENTER_ONE_AND_HALF_INDEX + 1].tolist() == [True, True, True, False]


def test_a_flat_account_is_its_cash_before_there_is_a_price(make_block: Maker) -> None:
    environment = MarketEnvironment(make_block([100.0] * 6, tradable=[0, 0, 1, 1, 1, 1]), RULES, FREE, 1)
    environment.begin(np.zeros(1, int), np.zeros(1, int), np.zeros(1, int))
    assert np.isnan(environment.block.close[0, 0])
    assert environment.equity_usd().tolist() == [RULES.starting_cash_usd]


def test_an_entry_that_rounding_makes_dearer_than_cash_lapses(make_block: Maker, play: Player) -> None:
    # The mask wants 1,040 USD; rounded up to a tick of 10, 1000 / 101 of a price of 110 are 1,089 USD.
    rules = replace(RULES, starting_cash_usd=1_060.0)
    played = play(make_block([101.0] * 6, tick_size=10.0), {1: ENTER_FULL_INDEX}, rules, FREE)
    assert played.masks[1, 0, ENTER_FULL_INDEX]
    assert played.fills.size == played.closed.size == 0
    assert played.cash[-1, 0] == 1_060.0
    assert not played.rewards_usd.any()


def test_every_exit_reason_and_every_action_occurs(random_market: Maker, play_randomly: Player) -> None:
    block = random_market(3, symbols=20, bars=400, day_bars=200)
    rules = TradingRules(
        maximum_holding="12m", allow_short=True, trail_volatilities=2,
        scratch_volatilities=2,
    )  # fmt: skip
    # One symbol is not traded for longer than the longest holding.
    block.is_tradable[0, 50:90] = False
    played = play_randomly(block, 0, rules, COSTS)
    elsewhere = {"LIQUIDATION", "DELISTED", "LEFT_UNIVERSE", "TIMEFRAME_CHANGED", "END_OF_SESSION"}
    assert {EXIT_REASONS[code] for code in played.closed["reason"]} == set(EXIT_REASONS) - elsewhere
    assert {FILL_KINDS[code] for code in played.fills["kind"]} == set(FILL_KINDS) - elsewhere
    assert set(np.unique(played.actions)) == set(range(13))
    assert {*played.closed["side"]} == {-1, 1}
