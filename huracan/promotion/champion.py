"""Which procedure is the champion and which brain is in force, by the decisions that were written down.

The champion is a procedure: its newest brain that does not contradict it comes into force night by night.
What a night makes of it is decided here, and nothing is written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from huracan.promotion.day import DayResult
from huracan.promotion.evidence import Bet, evidence_against, unit_usd
from huracan.promotion.settings import bar_of

PROMOTE, IN_FORCE, CHALLENGE, DECAY, DEMOTE, ROLLBACK = (
    "promote",
    "in_force",
    "challenge",
    "decay",
    "demote",
    "rollback",
)
BY_NIGHT = "the night"
"""Who decided, where it was no person."""
VALID_DAYS = 7
"""For so long after its night a brain may come into force again."""
Decision = Mapping[str, Any]
"""The content of a decision's row, as `row_of` makes it."""


@dataclass(frozen=True)
class InForce:
    """The champion and its brain."""

    procedure: str
    brain_id: str
    bundle: str
    day: date
    """Night of the brain."""
    since: date
    """Day on which the procedure became the champion."""


def in_force(decisions: Sequence[Decision]) -> InForce | None:
    """What the decisions, in their order, come to; None where nothing is in force."""
    state: InForce | None = None
    for each in decisions:
        if each["act"] == CHALLENGE:
            continue
        if each["brain_id"] is None:
            state = None
            continue
        goes_on = each["act"] == IN_FORCE and state is not None and state.procedure == each["procedure"]
        since = state.since if goes_on and state is not None else date.fromisoformat(each["day"])
        brain_day = date.fromisoformat(each["brain_day"])
        state = InForce(each["procedure"], each["brain_id"], each["bundle"], brain_day, since)
    return state


def champions(decisions: Sequence[Decision]) -> int:
    """How many times a procedure became the champion."""
    return sum(each["act"] == PROMOTE for each in decisions)


def earns_from(decisions: Sequence[Decision], procedure: str) -> date | None:
    """The first day that counts for a procedure again after it was taken out of force; None where it never
    was: what it had reached before has been spent."""
    ended = [
        each["day"] for each in decisions if each["act"] in (DECAY, DEMOTE) and each["ended"] == procedure
    ]
    return date.fromisoformat(max(ended)) + timedelta(days=1) if ended else None


@dataclass(frozen=True)
class Challenge:
    """A procedure's bet against the champion of now."""

    number: int
    """Among all challenges there ever were, this one included."""
    since: date | None
    """The night that wrote it down; None where none has yet."""


def challenge(decisions: Sequence[Decision], procedure: str) -> Challenge:
    """The one that the procedure has under way, or the next. It ends when anything but the champion's next
    brain comes into force: whoever challenges another champion begins anew, with a number of its own."""
    number, found = 0, None
    for each in decisions:
        if each["act"] == CHALLENGE:
            number += 1
            if each["procedure"] == procedure:
                found = Challenge(number, date.fromisoformat(each["day"]))
        elif each["act"] != IN_FORCE:
            found = None
    return found or Challenge(number + 1, None)


def paired_bet(challenger: Mapping[date, DayResult], champion: Mapping[date, DayResult], since: date) -> Bet:
    """On what the challenger made more than the champion on the days after `since` that both traded, in a
    unit that was fixed before each: 3.5 deviations of the differences before, and the larger unit of both."""
    differences, results = list[float](), list[float]()
    for day in sorted(day for day in challenger.keys() & champion.keys() if day > since):
        one, other = challenger[day], champion[day]
        unit = unit_usd(differences, max(one.unit_usd, other.unit_usd))
        differences.append(one.result_usd - other.result_usd)
        results.append(differences[-1] / unit)
    return Bet.on(results)


def against(days: Mapping[date, DayResult]) -> float:
    """The evidence that a champion's days lose."""
    ordered = sorted(days)
    results = np.array([days[day].result_usd / days[day].unit_usd for day in ordered])
    return evidence_against(ordered, results)


@dataclass(frozen=True, kw_only=True)
class Night:
    """What is known of a night when it is decided what comes into force."""

    day: date
    procedure: str | None = None
    """The one that made tonight's weights; None where there are none."""
    is_earned: bool = False
    """By the procedure: its own bar and all criteria."""
    is_fit: bool = False
    """Tonight's weights do not contradict the procedure, and were not remade."""
    evidence_against_champion: float = 0.0
    challenge: Bet | None = None
    """None where the champion has traded no day beside the challenger."""
    why_not_executed: str = ""
    """Why the champion that was displaced cannot be traded on paper any more; empty where it can."""


@dataclass(frozen=True)
class Act:
    """One decision of the night; the brain is tonight's, another one, or none."""

    act: str
    procedure: str | None
    reason: str
    is_tonights: bool = False
    brain_id: str | None = None
    bundle: str | None = None
    brain_day: date | None = None
    ended: str | None = None
    """The procedure that it takes out of force."""


def decide(decisions: Sequence[Decision], night: Night) -> tuple[tuple[Act, ...], str]:
    """What the night writes down, in order, and the sentence of what it comes to for tonight's brain."""
    state, acts = in_force(decisions), list[Act]()
    bar = bar_of(max(champions(decisions), 1))
    if state is not None and night.evidence_against_champion >= bar:
        acts.append(_decay(decisions, state, night, bar))
        state = None
    if acts and night.procedure in (None, acts[0].ended):
        return tuple(acts), acts[0].reason
    if night.procedure is None:
        return (), "No policy was trained, so what is in force stays."
    if state is None:
        return _first(acts, night)
    if state.procedure == night.procedure:
        if not night.is_fit:
            return tuple(acts), f"The champion's brain of {state.day} stays in force."
        reason = f"The champion since {state.since}: its brain of {night.day} comes into force."
        return (*acts, Act(IN_FORCE, night.procedure, reason, is_tonights=True)), reason
    return _challenged(challenge(decisions, night.procedure), acts, state, night)


def _first(acts: list[Act], night: Night) -> tuple[tuple[Act, ...], str]:
    if not night.is_earned:
        return tuple(acts), "Nothing comes into force: the procedure has not earned its place."
    if not night.is_fit:
        return tuple(acts), "The procedure has earned its place; its next brain that is fit comes into force."
    reason = "The procedure has earned its place: it is the champion from tonight on."
    return (*acts, Act(PROMOTE, night.procedure, reason, is_tonights=True)), reason


def _challenged(own: Challenge, acts: list[Act], state: InForce, night: Night) -> tuple[tuple[Act, ...], str]:
    bar, who = bar_of(own.number), f"the champion ({state.procedure[:8]}, brain {state.brain_id})"
    if own.since is None:
        acts.append(Act(CHALLENGE, night.procedure, f"Challenge {own.number}: of {who}."))
    if night.why_not_executed:
        told = f"It cannot be set against {who}: {night.why_not_executed.rstrip('.')}; its own bar decides."
        has_won = True
    else:
        highest = night.challenge.highest if night.challenge is not None else 1.0
        has_won = highest >= bar
        says = "reached" if has_won else "needed"
        told = f"The evidence that it earns more than {who} is {highest:.2f} at its highest ({says} {bar:g})."
    if not (has_won and night.is_earned and night.is_fit):
        return tuple(acts), told
    reason = f"{told} It is the champion from tonight on."
    return (*acts, Act(PROMOTE, night.procedure, reason, is_tonights=True)), reason


def _decay(decisions: Sequence[Decision], state: InForce, night: Night, bar: float) -> Act:
    """Out of force, and back to a brain of another procedure that was in force before, if one is young enough
    and was never taken out itself."""
    evidence = night.evidence_against_champion
    reason = f"The evidence against the champion is {evidence:.2f} (demoted from {bar:g} on)"
    target = _former(decisions, state.procedure, night.day)
    if target is None:
        return Act(DECAY, None, f"{reason}: nothing is in force.", ended=state.procedure)
    return Act(
        DECAY,
        target.procedure,
        f"{reason}: {target.brain_id} of a former champion is in force again.",
        brain_id=target.brain_id,
        bundle=target.bundle,
        brain_day=target.day,
        ended=state.procedure,
    )


def _former(decisions: Sequence[Decision], procedure: str, day: date) -> InForce | None:
    ended = {each["ended"] for each in decisions} | {procedure}
    found: InForce | None = None
    for each in decisions:
        if each["brain_id"] is None or each["procedure"] in ended:
            continue
        own = date.fromisoformat(each["brain_day"])
        if own + timedelta(days=VALID_DAYS) > day:
            found = InForce(each["procedure"], each["brain_id"], each["bundle"], own, own)
    return found


def plain_act(act: Act) -> dict[str, Any]:
    """As plain JSON values."""
    return asdict(act) | {"brain_day": act.brain_day and act.brain_day.isoformat()}


def act_of(plain: Mapping[str, Any]) -> Act:
    """The inverse of `plain_act`."""
    day = plain["brain_day"]
    return Act(**{**plain, "brain_day": None if day is None else date.fromisoformat(day)})


def row_of(act: Act, night: date, moment: str, by: str, brain: Mapping[str, str] | None) -> dict[str, Any]:
    """The content of the decision's row; `brain` is tonight's, with `brain_id` and `bundle`."""
    own = act
    if act.is_tonights and brain is not None:
        own = replace(act, brain_id=brain["brain_id"], bundle=brain["bundle"], brain_day=night)
    return {
        "moment": moment,
        "day": night.isoformat(),
        "act": own.act,
        "procedure": own.procedure,
        "brain_id": own.brain_id,
        "bundle": own.bundle,
        "brain_day": own.brain_day and own.brain_day.isoformat(),
        "reason": own.reason,
        "by": by,
        "ended": own.ended,
    }
