"""What is in force, by the decisions that were written down, and what a night makes of them."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.promotion.champion import (
    CHALLENGE,
    DECAY,
    DEMOTE,
    IN_FORCE,
    PROMOTE,
    Act,
    Challenge,
    Night,
    act_of,
    against,
    challenge,
    champions,
    decide,
    earns_from,
    in_force,
    paired_bet,
    plain_act,
    row_of,
)
from huracan.promotion.evidence import Bet
from tests.huracan.promotion.test_evidence import FIRST, day

P, Q, R = "p" * 64, "q" * 64, "r" * 64
Decisions = list[dict[str, Any]]


def _night(number: int, procedure: str = P, **told: Any) -> Night:
    fields = {"is_earned": False, "is_fit": True, **told}
    return Night(day=FIRST + timedelta(days=number), procedure=procedure, **fields)


def _after(decisions: Decisions, night: Night) -> Decisions:
    """What stands after the night."""
    acts, told = decide(decisions, night)
    assert told.endswith(".")
    brain = {"brain_id": f"{night.day}-{night.procedure[0]}", "bundle": f"{night.day}/{night.procedure[0]}"}
    return [*decisions, *(row_of(act, night.day, "", "", brain) for act in acts)]


def _champion(until: int = 3) -> Decisions:
    decisions: Decisions = []
    for number in range(until):
        decisions = _after(decisions, _night(number, is_earned=True))
    return decisions


def test_whoever_earned_it_becomes_the_champion_and_its_newest_fit_brain_comes_into_force_nightly() -> None:
    decisions = _champion()
    assert [each["act"] for each in decisions] == [PROMOTE, IN_FORCE, IN_FORCE]
    state = in_force(decisions)
    assert state is not None and (state.day, state.since) == (FIRST + timedelta(days=2), FIRST)
    held_back = _after(decisions, _night(3, is_fit=False))
    assert in_force(held_back) == state, "a brain that contradicts leaves the one before in force"
    without = _after(decisions, _night(3, is_earned=False))
    assert in_force(without) != state, "once promoted only decay demotes"


def test_who_earned_it_with_weights_that_contradict_waits_for_the_next_night() -> None:
    acts, told = decide([], _night(0, is_earned=True, is_fit=False))
    assert not acts and "next brain that is fit" in told
    assert not decide([], _night(0))[0]


def test_a_challenger_needs_its_own_bar_and_to_earn_more_than_the_champion() -> None:
    decisions = _champion()
    strong, weak = Bet.on([0.5] * 40), Bet.on([0.01] * 40)
    challenged = _after(decisions, _night(3, Q, challenge=weak))
    assert challenged[-1]["act"] == CHALLENGE
    assert challenge(challenged, Q) == Challenge(1, FIRST + timedelta(days=3))
    assert challenge(challenged, R) == Challenge(2, None)
    for told in ({"challenge": strong}, {"is_earned": True, "challenge": weak}, {"is_earned": True}):
        state = in_force(_after(challenged, _night(4, Q, **told)))
        assert state is not None and state.procedure == P
    won = in_force(_after(challenged, _night(4, Q, is_earned=True, challenge=strong)))
    assert won is not None and won.procedure == Q
    assert len(_after(challenged, _night(4, Q))) == len(challenged), "one challenge is told once"


def test_a_later_challenger_needs_more() -> None:
    decisions = _after(_champion(), _night(3, Q))
    between = Bet.on([0.5] * 14)
    assert 40 < between.highest < 120
    first = in_force(_after(decisions, _night(4, Q, is_earned=True, challenge=between)))
    second = in_force(_after(decisions, _night(4, R, is_earned=True, challenge=between)))
    assert first is not None and second is not None
    assert (first.procedure, second.procedure) == (Q, P)


def test_who_challenges_another_champion_begins_anew_with_a_number_of_its_own() -> None:
    strong = Bet.on([0.5] * 40)
    decisions = _after(_champion(), _night(3, R))
    decisions = _after(decisions, _night(4, Q, is_earned=True, challenge=strong))
    state = in_force(decisions)
    assert state is not None and state.procedure == Q and challenge(decisions, R) == Challenge(3, None)
    decisions = _after(decisions, _night(5, Q))
    again = _after(decisions, _night(6, R, is_earned=True))
    assert again[-1]["act"] == CHALLENGE and challenge(again, R) == Challenge(3, FIRST + timedelta(days=6))
    back = _after(again, _night(7, P, is_earned=True))
    assert challenge(back, P) == Challenge(4, FIRST + timedelta(days=7)), "a former champion challenges too"


def test_a_champion_that_cannot_be_traded_any_more_leaves_the_challenger_to_its_own_bar() -> None:
    night = _night(3, Q, is_earned=True, why_not_executed="It is of an older feature recipe.")
    acts, told = decide(_champion(), night)
    assert acts[-1].act == PROMOTE and "older feature recipe; its own bar decides" in told
    assert not any(act.is_tonights for act in decide(_champion(), replace(night, is_earned=False))[0])


def test_a_champion_that_loses_is_demoted_and_must_earn_its_place_anew() -> None:
    decisions = _champion()
    kept = decide(decisions, _night(3, is_earned=True, evidence_against_champion=39.9))[0]
    assert [act.act for act in kept] == [IN_FORCE]
    decayed = _after(decisions, _night(3, is_earned=True, evidence_against_champion=40.0))
    assert decayed[-1]["act"] == DECAY and in_force(decayed) is None
    assert earns_from(decayed, P) == FIRST + timedelta(days=4) and earns_from(decayed, Q) is None


def test_after_decay_a_young_brain_of_a_former_champion_comes_back() -> None:
    strong = Bet.on([0.5] * 40)
    decisions = _after(_champion(), _night(3, Q, is_earned=True, challenge=strong))
    assert champions(decisions) == 2
    lost = _night(5, Q, evidence_against_champion=120.0)
    back = in_force(_after(decisions, lost))
    assert back is not None and back.procedure == P and back.day == FIRST + timedelta(days=2)
    assert in_force(_after(decisions, replace(lost, day=FIRST + timedelta(days=9)))) is None, "it is too old"
    assert decide(decisions, replace(lost, evidence_against_champion=119.0))[0][0].act == IN_FORCE


def test_what_a_person_ended_is_not_brought_back_by_decay() -> None:
    ended = row_of(Act(DEMOTE, None, "I saw it.", ended=P), FIRST + timedelta(days=2), "", "me", None)
    decisions = [*_champion(), ended]
    assert in_force(decisions) is None and earns_from(decisions, P) == FIRST + timedelta(days=3)
    other = _after(decisions, _night(3, Q, is_earned=True))
    assert in_force(_after(other, _night(4, Q, evidence_against_champion=1e9))) is None


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([P, Q, R]), st.booleans(), st.floats(0, 300), st.floats(-0.3, 0.6), st.booleans()
        ),
        max_size=12,
    )
)
def test_nothing_ever_comes_into_force_without_a_night_that_earned_it(
    nights: list[tuple[str, bool, float, float, bool]],
) -> None:
    decisions: Decisions = []
    for number, (procedure, is_fit, lost, paired, cannot) in enumerate(nights):
        night = _night(
            number,
            procedure,
            is_fit=is_fit,
            evidence_against_champion=lost,
            challenge=Bet.on([paired] * 20),
            why_not_executed="gone" if cannot else "",
        )
        decisions = _after(decisions, night)
        assert in_force(decisions) is None


def test_a_paired_bet_is_on_common_days_in_a_unit_fixed_before_each() -> None:
    one = {each.day: each for each in (day(0, 5.0), day(1, 7.0), day(2, 9.0))}
    other = {each.day: each for each in (day(1, 3.0, unit=20.0), day(2, 3.0), day(3, 1.0))}
    assert paired_bet(one, other, FIRST).results == pytest.approx([4.0 / 20.0, 6.0 / 10.0])
    after = paired_bet(one, other, FIRST + timedelta(days=1))
    assert after.results == pytest.approx([6.0 / 10.0]), "days before the challenge are no part of it"
    assert paired_bet(one, {}, FIRST).highest == 1.0
    assert against(other) < 1.0 < against({each.day: each for each in (day(n, -9.0) for n in range(60))})


def test_an_act_is_read_back_as_it_was() -> None:
    for act in (Act(PROMOTE, P, "r", True), Act(DECAY, Q, "r", False, "b", "k", date(2025, 3, 1), P)):
        assert act_of(plain_act(act)) == act
