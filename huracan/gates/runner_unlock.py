"""The runner unlock: a position that has made what a scalp wants goes on only where the market still runs.

Signs that it does: the price ran its way over the last bars, and over many; takers are on its side; there is
as much trading as usual. By how many of the four there are, past positions tell what going on made from there
(`going_on`): where that surely lost, the position is left. Its stop may be made to follow the price once
enough signs unlock it, and not before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pyarrow as pa

from huracan.analysis.outcome import Floats, directions
from huracan.gates.contract import GateContext, GateKind, Tended
from huracan.gates.evidence.going_on import Standing, fit_going_on, tend_by_kind
from huracan.gates.evidence.losing_kinds import LosingKinds
from huracan.gates.settings import ByProfile, EvidenceSettings, Profile
from huracan.market.actions import ACTIONS, TRAIL_INDEX
from huracan.setting_ranges import FROM_0, Range

SIGNS = 4
_TRAIL = (ACTIONS[TRAIL_INDEX].name,)
_IDLE = "It has not made what a scalp wants, or its market is not known."


@dataclass(frozen=True)
class ScalpGain(ByProfile):
    """Gains in horizon volatilities."""

    scalp: float = 1.0
    runner: float = 1.5


@dataclass(frozen=True)
class RunnerUnlockGateSettings(EvidenceSettings):
    """When a scalp is made, and what unlocks it."""

    profile: Profile = "scalp"
    """By which of the numbers below is judged."""
    scalp_gain: ScalpGain = ScalpGain()
    """Gross gain in horizon volatilities with which a scalp is made."""
    required_signs: float = 2
    """Of the four signs so many unlock a runner."""
    long_move: float = 0.5
    """Return of the last 60 bars, the position's way, in standard deviations, at least."""
    short_move: float = 0.0
    """The same of the last 10 bars."""
    flow: float = 0.0
    """Imbalance of takers on the position's side, at least."""
    activity: float = 1.0
    """Mean volume of the last 10 bars, over that of 60, at least."""

    RANGES: ClassVar[Mapping[str, Range]] = {
        "scalp_gain": FROM_0,
        "required_signs": Range(0, SIGNS, "Give a number from 0 to 4."),
        "activity": FROM_0,
        "flow": Range(-1.0, 1.0, "Give an imbalance from -1 to 1."),
        "long_move": Range(-10.0, 10.0, "Give standard deviations from -10 to 10."),
        "short_move": Range(-10.0, 10.0, "Give standard deviations from -10 to 10."),
    }

    def signs(self, standing: Standing) -> Floats:
        """[n] how many signs speak for going on; NaN of a position that is not looked at."""
        seen = (
            (standing.long_move_for, self.long_move),
            (standing.short_move_for, self.short_move),
            (standing.flow_for, self.flow),
            (standing.activity, self.activity),
        )
        known = np.all([np.isfinite(values) for values, _ in seen], axis=0)
        count = np.sum([values >= least for values, least in seen], axis=0)
        is_made = standing.gain >= self.scalp_gain.of(self.profile)
        return np.where(known & is_made, count, np.nan)

    def kinds(self, standing: Standing) -> list[str | None]:
        """The kind of each position: the number of its signs."""
        return [f"{each:.0f}" if np.isfinite(each) else None for each in self.signs(standing).tolist()]


@dataclass(frozen=True)
class RunnerUnlockGate:
    """What going on made, by the number of signs."""

    evidence: LosingKinds
    settings: RunnerUnlockGateSettings

    def tend(self, positions: pa.Table) -> Tended:
        """Leave where going on surely loses; the stop may follow where enough signs unlock it."""
        standing = Standing.of(positions, directions(positions))
        signs, kinds = self.settings.signs(standing), self.settings.kinds(standing)
        given = tend_by_kind(self.evidence, kinds, _in_words, _IDLE)
        unlocks = np.isfinite(signs) & (signs >= self.settings.required_signs) & ~given.closes
        forbids = tuple(() if unlocked else _TRAIL for unlocked in unlocks.tolist())
        return replace(given, forbids=forbids)

    def describe(self) -> dict[str, object]:
        """Plain JSON values."""
        settings = self.settings
        names = ("required_signs", "long_move", "short_move", "flow", "activity")
        gain = {"scalp_gain": settings.scalp_gain.of(settings.profile)}
        return self.evidence.describe() | gain | {name: getattr(settings, name) for name in names}


def _in_words(kind: str) -> str:
    return f"positions that had made their scalp with {kind} of {SIGNS} signs"


def fit(context: GateContext[RunnerUnlockGateSettings]) -> RunnerUnlockGate:
    """By how past positions stood once they had made their scalp."""
    settings = context.settings
    return RunnerUnlockGate(fit_going_on(context.past, context.marks, settings.kinds, settings), settings)


GATE = GateKind(
    name="runner_unlock",
    why="A gain that is held on to without a market that still runs is given back.",
    measures="in bps the upper end of what going on made from where the position stood",
    settings=RunnerUnlockGateSettings,
    fit=fit,
    below="left at {} or below",
    order=85,
)
