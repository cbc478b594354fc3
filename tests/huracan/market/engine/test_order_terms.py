"""An entry is sent in another size, or as another order, than the rules have it."""

from collections.abc import Callable

import numpy as np
import pytest

from huracan.errors import InvalidInput
from huracan.market.actions import ENTER_FULL_INDEX, HOLD_INDEX, WAIT_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.engine.order_terms import BY_THE_RULES, RESTS, TAKES, OrderTerms
from huracan.market.rules import TradingRules

Market = Callable[..., MarketBlock]
COSTS = CostAssumptions(slippage_coefficient=0.0)


def _entered(
    make_block: Market, factor: float, rests: int, low: float = 99.5, **rules: bool
) -> tuple[np.ndarray, np.ndarray]:
    """An entry of 1,000 USD at an open of 100 in a bar down to `low`: fills and the lane after it."""
    block = make_block(
        [[100.0] * 6], open_=[[100.0] * 6], low=[[100.0, 100.0, low, 100.0, 100.0, 100.0]],
        high=[[100.5] * 6],
    )  # fmt: skip
    environment = MarketEnvironment(block, TradingRules(**rules), COSTS, 1, records=True)
    environment.begin(np.zeros(1, int), np.zeros(1, int), np.ones(1, int))
    terms = OrderTerms(np.array([factor]), np.array([rests], np.int8))
    environment.advance(np.array([ENTER_FULL_INDEX]), terms)
    return environment.fills(), environment.state


def test_a_size_is_multiplied_and_told_so(make_block: Market) -> None:
    (fill,), (lane,) = _entered(make_block, 0.4, BY_THE_RULES)
    assert fill["quantity"] == pytest.approx(4.0) and lane["size_multiplier"] == pytest.approx(0.4)
    (whole,), _ = _entered(make_block, 1.0, BY_THE_RULES)
    assert whole["quantity"] == pytest.approx(10.0)


def test_an_entry_rests_or_takes_whatever_the_rules_say(make_block: Market) -> None:
    (resting,), _ = _entered(make_block, 1.0, RESTS)
    assert resting["is_maker"] and resting["spread_usd"] == 0.0
    (taking,), _ = _entered(make_block, 1.0, TAKES, entries_are_maker=True)
    assert not taking["is_maker"]
    (by_rule,), _ = _entered(make_block, 1.0, BY_THE_RULES, entries_are_maker=True)
    assert by_rule["is_maker"]


def test_one_that_rests_lapses_in_a_bar_that_does_not_go_through_its_price(make_block: Market) -> None:
    fills, (lane,) = _entered(make_block, 1.0, RESTS, low=100.0)
    assert fills.size == 0 and lane["quantity"] == 0.0


def test_a_size_below_what_is_taken_lapses(make_block: Market) -> None:
    fills, _ = _entered(make_block, 0.001, BY_THE_RULES)
    assert fills.size == 0


def test_terms_are_of_one_decision_and_do_not_outlast_it(make_block: Market) -> None:
    block = make_block([[100.0] * 8])
    environment = MarketEnvironment(block, TradingRules(), COSTS, 1, records=True)
    environment.begin(np.zeros(1, int), np.zeros(1, int), np.ones(1, int))
    half = OrderTerms(np.array([0.5]), np.array([RESTS], np.int8))
    environment.advance(np.array([WAIT_INDEX]), half)
    assert environment.state["order_factor"][0] == 1.0 and environment.state["order_rests"][0] == BY_THE_RULES
    environment.advance(np.array([ENTER_FULL_INDEX]))
    environment.advance(np.array([HOLD_INDEX]))
    (fill,) = environment.fills()
    assert fill["quantity"] == pytest.approx(10.0) and not fill["is_maker"]


def test_a_factor_that_is_no_size_is_refused() -> None:
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InvalidInput, match="multiplied by nothing, or by no number"):
            OrderTerms(np.array([wrong]), np.zeros(1, np.int8)).checked()
