"""What stands beside the bets: each can only refuse, with a sentence and its numbers."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from huracan.errors import InvalidInput
from huracan.evaluation.sharpe import deflated_sharpe, measure_returns
from huracan.promotion.criteria import Criterion, Judged, effective_trials, judge_criteria
from huracan.promotion.day import DayResult
from huracan.promotion.evidence import Evidence
from huracan.promotion.settings import (
    CALIBRATION,
    CRITERIA,
    DEARER,
    DRAWDOWN,
    DRIFT,
    LUCK,
    REGIMES,
    TRACK,
    PromotionConfig,
)
from tests.huracan.promotion.test_evidence import FIRST, day

LIMITS = PromotionConfig()
Change = Callable[[DayResult, int], DayResult]


def good_days(count: int = 60, change: Change = lambda each, _: each) -> list[DayResult]:
    noise = np.random.default_rng(1).normal(0.0, 3.0, count)
    return [change(day(number, 3.0 + float(noise[number])), number) for number in range(count)]


def judged(days: list[DayResult], **other: Any) -> Judged:
    return Judged(Evidence.of(days), **other)


def answer(name: str, days: list[DayResult], limits: PromotionConfig = LIMITS, **other: Any) -> Criterion:
    return next(each for each in judge_criteria(judged(days, **other), limits) if each.name == name)


def test_good_days_pass_every_criterion_in_the_order_in_which_they_are_named() -> None:
    found = judge_criteria(judged(good_days()), LIMITS)
    assert tuple(each.name for each in found) == CRITERIA
    assert all(each.passed for each in found), [each.reason for each in found if not each.passed]


@pytest.mark.parametrize(("days", "passes"), [(19, False), (20, True)])
def test_too_few_days_are_no_record(days: int, passes: bool) -> None:
    found = answer(TRACK, good_days(days))
    assert found.passed is passes and f"{days} days with {4 * days} closed trades" in found.reason


def test_too_few_trades_are_no_record_however_many_days_there_are() -> None:
    assert not answer(TRACK, good_days(60, lambda each, number: replace(each, trades=number == 0))).passed


def test_the_drawdown_is_over_all_days_and_within_them() -> None:
    days = [day(0, 100.0), day(1, -50.0), day(2, -40.0)]
    days[0] = replace(days[0], high_usd=120.0)
    days[2] = replace(days[2], low_usd=-60.0)
    # From 120 at its highest down to 100 - 50 - 60.
    assert answer(DRAWDOWN, days).numbers["drawdown_pct"] == pytest.approx(13.0)
    assert answer(DRAWDOWN, days).passed
    deeper = [*days[:2], replace(days[2], low_usd=-81.0)]
    assert not answer(DRAWDOWN, deeper).passed
    within = replace(day(0, 5.0), fall_usd=200.0)
    assert answer(DRAWDOWN, [within]).numbers["drawdown_pct"] == pytest.approx(20.0)


def test_a_regime_that_surely_loses_refuses_and_one_with_few_trades_does_not() -> None:
    def loses(trades: int) -> list[DayResult]:
        return good_days(
            40,
            lambda each, number: replace(
                each, regimes={"panic": (trades, -5.0 + number % 3), "trend": (1, 9.0)}
            ),
        )

    found = answer(REGIMES, loses(2))
    assert not found.passed and "panic (80 trades, -161.00 USD on 40 days)" in found.reason
    assert found.numbers["panic_net_usd"] == -161.0
    scarce = answer(REGIMES, loses(0))
    assert scarce.passed, "a regime without enough trades is not judged"


def test_dearer_costs_must_leave_something() -> None:
    days = [replace(day(number, 1.0), costs_usd=1.9) for number in range(10)]
    assert answer(DEARER, days).passed
    assert answer(DEARER, days).numbers["net_at_dearer_costs_usd"] == pytest.approx(10.0 - 0.5 * 19.0)
    assert not answer(DEARER, [replace(each, costs_usd=2.0) for each in days]).passed


def test_fewer_wins_than_were_forecast_refuse_and_more_do_not() -> None:
    def won(wins: int) -> list[DayResult]:
        noise = np.random.default_rng(2).integers(0, 2, 40)
        return good_days(
            40,
            lambda each, number: replace(
                each, forecasts=6, forecast_wins=4.0, wins=wins + int(noise[number])
            ),
        )

    few, many = answer(CALIBRATION, won(2)), answer(CALIBRATION, won(5))
    assert not few.passed and "Of 240 trades 160.0 wins were forecast" in few.reason
    assert many.passed and answer(CALIBRATION, good_days()).passed


def test_days_that_turned_refuse_by_drift() -> None:
    turned = [day(number, 3.0 if number < 60 else -6.0) for number in range(100)]
    assert not answer(DRIFT, turned).passed and answer(DRIFT, turned[:60]).passed


def test_luck_is_the_deflated_sharpe_ratio_of_the_days_over_all_procedures() -> None:
    days = good_days(60)
    results = np.array([each.result_usd for each in days])
    found = answer(LUCK, days, trials=7)
    moments = measure_returns(results)
    moments = replace(moments, skewness=min(moments.skewness, 0.0))
    assert found.numbers["deflated_sharpe"] == pytest.approx(deflated_sharpe(moments, 7, 1 / 59))
    assert found.numbers["observations"] == 60 and "7 procedures" in found.reason
    assert not answer(LUCK, good_days(2)).passed
    assert not answer(LUCK, [day(number, 0.0) for number in range(30)]).passed


def test_a_few_lucky_days_among_idle_ones_are_no_certainty() -> None:
    days = [day(number, 60.0 if number in (7, 31) else 0.1 * (number % 2)) for number in range(60)]
    results = np.array([each.result_usd for each in days])
    assert measure_returns(results).skewness > 3.0
    unguarded = deflated_sharpe(measure_returns(results), 1, 1 / 59)
    assert answer(LUCK, days).numbers["deflated_sharpe"] < unguarded


def test_procedures_that_do_the_same_count_as_one_and_others_as_what_they_are() -> None:
    days = good_days(60)
    own = {each.day: each.result_usd for each in days}
    noise = np.random.default_rng(9).normal(0.0, 3.0, 60)
    other = {FIRST + timedelta(days=number): float(noise[number]) for number in range(60)}
    same, variance = effective_trials(judged(days, others=[own], trials=2))
    assert same == pytest.approx(1.0) and variance == pytest.approx(1 / 59)
    apart, wider = effective_trials(judged(days, others=[other], trials=2))
    assert apart > 1.8 and wider > variance


def test_what_blocks_can_be_chosen_and_nothing_else_be_named() -> None:
    assert PromotionConfig(blocking=(TRACK,)).blocking == (TRACK,)
    with pytest.raises(InvalidInput, match="'luckk', which is no criterion"):
        PromotionConfig(blocking=("luckk",))
