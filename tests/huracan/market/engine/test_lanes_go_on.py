"""Lanes that end holding something and go on elsewhere: over midnights, by the rules of their opening."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.errors import InvalidInput
from huracan.market.actions import (
    ADD_INDEX,
    ENTER_FULL_INDEX,
    EXIT_INDEX,
    HOLD_INDEX,
    SCRATCH_INDEX,
    TRAIL_INDEX,
    WAIT_INDEX,
    action_names,
)
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.engine.lane import LANE
from huracan.market.ledger import EXIT_REASONS
from huracan.market.paper.replay import replay
from huracan.market.paper.stored_actions import ActionLists
from huracan.market.rules import MaintenanceTier, TradingRules

COSTS = CostAssumptions()
FREE = CostAssumptions(taker_fee_bps=0, maker_fee_bps=0, half_spread_bps=0, slippage_coefficient=0)
PLAIN = TradingRules(maximum_holding="30m", allow_short=True, trail_volatilities=0.5)
STYLES = [
    PLAIN,
    replace(PLAIN, entries_are_maker=True, targets_are_maker=True, target_floor_bps=15),
    replace(
        PLAIN, starting_cash_usd=600, maximum_leverage=5.0, stop_volatilities=20, maximum_holding="3h",
        maintenance_tiers=(MaintenanceTier(1_000, 0.1), MaintenanceTier(1e5, 0.3)),
    ),
]  # fmt: skip
BARS = ("bar", "end_bar", "signal_bar", "entry_bar", "traded_bar", "best_bar", "worst_bar")
ONE = np.zeros(1, int)

Maker = Callable[..., MarketBlock]
Coarser = Callable[[MarketBlock, int], MarketBlock]


def _draw(generator: np.random.Generator, masks: np.ndarray) -> np.ndarray:
    drawn = generator.random(masks.shape)
    drawn[:, [WAIT_INDEX, HOLD_INDEX]] **= 0.4
    return np.where(masks, drawn, -1.0).argmax(axis=1)


def _moved(values: np.ndarray, by: int) -> np.ndarray:
    """Records whose bars are numbered in another block."""
    moved = values.copy()
    for name in (name for name in values.dtype.names if name.endswith("bar")):
        moved[name] += by
    return moved


def _hold(
    block: MarketBlock, rules: TradingRules, bars: int, closes_at_end: bool = False
) -> MarketEnvironment:
    """A long position that was opened at bar 1 and is held to the block's end, or for so many bars."""
    environment = MarketEnvironment(block, rules, FREE, 1, records=True)
    environment.begin(ONE, ONE, ONE, closes_at_end=closes_at_end)
    for action in (ENTER_FULL_INDEX, *[HOLD_INDEX] * (bars - 1)):
        environment.advance(np.array([action]))
    return environment


def test_a_lane_that_ends_holding_stands_still_and_is_worth_what_it_holds(make_block: Maker) -> None:
    environment = _hold(make_block(100 + 0.1 * np.arange(6)), PLAIN, 5)
    assert environment.has_ended.all()
    assert environment.masks()[0].nonzero()[0].tolist() == [HOLD_INDEX]
    assert environment.closed().size == 0
    assert environment.equity_usd()[0] == pytest.approx(10_000 + 10 * 0.5)
    before = environment.state.copy()
    seen = environment.observe()
    assert seen[0, environment.observation_names.index("position_is_open")] == 1
    step = environment.advance(np.array([HOLD_INDEX]))
    assert environment.state == before
    assert (step.rewards.tolist(), step.has_ended.tolist()) == ([0.0], [True])
    with pytest.raises(InvalidInput, match="EXIT of S0"):
        environment.advance(np.array([EXIT_INDEX]))


def test_the_end_closes_only_where_it_is_asked_to(make_block: Maker) -> None:
    block = make_block(100 + 0.1 * np.arange(6))
    closed = _hold(block, PLAIN, 5, closes_at_end=True)
    (trade,) = closed.closed()
    assert (EXIT_REASONS[trade["reason"]], trade["exit_bar"]) == ("WINDOW_END", 5)
    open_ = _hold(block, PLAIN, 5)
    # Without costs both are worth the same.
    assert open_.equity_usd()[0] == pytest.approx(closed.equity_usd()[0])
    assert open_.state["cash_usd"][0] == pytest.approx(9_000)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 4]), st.sampled_from(STYLES))
def test_day_by_day_is_as_in_one_block_to_the_bit(
    rough_market: Maker, decided_every: Coarser, seed: int, each: int, rules: TradingRules
) -> None:
    # A day's block begins with the last decision bar of the day before: there stands what it goes on with.
    days, day_bars, lanes = 4, 60, np.arange(3)
    block = decided_every(rough_market(seed, days=days, day_bars=day_bars), each)
    whole = MarketEnvironment(block, rules, COSTS, 3, records=True)
    whole.begin(lanes, lanes, np.full(3, each - 1))
    generator, state, fills, closed = np.random.default_rng(seed), None, [], []
    listed, held_over = [], 0
    for day in range(days):
        lead = each if day else 0
        first = day * day_bars - lead
        part = block.slice(first, (day + 1) * day_bars - 1)
        own = MarketEnvironment(part, rules, COSTS, 3, records=True)
        own.begin(lanes, lanes, np.full(3, each - 1))
        if state is not None:
            goes_on = _moved(state, -first)
            goes_on["end_bar"], goes_on["has_ended"] = part.bar_count - 1, False
            own.restore(goes_on)
            held_over += int((state["quantity"] > 0).sum())
        begun, actions = own.state.copy(), []
        while not own.has_ended.all():
            masks = own.masks()
            assert np.array_equal(masks, whole.masks())
            assert np.array_equal(own.observe(), whole.observe())
            actions.append(_draw(generator, masks))
            ours, theirs = own.advance(actions[-1]), whole.advance(actions[-1])
            assert np.array_equal(ours.rewards, theirs.rewards)
        again = replay(part, rules, COSTS, ActionLists(lanes, begun["bar"], np.array(actions).T), begin=begun)
        assert np.array_equal(again.fills, own.fills())
        assert np.array_equal(again.closed, own.closed())
        state = _moved(own.state, first)
        fills.append(_moved(own.fills(), first))
        closed.append(_moved(own.closed(), first))
        listed += actions
        # Every fill of a day lies in it.
        assert (fills[-1]["bar"] // day_bars == day).all()
    assert held_over
    for made, expected in ((fills, whole.fills()), (closed, whole.closed())):
        joined = np.concatenate(made)
        assert np.array_equal(joined[np.argsort(joined["lane"], kind="stable")], expected)
    for name in LANE.names:
        if name not in ("end_bar", "has_ended"):
            assert np.array_equal(state[name], whole.state[name]), name
    once = replay(block, rules, COSTS, ActionLists(lanes, np.full(3, each - 1), np.array(listed).T))
    assert np.array_equal(once.closed, whole.closed())


def _goes_on_under(make_block: Maker, rules: TradingRules, close: np.ndarray) -> MarketEnvironment:
    """A long position opened at 100 under OPENED and held for two bars, in a market of `rules`."""
    block = make_block(close)
    opened = _hold(block, OPENED, 2)
    other = MarketEnvironment(block, rules, FREE, 1, records=True)
    other.restore(opened.state.copy())
    return other


# A unit is 10 x sqrt(25) = 50 bps.
OPENED = TradingRules(
    allow_short=True, volatility_horizon="25m", stop_volatilities=4, target_volatilities=8, stop_floor_bps=1,
    target_floor_bps=1, maximum_holding="8m", scratch_age="4m", scratch_volatilities=0.5, maximum_adds=2,
    add_multiplier=0.5, trail_volatilities=1.0,
)  # fmt: skip
OTHER = TradingRules(
    allow_short=True, volatility_horizon="100m", stop_volatilities=1, target_volatilities=1,
    maximum_holding="3m", scratch_age="1m", scratch_volatilities=0.01, maximum_adds=0, add_multiplier=2.0,
    trail_volatilities=5.0, targets_are_maker=True,
)  # fmt: skip


def _legal(environment: MarketEnvironment) -> set[str]:
    return {action_names(True)[index] for index in environment.masks()[0].nonzero()[0]}


def test_a_position_keeps_the_time_out_of_its_opening(make_block: Maker) -> None:
    for rules in (OPENED, OTHER):
        environment = _goes_on_under(make_block, rules, np.full(20, 100.0))
        seen = environment.observe()[0, environment.observation_names.index("position_age")]
        assert seen == pytest.approx(2 / 8)
        while environment.closed().size == 0:
            environment.advance(np.array([HOLD_INDEX]))
        (trade,) = environment.closed()
        assert (EXIT_REASONS[trade["reason"]], trade["exit_bar"]) == ("TIME_OUT", 9)
    # What is opened from now on lives by the new ones.
    environment.advance(np.array([ENTER_FULL_INDEX]))
    assert environment.state["maximum_holding_bars"].tolist() == [3]


def test_a_position_keeps_the_scratch_of_its_opening(make_block: Maker) -> None:
    # It loses 20 of 25 bps and is younger than four bars: neither would do under the other rules.
    close = np.array([100.0, 100, 99.8, 99.8, 99.8, 99.8, 99.8])
    for rules in (OPENED, OTHER):
        environment = _goes_on_under(make_block, rules, close)
        assert "SCRATCH" in _legal(environment)
        environment.advance(np.array([HOLD_INDEX]))
        environment.advance(np.array([HOLD_INDEX]))
        assert "SCRATCH" in _legal(environment)
        environment.advance(np.array([HOLD_INDEX]))
        assert "SCRATCH" not in _legal(environment)
    environment = _goes_on_under(make_block, OTHER, close)
    environment.advance(np.array([SCRATCH_INDEX]))
    assert environment.closed()["exit_bar"].tolist() == [3]


def test_a_position_keeps_the_adds_of_its_opening(make_block: Maker) -> None:
    for rules in (OPENED, OTHER):
        environment = _goes_on_under(make_block, rules, np.full(20, 100.0))
        for _ in range(2):
            environment.advance(np.array([ADD_INDEX]))
        assert environment.fills()["quantity"].tolist() == [5, 5]
        assert "ADD" not in _legal(environment)
        seen = environment.observe()[0, environment.observation_names.index("position_adds")]
        assert seen == 1.0


def test_a_position_keeps_the_trail_of_its_opening(make_block: Maker) -> None:
    close = np.array([100.0, 100, 101, 101, 101, 100.4, 100.4, 100.4])
    for rules in (OPENED, OTHER):
        environment = _goes_on_under(make_block, rules, close)
        environment.advance(np.array([TRAIL_INDEX]))
        assert environment.state["stop"][0] == pytest.approx(100.5)
        for _ in range(2):
            environment.advance(np.array([HOLD_INDEX]))
        (trade,) = environment.closed()
        assert (EXIT_REASONS[trade["reason"]], trade["exit_bar"]) == ("TRAILING_STOP", 5)


@pytest.mark.parametrize("maker_at_opening", [False, True])
def test_a_position_keeps_the_kind_of_target_of_its_opening(
    make_block: Maker, maker_at_opening: bool
) -> None:
    # 104 is touched and not traded through.
    close = np.array([100.0, 100, 100, 104, 103, 103])
    block = make_block(close)
    opened = _hold(block, replace(OPENED, targets_are_maker=maker_at_opening), 2)
    other = MarketEnvironment(
        block, replace(OPENED, targets_are_maker=not maker_at_opening), FREE, 1, records=True
    )
    other.restore(opened.state.copy())
    other.advance(np.array([HOLD_INDEX]))
    assert other.closed().size == (0 if maker_at_opening else 1)
