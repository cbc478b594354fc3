"""Guessing, holding and doing nothing pay the same costs as anybody."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from huracan.market.actions import ENTER_FULL_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.held_entries import net_bps
from huracan.market.ledger import EXIT_REASONS, WINDOW_END
from huracan.market.rules import TradingRules
from huracan.market.what_if.baselines import Guesses, buy_and_hold, draw_entries, random_entries

Maker = Callable[..., MarketBlock]
Player = Callable[..., Any]
RULES = TradingRules()
FREE = CostAssumptions(taker_fee_bps=0, half_spread_bps=0, slippage_coefficient=0)


def test_random_entries_at_a_constant_price_lose_their_costs(make_block: Maker) -> None:
    costs = CostAssumptions(taker_fee_bps=10, half_spread_bps=1, slippage_coefficient=0)
    found = random_entries(
        make_block([100.0] * 200), RULES, costs, Guesses(30, 10, 50), np.random.default_rng(0)
    )
    assert found.net_bps_per_trade == pytest.approx(np.full(50, -22.0), abs=0.01)
    assert found.net_usd == pytest.approx(np.full(50, -66.0), abs=0.05)
    assert found.share_below(-21.0) == 1.0
    assert found.share_below(-23.0) == 0.0
    assert found.share_below(found.net_bps_per_trade.max() + 1e-9) < 1.0, "A tie is no win."


def test_random_entries_are_judged_by_what_they_bought(make_block: Maker) -> None:
    # 1,000 USD buy one of 600: the costs are 22 bps of 600 USD.
    costs = CostAssumptions(taker_fee_bps=10, half_spread_bps=1, slippage_coefficient=0)
    block = make_block([600.0] * 200, step_size=1.0)
    found = random_entries(block, RULES, costs, Guesses(30, 10, 5), np.random.default_rng(0))
    assert found.net_bps_per_trade == pytest.approx(np.full(5, -22.0), abs=0.01)
    assert found.net_usd == pytest.approx(np.full(5, -22e-4 * 600 * 30), abs=0.05)


def test_random_entries_are_short_half_of_the_time_where_they_may_be(make_block: Maker) -> None:
    # Where prices fall by 1 bps a bar, ten bars of a long lose what ten of a short gain.
    block = make_block(100 * np.exp(-1e-4 * np.arange(1_000)))
    both, long = (
        random_entries(
            block, replace(RULES, allow_short=may), FREE, Guesses(400, 10, 50), np.random.default_rng(0)
        )
        for may in (True, False)
    )
    assert long.net_bps_per_trade == pytest.approx(np.full(50, -10.0), abs=0.2)  # a few end with the block
    assert both.net_bps_per_trade.mean() == pytest.approx(0.0, abs=0.5)


def test_random_entries_follow_their_seed(random_market: Maker) -> None:
    block = random_market(1)
    first, again, other = (
        random_entries(block, RULES, CostAssumptions(), Guesses(20, 10, 20), np.random.default_rng(seed))
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first.net_usd, again.net_usd)
    assert not np.array_equal(first.net_usd, other.net_usd)


def test_no_trades_to_imitate_is_nothing_won_or_lost(random_market: Maker) -> None:
    found = random_entries(
        random_market(1), RULES, CostAssumptions(), Guesses(0, 10), np.random.default_rng(0)
    )
    assert found.trades == 0
    assert not found.net_usd.any()


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


def test_rivals_hold_over_midnight_and_count_at_liquidation_value_in_the_end(make_block: Maker) -> None:
    # Two days of a hundred bars, prices that stand still: whoever holds on pays two sides, wherever it ends.
    costs = CostAssumptions(taker_fee_bps=10, half_spread_bps=1, slippage_coefficient=0)
    block = make_block([[100.0] * 200], day_bars=100)
    long = replace(RULES, maximum_holding="1000m")
    drawn = draw_entries(block, long, costs, Guesses(50, 150, 4), np.random.default_rng(0))
    assert net_bps(drawn) == pytest.approx(np.full((4, 50), -22.0), abs=0.01)
    held = drawn["exit_bar"] - drawn["entry_bar"]
    crossed = (drawn["entry_bar"] < 100) & (drawn["exit_bar"] >= 100)
    assert crossed.mean() > 0.3 and held.max() <= 150
    ended = drawn["reason"] == EXIT_REASONS.index(WINDOW_END)
    assert (drawn["exit_bar"][ended] == 199).all() and (held[~ended] == 150).all() and ended.any()


def test_no_guess_is_short_where_the_market_may_not_be_sold_short(make_block: Maker) -> None:
    block = make_block([[100.0] * 200, [100.0] * 200], may_short=np.array([True, False]))
    rules = replace(RULES, allow_short=True)
    drawn = draw_entries(block, rules, FREE, Guesses(400, 10, 2), np.random.default_rng(0))
    short = drawn["side"] < 0
    assert 0.3 < short[drawn["symbol"] == 0].mean() < 0.7 and not short[drawn["symbol"] == 1].any()


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
