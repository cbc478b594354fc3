"""Two bets on the days of a procedure, in units that were fixed before each day."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.evidence.betting import DAILY_STAKES, play_in_turn
from huracan.promotion.day import DayResult
from huracan.promotion.evidence import (
    LARGEST_GAIN,
    Bet,
    Evidence,
    Lost,
    evidence_against,
    nights_to,
    unit_usd,
)
from huracan.promotion.settings import bar_of

FIRST = date(2025, 3, 1)
RESULTS = st.lists(st.floats(-5, 5), min_size=1, max_size=40)


def day(number: int, result: float = 1.0, rival: float = 0.0, unit: float = 10.0) -> DayResult:
    return DayResult(
        day=FIRST + timedelta(days=number),
        result_usd=result,
        rival_usd=rival,
        unit_usd=unit,
        rival_unit_usd=unit,
        opening_usd=1_000.0,
        costs_usd=0.5,
        trades=4,
    )


def test_the_bars_of_all_procedures_ever_sum_to_a_chance_of_one_in_twenty() -> None:
    assert [bar_of(number) for number in (1, 2, 3)] == [40.0, 120.0, 240.0]
    assert sum(1.0 / bar_of(number) for number in range(1, 100_000)) == pytest.approx(1 / 20, rel=1e-4)


def test_three_days_come_to_what_they_come_to_by_hand() -> None:
    bet = Bet.on([0.5, -0.2, 1.0])
    by_hand = np.mean([(1 + 0.5 * s) * (1 - 0.2 * s) * (1 + s) for s in DAILY_STAKES])
    assert bet.now == pytest.approx(by_hand)
    assert bet.highest == pytest.approx(max(1.0, *bet.path))


def test_a_loss_beyond_the_unit_ends_the_stakes_that_cannot_bear_it_for_good() -> None:
    wealth = play_in_turn(np.array([-1.2, 5.0]))
    left = np.maximum(1.0 - 1.2 * DAILY_STAKES, 0.0)
    assert (left[-1], left[0]) == (0.0, pytest.approx(0.76))
    assert wealth[:, 1] == pytest.approx(left * (1 + 5.0 * DAILY_STAKES))
    assert Bet.on([-1.0 / 0.2]).now == 0.0, "a loss is never cut off"


def test_a_gain_beyond_the_largest_counts_as_the_largest() -> None:
    assert Bet.on([1_000.0]).now == Bet.on([LARGEST_GAIN]).now


def test_the_unit_is_the_larger_of_three_and_a_half_deviations_and_the_planned_loss() -> None:
    assert unit_usd([], 7.0) == unit_usd([5.0], 7.0) == 7.0
    assert unit_usd([1.0, 3.0], 1.0) == pytest.approx(3.5 * np.sqrt(2.0))
    many = [100.0, -100.0] + [1.0, -1.0] * 30
    assert unit_usd(many, 0.0) == pytest.approx(3.5 * np.std([1.0, -1.0] * 30, ddof=1)), "sixty days trail"


def test_a_lost_day_counts_as_its_unit_in_both_bets() -> None:
    evidence = Evidence.of([day(1), Lost(FIRST), day(2, 3.0, 1.0)])
    assert evidence.result.results.tolist() == [-1.0, 0.1, 0.3]
    assert evidence.skill.results.tolist() == [-1.0, 0.1, 0.2]
    assert len(evidence.traded) == 2


def test_what_counts_is_the_lesser_of_what_both_have_reached() -> None:
    beta = Evidence.of([day(number, 9.0, 9.0) for number in range(30)])
    assert beta.result.highest > 1_000 and beta.skill.highest == beta.highest == 1.0


def test_days_that_were_remade_or_are_older_are_left_out_of_later_evidence() -> None:
    days = [day(0), day(1), replace(day(2), is_remade=True), day(3)]
    later = Evidence.of(days).since(FIRST + timedelta(days=1))
    assert [each.day for each in later.days] == [days[1].day, days[3].day]


def test_the_days_that_are_left_are_none_once_it_is_reached_and_unknown_where_it_loses() -> None:
    rising, falling = Bet.on([0.3] * 10), Bet.on([-0.3] * 10)
    assert rising.days_to(rising.highest) == 0
    assert falling.days_to(40.0) is None and Bet.on([]).days_to(40.0) is None
    left = rising.days_to(1_000.0)
    assert left is not None and Bet.on([0.3] * (10 + left)).highest >= 1_000.0


def test_the_nights_that_a_sharpe_ratio_takes_are_those_of_the_best_stakes_growth() -> None:
    mean, variance = 10.0 / np.sqrt(365.0) / 3.5, 1.0 / 3.5**2
    growth = 0.95 * mean - 0.95**2 * (variance + mean**2) / 2.0
    assert nights_to(40.0, 10.0) == int(np.ceil(np.log(160.0) / growth)) == 54
    assert nights_to(40.0, 5.0) == 161
    generator = np.random.default_rng(3)
    bets = [Bet.on((generator.normal(mean, 1.0 / 3.5, 365)).tolist()) for _ in range(400)]
    nights = [int(np.argmax(bet.path >= 40.0)) for bet in bets if bet.highest >= 40.0]
    assert 0.7 * 54 < np.median(nights) <= 54, "half of them are there a little earlier: luck helps once"


@settings(max_examples=50, deadline=None)
@given(RESULTS, RESULTS)
def test_no_later_day_changes_what_was_there_before_it(results: list[float], later: list[float]) -> None:
    first, whole = Bet.on(results), Bet.on(results + later)
    assert np.array_equal(whole.path[: len(results)], first.path)
    assert whole.highest >= first.highest


def test_nobody_without_an_expectation_reaches_the_first_bar_more_often_than_it_promises() -> None:
    generator = np.random.default_rng(5)
    reached = [Bet.on((generator.standard_normal(365) / 3.5).tolist()).highest >= 40.0 for _ in range(2_000)]
    assert np.mean(reached) < 1 / 40 + 0.005


def test_the_evidence_against_grows_where_late_days_lose_and_not_where_they_win() -> None:
    days = [FIRST + timedelta(days=number) for number in range(120)]
    turned = np.concatenate([np.full(80, 0.2), np.full(40, -0.4)])
    assert evidence_against(days, turned) > 20.0
    assert evidence_against(days, np.full(120, 0.2)) < 1.0
