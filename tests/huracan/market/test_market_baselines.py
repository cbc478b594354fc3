"""Guessing, holding and doing nothing pay the same costs as anybody."""

from collections.abc import Callable

import numpy as np
import pytest

from huracan.market.baselines import buy_and_hold, random_entries
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules

Maker = Callable[..., MarketBlock]
RULES = TradingRules(entry_margin_bars=5)


def test_random_entries_at_a_constant_price_lose_their_costs(make_block: Maker) -> None:
    costs = CostAssumptions(taker_fee_bps=10, half_spread_bps=1, slippage_coefficient=0)
    found = random_entries(
        make_block([100.0] * 200), RULES, costs, 30, 10, np.random.default_rng(0), draws=50
    )
    assert found.net_bps_per_trade == pytest.approx(np.full(50, -22.0), abs=0.01)
    assert found.net_usd == pytest.approx(np.full(50, -66.0), abs=0.05)
    assert found.share_below(-21.0) == 1.0
    assert found.share_below(-23.0) == 0.0


def test_random_entries_follow_their_seed(random_market: Maker) -> None:
    block = random_market(1)
    first, again, other = (
        random_entries(block, RULES, CostAssumptions(), 20, 10, np.random.default_rng(seed), draws=20)
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first.net_usd, again.net_usd)
    assert not np.array_equal(first.net_usd, other.net_usd)


def test_no_trades_to_imitate_is_nothing_won_or_lost(random_market: Maker) -> None:
    found = random_entries(random_market(1), RULES, CostAssumptions(), 0, 10, np.random.default_rng(0))
    assert found.trades == 0
    assert not found.net_usd.any()


def test_buying_and_holding_pays_on_both_sides(make_block: Maker) -> None:
    block = make_block([[100.0] * 5, [100, 100, 100, 105, 110]])
    costs = CostAssumptions(taker_fee_bps=10, half_spread_bps=0, slippage_coefficient=0)
    found = buy_and_hold(block, RULES, costs)
    assert found.net_bps["S0"] == pytest.approx(-20.0)
    assert found.net_bps["S1"] == pytest.approx(1000 - 10 - 11)
    assert found.net_usd == pytest.approx(95.9)
