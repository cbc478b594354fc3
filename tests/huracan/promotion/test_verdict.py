"""A procedure has earned its place where both bets have reached its bar and nothing that blocks refuses."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from huracan.promotion.contradiction import Comparison, compare_with_ledger
from huracan.promotion.criteria import Judged
from huracan.promotion.day import DayResult
from huracan.promotion.evidence import Evidence
from huracan.promotion.night import JudgedNight, TrainedNight, verdict_of_night, verdict_of_research
from huracan.promotion.settings import LUCK, TRACK, PromotionConfig
from huracan.promotion.verdict import Earned, Registered, judge_procedure
from tests.huracan.promotion.test_criteria import good_days
from tests.huracan.promotion.test_evidence import FIRST, day

LIMITS = PromotionConfig()
LATER = FIRST + timedelta(days=400)


def _earned(
    days: list[DayResult], number: int = 1, since: date = FIRST, limits: PromotionConfig = LIMITS
) -> Earned:
    procedure = Registered("ab" * 32, number, since)
    return judge_procedure(procedure, Judged(Evidence.of(days), (), number), limits)


def _said(earned: Earned) -> str:
    return " ".join(earned.reasons)


def test_who_reached_the_bar_with_both_bets_and_passes_all_has_earned_it_and_says_what_it_passed() -> None:
    earned = _earned(good_days())
    assert earned.is_earned and earned.is_live
    assert "Procedure 1 (abababab) has 60 days of evidence" in _said(earned)
    assert _said(earned).count("reached 40") == 2 and "valid for one look" in _said(earned)


def test_both_bets_are_needed() -> None:
    beta = [replace(each, rival_usd=each.result_usd) for each in good_days()]
    earned = _earned(beta)
    assert not earned.is_earned and "(reached 40)" in _said(earned) and "(needed 40)" in _said(earned)
    assert earned.numbers["highest_skill"] == 1.0


def test_a_later_procedure_needs_more() -> None:
    days = good_days(30)
    assert _earned(days).is_earned and not _earned(days, 40).is_earned
    assert _earned(days, 40).numbers["bar"] == 20 * 40 * 41


def test_once_reached_suffices_though_the_evidence_falls_again() -> None:
    fallen = [*good_days(), *(day(60 + number, -1.5) for number in range(8))]
    earned = _earned(fallen)
    assert earned.numbers["highest_result"] > earned.numbers["evidence_result"]
    assert earned.is_earned


def test_a_criterion_refuses_only_where_it_blocks() -> None:
    days = good_days(19)
    refused = _earned(days)
    assert not refused.is_earned and "19 days" in _said(refused)
    told = _earned(days, limits=PromotionConfig(blocking=(LUCK,)))
    assert told.is_earned and "Not blocking: 19 days" in _said(told)
    assert TRACK in LIMITS.blocking


def test_live_needs_evidence_of_days_after_the_registration_alone() -> None:
    historical = _earned(good_days(), since=LATER)
    assert historical.is_earned and not historical.is_live
    assert "60 of them closed before it was registered" in _said(historical)
    assert "live it may be from 20 on" in _said(historical)
    remade = [replace(each, is_remade=True) for each in good_days()]
    assert not _earned(remade).is_live


def test_a_newcomer_reads_how_much_there_is_how_much_it_takes_and_how_long() -> None:
    assert "has no day of evidence yet" in _said(_earned([]))
    first = _said(_earned([]))
    assert "It needs evidence of 40" in first
    assert "ratio of 10 that takes about 54 nights, with one of 5 about 161" in first
    few = _said(_earned(good_days(9)))
    assert "So few days do not tell how long it takes." in few and "about 54 nights" in few
    enough = _said(_earned(good_days(10)))
    assert "more days like those so far would do" in enough and "(needed 40)" in enough
    losing = _said(_earned([day(number, -1.0 - number % 2) for number in range(10)]))
    assert "does not get there" in losing


def _trained(**other: object) -> TrainedNight:
    seeds = dict.fromkeys(("count", "net_usd_mean", "net_usd_std", "net_usd_lowest", "net_usd_highest"), 1.0)
    report = {"seeds": seeds, "model_id": "m", **other}
    return TrainedNight(report, is_simulated=False, is_remade=False)


def _judged(*, is_promoted: bool = True, is_live: bool = True) -> JudgedNight:
    earned = Earned(True, is_live, ("It earned.",), {"procedure": "p"})
    fine = Comparison(3, 0.0, 0.5, False, "It does not contradict.")
    return JudgedNight(earned, fine, (), "It is the champion.", is_promoted, "")


def test_tonights_verdict_begins_with_what_comes_into_force() -> None:
    verdict = verdict_of_night(_trained(), _judged())
    assert verdict.promoted and verdict.live_eligible
    assert verdict.reasons == ("It is the champion.", "It earned.", "It does not contradict.")
    assert not verdict_of_night(_trained(), _judged(is_promoted=False)).live_eligible
    assert not verdict_of_night(_trained(), _judged(is_live=False)).live_eligible
    simulated = verdict_of_night(replace(_trained(), is_simulated=True), _judged())
    assert simulated.promoted and not simulated.live_eligible and "simulated" in simulated.reasons[-1]
    refit = verdict_of_night(_trained(refit={"note": "Refitted."}), _judged())
    assert refit.reasons[-1] == "Refitted."
    assert not verdict_of_research(_trained()).promoted


def _results(*values: float) -> dict[date, float]:
    return {FIRST + timedelta(days=number): value for number, value in enumerate(values)}


def test_weights_are_set_against_the_ledger_day_by_day() -> None:
    ledger = _results(1.0, 2.0, 3.0, 4.0)
    found = compare_with_ledger(_results(0.0, 0.0, 2.0, 3.0), ledger, [], 0.05)
    # Differences -1, -2, -1, -1: mean -1.25, standard error 0.25; t = -5 with three degrees of freedom.
    assert found.contrast == pytest.approx(-5.0) and found.chance == pytest.approx(0.0077, abs=1e-4)
    assert found.contradicts and "contradict the procedure" in found.reason
    assert not compare_with_ledger(ledger, ledger, [], 0.05).contradicts
    few = compare_with_ledger(_results(-9.0, -9.0), ledger, [], 0.05)
    assert not few.contradicts and few.contrast is None and "too few" in few.reason


def test_where_enough_nights_came_before_the_chance_is_tonights_rank_among_them() -> None:
    ledger, tonight = _results(1.0, 2.0, 3.0), _results(0.0, 0.5, 2.0)
    own = compare_with_ledger(tonight, ledger, [], 0.05).contrast
    assert own is not None
    worse, better = [own - 1.0] * 2, [own + 1.0] * 60
    assert compare_with_ledger(tonight, ledger, better, 0.05).contradicts
    usual = compare_with_ledger(tonight, ledger, worse + better[:30], 0.05)
    assert usual.chance == pytest.approx(3 / 33) and not usual.contradicts


def test_weights_as_good_as_the_procedures_are_held_back_in_one_night_of_twenty() -> None:
    import numpy as np

    generator, earlier, held = np.random.default_rng(3), list[float](), 0
    for _ in range(2_000):
        ledger, tonight = (_results(*generator.standard_t(3, 7).tolist()) for _ in range(2))
        found = compare_with_ledger(tonight, ledger, earlier, 0.05)
        held += found.contradicts
        earlier.append(found.contrast or 0.0)
    assert held / 2_000 == pytest.approx(0.05, abs=0.015)
