"""Holding and doing nothing pay the same costs as anybody."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from huracan.market.actions import ENTER_FULL_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules
from huracan.market.what_if.baselines import buy_and_hold

Maker = Callable[..., MarketBlock]
Player = Callable[..., Any]
RULES = TradingRules()
FREE = CostAssumptions(taker_fee_bps=0, half_spread_bps=0, slippage_coefficient=0)


def test_buying_and_holding_pays_on_both_sides(make_block: Maker) -> None:
    block = make_block([[100.0] * 5, [100, 100, 100, 105, 110]])
    costs = CostAssumptions(taker_fee_bps=10, half_spread_bps=0, slippage_coefficient=0)
    found = buy_and_hold(block, RULES, costs)
    assert found.net_bps["S0"] == pytest.approx(-20.0)
    assert found.net_bps["S1"] == pytest.approx(1000 - 10 - 11)
    assert found.net_usd == pytest.approx(95.9)


def test_buying_and_holding_is_what_the_market_makes_of_one_long_position(
    random_market: Maker, play: Player
) -> None:
    # Ticks, steps, funding (some of it in untraded bars) and slippage of the bars before the fills.
    block = random_market(3, symbols=1, bars=100, day_bars=100, tick_size=0.05, step_size=0.1)
    tradable = block.is_tradable.copy()
    tradable[0, [1, 98, 99]], tradable[0, 27] = True, False
    known = np.linspace(5, 50, 100)[None]
    block = replace(block, is_tradable=tradable, volatility_bps=known, traded_value_usd=100 * known)
    assert block.funding_rate[0, 27] != 0
    wide = replace(
        RULES, stop_volatilities=0, stop_floor_bps=9_000, target_floor_bps=9e5, maximum_holding="1000m"
    )
    trade = play(block, {0: ENTER_FULL_INDEX}, wide, CostAssumptions()).only()
    found = buy_and_hold(block, wide, CostAssumptions())
    assert found.net_usd == pytest.approx(trade["net_usd"], rel=1e-12)
    spent = trade["quantity"] * trade["entry_reference"]
    assert found.net_bps["S0"] == pytest.approx(trade["net_usd"] / spent * 1e4, rel=1e-12)
    assert trade["funding_usd"] != 0
    assert spent < 1_000


def test_a_price_that_all_but_vanishes_and_comes_back_is_held_all_the_way(make_block: Maker) -> None:
    block = make_block([[100.0, 100, 100, 1, 0.01, 50, 120]])
    assert buy_and_hold(block, RULES, FREE).net_usd == pytest.approx(200.0)


def test_holding_is_decided_on_decision_bars_and_needs_no_room_in_a_bar(
    make_block: Maker, coarser: Maker
) -> None:
    block = coarser(make_block(np.linspace(100, 111, 12)[None], value_usd=np.full((1, 12), 10.0)), 3)
    found = buy_and_hold(block, RULES, FREE)
    # Decided at the close of the first three bars, filled at the open of the fourth.
    assert found.bought_usd["S0"] == pytest.approx(1_000.0)
    assert found.net_bps["S0"] == pytest.approx((111.0 / block.open[0, 3] - 1) * 1e4)


def test_what_cannot_be_bought_is_not_held(make_block: Maker) -> None:
    for block in (
        make_block([100.0] * 5, tradable=[1, 0, 0, 0, 0]),
        make_block([100.0] * 5, volatility_bps=np.nan),
        make_block([600.0] * 5, step_size=2.0),
    ):
        assert buy_and_hold(block, RULES, CostAssumptions()).net_bps == {"S0": 0.0}
