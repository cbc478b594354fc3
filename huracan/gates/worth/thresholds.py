"""What a gate should have asked for: searched on earlier nights, judged on the nights after them.

A gate passes what its value exceeds its threshold by, its margin. By how much the threshold would better have
been moved is searched where it was not judged, so what a proposal is worth was not chosen for being large.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from huracan.evaluation.jackknife import effective_count
from huracan.gates.worth.bootstrap import DOUBT, LEAST_DAYS, mean_interval
from huracan.gates.worth.config import GateWorthConfig
from huracan.gates.worth.judged import JudgedBook
from huracan.market.block import MS_PER_DAY

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
    kept: Floats
    """[n] the part of the trade that is made where it passes; 1 of what did not, which nobody resized."""
    net_bps: Floats
    """[n] of the whole trade."""
    weight: Floats
    opened: Integers
    """[n] days since 1970 of the signal."""
    night: Integers
    """[n] of the day on which the trade closed."""

    def take(self, rows: Bools) -> "PastAnswers":
        """Those of the rows."""
        return PastAnswers(*(values[rows] for values in vars(self).values()))

    @property
    def resizes(self) -> bool:
        """Whether any was made smaller or larger: of what it refused nobody knows the size it would have."""
        return bool((self.kept != 1.0).any())

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
    """Lower end of its interval."""
    high_bps: float
    searched_nights: int
    judged_nights: int

    @property
    def is_worth_it(self) -> bool:
        """Whether the interval of the gain on the later nights lies above 0."""
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
    own = book.take(measured)
    kept = np.where(own.has_passed[:, gate], own.kept[:, gate], 1.0)
    return PastAnswers(margin, kept, own.net_bps, own.weight, own.opened_ms // MS_PER_DAY, own.night)


def best_shift(past: PastAnswers, lowest_pass_rate: float, may_loosen: bool = True) -> float:
    """The shift of the threshold by which most would have been earned while at least `lowest_pass_rate`
    passed; of those that earn the same the smallest, so 0 where no other earns more.

    Unless it `may_loosen` none below 0 is looked at.
    """
    shifts, earned, rates = _choices(past)
    allowed = (shifts >= 0.0) | may_loosen
    allowed &= rates >= min(lowest_pass_rate, rates[allowed].max()) - _TIE
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
        for each in (past.kept * past.net_bps * past.weight, past.weight)
    )
    low, high = np.append(-np.inf, edges), np.append(edges, np.inf)
    shifts = np.concatenate([[np.nextafter(edges[0], -np.inf)], (edges[:-1] + edges[1:]) / 2.0, edges[-1:]])
    return np.where((low <= 0.0) & (high > 0.0), 0.0, shifts), earned, passed


def _smallest(shifts: Floats) -> float:
    return float(shifts[np.argmin(np.abs(shifts))])


def propose_threshold(
    past: PastAnswers, config: GateWorthConfig, generator: np.random.Generator, looks: int = 1
) -> Proposal | Silent:
    """The best shift of the earlier nights, and its gain over the threshold as it was on the later ones.

    Of those only signals count that came after the last trade searched had closed. The interval misses the
    truth once in twenty times for all of the `looks` at gates of a night together (Bonferroni).
    """
    nights = np.unique(past.night)
    searched = nights[: int(np.ceil(len(nights) * _SEARCHED))]
    is_early = past.night <= searched[-1]
    early, late = past.take(is_early), past.take(past.opened > searched[-1])
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
    shift = best_shift(early, config.lowest_pass_rate, may_loosen=not past.resizes)
    gain, low, high = mean_interval(
        late.night, _gained(late, shift)[:, None], late.weight[:, None], generator, DOUBT / looks
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
    gained: Floats = passes * past.kept * past.net_bps
    return gained
