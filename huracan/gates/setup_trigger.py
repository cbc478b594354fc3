"""The setup and trigger gate: an entry wants a market that is set up for it, and something that sets it off.

Set up is, for a scalp, a market whose last bars moved less than usual; for a runner one that runs the
signal's way. Triggered is a signal whose last bar moved its way, at more than usual volume. Neither is taken
on trust: of the four kinds one is refused where past signals of it surely lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from huracan.analysis.outcome import directions
from huracan.gates.contract import Answers, GateContext, GateKind
from huracan.gates.evidence.losing_kinds import LosingKinds, fit_losing_kinds
from huracan.gates.settings import EvidenceSettings, Profile
from huracan.market.facts.columns import fact
from huracan.setting_ranges import FINITE, FROM_0, Range

_BOTH, _SETUP, _TRIGGER, _NEITHER = KINDS = ("setup and trigger", "setup alone", "trigger alone", "neither")


@dataclass(frozen=True)
class SetupTriggerGateSettings(EvidenceSettings):
    """What is a setup and what a trigger."""

    profile: Profile = "scalp"
    """`scalp`: a quiet market is a setup; `runner`: one that runs the signal's way."""
    setup_compression: float = 0.8
    """Of a scalp: the deviation of the last 10 bars, over that of 60, is at most this."""
    setup_move: float = 1.0
    """Of a runner: the return of the last 60 bars, the signal's way, in standard deviations, at least."""
    trigger_move: float = 0.5
    """The return of the last bar, the signal's way, in one-bar volatilities, at least."""
    trigger_activity: float = 1.0
    """The mean volume of the last 10 bars, over that of 60, at least."""

    RANGES: ClassVar[Mapping[str, Range]] = {
        "setup_compression": FROM_0,
        "setup_move": FINITE,
        "trigger_move": FINITE,
        "trigger_activity": FROM_0,
    }

    def kinds(self, trades: pa.Table, facts: pa.Table) -> list[str | None]:
        """The kind of each signal; None where the market at it is not known."""
        way = directions(trades)
        compression, long_move = fact(facts, "compression"), way * fact(facts, "long_move")
        last_move, activity = way * fact(facts, "last_move"), fact(facts, "activity")
        is_scalp = self.profile == "scalp"
        is_set_up = compression <= self.setup_compression if is_scalp else long_move >= self.setup_move
        is_triggered = (last_move >= self.trigger_move) & (activity >= self.trigger_activity)
        known = np.isfinite(compression) & np.isfinite(long_move) & np.isfinite(last_move * activity)
        number = 2 * ~is_set_up + 1 * ~is_triggered
        return [KINDS[each] if told else None for each, told in zip(number, known, strict=True)]


@dataclass(frozen=True)
class SetupTriggerGate:
    """What past signals came to, by kind."""

    evidence: LosingKinds
    settings: SetupTriggerGateSettings

    def judge(self, signals: pa.Table) -> Answers:
        """Block a kind that surely loses, and more than others."""
        kinds = self.settings.kinds(signals, signals)
        return self.evidence.judge(kinds, _in_words, "The market at the signal is not known.")

    def describe(self) -> dict[str, object]:
        """Plain JSON values."""
        names = ("profile", "setup_compression", "setup_move", "trigger_move", "trigger_activity")
        return self.evidence.describe() | {name: getattr(self.settings, name) for name in names}


def _in_words(kind: str) -> str:
    return "signals with neither setup nor trigger" if kind == _NEITHER else f"signals with {kind}"


def fit(context: GateContext[SetupTriggerGateSettings]) -> SetupTriggerGate:
    """By the facts of the past trades' signals."""
    settings = context.settings
    kinds = settings.kinds(context.past.trades, context.facts)
    return SetupTriggerGate(fit_losing_kinds(context.past, kinds, settings), settings)


GATE = GateKind(
    name="setup_trigger",
    why="An entry into a market that is not set up for it, or that nothing set off, waits for luck.",
    measures="in bps the upper end of the mean net of past signals with the same setup and trigger",
    settings=SetupTriggerGateSettings,
    fit=fit,
    order=70,
)
