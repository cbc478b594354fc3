"""The reward is the ledger's net result, charged once; its optional terms do what they say."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from huracan.errors import InvalidInput
from huracan.market.actions import ADD_INDEX, ENTER_FULL_INDEX, ENTER_SHORT_FULL_INDEX, EXIT_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.reward import RewardTerms
from huracan.market.rules import TradingRules

COSTS = CostAssumptions(taker_fee_bps=10, half_spread_bps=1, slippage_coefficient=0)
# A unit is 10 x sqrt(25) = 50 bps of 1,000 USD: 5 USD.
RULES = TradingRules(
    stop_volatilities=0, stop_floor_bps=900, target_volatilities=0, target_floor_bps=900,
    volatility_horizon="25m",
)  # fmt: skip
UNIT_USD = 5.0
ACTIONS = {0: ENTER_FULL_INDEX, 2: ADD_INDEX, 5: EXIT_INDEX}
PRICES = [100, 100, 102, 99, 101, 100, 100, 100]

Maker = Callable[..., MarketBlock]
Player = Callable[..., Any]


def test_costs_are_charged_once(make_block: Maker, play: Player) -> None:
    # The ledger charges each cost where it is paid; the reward must not charge it a second time.
    played = play(make_block(PRICES), ACTIONS, RULES, COSTS)
    trade = played.only()
    assert played.rewards_usd.sum() == pytest.approx(trade["net_usd"], abs=1e-9)
    assert played.rewards.sum() * UNIT_USD == pytest.approx(trade["net_usd"], abs=1e-9)
    costs = trade["fee_usd"] + trade["spread_usd"] + trade["slippage_usd"]
    assert trade["gross_usd"] == pytest.approx(10 * 0 + 500 / 102 * (100 - 102))
    assert played.rewards.sum() * UNIT_USD == pytest.approx(trade["gross_usd"] - costs)
    entry = played.fills[0]
    assert played.rewards_usd[0, 0] == pytest.approx(-(entry["fee_usd"] + entry["spread_usd"]))


def test_the_drawdown_term_charges_every_new_depth_once(make_block: Maker, play: Player) -> None:
    block = make_block(PRICES)
    plain = play(block, ACTIONS, RULES, COSTS)
    charged = play(block, ACTIONS, RULES, COSTS, RewardTerms(drawdown_weight=0.5))
    equity = plain.equity[:, 0]
    depth = np.maximum.accumulate(equity) - equity
    expected = 0.5 * np.maximum(np.diff(depth), 0.0) / UNIT_USD
    assert expected.sum() > 0
    assert plain.rewards[:, 0] - charged.rewards[:, 0] == pytest.approx(expected)
    assert np.array_equal(plain.rewards_usd, charged.rewards_usd)


def test_the_turnover_term_charges_what_is_filled(make_block: Maker, play: Player) -> None:
    block = make_block(PRICES)
    plain = play(block, ACTIONS, RULES, COSTS)
    charged = play(block, ACTIONS, RULES, COSTS, RewardTerms(turnover_weight=1e-3))
    lost = plain.rewards[:, 0] - charged.rewards[:, 0]
    quantity, reference = plain.fills["quantity"], plain.fills["reference"]
    assert lost[[0, 2, 5]] == pytest.approx(1e-3 * quantity * reference / UNIT_USD)
    assert np.count_nonzero(np.abs(lost) > 1e-12) == 3


def test_the_potential_cancels_over_a_trade(make_block: Maker, play: Player) -> None:
    # Discounted, the shaping of a trade from flat to flat sums to nothing, whatever happens in between.
    block = make_block(PRICES)
    plain = play(block, ACTIONS, RULES, COSTS)
    shaped = play(block, ACTIONS, RULES, COSTS, RewardTerms(liquidation_weight=1.0, discount=0.9))
    added = shaped.rewards[:, 0] - plain.rewards[:, 0]
    discounts = 0.9 ** np.arange(added.size)
    assert (discounts * added).sum() == pytest.approx(0, abs=1e-12)
    # Leaving at the close of the entry bar, at 100, would cost 11 bps of 1,000 USD.
    assert added[0] == pytest.approx(-0.9 * 1.1 / UNIT_USD)


def test_the_potential_knows_the_tick_and_the_side(make_block: Maker, play: Player) -> None:
    # A fee of 10 bps; at 100.5 a long would be left at 100 and a short at 101, at 100.25 too.
    prices, rules = [100, 100.5, *[100.25] * 4], replace(RULES, allow_short=True)
    block = make_block(prices, open_=[100] * 6, tick_size=1.0)
    for action, next_rounding in ((ENTER_FULL_INDEX, 0.25), (ENTER_SHORT_FULL_INDEX, 0.75)):
        plain = play(block, {0: action}, rules, COSTS)
        shaped = play(block, {0: action}, rules, COSTS, RewardTerms(liquidation_weight=1.0, discount=1.0))
        added = (shaped.rewards - plain.rewards)[:2, 0].cumsum()
        assert added[0] == pytest.approx(-10 * (100.5 * 1e-3 + 0.5) / UNIT_USD)
        assert added[1] == pytest.approx(-10 * (100.25 * 1e-3 + next_rounding) / UNIT_USD)


def test_a_session_that_ends_in_a_position_leaves_no_potential(make_block: Maker, play: Player) -> None:
    block = make_block(PRICES)
    terms = RewardTerms(liquidation_weight=1.0, discount=1.0)
    plain = play(block, {0: ENTER_FULL_INDEX}, RULES, COSTS)
    shaped = play(block, {0: ENTER_FULL_INDEX}, RULES, COSTS, terms)
    assert (shaped.rewards - plain.rewards).sum() == pytest.approx(0, abs=1e-12)


def test_terms_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InvalidInput, match="drawdown_weight was -1"):
        RewardTerms(drawdown_weight=-1.0)
    with pytest.raises(InvalidInput, match=r"discount was 1\.5"):
        RewardTerms(discount=1.5)
