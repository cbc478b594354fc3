"""Entries that are only held: as the market itself steps them, each with a holding time of its own."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from huracan.errors import InvalidInput
from huracan.market.actions import (
    ENTER_FULL_INDEX,
    ENTER_HALF_INDEX,
    ENTER_SHORT_FULL_INDEX,
    EXIT_INDEX,
    HOLD_INDEX,
    WAIT_INDEX,
    entry_indices,
)
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.engine.held_entries import bars_to_enter, hold_entries, net_bps
from huracan.market.ledger import EXIT_REASONS
from huracan.market.rules import TradingRules

Maker = Callable[..., MarketBlock]
RULES = TradingRules(maximum_holding="20m", allow_short=True)
FREE = CostAssumptions(taker_fee_bps=0, half_spread_bps=0, slippage_coefficient=0)


def test_each_entry_is_held_as_long_as_it_is_told(make_block: Maker) -> None:
    # The open of bar t is 100 + (t - 1) / 100: an entry decided at bar 2 is bought at 100.02.
    block = make_block(100 + 0.01 * np.arange(60))
    closed = hold_entries(
        block, RULES, FREE, np.array([2, 2, 2, 10]), np.full(4, ENTER_FULL_INDEX), np.array([1, 5, 0, 90])
    )
    assert closed["lane"].tolist() == [0, 1, 2, 3]
    assert closed["entry_bar"].tolist() == [3, 3, 3, 11]
    # At least one bar, and at most what the rules allow.
    assert closed["exit_bar"].tolist() == [4, 8, 4, 31]
    reasons = [EXIT_REASONS[code] for code in closed["reason"]]
    assert reasons == ["POLICY_EXIT", "POLICY_EXIT", "POLICY_EXIT", "TIME_OUT"]
    assert net_bps(closed)[1] == pytest.approx(0.05 / 100.02 * 1e4)


def test_a_short_entry_gains_what_a_long_one_loses(make_block: Maker) -> None:
    block = make_block(100 + 0.01 * np.arange(60))
    both = hold_entries(
        block,
        RULES,
        FREE,
        np.array([2, 2]),
        np.array([ENTER_FULL_INDEX, ENTER_SHORT_FULL_INDEX]),
        np.full(2, 5),
    )
    assert both["net_usd"][0] == pytest.approx(-both["net_usd"][1]) != 0


def _stepped(block: MarketBlock, indices: np.ndarray, entries: np.ndarray, hold: np.ndarray) -> np.ndarray:
    """The same by the environment's own steps, masks asked at every bar."""
    environment = MarketEnvironment(block, RULES, CostAssumptions(), indices.size, records=True)
    lanes = np.arange(indices.size)
    environment.begin(lanes, indices // block.bar_count, indices % block.bar_count, closes_at_end=True)
    environment.advance(np.where(environment.masks()[lanes, entries], entries, WAIT_INDEX))
    age = 0
    while (is_open := environment.state["quantity"] > 0).any():
        age += 1
        leaves = environment.masks()[:, EXIT_INDEX] & (age >= np.maximum(hold, 1))
        idle = np.where(is_open, HOLD_INDEX, WAIT_INDEX)
        environment.advance(np.where(leaves, EXIT_INDEX, idle))
    return environment.closed()


@pytest.mark.parametrize("seed", range(4))
def test_holding_entries_is_what_the_market_makes_of_them_to_the_bit(random_market: Maker, seed: int) -> None:
    # More entries than are stepped at once, some of them illegal.
    block = random_market(seed, symbols=3, tick_size=0.01, step_size=0.001)
    generator = np.random.default_rng(seed)
    is_last = np.arange(block.bar_count) == block.bar_count - 1
    begins = np.flatnonzero(np.tile(~is_last, block.symbol_count))
    indices = generator.choice(begins, 20_000)
    entries = generator.choice(entry_indices(allow_short=True), indices.size)
    hold = generator.integers(0, 25, indices.size)
    found = hold_entries(block, RULES, CostAssumptions(), indices, entries, hold)
    expected = _stepped(block, indices, entries, hold)
    assert 0 < found.size < indices.size
    for name in found.dtype.names:
        assert np.array_equal(found[name], expected[name]), name


def test_an_entry_may_be_decided_where_the_masks_allow_it(random_market: Maker) -> None:
    block = random_market(5)
    able, last = bars_to_enter(block), block.bar_count - 1
    symbols, bars = (each.reshape(-1) for each in np.indices((block.symbol_count, last)))
    environment = MarketEnvironment(block, RULES, CostAssumptions(), symbols.size)
    environment.begin(np.arange(symbols.size), symbols, bars)
    assert np.array_equal(environment.masks()[:, ENTER_HALF_INDEX], able[symbols, bars])
    assert not able[:, last].any()
    unknown = replace(block, volatility_bps=np.full_like(block.volatility_bps, np.nan))
    assert not bars_to_enter(unknown).any()


def test_what_opens_no_position_is_refused(make_block: Maker) -> None:
    block, one = make_block([100.0] * 20), np.ones(1, int)
    for action in (WAIT_INDEX, EXIT_INDEX, 99):
        with pytest.raises(InvalidInput, match="no entry"):
            hold_entries(block, RULES, FREE, one, np.array([action]), one)
    long_only = replace(RULES, allow_short=False)
    with pytest.raises(InvalidInput, match="no entry"):
        hold_entries(block, long_only, FREE, one, np.array([ENTER_SHORT_FULL_INDEX]), one)
    assert hold_entries(block, RULES, FREE, one[:0], one[:0], one[:0]).size == 0
