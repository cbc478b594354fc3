"""What avoidance rules would have made of the days before: each day is played with a rule and without it.

The rules come from losses of a day, the trial from days before it: out of sample. How sure one may be of the
difference is in `verdicts`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from huracan.analysis.outcome import Floats
from huracan.analysis.rules.avoidance import AvoidanceRule
from huracan.analysis.rules.past_session import PastDay, play_again
from huracan.analysis.rules.variants import Difference, play_variants, variant_of
from huracan.errors import InputRefused, InvalidInput
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules

TRAILING_DAYS = 30
"""The days before the losses' own that rules are tried on."""


@dataclass(frozen=True)
class UnusableDay:
    """A past day that cannot be played again, and why."""

    day: date
    why: str


@dataclass(frozen=True, eq=False)
class RuleTrials:
    """What each rule changed on each day that was tried."""

    rules: tuple[AvoidanceRule, ...]
    days: tuple[date, ...]
    differences: tuple[tuple[Difference, ...], ...]
    """By day, then by rule."""
    otherwise_traded: tuple[date, ...]
    """Days that are left out, for today's rules, costs and candles do not give their ledger again."""
    unusable: tuple[UnusableDay, ...]

    def of(self, name: str) -> Floats:
        """[rules, days] one figure of the differences."""
        by_day = [[getattr(each, name) for each in day] for day in self.differences]
        found = np.array(by_day, dtype=np.float64).reshape(len(self.days), len(self.rules))
        return np.ascontiguousarray(found.T)


def try_rules(
    rules: Sequence[AvoidanceRule],
    past: Iterable[PastDay | UnusableDay],
    day: date,
    trading_rules: TradingRules,
    costs: CostAssumptions,
) -> RuleTrials:
    """Every rule on every past day before `day`; `day` itself and later ones are not looked at.

    A day's stored actions are played by `trading_rules` and `costs`, then again with the rule. The policy is
    not asked again: after a struck entry it waits until its next stored entry, and a position that is held
    longer swallows the entries that were stored meanwhile. Days that cannot be played are listed, and so are
    those that were traded otherwise: what a rule changes in trades that nobody made is not known.
    """
    days: list[date] = []
    otherwise: list[date] = []
    unusable: list[UnusableDay] = []
    differences: list[tuple[Difference, ...]] = []
    for each in past:
        if each.day >= day:
            continue
        if isinstance(each, UnusableDay):
            unusable.append(each)
            continue
        try:
            session = play_again(each, trading_rules, costs)
        except (InputRefused, InvalidInput) as refused:
            unusable.append(UnusableDay(each.day, refused.what))
            continue
        if not session.is_as_traded:
            otherwise.append(each.day)
            continue
        variants = [variant_of(rule, session, trading_rules) for rule in rules]
        differences.append(tuple(play_variants(variants, session, trading_rules, costs)))
        days.append(each.day)
    return RuleTrials(tuple(rules), tuple(days), tuple(differences), tuple(otherwise), tuple(unusable))
