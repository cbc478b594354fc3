"""The curves behind a held-out report end where the report says that they end."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from huracan.agent.policy.evaluation import evaluate_policy, judges_generator, periods_of
from huracan.agent.policy.held_out_equity import held_out_equity
from huracan.errors import InputRefused
from huracan.market.actions import ENTER_FULL_INDEX, WAIT_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules
from huracan.market.what_if.shifted_schedule import Schedule, rivals_of
from tests.huracan.timetable import Timetable

SEED, DAYS = 5, 3
RULES, COSTS = TradingRules(), CostAssumptions()
Maker = Callable[..., MarketBlock]


@pytest.fixture(scope="module")
def block(planted_market: Maker) -> MarketBlock:
    return Timetable.told(planted_market(2, days=DAYS))


def _report(block: MarketBlock, rules: TradingRules = RULES) -> dict[str, Any]:
    script = np.full((block.decision_count, block.symbol_count), WAIT_INDEX)
    script[::90] = ENTER_FULL_INDEX
    policy = Timetable(script)
    return evaluate_policy(block, policy, rules, COSTS, judges_generator(SEED))


@pytest.mark.parametrize("may_short", [False, True])
def test_the_brain_and_every_random_rival_end_at_what_the_verdict_judged(
    block: MarketBlock, may_short: bool
) -> None:
    rules = replace(RULES, allow_short=may_short)
    report = _report(block, rules)
    equity = held_out_equity(report, block, rules, judges_generator(SEED))
    assert report["trades"] > 10
    assert equity.brain_usd[0] == 0.0
    assert equity.brain_usd[-1] == pytest.approx(report["net_usd"], abs=1e-6)
    assert equity.rivals_usd[:, -1] == pytest.approx(np.array(report["random_draws_net_usd"]), abs=1e-6)
    assert (equity.rivals_usd[:, 0] == 0.0).all()


def test_the_curves_are_cut_at_every_hour_of_the_held_out_days(block: MarketBlock) -> None:
    equity = held_out_equity(_report(block), block, RULES, judges_generator(SEED))
    hours = (block.open_time_ms[-1] - block.open_time_ms[0]) / 3_600_000
    assert equity.hours[0] == 0.0 and equity.hours[-1] == pytest.approx(24 * DAYS)
    assert hours < 24 * DAYS
    assert equity.hours.size == equity.brain_usd.size == equity.rivals_usd.shape[1]
    assert (np.diff(equity.hours) > 0).all()
    assert equity.first_day == block.days[0]


def test_a_rivals_trade_counts_from_its_end_on(block: MarketBlock) -> None:
    report = _report(block)
    equity = held_out_equity(report, block, RULES, judges_generator(SEED))
    rivals = rivals_of(Schedule.read(report["schedule"]), block, RULES, judges_generator(SEED))
    ended = periods_of(block)[rivals.exit_bar[0]] <= 30
    assert equity.rivals_usd[0, 31] == pytest.approx(rivals.trade_net_usd[0][ended].sum())


def test_rivals_of_another_market_are_refused_and_not_drawn(block: MarketBlock) -> None:
    other = replace(block, open=block.open * np.linspace(1.0, 1.1, block.bar_count))
    with pytest.raises(InputRefused, match="come out otherwise than the training reported"):
        held_out_equity(_report(block), other, RULES, judges_generator(SEED))


def test_a_brain_that_never_traded_has_flat_curves(block: MarketBlock) -> None:
    waiting = np.full((block.decision_count, block.symbol_count), WAIT_INDEX)
    report = evaluate_policy(block, Timetable(waiting), RULES, COSTS, judges_generator(SEED))
    equity = held_out_equity(report, block, RULES, judges_generator(SEED))
    assert report["trades"] == 0
    assert not equity.brain_usd.any() and not equity.rivals_usd.any()
