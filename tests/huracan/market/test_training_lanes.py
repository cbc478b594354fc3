"""The lanes of a training: where they begin, how long they trade, and what they saw when they were cut."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from huracan.agent.batched_environment import TimeLimited
from huracan.errors import InputRefused
from huracan.market.actions import ENTER_FULL_INDEX, HOLD_INDEX, WAIT_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.engine.training_lanes import LaneStarts, TrainingLanes
from huracan.market.rules import TradingRules

LANES = 40_000
RULES = TradingRules(
    stop_volatilities=0,
    stop_floor_bps=9_000,
    target_volatilities=0,
    target_floor_bps=9e5,
    maximum_holding="4d",
)
Maker = Callable[..., MarketBlock]


@pytest.fixture(scope="module")
def hours(random_market: Maker) -> MarketBlock:
    """Three symbols, ten days of 48 half hours, decided on every hour."""
    block = random_market(3, symbols=3, bars=480, day_bars=48)
    seen = {name: getattr(block, name)[:, 1::2] for name in ("features", "is_ready", "regime")}
    return replace(
        block,
        open_time_ms=block.open_time_ms[0] + np.arange(480) * 1_800_000,
        decision_bars=2,
        regime_probabilities=block.regime_probabilities[:, 1::2],
        pattern_context=np.random.default_rng(0).random((3, 240, 3)).astype(np.float32),
        **seen,
    )


def _lanes(
    block: MarketBlock, lanes: int = LANES, episode: str = "1d", half_life_days: float | None = None
) -> TrainingLanes:
    starts = LaneStarts(np.random.default_rng(3), episode, half_life_days)
    return TrainingLanes(block, RULES, CostAssumptions(), lanes, starts)


def _share_of_days(block: MarketBlock, half_life_days: float | None) -> np.ndarray:
    lanes = _lanes(block, half_life_days=half_life_days)
    lanes.reset()
    days = block.day_index[lanes.environment.bar] - block.day_index[0]
    return np.bincount(days, minlength=len(block.days)) / LANES


def test_without_a_half_life_all_days_are_drawn_alike(random_market: Maker) -> None:
    shares = _share_of_days(random_market(3, bars=320), None)
    assert shares == pytest.approx(np.full(shares.size, 1.0 / shares.size), abs=0.03)


def test_a_day_one_half_life_older_is_drawn_half_as_often(random_market: Maker) -> None:
    shares = _share_of_days(random_market(3, bars=320), 1.0)
    assert shares[1:] / shares[:-1] == pytest.approx(np.full(shares.size - 1, 2.0), rel=0.15)


def test_lanes_begin_at_every_decision_of_every_symbol_that_another_follows(hours: MarketBlock) -> None:
    lanes = _lanes(hours)
    lanes.reset()
    counts = np.zeros((3, hours.bar_count), np.int64)
    np.add.at(counts, (lanes.environment.symbol, lanes.environment.bar), 1)
    able = np.zeros(hours.bar_count, bool)
    able[hours.decision_closes[:-1]] = True
    assert (counts[:, able] > 0).all() and not counts[:, ~able].any()
    assert counts[:, able].std() < 2 * np.sqrt(counts[:, able].mean())


def test_lengths_are_drawn_from_half_to_one_and_a_half_of_an_episode(hours: MarketBlock) -> None:
    lanes = _lanes(hours)
    lanes.reset()
    lanes._begin(np.arange(LANES))
    state = lanes.environment.state
    decisions = (state["end_bar"] - state["bar"]) // 2
    is_whole = state["end_bar"] < hours.bar_count - 1
    assert set(decisions[is_whole]) == set(range(12, 37))
    # None goes on beyond the block.
    assert (state["end_bar"] <= hours.bar_count - 1).all()
    assert set(decisions[~is_whole]) >= set(range(1, 36))


def test_at_any_moment_as_many_lanes_end_as_at_another(hours: MarketBlock) -> None:
    lanes = _lanes(hours, 4_000)
    _, masks = lanes.reset()
    ended = []
    for _ in range(72):
        _, masks, _, has_ended = lanes.step(masks.argmax(axis=1))
        ended.append(int(has_ended.sum()))
    assert min(ended) > 0.5 * np.mean(ended)
    assert max(ended) < 2.0 * np.mean(ended)


def test_a_lane_that_is_cut_tells_what_it_saw_last_and_its_position_is_not_closed(hours: MarketBlock) -> None:
    lanes = _lanes(hours, 64, "2d")
    assert isinstance(lanes, TimeLimited)
    _, masks = lanes.reset()
    alone = MarketEnvironment(hours, RULES, CostAssumptions(), 64, records=True)
    alone.begin(np.arange(64), lanes.environment.symbol, lanes.environment.bar)
    cut = holding = 0
    is_first = np.ones(64, bool)
    for _ in range(40):
        action = np.where(masks[:, ENTER_FULL_INDEX], ENTER_FULL_INDEX, WAIT_INDEX)
        action = np.where(masks[:, HOLD_INDEX], HOLD_INDEX, action)
        began = lanes.environment.bar.copy()
        seen, masks, rewards, has_ended = lanes.step(action)
        expected = alone.advance(np.where(is_first, action, alone.masks().argmax(axis=1)))
        last_seen = alone.observe()
        which, saw = lanes.cut()
        assert which.tolist() == np.flatnonzero(has_ended).tolist()
        for lane, row in zip(which, saw, strict=True):
            if is_first[lane]:
                cut += 1
                holding += int(last_seen[lane, lanes.observation_names.index("position_is_open")])
                assert np.array_equal(row, last_seen[lane], equal_nan=True)
                assert rewards[lane] == expected.rewards[lane]
                assert not np.array_equal(row, seen[lane])
                assert lanes.environment.bar[lane] != began[lane] + 2
        goes_on = is_first & ~has_ended
        assert np.array_equal(seen[goes_on], last_seen[goes_on], equal_nan=True)
        is_first &= ~has_ended
    assert cut > 30
    # A position stays open at the limit, as it does in the lanes that go on alone.
    assert holding > 0.8 * cut


def test_positions_are_carried_over_midnight(hours: MarketBlock) -> None:
    lanes = _lanes(hours, 64, "4d")
    _, masks = lanes.reset()
    carried = 0
    for _ in range(48):
        action = np.where(masks[:, ENTER_FULL_INDEX], ENTER_FULL_INDEX, WAIT_INDEX)
        action = np.where(masks[:, HOLD_INDEX], HOLD_INDEX, action)
        before, held = lanes.environment.bar.copy(), lanes.environment.state["quantity"].copy()
        _, masks, _, has_ended = lanes.step(action)
        state = lanes.environment.state
        crossed = ~has_ended & (hours.day_index[before] != hours.day_index[state["bar"]]) & (held > 0)
        assert np.array_equal(state["quantity"][crossed], held[crossed])
        carried += int(crossed.sum())
    assert carried > 20


def test_what_was_left_goes_on_as_it_would_have_with_the_same_cuts(hours: MarketBlock) -> None:
    first, again = _lanes(hours, 32), _lanes(hours, 32)
    _, masks = first.reset()
    again.reset()
    for _ in range(20):
        _, masks, _, _ = first.step(masks.argmax(axis=1))
    again.restore(first.snapshot())
    for _ in range(40):
        action = masks.argmax(axis=1)
        one, other = first.step(action), again.step(action)
        for mine, theirs in zip((*one, *first.cut()), (*other, *again.cut()), strict=True):
            assert np.array_equal(mine, theirs, equal_nan=mine.dtype.kind == "f")
        masks = one[1]


def test_a_block_of_one_decision_is_refused(hours: MarketBlock) -> None:
    with pytest.raises(InputRefused, match="The block has no two decisions"):
        _lanes(hours.slice(0, 1), 4)
