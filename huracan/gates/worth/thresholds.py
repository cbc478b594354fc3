"""What a gate should have asked for: searched on earlier nights, judged on the nights after them.

A gate passes what its value exceeds its threshold by, its margin. By how much the threshold would better have
been moved is searched where it was not judged, so what a proposal is worth was not chosen for being large.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from huracan.evaluation.jackknife import effective_count
from huracan.gates.worth.bootstrap import LEAST_DAYS, mean_interval
from huracan.gates.worth.config import GateWorthConfig
from huracan.gates.worth.judged import JudgedBook

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]

_SEARCHED = 2.0 / 3.0
"""Share of the nights that is searched."""
_TIE = 1e-9
"""Shares and bps that differ by less are the same."""


@dataclass(frozen=True, eq=False)
class PastAnswers:
    """n signals that a gate measured."""

    margin: Floats
    """[n] value less threshold: passed where above 0."""
    net_bps: Floats
    weight: Floats
    night: Integers

    def take(self, rows: Bools) -> "PastAnswers":
        """Those of the rows."""
        return PastAnswers(self.margin[rows], self.net_bps[rows], self.weight[rows], self.night[rows])

    def pass_rate(self, shift: float = 0.0) -> float:
        """Weighted share that passes a threshold moved by `shift`; NaN of nothing."""
        total = float(self.weight.sum())
        return float(self.weight[self.margin > shift].sum()) / total if total > 0.0 else float("nan")


@dataclass(frozen=True)
class Proposal:
    """By how much a threshold would be moved, in the unit of the gate's value, and what that was worth."""

    shift: float
    """Above 0 asks for more."""
    pass_rate: float
    """That it would have had on the nights judged."""
    searched_gain_bps: float
    """Net gained per signal on the nights searched: chosen to be large, so no estimate."""
    judged_gain_bps: float
    """The same on the nights after them."""
    low_bps: float
    """Lower end of its interval of 95 %."""
    high_bps: float
    searched_nights: int
    judged_nights: int

    @property
    def is_worth_it(self) -> bool:
        """Whether the later nights leave no doubt."""
        return self.shift != 0.0 and self.low_bps > 0.0


@dataclass(frozen=True)
class Silent:
    """Nothing is proposed, and why: one sentence."""

    reason: str


def past_answers(book: JudgedBook, gate: int) -> PastAnswers | Silent:
    """What the gate measured; Silent where its answers do not follow from value and threshold."""
    measured = book.is_judged[:, gate] & np.isfinite(book.margin[:, gate])
    measured &= book.has_passed[:, gate] | book.is_refused[:, gate]
    margin = book.margin[measured, gate]
    if not measured.any():
        return Silent("It measured nothing.")
    if not np.array_equal(margin > 0.0, book.has_passed[measured, gate]):
        return Silent("Its answers do not follow from its value and threshold alone.")
    return PastAnswers(margin, book.net_bps[measured], book.weight[measured], book.night[measured])


def best_shift(past: PastAnswers, lowest_pass_rate: float) -> float:
    """The shift of the threshold by which most would have been earned while at least `lowest_pass_rate`
    passed; of those that earn the same the smallest, so 0 where no other earns more."""
    shifts, earned, rates = _choices(past)
    allowed = rates >= min(lowest_pass_rate, rates.max()) - _TIE
    best = allowed & (earned >= earned[allowed].max() - _TIE)
    return _smallest(shifts[best])


def shift_for(past: PastAnswers, pass_rate: float) -> float:
    """The shift with which the share that passes is nearest to `pass_rate`; of several the smallest."""
    shifts, _, rates = _choices(past)
    distance = np.abs(rates - pass_rate)
    return _smallest(shifts[distance <= distance.min() + _TIE])


def _choices(past: PastAnswers) -> tuple[Floats, Floats, Floats]:
    """Every threshold that passes other signals than the others, as a shift: below all margins, between any
    two, and above all; what is earned per signal with each, in bps; the share that passes."""
    edges, at = np.unique(past.margin, return_inverse=True)
    total = past.weight.sum()
    earned, passed = (
        np.append(np.cumsum(np.bincount(at, each)[::-1])[::-1], 0.0) / total
        for each in (past.net_bps * past.weight, past.weight)
    )
    low, high = np.append(-np.inf, edges), np.append(edges, np.inf)
    shifts = np.concatenate([[np.nextafter(edges[0], -np.inf)], (edges[:-1] + edges[1:]) / 2.0, edges[-1:]])
    return np.where((low <= 0.0) & (high > 0.0), 0.0, shifts), earned, passed


def _smallest(shifts: Floats) -> float:
    return float(shifts[np.argmin(np.abs(shifts))])


def propose_threshold(
    past: PastAnswers, config: GateWorthConfig, generator: np.random.Generator
) -> Proposal | Silent:
    """The best shift of the earlier nights, and its gain over the threshold as it was on the later ones."""
    nights = np.unique(past.night)
    searched = nights[: int(np.ceil(len(nights) * _SEARCHED))]
    is_early = past.night <= searched[-1]
    early, late = past.take(is_early), past.take(~is_early)
    for part, what in ((early, "search on"), (late, "judge by")):
        has, needs = (
            effective_count(part.weight),
            config.minimum_signals * len(part.margin) / len(past.margin),
        )
        if has < needs or np.unique(part.night).size < LEAST_DAYS:
            return Silent(
                f"{has:.0f} signals of {np.unique(part.night).size} nights are too few to {what}"
                f" ({needs:.0f} of {LEAST_DAYS})."
            )
    shift = best_shift(early, config.lowest_pass_rate)
    gain, low, high = mean_interval(
        late.night, _gained(late, shift)[:, None], late.weight[:, None], generator
    )
    return Proposal(
        shift,
        late.pass_rate(shift),
        float(np.average(_gained(early, shift), weights=early.weight)),
        float(gain[0]),
        float(low[0]),
        float(high[0]),
        int(np.unique(early.night).size),
        int(np.unique(late.night).size),
    )


def _gained(past: PastAnswers, shift: float) -> Floats:
    """[n] what each signal brings more under the threshold that is moved."""
    passes = (past.margin > shift).astype(np.float64) - (past.margin > 0.0)
    gained: Floats = passes * past.net_bps
    return gained
