"""Decisions every n-th bar: as the same decisions on every bar by a policy that does nothing in between."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.market.actions import ENTER_FULL_INDEX, EXIT_INDEX, HOLD_INDEX, TRAIL_INDEX, WAIT_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.engine.held_entries import hold_entries
from huracan.market.ledger import EXIT_REASONS
from huracan.market.paper.replay import replay
from huracan.market.paper.stored_actions import ActionLists
from huracan.market.reward import RewardTerms
from huracan.market.rules import MaintenanceTier, TradingRules

COSTS = CostAssumptions()
FREE = CostAssumptions(taker_fee_bps=0, maker_fee_bps=0, half_spread_bps=0, slippage_coefficient=0)
PLAIN = TradingRules(maximum_holding="30m", allow_short=True, trail_volatilities=0.5)
MAKERS = replace(PLAIN, entries_are_maker=True, targets_are_maker=True, target_floor_bps=15)
LEVERED = replace(
    PLAIN,
    starting_cash_usd=600,
    maximum_leverage=5.0,
    maintenance_tiers=(MaintenanceTier(1_000, 0.1), MaintenanceTier(1e5, 0.3)),
    stop_volatilities=20,
    maximum_holding="2h",
)
STYLES = [PLAIN, MAKERS, LEVERED]
# 100 bps below, 200 bps above.
BY_HAND = TradingRules(stop_volatilities=0, stop_floor_bps=100, target_volatilities=0, target_floor_bps=200)

Market = Callable[..., MarketBlock]
Player = Callable[..., Any]
Coarser = Callable[[MarketBlock, int], MarketBlock]


def _idle(environment: MarketEnvironment) -> np.ndarray:
    return np.where(environment.state["quantity"] == 0.0, WAIT_INDEX, HOLD_INDEX)


def _draw(generator: np.random.Generator, masks: np.ndarray) -> np.ndarray:
    drawn = generator.random(masks.shape)
    drawn[:, [WAIT_INDEX, HOLD_INDEX]] **= 0.4
    return np.where(masks, drawn, -1.0).argmax(axis=1)


def _same(ours: np.ndarray, theirs: np.ndarray, *, but: tuple[str, ...] = ()) -> None:
    for name in theirs.dtype.names:
        if name not in but:
            assert np.array_equal(ours[name], theirs[name]), name


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10_000), st.sampled_from([2, 3, 4, 5, 8, 12, 20, 60]), st.sampled_from(STYLES),
    st.booleans(),
)  # fmt: skip
def test_decisions_of_many_bars_trade_as_the_same_decisions_bar_by_bar(
    rough_market: Market, decided_every: Coarser, seed: int, each: int, rules: TradingRules, closes: bool
) -> None:
    block, generator = rough_market(seed), np.random.default_rng(seed)
    terms = RewardTerms(turnover_weight=1e-3)
    coarse, fine = (
        MarketEnvironment(made, rules, COSTS, 6, terms, records=True)
        for made in (decided_every(block, each), block)
    )
    symbols, bars = np.tile(np.arange(3), 2), np.repeat(coarse.block.decision_closes[[0, 1]], 3)
    ends = np.full(6, block.bar_count - 1)
    ends[1] = coarse.block.decision_closes[-2]
    for environment in (coarse, fine):
        environment.begin(np.arange(6), symbols, bars, ends=ends, closes_at_end=closes)
    while not coarse.has_ended.all():
        masks = coarse.masks()
        assert np.array_equal(masks, fine.masks())
        assert np.array_equal(coarse.observe(), fine.observe())
        actions = _draw(generator, masks)
        step, sums = coarse.advance(actions), np.zeros((2, 6))
        for _ in range(each):
            between = fine.advance(actions)
            sums += between.rewards, between.rewards_usd
            actions = _idle(fine)
        assert step.rewards == pytest.approx(sums[0], rel=1e-9, abs=1e-9)
        assert step.rewards_usd == pytest.approx(sums[1], rel=1e-9, abs=1e-9)
        assert np.array_equal(step.has_ended, between.has_ended)
        # The highest equity is that of the moments at which the learner looks.
        _same(coarse.state, fine.state, but=("peak_usd",))
    assert coarse.fills().size > 0
    _same(coarse.fills(), fine.fills())
    _same(coarse.closed(), fine.closed())


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([2, 5, 60]), st.sampled_from(STYLES))
def test_a_replay_of_decisions_of_many_bars_is_the_environment(
    rough_market: Market, decided_every: Coarser, seed: int, each: int, rules: TradingRules
) -> None:
    block, generator = decided_every(rough_market(seed), each), np.random.default_rng(seed)
    environment, every = MarketEnvironment(block, rules, COSTS, 3, records=True), np.arange(3)
    first = np.full(3, block.decision_closes[0])
    environment.begin(every, every, first)
    actions = np.zeros((3, block.decision_count - 1), np.int8)
    for column in range(actions.shape[1]):
        actions[:, column] = _draw(generator, environment.masks())
        environment.advance(actions[:, column])
    again = replay(block, rules, COSTS, ActionLists(every, first, actions))
    _same(again.fills, environment.fills())
    _same(again.closed, environment.closed())
    _same(again.state, environment.state, but=("peak_usd",))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([2, 5, 60]), st.sampled_from(STYLES))
def test_entries_that_are_held_do_not_know_how_often_is_decided(
    rough_market: Market, decided_every: Coarser, seed: int, each: int, rules: TradingRules
) -> None:
    block, generator = rough_market(seed), np.random.default_rng(seed)
    closes = decided_every(block, each).decision_closes[:-1]
    indices = (np.arange(3)[:, None] * block.bar_count + closes).reshape(-1)
    entries, hold = generator.integers(1, 4, indices.size), generator.integers(1, 70, indices.size)
    ours, theirs = (
        hold_entries(made, rules, COSTS, indices, entries, hold)
        for made in (decided_every(block, each), block)
    )
    assert theirs.size > 0
    _same(ours, theirs)


@pytest.mark.parametrize(
    ("low", "high", "reason", "bar", "price"),
    [
        ({7: 98.5}, {}, "STOP", 7, 99.0),
        ({}, {8: 102.5}, "TARGET", 8, 102.0),
        # Both in one decision, each in a bar of its own: the first one counts.
        ({8: 98.0}, {7: 103.0}, "TARGET", 7, 102.0),
        ({7: 98.0}, {8: 103.0}, "STOP", 7, 99.0),
    ],
)
def test_barriers_are_met_in_the_bar_that_meets_them(
    make_block: Market, play: Player, low: dict[int, float], high: dict[int, float], reason: str, bar: int,
    price: float,
) -> None:  # fmt: skip
    lows, highs = np.full(20, 100.0), np.full(20, 100.0)
    lows[list(low)], highs[list(high)] = list(low.values()), list(high.values())
    block = make_block([100.0] * 20, low=lows, high=highs, decision_bars=5)
    environment = MarketEnvironment(block, BY_HAND, FREE, 1, records=True)
    environment.begin(np.zeros(1, int), np.zeros(1, int), np.array([4]))
    step = environment.advance(np.array([ENTER_FULL_INDEX]))
    (trade,) = environment.closed()
    assert (EXIT_REASONS[trade["reason"]], trade["entry_bar"], trade["exit_bar"]) == (reason, 5, bar)
    assert trade["exit_reference"] == pytest.approx(price)
    assert environment.bar[0] == 9
    assert step.rewards_usd[0] == pytest.approx(10 * (price - 100))


def test_a_stop_trails_from_bar_to_bar_within_a_decision(make_block: Market) -> None:
    # Trailing 50 bps behind the best from the close of bar 9 on: 100.5 at bar 10, then 101.5 after bar 11.
    rules = replace(BY_HAND, volatility_horizon="25m", target_floor_bps=900)
    close = [100.0] * 8 + [101, 101, 101.2, 102, 101.6, 101.4, 101.4] + [101.4] * 5
    block = make_block(close, decision_bars=5)
    environment = MarketEnvironment(block, rules, FREE, 1, records=True)
    environment.begin(np.zeros(1, int), np.zeros(1, int), np.array([4]))
    for action in (ENTER_FULL_INDEX, TRAIL_INDEX):
        environment.advance(np.array([action]))
    (trade,) = environment.closed()
    assert (EXIT_REASONS[trade["reason"]], trade["exit_bar"]) == ("TRAILING_STOP", 13)
    assert trade["exit_reference"] == pytest.approx(101.5)


def test_an_order_fills_at_the_open_of_the_bar_after_its_decision(make_block: Market) -> None:
    block = make_block(100 + 0.01 * np.arange(20), decision_bars=5)
    environment = MarketEnvironment(block, BY_HAND, FREE, 1, records=True)
    environment.begin(np.zeros(1, int), np.zeros(1, int), np.array([4]))
    for action in (ENTER_FULL_INDEX, EXIT_INDEX, WAIT_INDEX):
        environment.advance(np.array([action]))
    (trade,) = environment.closed()
    assert (trade["signal_bar"], trade["entry_bar"], trade["exit_bar"]) == (4, 5, 10)
    assert environment.fills()["price"].tolist() == pytest.approx([100.04, 100.09])


def test_a_time_out_comes_inside_a_decision(make_block: Market) -> None:
    block = make_block([100.0] * 20, decision_bars=5)
    environment = MarketEnvironment(block, replace(BY_HAND, maximum_holding="3m"), FREE, 1, records=True)
    environment.begin(np.zeros(1, int), np.zeros(1, int), np.array([4]))
    environment.advance(np.array([ENTER_FULL_INDEX]))
    (trade,) = environment.closed()
    assert (EXIT_REASONS[trade["reason"]], trade["exit_bar"]) == ("TIME_OUT", 8)
    assert environment.masks()[0, WAIT_INDEX]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([2, 4, 12]))
def test_bars_after_a_decision_change_nothing_at_or_before_it(
    rough_market: Market, decided_every: Coarser, seed: int, each: int
) -> None:
    block, cut = rough_market(seed, symbols=3), 120
    changed = {}
    for name in ("open", "high", "low", "close", "traded_value_usd", "slippage_volatility_bps", "value_usd"):
        values = getattr(block, name).copy()
        values[:, cut:] *= 1.3
        changed[name] = values
    seen = []
    for made in (block, replace(block, **changed)):
        environment = MarketEnvironment(decided_every(made, each), PLAIN, COSTS, 3, records=True)
        environment.begin(np.arange(3), np.arange(3), np.full(3, each - 1))
        generator = np.random.default_rng(seed)
        for _ in range(cut // each - 1):
            environment.advance(_draw(generator, environment.masks()))
        fills = environment.fills()
        seen.append((environment.state.copy(), environment.observe(), environment.masks(), fills))
    assert all(map(np.array_equal, *seen))
