"""A frozen policy on held-out days: accounts that run on over midnight and end at liquidation value."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from huracan.agent.policy.evaluation import evaluate_policy, judges_generator, periods_of
from huracan.market.actions import ENTER_FULL_INDEX, HOLD_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules
from tests.huracan.timetable import Timetable

DAYS = 3
Maker = Callable[..., MarketBlock]
FAR = TradingRules(stop_volatilities=1e3, target_volatilities=1e3, maximum_holding="10d")
COSTS = CostAssumptions(slippage_coefficient=0.0)


@pytest.fixture(scope="module")
def block(planted_market: Maker) -> MarketBlock:
    return Timetable.told(planted_market(2, days=DAYS))


def _held_from(block: MarketBlock, decision: int) -> dict[str, Any]:
    """The report on a policy that enters every symbol once and never leaves."""
    script = np.full((block.decision_count, block.symbol_count), HOLD_INDEX)
    script[decision] = ENTER_FULL_INDEX
    policy = Timetable(script)
    return evaluate_policy(block, policy, FAR, COSTS, judges_generator(5))


def test_a_position_that_is_held_to_the_end_is_marked_every_day_and_pays_for_leaving(
    block: MarketBlock,
) -> None:
    report = _held_from(block, 100)
    assert report["exit_reasons"] == {"WINDOW_END": block.symbol_count}
    entry, last = block.open[:, 101], block.close[:, -1]
    sizes = 1_000.0 / entry
    fees = 1e-3 * (1_000.0 * (1 + 1e-4) + sizes * last * (1 - 1e-4))
    spread = 1e-4 * (1_000.0 + sizes * last)
    assert report["net_usd"] == pytest.approx((sizes * (last - entry) - fees - spread).sum())
    ends = np.append(block.day_first[1:], block.bar_count) - 1
    marked = np.diff((sizes[:, None] * block.close[:, ends]).sum(axis=0))
    assert report["daily_net_usd"][1] == pytest.approx(marked[0])
    assert sum(report["daily_net_usd"]) == pytest.approx(report["net_usd"])
    assert all(abs(usd) > 0.01 for usd in report["daily_net_usd"])


def test_hourly_returns_go_on_over_midnight_and_sum_to_the_result(block: MarketBlock) -> None:
    report = _held_from(block, 100)
    returns = np.array(report["hourly_returns_bps"])
    assert returns.size == 24 * DAYS
    opening = 10_000.0 * block.symbol_count
    assert returns.sum() * 1e-4 * opening == pytest.approx(report["net_usd"])
    # The first hour after midnight is measured from the last close before it.
    sizes = 1_000.0 / block.open[:, 101]
    before, after = (block.close[:, bar] for bar in (719, 719 + 30))
    assert returns[24] * 1e-4 * opening == pytest.approx((sizes * (after - before)).sum())


def test_decision_bars_longer_than_an_hour_are_periods_one_by_one(
    block: MarketBlock, coarser: Callable[[MarketBlock, int], MarketBlock]
) -> None:
    four_hours = coarser(block, 120)
    report = _held_from(Timetable.told(four_hours), 1)
    assert len(report["hourly_returns_bps"]) == 6 * DAYS
    assert periods_of(four_hours).tolist() == np.repeat(np.arange(6 * DAYS), 120).tolist()
    assert periods_of(coarser(block, 15)).tolist() == np.repeat(np.arange(24 * DAYS), 30).tolist()


def test_rivals_are_held_as_long_as_the_median_trade(block: MarketBlock) -> None:
    rules = replace(FAR, maximum_holding="2h")
    script = np.full((block.decision_count, block.symbol_count), HOLD_INDEX)
    script[::400] = ENTER_FULL_INDEX
    policy = Timetable(script)
    report = evaluate_policy(block, policy, rules, COSTS, judges_generator(5))
    assert report["median_holding_minutes"] == 120
    assert report["exit_reasons"]["TIME_OUT"] > 10
    assert len(report["random_draws_net_usd"]) == 199
