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
from huracan.market.costs import CostAssumptions, slippage_bps
from huracan.market.rules import TradingRules

Maker = Callable[..., MarketBlock]


def _one(value: float) -> np.ndarray:
    return np.array([value])


def test_slippage_is_volatility_times_the_root_of_participation() -> None:
    costs = CostAssumptions(slippage_coefficient=0.5)
    found = slippage_bps(costs, _one(1_000.0), _one(8.0), _one(250_000.0))
    assert found == pytest.approx(0.5 * 8.0 * np.sqrt(0.004))


def test_a_market_without_volume_costs_the_cap() -> None:
    costs = CostAssumptions(maximum_slippage_bps=40.0)
    assert slippage_bps(costs, _one(1_000.0), _one(8.0), _one(0.0)) == pytest.approx(40.0)


@given(st.floats(0, 5))
def test_the_multiplier_scales_every_cost(multiplier: float) -> None:
    arguments = (_one(1_000.0), _one(10.0), _one(100_000.0))
    once, scaled = CostAssumptions(), CostAssumptions(multiplier=multiplier)
    assert scaled.fee_bps == pytest.approx(once.fee_bps * multiplier)
    assert scaled.paid_half_spread_bps == pytest.approx(once.paid_half_spread_bps * multiplier)
    assert slippage_bps(scaled, *arguments) == pytest.approx(slippage_bps(once, *arguments) * multiplier)


def test_a_negative_cost_is_refused() -> None:
    with pytest.raises(InvalidInput, match="taker_fee_bps"):
        CostAssumptions(taker_fee_bps=-2.0)


def test_costs_that_could_eat_a_whole_order_are_refused() -> None:
    with pytest.raises(InvalidInput, match="could cost 10011 bps"):
        CostAssumptions(maximum_slippage_bps=10_000.0)


def test_a_buy_pays_above_the_reference_and_a_sale_receives_below_it(
    make_block: Maker, play: Callable[..., Any]
) -> None:
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
    make_block: Maker, play: Callable[..., Any], volatility: float, traded: float, coefficient: float
) -> None:
    costs = CostAssumptions(slippage_coefficient=coefficient)
    block = make_block([100.0] * 4, volatility_bps=volatility, traded_value_usd=traded)
    buy = play(block, {0: ENTER_FULL_INDEX}, TradingRules(), costs).fills[0]
    said = slippage_bps(costs, _one(1_000.0), _one(volatility), _one(traded))
    assert buy["slippage_usd"] == pytest.approx(float(said[0]) * 0.1, rel=1e-9, abs=1e-12)
