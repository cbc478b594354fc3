"""Costs of one side, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.errors import InvalidInput
from huracan.market.costs import CostAssumptions, estimate_round_trip_bps, slippage_bps
from huracan.market.fills import fill_orders


def _one(value: float) -> np.ndarray:
    return np.array([value])


def test_slippage_is_volatility_times_the_root_of_participation() -> None:
    costs = CostAssumptions(slippage_coefficient=0.5)
    found = slippage_bps(costs, _one(1_000.0), _one(8.0), _one(250_000.0))
    assert found == pytest.approx(0.5 * 8.0 * np.sqrt(0.004))


def test_a_market_without_volume_costs_the_cap() -> None:
    costs = CostAssumptions(maximum_slippage_bps=40.0)
    assert slippage_bps(costs, _one(1_000.0), _one(8.0), _one(0.0)) == pytest.approx(40.0)


def test_the_estimate_of_a_round_trip_counts_every_cost_on_both_sides() -> None:
    costs = CostAssumptions(taker_fee_bps=10, half_spread_bps=1, slippage_coefficient=1)
    found = estimate_round_trip_bps(costs, _one(1_000.0), _one(10.0), _one(100_000.0))
    assert found == pytest.approx(2 * (10 + 1 + 10 * 0.1))


@given(st.floats(0, 5))
def test_the_multiplier_scales_every_cost(multiplier: float) -> None:
    arguments = (_one(1_000.0), _one(10.0), _one(100_000.0))
    once = estimate_round_trip_bps(CostAssumptions(), *arguments)
    scaled = estimate_round_trip_bps(CostAssumptions(multiplier=multiplier), *arguments)
    assert scaled == pytest.approx(once * multiplier)


def test_a_negative_cost_is_refused() -> None:
    with pytest.raises(InvalidInput, match="taker_fee_bps"):
        CostAssumptions(taker_fee_bps=-2.0)


def test_a_buy_pays_above_the_reference_and_a_sale_receives_below_it() -> None:
    costs = CostAssumptions(taker_fee_bps=10, half_spread_bps=2)
    buy = fill_orders(_one(10.0), _one(100.0), _one(3.0), costs, buys=True)
    sell = fill_orders(_one(10.0), _one(100.0), _one(3.0), costs, buys=False)
    assert buy.price == pytest.approx(100.05)
    assert sell.price == pytest.approx(99.95)
    assert buy.fee_usd == pytest.approx(1000.5 * 0.001)
    assert buy.spread_usd == pytest.approx(0.2)
    assert buy.slippage_usd == pytest.approx(0.3)
