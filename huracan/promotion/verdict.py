"""Whether a procedure has earned its place, and its brain of tonight with it: the bets, then what can refuse.

Only numbers measured elsewhere go in. A refused brain is an answer, not a failure, so the verdict never
blocks a night.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from huracan.promotion.criteria import Criterion, Judged, judge_criteria
from huracan.promotion.evidence import FEWEST_FOR_RATE, Evidence, Lost, nights_to
from huracan.promotion.settings import PromotionConfig, bar_of
from huracan.tables import FLAG, TEXT, Column
from huracan.verdict import Number, Verdict

EVALUATION_COLUMNS = (
    Column("model_id", TEXT, "checkpoint of the night that was judged"),
    Column("is_promoted", FLAG, "tonight's brain comes into force"),
    Column(
        "is_live_eligible",
        FLAG,
        "promoted, trained on real candles, and enough evidence comes of days after the registration",
    ),
    Column("is_simulated", FLAG, "trained on simulated candles"),
    Column("verdict", TEXT, "promoted or refused"),
    Column(
        "reasons",
        TEXT,
        "list of sentences: the evidence, then what refuses or everything that passed",
        "JSON",
    ),
    Column("numbers", TEXT, "the evidence by name: days, both bets, the bar, criteria, seeds", "JSON"),
)
"""The verdict on a night's brain as a row."""


@dataclass(frozen=True)
class BrainVerdict:
    """The answer. `reasons` are the evidence and what failed, or all that passed; `numbers` everything."""

    promoted: bool
    live_eligible: bool
    reasons: tuple[str, ...]
    numbers: dict[str, Number] = field(default_factory=dict)


@dataclass(frozen=True)
class Registered:
    """A procedure as the ledger registered it."""

    digest: str
    number: int
    """How many procedures there were on overlapping candles, this one included."""
    first_prospective_day: date
    """The first day that was not closed when it was registered."""

    @property
    def bar(self) -> float:
        return bar_of(self.number)

    @property
    def name(self) -> str:
        return f"Procedure {self.number} ({self.digest[:8]})"


@dataclass(frozen=True)
class Earned:
    """Whether a procedure has earned its place, and why."""

    is_earned: bool
    """Both bets have reached the bar and no blocking criterion refuses."""
    is_live: bool
    """Enough of it comes of days after the registration."""
    reasons: tuple[str, ...]
    numbers: dict[str, Number]


def judge_procedure(
    procedure: Registered,
    judged: Judged,
    limits: PromotionConfig,
) -> Earned:
    """The bets against the bar, then every criterion."""
    bar, evidence = procedure.bar, judged.evidence
    has_reached = evidence.highest >= bar
    criteria = judge_criteria(judged, limits) if evidence.traded else ()
    refusing = [each for each in criteria if each.name in limits.blocking and not each.passed]
    later = evidence.since(procedure.first_prospective_day)
    numbers: dict[str, Number] = {
        "procedure": procedure.digest,
        "procedure_number": procedure.number,
        "bar": bar,
        "days": len(evidence.traded),
        "lost_days": sum(isinstance(each, Lost) for each in evidence.days),
        "evidence_result": evidence.result.now,
        "evidence_skill": evidence.skill.now,
        "highest_result": evidence.result.highest,
        "highest_skill": evidence.skill.highest,
        "prospective_days": len(later.traded),
        "highest_prospective": later.highest,
    }
    for each in criteria:
        numbers.update(each.numbers)
    is_earned = has_reached and bool(criteria) and not refusing
    reasons = [_of_days(procedure, evidence), *_of_bets(evidence, bar)]
    reasons += [each.reason for each in (criteria if is_earned else refusing)]
    reasons += _advisory(criteria, limits)
    is_live = is_earned and later.highest >= limits.live_bar
    if is_earned and not is_live:
        reasons.append(
            f"Days after the registration have brought evidence of {later.highest:.2f} alone; live it may be"
            f" from {limits.live_bar:g} on."
        )
    return Earned(is_earned, is_live, tuple(reasons), numbers)


def evaluation_row(verdict: BrainVerdict, model_id: str) -> dict[str, Any]:
    """The row of `EVALUATION_COLUMNS`."""
    return {
        "model_id": model_id,
        "is_promoted": verdict.promoted,
        "is_live_eligible": verdict.live_eligible,
        "is_simulated": bool(verdict.numbers["is_simulated"]),
        "verdict": "promoted" if verdict.promoted else "refused",
        "reasons": json.dumps(verdict.reasons),
        "numbers": json.dumps(verdict.numbers, sort_keys=True),
    }


def out_of_sample_verdict(verdict: BrainVerdict) -> Verdict:
    """The same answer as the non-blocking check `brain_out_of_sample`."""
    return Verdict(
        check="brain_out_of_sample",
        passed=verdict.promoted,
        reason=" ".join(verdict.reasons),
        numbers=verdict.numbers,
        blocking=False,
    )


def _of_days(procedure: Registered, evidence: Evidence) -> str:
    if not evidence.days:
        return (
            f"{procedure.name} has no day of evidence yet: the first will be the next that its brains alone"
            " trade."
        )
    lost = sum(isinstance(each, Lost) for each in evidence.days)
    historical = sum(each.day < procedure.first_prospective_day for each in evidence.days)
    count = len(evidence.traded)
    days = f"{count} day{'' if count == 1 else 's'}"
    told = f"{procedure.name} has {days} of evidence from {evidence.days[0].day} on"
    if historical:
        told += f", {historical} of them closed before it was registered"
    if lost:
        told += f"; {lost} more were not traded by its own fault and count as their unit lost until repaired"
    return f"{told}."


def _of_bets(evidence: Evidence, bar: float) -> list[str]:
    if not evidence.days:
        return [
            f"It needs evidence of {bar:g}, that it earns and that it beats random rivals. {_usual(bar)}",
        ]
    named = (("that it earns", evidence.result), ("that it beats random rivals", evidence.skill))
    told = [f"{'reached' if bet.highest >= bar else 'needed'} {bar:g}" for _, bet in named]
    lines = [
        f"The evidence {what} is {bet.now:.2f}, {bet.highest:.2f} at its highest ({says})."
        for (what, bet), says in zip(named, told, strict=True)
    ]
    if evidence.highest < bar and len(evidence.days) < FEWEST_FOR_RATE:
        lines.append(f"So few days do not tell how long it takes. {_usual(bar)}")
    elif evidence.highest < bar:
        days = evidence.days_to(bar)
        lines.append(
            "At the rate of its days so far it does not get there."
            if days is None
            else f"About {days} more days like those so far would do."
        )
    return lines


def _usual(bar: float) -> str:
    """How long it takes, by how good the days are."""
    strong, good = nights_to(bar, 10.0), nights_to(bar, 5.0)
    return (
        f"With an annual Sharpe ratio of 10 that takes about {strong} nights, with one of 5 about {good};"
        " without skill it is hardly ever reached."
    )


def _advisory(criteria: Sequence[Criterion], limits: PromotionConfig) -> list[str]:
    """What would refuse, and is set not to."""
    told = [each.reason for each in criteria if each.name not in limits.blocking and not each.passed]
    return [f"Not blocking: {each}" for each in told]
