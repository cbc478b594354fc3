"""What a stop pays: of the calm before it or of the bar that stops it, whichever is larger; by hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.market.actions import ENTER_FULL_INDEX, EXIT_INDEX, TRAIL_INDEX, action_names
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.ledger import EXIT_REASONS
from huracan.market.rules import TradingRules

COSTS = CostAssumptions(taker_fee_bps=0, half_spread_bps=0, slippage_coefficient=1, maximum_slippage_bps=2e3)
# 100 bps below, 200 bps above.
WIDTHS = {"stop_volatilities": 0, "stop_floor_bps": 100, "target_volatilities": 0, "target_floor_bps": 200}
RULES = TradingRules(allow_short=True, **WIDTHS)
SHORT = action_names(True).index("ENTER_SHORT_FULL")
TRADED = 250_000.0
"""Mean traded value of a bar: 1,000 USD are a participation of 0.004."""

Maker = Callable[..., MarketBlock]
Player = Callable[..., Any]


def _paid_bps(fill: np.void) -> float:
    return float(fill["slippage_usd"] / (fill["quantity"] * fill["reference"]) * 1e4)


def _expected_bps(fill: np.void, volatility_bps: float) -> float:
    return volatility_bps * float(np.sqrt(fill["quantity"] * fill["reference"] / TRADED))


@pytest.mark.parametrize(("low", "by_range"), [(98.9, True), (90.0, True), (98.9, False)])
def test_a_stop_pays_for_the_larger_of_the_calm_before_and_its_own_range(
    make_block: Maker, play: Player, low: float, by_range: bool
) -> None:
    calm = 8.0 if by_range else 80.0
    block = make_block([100.0] * 6, low=[100, 100, 100, low, 100, 100], traded_value_usd=TRADED)
    block = replace(block, slippage_volatility_bps=np.full((1, 6), calm))
    played = play(block, {0: ENTER_FULL_INDEX}, RULES, COSTS)
    entry, stop = played.fills
    range_bps = (100 / low - 1) * 1e4
    own = range_bps / 1.67
    assert (own > calm) is by_range
    assert EXIT_REASONS[played.only()["reason"]] == "STOP"
    assert _paid_bps(stop) == pytest.approx(_expected_bps(stop, max(own, calm)))
    assert _paid_bps(entry) == pytest.approx(_expected_bps(entry, calm))


def test_a_crash_after_a_calm_hour_costs_what_a_crash_costs(make_block: Maker, play: Player) -> None:
    # A minute of 13 % after an hour of 8 bps a minute. By the hour alone a stop would pay half a basis point.
    open_, low = [100.0, 100, 100, 99.8, 93, 93], [100.0, 100, 99.8, 87.5, 93, 93]
    block = make_block(
        [100.0, 100, 99.8, 93, 93, 93], open_=open_, low=low, high=[100.0, 100, 100, 99.9, 93, 93],
        traded_value_usd=TRADED,
    )  # fmt: skip
    block = replace(block, slippage_volatility_bps=np.full((1, 6), 8.0))
    stop = play(block, {0: ENTER_FULL_INDEX}, RULES, COSTS).fills[1]
    range_bps = (99.9 / 87.5 - 1) * 1e4
    assert stop["reference"] == pytest.approx(99.0)
    assert _paid_bps(stop) == pytest.approx(range_bps / 1.67 * np.sqrt(990 / TRADED), rel=1e-9)
    assert _paid_bps(stop) > 50 > 100 * 8 * np.sqrt(990 / TRADED) / 100


def test_a_stop_that_the_open_lies_beyond_fills_there_and_pays_for_its_bar(
    make_block: Maker, play: Player
) -> None:
    prices = [100.0, 100, 100, 95, 95, 95]
    block = make_block(prices, open_=prices, low=[100, 100, 100, 94, 95, 95], traded_value_usd=TRADED)
    stop = play(block, {0: ENTER_FULL_INDEX}, RULES, COSTS).fills[1]
    assert stop["reference"] == 95
    own = (95 / 94 - 1) * 1e4 / 1.67
    assert _paid_bps(stop) == pytest.approx(_expected_bps(stop, own))
    assert stop["price"] == pytest.approx(95 * (1 - _paid_bps(stop) * 1e-4))


def test_a_trailing_stop_and_a_short_ones_pay_alike(make_block: Maker, play: Player) -> None:
    rules = replace(RULES, volatility_horizon="25m", target_floor_bps=900)
    close = [100.0, 100, 101, 101, 101, 101]
    low = [100.0, 100, 100, 99, 101, 101]
    played = play(
        make_block(close, low=low, traded_value_usd=TRADED),
        {0: ENTER_FULL_INDEX, 2: TRAIL_INDEX},
        rules,
        COSTS,
    )
    assert EXIT_REASONS[played.only()["reason"]] == "TRAILING_STOP"
    stop = played.fills[1]
    assert _paid_bps(stop) == pytest.approx(_expected_bps(stop, (101 / 99 - 1) * 1e4 / 1.67))
    high = [100.0, 100, 100, 103, 100, 100]
    block = make_block([100.0] * 6, high=high, traded_value_usd=TRADED)
    bought = play(block, {0: SHORT}, RULES, COSTS).fills[1]
    assert bought["is_buy"]
    assert bought["reference"] == pytest.approx(101)
    assert _paid_bps(bought) == pytest.approx(_expected_bps(bought, 300 / 1.67))


def test_no_other_exit_pays_for_the_range_of_its_bar(make_block: Maker, play: Player) -> None:
    # Bar 3 falls to 99.1 and rises to 101.9: neither barrier is met, and who leaves at its open pays for the
    # calm before. So does who leaves at the target, in a bar of the same range.
    low, high = [100.0, 100, 100, 99.1, 100, 100], [100.0, 100, 100, 101.9, 100, 100]
    block = make_block([100.0] * 6, low=low, high=high, traded_value_usd=TRADED)
    for actions, rules in (
        ({0: ENTER_FULL_INDEX, 2: EXIT_INDEX}, RULES),
        ({0: ENTER_FULL_INDEX}, replace(RULES, maximum_holding="2m")),
        ({0: ENTER_FULL_INDEX}, replace(RULES, target_floor_bps=150)),
    ):
        leave = play(block, actions, rules, COSTS).fills[1]
        assert leave["bar"] == 3
        assert _paid_bps(leave) == pytest.approx(_expected_bps(leave, 10.0))


def test_the_cap_and_the_coefficient_hold_for_stops_too(make_block: Maker, play: Player) -> None:
    block = make_block([100.0] * 6, low=[100, 100, 100, 50, 100, 100], traded_value_usd=TRADED)
    capped = replace(COSTS, maximum_slippage_bps=40.0)
    assert _paid_bps(play(block, {0: ENTER_FULL_INDEX}, RULES, capped).fills[1]) == pytest.approx(40)
    doubled = replace(capped, multiplier=2.0)
    assert _paid_bps(play(block, {0: ENTER_FULL_INDEX}, RULES, doubled).fills[1]) == pytest.approx(80)
    half = replace(COSTS, slippage_coefficient=0.5)
    stop = play(block, {0: ENTER_FULL_INDEX}, RULES, half).fills[1]
    assert _paid_bps(stop) == pytest.approx(0.5 * _expected_bps(stop, 1e4 / 1.67))


@pytest.mark.parametrize("unknown", ["slippage_volatility_bps", "traded_value_usd"])
def test_what_is_not_known_costs_a_stop_the_cap(make_block: Maker, play: Player, unknown: str) -> None:
    block = make_block([100.0] * 6, low=[100, 100, 100, 98, 100, 100], traded_value_usd=TRADED)
    values = getattr(block, unknown).copy()
    values[0, 2] = np.nan if unknown == "slippage_volatility_bps" else 0.0
    stop = play(
        replace(block, **{unknown: values}), {0: ENTER_FULL_INDEX}, RULES,
        replace(COSTS, maximum_slippage_bps=70.0),
    ).fills[1]  # fmt: skip
    assert _paid_bps(stop) == pytest.approx(70)


@settings(max_examples=30, deadline=None)
@given(st.floats(90, 98.9), st.floats(1, 300), st.floats(1e4, 1e8), st.floats(0.1, 3))
def test_a_stop_never_pays_less_than_an_order_at_its_price(
    make_block: Maker, play: Player, low: float, calm: float, traded: float, coefficient: float
) -> None:
    costs = replace(COSTS, slippage_coefficient=coefficient, maximum_slippage_bps=100.0)
    block = make_block([100.0] * 6, low=[100, 100, 100, low, 100, 100], traded_value_usd=traded)
    block = replace(block, slippage_volatility_bps=np.full((1, 6), calm))
    stop = play(block, {0: ENTER_FULL_INDEX}, RULES, costs).fills[1]
    at_least = min(coefficient * calm * float(np.sqrt(990 / traded)), 100.0)
    own = min(coefficient * (100 / low - 1) * 1e4 / 1.67 * float(np.sqrt(990 / traded)), 100.0)
    assert _paid_bps(stop) == pytest.approx(max(at_least, own), rel=1e-6)
