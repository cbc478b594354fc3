"""Fills, stops, targets and accounts, by hand."""

from collections.abc import Callable

import numpy as np
import pytest

from huracan.errors import InvalidInput
from huracan.market.actions import ACTION_NAMES
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.environment import MarketEnvironment
from huracan.market.policy import ScriptedPolicy
from huracan.market.rules import TradingRules
from huracan.market.session import Session, trade_session
from huracan.market.trade_log import Provenance

WAIT, ENTER_HALF, ENTER_FULL, ENTER_ONE_AND_HALF, EXIT = range(5)
FREE = CostAssumptions(taker_fee_bps=0, half_spread_bps=0, slippage_coefficient=0)
COSTS = CostAssumptions(taker_fee_bps=10, half_spread_bps=1, slippage_coefficient=1)
# 100 bps below, 200 bps above.
RULES = TradingRules(
    stop_volatilities=0, stop_floor_bps=100, target_volatilities=0, target_floor_bps=200, entry_margin_bars=1
)
PROVENANCE = Provenance("model", "data", "config", True)

Maker = Callable[..., MarketBlock]


def _trade(
    block: MarketBlock, actions: dict[int, int], rules: TradingRules = RULES, costs: CostAssumptions = FREE
) -> Session:
    script = np.zeros((block.bar_count, block.symbol_count), np.int64)
    for bar, action in actions.items():
        script[bar] = action
    return trade_session(block, ScriptedPolicy(script), rules, costs, PROVENANCE)


def _only(session: Session) -> dict[str, object]:
    (trade,) = session.trades.to_pylist()
    return dict(trade)


def test_a_decision_at_a_close_fills_at_the_next_open(make_block: Maker) -> None:
    close = [100, 100, 100.2, 100.4, 100.1, 100.1]
    open_ = [100, 100, 100.1, 100.3, 100.25, 100.1]
    high = [100.5] * 6
    trade = _only(_trade(make_block(close, open_=open_, high=high, low=[99.9] * 6), {1: ENTER_FULL, 3: EXIT}))
    assert trade["entry_reference_price"] == 100.1
    assert trade["exit_reference_price"] == 100.25
    assert trade["exit_reason"] == "POLICY_EXIT"
    assert trade["bars_held"] == 2
    assert trade["entry_time"] == trade["signal_time"]
    assert trade["gross_usd"] == pytest.approx(1000 * (100.25 / 100.1 - 1))


def test_a_round_trip_at_a_constant_price_costs_two_fees_spreads_and_slippages(make_block: Maker) -> None:
    block = make_block([100.0] * 8, volatility_bps=10, traded_value_usd=100_000.0)
    trade = _only(_trade(block, {1: ENTER_FULL, 4: EXIT}, costs=COSTS))
    side = 1 + 10 * np.sqrt(1_000 / 100_000)
    assert trade["gross_usd"] == 0
    assert trade["spread_usd"] == pytest.approx(2 * 0.1)
    assert trade["slippage_usd"] == pytest.approx(2 * 0.1)
    paid, received = 1000 * (1 + side * 1e-4), 1000 * (1 - side * 1e-4)
    assert trade["fee_usd"] == pytest.approx((paid + received) * 0.001)
    assert trade["net_usd"] == pytest.approx(-0.4 - (paid + received) * 0.001)
    assert trade["estimated_cost_bps"] == pytest.approx(2 * (10 + side))


def test_a_bar_that_touches_both_barriers_meets_the_stop_first(make_block: Maker) -> None:
    block = make_block([100.0] * 8, high=[100] * 4 + [103] + [100] * 3, low=[100] * 4 + [98] + [100] * 3)
    trade = _only(_trade(block, {1: ENTER_FULL}))
    assert trade["exit_reason"] == "STOP"
    assert trade["exit_reference_price"] == pytest.approx(99.0)
    assert trade["max_favourable_bps"] == 0
    assert trade["max_adverse_bps"] == pytest.approx(-100)


def test_the_entry_bar_itself_can_stop(make_block: Maker) -> None:
    trade = _only(_trade(make_block([100.0] * 6, low=[100, 100, 98.5, 100, 100, 100]), {1: ENTER_FULL}))
    assert (trade["exit_reason"], trade["bars_held"]) == ("STOP", 0)


def test_a_gap_through_the_stop_fills_at_the_open(make_block: Maker) -> None:
    open_ = [100, 100, 100, 97, 97, 97]
    close = [100, 100, 100, 97, 97, 97]
    trade = _only(_trade(make_block(close, open_=open_), {1: ENTER_FULL}))
    assert trade["exit_reason"] == "STOP"
    assert trade["exit_reference_price"] == 97.0
    assert trade["gross_bps"] == pytest.approx(-300)


def test_a_gap_through_the_target_is_not_paid_better_than_the_target(make_block: Maker) -> None:
    close = [100, 100, 100, 105, 105, 105]
    trade = _only(_trade(make_block(close, open_=close), {1: ENTER_FULL}))
    assert trade["exit_reason"] == "TARGET"
    assert trade["exit_reference_price"] == pytest.approx(102.0)


def test_a_position_times_out_at_the_open_after_its_last_bar(make_block: Maker) -> None:
    rules = TradingRules(maximum_holding_bars=3, entry_margin_bars=1)
    trade = _only(_trade(make_block([100.0] * 9), {1: ENTER_FULL}, rules))
    assert (trade["exit_reason"], trade["bars_held"]) == ("TIME_OUT", 3)


def test_an_entry_onto_a_bar_that_was_not_traded_is_cancelled(make_block: Maker) -> None:
    block = make_block([100.0] * 6, tradable=[1, 1, 0, 1, 1, 1])
    assert _trade(block, {1: ENTER_FULL}).trades.num_rows == 0


def test_an_exit_waits_for_the_next_traded_bar(make_block: Maker) -> None:
    block = make_block([100.0] * 8, tradable=[1, 1, 1, 1, 0, 0, 1, 1])
    trade = _only(_trade(block, {1: ENTER_FULL, 3: EXIT}))
    assert (trade["exit_reason"], trade["bars_held"]) == ("POLICY_EXIT", 4)


def test_what_is_open_at_the_end_is_closed_at_the_last_traded_close(make_block: Maker) -> None:
    block = make_block([100, 100, 100, 100.5, 100.5], tradable=[1, 1, 1, 1, 0])
    session = _trade(block, {1: ENTER_FULL})
    trade = _only(session)
    assert trade["exit_reason"] == "END_OF_SESSION"
    assert trade["exit_reference_price"] == 100.5
    assert trade["bars_held"] == 1
    assert session.bars["position_value_usd"].to_pylist()[-1] == 0


def test_no_entry_is_allowed_in_the_last_bars_of_a_session(make_block: Maker) -> None:
    block = make_block([100.0] * 10)
    environment = MarketEnvironment(block, TradingRules(entry_margin_bars=4), FREE, 10)
    environment.begin(np.arange(9), np.zeros(9, np.int64), np.arange(9))
    allowed = environment.masks()[:9, ENTER_FULL]
    assert allowed.tolist() == [True] * 6 + [False] * 3


def test_the_masks_follow_the_state(make_block: Maker) -> None:
    environment = MarketEnvironment(make_block([100.0] * 10), RULES, FREE, 1)
    environment.begin(np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1, np.int64))
    assert environment.masks()[0].tolist() == [True, True, True, True, False]
    environment.advance(np.array([ENTER_HALF]))
    assert environment.masks()[0].tolist() == [True, False, False, False, True]
    with pytest.raises(InvalidInput, match="mask forbids"):
        environment.advance(np.array([ENTER_FULL]))


def test_an_account_without_money_may_not_enter(make_block: Maker) -> None:
    poor = TradingRules(starting_cash_usd=1_100, entry_margin_bars=1)
    environment = MarketEnvironment(make_block([100.0] * 10), poor, FREE, 1)
    environment.begin(np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1, np.int64))
    assert environment.masks()[0].tolist() == [True, True, True, False, False]


def test_the_observation_has_the_names_that_it_says(make_block: Maker) -> None:
    block = make_block([100, 100, 100, 100.5, 100.5, 100.5], volatility_bps=10.0)
    rules = TradingRules(
        stop_volatilities=0, stop_floor_bps=100, target_volatilities=0, target_floor_bps=200,
        entry_margin_bars=1, volatility_horizon_bars=25,
    )  # fmt: skip
    environment = MarketEnvironment(block, rules, FREE, 1)
    environment.begin(np.zeros(1, np.int64), np.zeros(1, np.int64), np.array([1]))
    names = environment.observation_names
    assert environment.observe().shape == (1, len(names))
    environment.advance(np.array([ENTER_ONE_AND_HALF]))
    environment.advance(np.array([WAIT]))
    seen = dict(zip(names, environment.observe()[0].tolist(), strict=True))
    assert seen["position_is_open"] == 1
    assert seen["position_size"] == 1.5
    assert seen["position_unrealised"] == pytest.approx(50 / (10 * 5))
    assert seen["position_age"] == pytest.approx(2 / 120)
    assert seen["position_to_stop"] == pytest.approx(150 / 50)
    assert seen["position_to_target"] == pytest.approx(150 / 50)
    assert seen["regime_trend"] == 1


def test_every_exit_reason_and_every_action_occurs(random_market: Maker) -> None:
    block = random_market(3, symbols=20, bars=400, day_bars=200)
    rules = TradingRules(maximum_holding_bars=30, entry_margin_bars=5)
    generator = np.random.default_rng(0)
    script = generator.choice(5, (block.bar_count, 40), p=[0.86, 0.04, 0.04, 0.04, 0.02])
    session = trade_session(block, ScriptedPolicy(script, is_lenient=True), rules, COSTS, PROVENANCE)
    reasons = set(session.trades["exit_reason"].to_pylist())
    assert reasons == {"STOP", "TARGET", "TIME_OUT", "POLICY_EXIT", "END_OF_SESSION"}
    assert set(session.bars["action"].to_pylist()) == set(ACTION_NAMES)
