"""The scratch policy: a young position that did not start as it should have is left early.

A position that loses soon after its entry, and against which the takers run, may be no more than late: or it
may tell that the entry was wrong. Which of the two is learnt from past positions (`going_on`): by how deep
the young loss is and whether the flow runs against it, what going on made from there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from huracan.analysis.outcome import directions
from huracan.gates.contract import GateContext, GateKind, Tended
from huracan.gates.evidence.going_on import Standing, fit_going_on, tend_by_kind
from huracan.gates.evidence.losing_kinds import LosingKinds
from huracan.gates.settings import ByProfile, EvidenceSettings, Profile
from huracan.setting_ranges import FROM_0, SHARE, Range

_IDLE = "It is not young, does not lose enough, or who took at the close is not known."


@dataclass(frozen=True)
class YoungShare(ByProfile):
    """Shares of the longest holding."""

    scalp: float = 0.1
    runner: float = 0.2


@dataclass(frozen=True)
class ScratchGateSettings(EvidenceSettings):
    """Which positions are looked at, and how they are told apart."""

    profile: Profile = "scalp"
    """By which of the numbers below is judged."""
    young_share: YoungShare = YoungShare()
    """Age, as a share of the longest holding, up to which a position is young."""
    slight_loss: float = 0.25
    """Loss in horizon volatilities from which on a young position is looked at."""
    deep_loss: float = 0.75
    """Loss from which on it is deep."""
    adverse_flow: float = 0.1
    """Imbalance of takers against the position from which on the flow runs against it."""

    RANGES: ClassVar[Mapping[str, Range]] = {
        "young_share": SHARE,
        "slight_loss": FROM_0,
        "deep_loss": FROM_0,
        "adverse_flow": SHARE,
    }

    def kinds(self, standing: Standing) -> list[str | None]:
        """The kind of each position; None of one that is not looked at, or whose flow is not known."""
        is_young = standing.age <= self.young_share.of(self.profile)
        looks = is_young & (standing.gain <= -self.slight_loss) & np.isfinite(standing.flow_for)
        is_deep, is_against = standing.gain <= -self.deep_loss, standing.flow_for <= -self.adverse_flow
        depths, flows = np.where(is_deep, "deep", "slight"), np.where(is_against, "against", "not against")
        return [
            f"{depth}, flow {flow}" if asked else None
            for asked, depth, flow in zip(looks, depths, flows, strict=True)
        ]


@dataclass(frozen=True)
class ScratchGate:
    """What going on made, by kind."""

    evidence: LosingKinds
    settings: ScratchGateSettings

    def tend(self, positions: pa.Table) -> Tended:
        """Leave a kind from which going on surely loses."""
        kinds = self.settings.kinds(Standing.of(positions, directions(positions)))
        return tend_by_kind(self.evidence, kinds, _in_words, _IDLE)

    def describe(self) -> dict[str, object]:
        """Plain JSON values."""
        young = {"young_share": self.settings.young_share.of(self.settings.profile)}
        names = ("slight_loss", "deep_loss", "adverse_flow")
        return self.evidence.describe() | young | {name: getattr(self.settings, name) for name in names}


def _in_words(kind: str) -> str:
    depth, flow = kind.split(", ")
    return f"young positions with a {depth} loss and the {flow}"


def fit(context: GateContext[ScratchGateSettings]) -> ScratchGate:
    """By how past positions stood while they were young."""
    settings = context.settings
    return ScratchGate(fit_going_on(context.past, context.marks, settings.kinds, settings), settings)


GATE = GateKind(
    name="scratch",
    why="A trade that fails at once seldom recovers as far as it fell, and keeps its place meanwhile.",
    measures="in bps the upper end of what going on made from where the position stood",
    settings=ScratchGateSettings,
    fit=fit,
    below="left at {} or below",
    order=75,
)
