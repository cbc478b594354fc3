"""What holds of cash, costs and rewards, whatever the market and the actions are."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.market.actions import ENTER_FULL_INDEX, EXIT_INDEX, action_names
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.ledger import EXIT_REASONS, WINDOW_END
from huracan.market.paper.replay import replay
from huracan.market.paper.stored_actions import ActionLists
from huracan.market.rules import TradingRules

BPS = 1e-4
COSTS = CostAssumptions()
FREE = CostAssumptions(taker_fee_bps=0, maker_fee_bps=0, half_spread_bps=0, slippage_coefficient=0)
RULES = TradingRules(maximum_holding="15m", allow_short=True)
MAKERS = replace(
    RULES, entries_are_maker=True, targets_are_maker=True, target_floor_bps=15, target_volatilities=0.1
)
SHORT = action_names(True).index("ENTER_SHORT_FULL")
SEEDS = st.integers(0, 10_000)
FEW = settings(max_examples=12, deadline=None)
STYLES = [RULES, MAKERS]
DEARER = {
    "taker_fee_bps": 1.0, "maker_fee_bps": 1.0, "half_spread_bps": 1.0, "slippage_coefficient": 0.05,
    "multiplier": 0.1,
}  # fmt: skip
"""What can make trading dearer, and its scale."""
STEPS = st.sampled_from([(0.0, 0.0), (0.05, 0.01)])

Market = Callable[..., MarketBlock]
Player = Callable[..., Any]


def _net_by_lane(played: Any) -> np.ndarray:
    return np.bincount(played.closed["lane"], played.closed["net_usd"], played.actions.shape[1])


def _trade_of(fills: np.ndarray) -> np.ndarray:
    """[fills] the index of each fill's trade among the closed ones, which are by lane and trade."""
    return np.unique(fills["lane"] * 1_000 + fills["trade"], return_inverse=True)[1]


@FEW
@given(SEEDS, st.sampled_from(STYLES), STEPS)
def test_money_is_conserved_to_the_cent(
    random_market: Market, play_randomly: Player, seed: int, rules: TradingRules, steps: tuple[float, float]
) -> None:
    played = play_randomly(random_market(seed, tick_size=steps[0], step_size=steps[1]), seed, rules, COSTS)
    closed, fills = played.closed, played.fills
    assert closed.size > 0
    assert played.cash[-1] == pytest.approx(10_000 + _net_by_lane(played), abs=1e-6)
    assert np.array_equal(played.cash[-1], played.equity[-1])
    costs = sum(closed[f"{name}_usd"] for name in ("fee", "spread", "slippage", "funding"))
    assert closed["net_usd"] == pytest.approx(closed["gross_usd"] - costs, abs=1e-9)
    assert played.environment.state["costs_usd"] == pytest.approx(
        np.bincount(closed["lane"], costs, played.actions.shape[1]), abs=1e-6
    )
    # The fills of a position add up to it.
    index = _trade_of(fills)
    assert (closed["lane"] == fills["lane"][np.unique(index, return_index=True)[1]]).all()
    for name in ("fee_usd", "spread_usd", "slippage_usd"):
        assert np.bincount(index, fills[name]) == pytest.approx(closed[name], abs=1e-9)
    signed = np.where(fills["is_buy"], 1.0, -1.0) * fills["quantity"]
    assert np.bincount(index, signed) == pytest.approx(0, abs=1e-9)
    paid = np.bincount(index, signed * fills["price"] + fills["fee_usd"]) + closed["funding_usd"]
    assert -paid == pytest.approx(closed["net_usd"], abs=1e-8)


@FEW
@given(SEEDS, st.floats(520, 4_000), st.floats(0, 60), st.floats(0, 5))
def test_cash_is_never_negative(
    random_market: Market, play_randomly: Player, seed: int, cash: float, fee: float, multiplier: float
) -> None:
    costs = CostAssumptions(taker_fee_bps=fee, multiplier=multiplier)
    block = random_market(seed, tick_size=0.25)
    played = play_randomly(block, seed, replace(RULES, starting_cash_usd=cash), costs)
    assert (played.cash >= 0).all()
    assert (played.equity >= 0).all()


@FEW
@given(SEEDS, st.floats(520, 2_000), st.floats(0, 5))
def test_cash_of_a_long_only_account_is_never_negative_whatever_the_gaps_and_funding(
    random_market: Market, play_randomly: Player, seed: int, cash: float, multiplier: float
) -> None:
    # Prices jump by half, in bars that are traded or not, and the largest settlements come at any bar.
    block, generator = random_market(seed, tick_size=0.25), np.random.default_rng([seed, 4])
    jumps = np.where(generator.random(block.close.shape) < 0.1, generator.choice([-0.7, 0.4]), 0.0)
    factor = np.exp(np.cumsum(jumps - jumps.mean(), axis=1))
    moved = {name: getattr(block, name) * factor for name in ("open", "high", "low", "close")}
    rates = generator.uniform(-0.1, 0.1, block.close.shape) * (generator.random(block.close.shape) < 0.3)
    rough = replace(block, **moved, funding_rate=rates)
    rules = replace(RULES, starting_cash_usd=cash, allow_short=False, stop_volatilities=50)
    played = play_randomly(rough, seed, rules, CostAssumptions(multiplier=multiplier))
    assert (played.cash >= 0).all()
    assert played.cash[-1] == pytest.approx(cash + _net_by_lane(played), abs=1e-6)


@given(
    st.floats(0.001, 1e5), st.floats(0, 50), st.floats(0, 20), st.floats(0, 2), st.floats(0, 40),
    st.sampled_from([ENTER_FULL_INDEX, SHORT]),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_a_round_trip_at_a_constant_price_costs_its_costs_and_nothing_else(
    make_block: Market, play: Player, price: float, fee: float, spread: float, coefficient: float,
    volatility: float, action: int,
) -> None:  # fmt: skip
    costs = CostAssumptions(taker_fee_bps=fee, half_spread_bps=spread, slippage_coefficient=coefficient)
    block = make_block([price] * 6, volatility_bps=volatility, traded_value_usd=1e5)
    trade = play(block, {0: action, 2: EXIT_INDEX}, RULES, costs).only()
    side = (spread + min(coefficient * volatility * 0.1, 100.0)) * BPS
    fees = fee * BPS * 1_000 * ((1 + side) + (1 - side))
    assert trade["gross_usd"] == 0
    assert trade["net_usd"] == pytest.approx(-fees - 2 * 1_000 * side, rel=1e-9, abs=1e-9)


@FEW
@given(SEEDS, st.floats(0, 40), st.floats(0.1, 40), st.sampled_from(sorted(DEARER)), st.sampled_from(STYLES))
def test_a_higher_cost_never_helps_the_same_actions(
    random_market: Market, play_randomly: Player, seed: int, cost: float, more: float, name: str,
    rules: TradingRules,
) -> None:  # fmt: skip
    block, scale = random_market(seed), DEARER[name]
    low = replace(COSTS, **{name: cost * scale})
    played = play_randomly(block, seed, rules, low)
    high = replace(COSTS, **{name: (cost + more) * scale})
    lists = ActionLists(played.begun["symbol"], played.begun["bar"], played.actions.T)
    dearer = replay(block, rules, high, lists, begin=played.begun)
    assert (dearer.closed["exit_bar"] == played.closed["exit_bar"]).all()
    assert (dearer.closed["net_usd"] <= played.closed["net_usd"]).all()
    # Makers pay their fee alone, and takers all but that.
    fills = played.fills
    pays = (name == "multiplier") | (fills["is_maker"] == (name == "maker_fee_bps"))
    is_paid = np.bincount(_trade_of(fills), pays) > 0
    assert ((dearer.closed["net_usd"] < played.closed["net_usd"]) == is_paid).all()


@FEW
@given(SEEDS)
def test_the_rewards_of_a_trade_sum_to_its_net_result(
    random_market: Market, play_randomly: Player, seed: int
) -> None:
    played = play_randomly(random_market(seed), seed, RULES, COSTS)
    assert played.rewards_usd.sum(axis=0) == pytest.approx(_net_by_lane(played), abs=1e-8)
    firsts = np.tile([0, 80], 2)
    counted = np.zeros(played.rewards.shape, bool)
    for trade in played.closed:
        lane, first = trade["lane"], firsts[trade["lane"]] + 1
        # A lane's end closes at the last traded price, and the bars since then are the trade's too.
        is_end = EXIT_REASONS[trade["reason"]] == WINDOW_END
        steps = slice(trade["entry_bar"] - first, None if is_end else trade["exit_bar"] - first + 1)
        scale = RULES.notional_usd * trade["unit_bps"] * BPS
        assert played.rewards[steps, lane].sum() * scale == pytest.approx(trade["net_usd"], abs=1e-8)
        counted[steps, lane] = True
    assert not played.rewards[~counted].any()
