"""Replay gives the same fills to the bit, and a learner's lanes go on from a snapshot to the bit."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from huracan.errors import InputRefused, InvalidInput
from huracan.market.actions import ENTER_FULL_INDEX, EXIT_INDEX, HOLD_INDEX, WAIT_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.engine.record_book import RecordBook
from huracan.market.engine.training_lanes import LaneStarts, TrainingLanes
from huracan.market.paper.replay import replay
from huracan.market.paper.stored_actions import ActionLists
from huracan.market.rules import TradingRules

COSTS = CostAssumptions()
RULES = TradingRules(maximum_holding="15m", allow_short=True)

Maker = Callable[..., MarketBlock]
Player = Callable[..., Any]


@pytest.mark.parametrize("seed", range(4))
def test_replayed_actions_give_the_same_records_to_the_bit(
    random_market: Maker, play_randomly: Player, seed: int
) -> None:
    block = random_market(seed, symbols=4, tick_size=0.01, step_size=0.001)
    played = play_randomly(block, seed, RULES, COSTS)
    lists = ActionLists(played.begun["symbol"], played.begun["bar"], played.actions.T)
    again = replay(block, RULES, COSTS, lists, begin=played.begun)
    assert played.closed.size > 50
    for ours, theirs in ((again.fills, played.fills), (again.closed, played.closed)):
        for name in theirs.dtype.names:
            assert np.array_equal(ours[name], theirs[name])
    assert np.array_equal(again.equity_usd, played.equity[-1])
    assert np.array_equal(again.cash_usd, played.cash[-1])
    # What only rewards remember is not replayed.
    for name in played.environment.state.dtype.names:
        if name != "peak_usd":
            assert np.array_equal(again.state[name], played.environment.state[name]), name


def test_an_illegal_action_in_a_list_is_named(make_block: Maker) -> None:
    actions = np.zeros((2, 8), np.int8)
    actions[1, 3] = EXIT_INDEX
    block, places = make_block([[100.0] * 10] * 2), (np.arange(2), np.ones(2, int))
    with pytest.raises(InvalidInput, match="EXIT of S1 at bar 4"):
        replay(block, RULES, COSTS, ActionLists(*places, actions))
    with pytest.raises(InvalidInput, match="number -1 of S0"):
        replay(block, RULES, COSTS, ActionLists(*places, np.full((2, 8), -300)))


def test_a_lenient_replay_does_nothing_where_it_may_not(make_block: Maker) -> None:
    actions = np.full((1, 9), EXIT_INDEX, np.int8)
    actions[0, [1, 3]] = ENTER_FULL_INDEX
    actions[0, 2] = HOLD_INDEX
    found = replay(
        make_block([100.0] * 10),
        RULES,
        COSTS,
        ActionLists(np.zeros(1, int), np.zeros(1, int), actions),
        is_lenient=True,
    )
    assert (found.closed["entry_bar"].tolist(), found.closed["exit_bar"].tolist()) == ([2], [5])


def test_after_its_end_a_list_may_only_wait(make_block: Maker) -> None:
    block, place = make_block([100.0] * 8), np.zeros(1, int)
    actions = np.zeros((1, 9), np.int8)
    assert replay(block, RULES, COSTS, ActionLists(place, place, actions)).cash_usd[0] == 10_000
    actions[0, 7] = ENTER_FULL_INDEX
    with pytest.raises(InvalidInput, match="mask forbids"):
        replay(block, RULES, COSTS, ActionLists(place, place, actions))


def test_a_replay_writes_more_than_it_first_has_room_for(make_block: Maker) -> None:
    bars = 4_000
    actions = np.zeros((1, bars - 1), np.int8)
    actions[0, 0:-3:2], actions[0, 1:-3:2] = ENTER_FULL_INDEX, EXIT_INDEX
    place = np.zeros(1, int)
    found = replay(
        make_block([100.0] * bars), RULES, COSTS, ActionLists(place, place, actions), is_lenient=True
    )
    assert found.closed.size == len(range(0, bars - 4, 2))
    assert found.fills.size == 2 * found.closed.size
    assert found.closed["trade"].tolist() == list(range(found.closed.size))
    assert found.cash_usd[0] == pytest.approx(10_000 + found.closed["net_usd"].sum(), abs=1e-6)


@pytest.mark.parametrize("each", [1, 10])
def test_exits_in_many_parts_outgrow_the_first_room_and_are_the_environments_to_the_bit(
    make_block: Maker, decided_every: Callable[[MarketBlock, int], MarketBlock], each: int
) -> None:
    # An order of 1,000 USD is filled in full now and then; a bar takes 25 USD of what is left of an exit.
    bars, lanes = 2_400, 5
    value = np.full((lanes, bars), 500.0)
    for lane in range(lanes):
        value[lane, 10 * (lane + 1) :: 60 + 10 * lane] = 1e6
    block = make_block(100 + np.sin(np.arange(bars) / 50) * np.ones((lanes, 1)), step_size=0.001)
    block = decided_every(replace(block, value_usd=value), each)
    generator, every = np.random.default_rng(3), np.arange(lanes)
    rules, first = replace(RULES, minimum_notional_usd=900), np.full(lanes, each - 1)
    environment = MarketEnvironment(block, rules, COSTS, lanes, records=True)
    environment.begin(every, every, first)
    actions = np.zeros((lanes, block.decision_count - 1), np.int8)
    for column in range(actions.shape[1]):
        masks = environment.masks()
        # Entries wait for the bars that take them; of what is held, all is as likely.
        is_large = value[every, np.minimum(environment.bar + 1, bars - 1)] > 1e3
        masks[:, [1, 2, 3, 10, 11, 12]] &= is_large[:, None]
        actions[:, column] = np.where(masks, generator.random(masks.shape), -1.0).argmax(axis=1)
        environment.advance(actions[:, column])
    fills, closed = environment.fills(), environment.closed()
    orders = np.count_nonzero((actions != WAIT_INDEX) & (actions != HOLD_INDEX))
    # More than the replay's first room, and more than once as much again.
    assert fills.size > 4 * orders > 0 < closed.size
    again = replay(block, rules, COSTS, ActionLists(every, first, actions))
    assert np.array_equal(again.fills, fills)
    assert np.array_equal(again.closed, closed)
    assert np.array_equal(again.cash_usd, environment.state["cash_usd"])
    assert np.array_equal(again.equity_usd, environment.equity_usd())


def test_a_book_without_records_never_grows() -> None:
    book = RecordBook(False)
    assert book.with_room(1_000, 1_000).fills.size == book.fills().size == book.closed().size == 0


def _lanes(block: MarketBlock, seed: int = 0, count: int = 16) -> TrainingLanes:
    lanes = TrainingLanes(block, RULES, COSTS, count, LaneStarts(np.random.default_rng(seed)))
    lanes.set_progress(0.25, 0.5)
    return lanes


def _go_on(lanes: TrainingLanes, masks: np.ndarray, seed: int, steps: int) -> list[np.ndarray]:
    drawn, seen = np.random.default_rng(seed), []
    for _ in range(steps):
        actions = np.where(masks, drawn.random(masks.shape), -1.0).argmax(axis=1)
        observations, masks, rewards, ended = lanes.step(actions)
        seen += [observations, masks, rewards, ended]
    return seen


def test_lanes_go_on_from_a_snapshot_to_the_bit(random_market: Maker) -> None:
    block = random_market(2)
    first = _lanes(block)
    _, masks = first.reset()
    _go_on(first, masks, 1, 60)
    kept = first.snapshot()
    masks = first.environment.masks()
    expected = _go_on(first, masks, 2, 120)
    other = _lanes(block, seed=9)
    other.reset()
    other.set_progress(1.0, 0.5)
    other.restore(kept)
    assert all(map(np.array_equal, _go_on(other, masks, 2, 120), expected))
    assert any(part.dtype == bool and part.ndim == 1 and part.any() for part in expected)
    with pytest.raises(InputRefused, match="another number of lanes"):
        _lanes(block, count=8).restore(kept)


def test_the_cost_ramp_ends_at_the_full_costs(random_market: Maker) -> None:
    lanes = _lanes(random_market(2))
    assert lanes.environment.costs.multiplier == 0.5
    lanes.set_progress(0.9, 0.5)
    assert lanes.environment.costs == COSTS
