"""Costs of one side, by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.errors import InvalidInput
from huracan.market.actions import ENTER_FULL_INDEX, EXIT_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules

Maker = Callable[..., MarketBlock]
Player = Callable[..., Any]


def _slippage_bps(costs: CostAssumptions, notional: float, volatility: float, traded: float) -> float:
    """By the law, in floating point of its own."""
    raw = costs.slippage_coefficient * volatility * np.sqrt(notional / traded) if traded else np.inf
    return float(min(np.nan_to_num(raw, nan=np.inf), costs.maximum_slippage_bps) * costs.multiplier)


def test_slippage_is_volatility_times_the_root_of_participation(make_block: Maker, play: Player) -> None:
    costs = CostAssumptions(slippage_coefficient=0.5)
    block = make_block([100.0] * 4, volatility_bps=8.0, traded_value_usd=250_000.0)
    buy = play(block, {0: ENTER_FULL_INDEX}, TradingRules(), costs).fills[0]
    assert buy["slippage_usd"] == pytest.approx(0.1 * 0.5 * 8.0 * np.sqrt(0.004))


def test_a_market_without_volume_costs_the_cap(make_block: Maker, play: Player) -> None:
    costs = CostAssumptions(maximum_slippage_bps=40.0)
    block = make_block([100.0] * 4, volatility_bps=8.0, traded_value_usd=0.0)
    fills = play(block, {0: ENTER_FULL_INDEX}, TradingRules(), costs).fills
    assert fills["slippage_usd"] == pytest.approx([4.0, 4.0])


@given(st.floats(0.25, 4), st.floats(-3, 20), st.floats(-3, 20))
@settings(max_examples=20, deadline=None)
def test_the_multiplier_scales_all_that_is_paid_and_makes_no_rebate_larger(
    make_block: Maker, play: Player, multiplier: float, taker: float, maker: float
) -> None:
    rules = TradingRules(targets_are_maker=True, target_floor_bps=50, target_volatilities=0)
    # Bought at 100 as a taker, sold at the target of 100.5 as a maker.
    block = make_block([100.0, 100, 101, 101], volatility_bps=4.0, traded_value_usd=1e5)
    once, scaled = (
        play(block, {0: ENTER_FULL_INDEX}, rules, CostAssumptions(taker, maker, 2.0, multiplier=each)).fills
        for each in (1.0, multiplier)
    )
    for fee, index, rest in ((taker, 0, 1e-3), (maker, 1, 1e-12)):
        factor = multiplier if fee > 0 else min(multiplier, 1.0)
        # The fee is of the value filled, and that is dearer by the spread.
        expected = once["fee_usd"][index] * factor
        assert scaled["fee_usd"][index] == pytest.approx(expected, rel=rest, abs=1e-9)
    for name in ("spread_usd", "slippage_usd"):
        assert scaled[name] == pytest.approx(once[name] * multiplier, rel=1e-9, abs=1e-12)
    assert once["slippage_usd"][0] == pytest.approx(0.1 * 4 * 0.1)


def test_a_negative_cost_is_refused() -> None:
    for name in ("half_spread_bps", "half_spread_floor_bps", "slippage_coefficient", "multiplier"):
        with pytest.raises(InvalidInput, match=name):
            CostAssumptions(**{name: -2.0})


@pytest.mark.parametrize("name", ["taker_fee_bps", "maker_fee_bps"])
def test_a_fee_may_be_a_rebate_of_a_size_that_exchanges_pay(name: str) -> None:
    assert getattr(CostAssumptions(**{name: -2.0}), name) == -2.0
    for value in (-1_001.0, np.nan, np.inf):
        with pytest.raises(InvalidInput, match=f"{name} was {value}"):
            CostAssumptions(**{name: value})


def test_costs_that_could_eat_a_whole_order_are_refused() -> None:
    with pytest.raises(InvalidInput, match="could cost 10000 bps"):
        CostAssumptions(maximum_slippage_bps=10_000.0)


def test_a_buy_pays_above_the_reference_and_a_sale_receives_below_it(make_block: Maker, play: Player) -> None:
    costs = CostAssumptions(taker_fee_bps=10, half_spread_bps=2)
    block = make_block([100.0] * 6, volatility_bps=3.0, traded_value_usd=1_000.0)
    rules = TradingRules()
    buy, sell = play(block, {0: ENTER_FULL_INDEX, 2: EXIT_INDEX}, rules, costs).fills
    assert buy["price"] == pytest.approx(100.05)
    assert sell["price"] == pytest.approx(99.95)
    assert buy["fee_usd"] == pytest.approx(1000.5 * 0.001)
    assert buy["spread_usd"] == pytest.approx(0.2)
    assert buy["slippage_usd"] == pytest.approx(0.3)


@given(st.floats(0, 60), st.one_of(st.just(0.0), st.floats(10, 1e9)), st.floats(0, 3))
@settings(max_examples=30, deadline=None)
def test_a_fill_pays_the_slippage_that_the_costs_say(
    make_block: Maker, play: Player, volatility: float, traded: float, coefficient: float
) -> None:
    costs = CostAssumptions(slippage_coefficient=coefficient)
    block = make_block([100.0] * 4, volatility_bps=volatility, traded_value_usd=traded)
    buy = play(block, {0: ENTER_FULL_INDEX}, TradingRules(), costs).fills[0]
    said = _slippage_bps(costs, 1_000.0, volatility, traded)
    assert buy["slippage_usd"] == pytest.approx(said * 0.1, rel=1e-9, abs=1e-12)
