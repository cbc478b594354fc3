"""The adverse-selection gate: whoever takes the other side may know more, and the flow gives that away.

Glosten and Milgrom (1985): a quote is hit by those who know better, so that a one-sided flow tells of a move
to come. What the flow says for or against a signal is learnt from past signals (`ranked_score`): whether
takers were on its side, whether they turned, how toxic the flow was, how wide the spread and how thin the
market. A rank is refused where past signals of it surely lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.analysis.outcome import directions, floats
from huracan.gates.contract import Answers, GateContext, GateKind
from huracan.gates.evidence.losing_kinds import LosingKinds, fit_losing_kinds
from huracan.gates.evidence.ranked_score import RankedScore, fit_ranked_score
from huracan.gates.settings import EvidenceSettings
from huracan.market.facts.columns import fact
from huracan.setting_ranges import Range

INPUTS = (
    "flow_for", "turn_for", "toxicity", "toxic_flow_for", "one_sidedness", "move_for", "last_move_for",
    "half_spread_bps", "log_illiquidity", "activity", "flow_against", "lasting_flow_against",
    "toxic_flow_against",
)  # fmt: skip
"""What a signal is scored by; `for`: on the signal's side, `against`: only where it is not. Flow that lasts
is the weaker one of two windows in a row: what runs against a signal once may be chance."""


@dataclass(frozen=True)
class AdverseSelectionGateSettings(EvidenceSettings):
    """How finely signals are told apart by the flow."""

    ranks: int = 20
    """Parts of equal size that past signals are sorted into by their score; fewer of a small past, so that
    each has three times `minimum_kind_trades`. A rank in which few meet a toxic flow hides them: the finer
    the ranks, the fewer are hidden."""

    certainty: float = 0.9
    """How sure it must be that a rank loses. Less than other gates ask for: toxic signals lie in a few ranks
    at one end, and the last of them holds others too."""

    RANGES: ClassVar[Mapping[str, Range]] = {"ranks": Range(2, 50, "Give a number from 2 to 50.")}


@dataclass(frozen=True)
class AdverseSelectionGate:
    """The score, and what past signals came to by its rank."""

    score: RankedScore
    evidence: LosingKinds

    def judge(self, signals: pa.Table) -> Answers:
        """Block a rank that surely loses, and more than others."""
        ranks = self.score.ranks(flow_inputs(signals, signals))
        unknown = "The flow at the signal is not known."
        return self.evidence.judge(ranks, lambda rank: f"signals that met such a flow ({rank})", unknown)

    def describe(self) -> dict[str, object]:
        """Plain JSON values."""
        return self.evidence.describe() | {"inputs": list(INPUTS), "score": self.score.describe()}


def flow_inputs(trades: pa.Table, facts: pa.Table) -> NDArray[np.float64]:
    """[n, 13] INPUTS of signals with these facts, row by row; NaN where one is not known."""
    way, flow, toxicity = directions(trades), fact(facts, "imbalance"), fact(facts, "toxicity")
    earlier = fact(facts, "earlier_imbalance")
    lasting_against = np.maximum(np.minimum(-way * flow, -way * earlier), 0.0)
    illiquidity = fact(facts, "illiquidity_bps")
    columns = (
        way * flow,
        way * (flow - earlier),
        toxicity,
        way * flow * toxicity,
        np.abs(flow),
        way * fact(facts, "short_move"),
        way * fact(facts, "last_move"),
        fact(facts, "half_spread_bps"),
        np.log1p(illiquidity),
        fact(facts, "activity"),
        np.maximum(-way * flow, 0.0),
        lasting_against,
        toxicity * np.maximum(-way * (flow + earlier), 0.0),
    )
    return np.column_stack(columns)


def fit(context: GateContext[AdverseSelectionGateSettings]) -> AdverseSelectionGate:
    """The score learns gross results: what trading costs is not the flow's doing."""
    past, settings = context.past, context.settings
    inputs = flow_inputs(past.trades, context.facts)
    whole = past.take(np.flatnonzero(np.isfinite(inputs).all(axis=1)))
    fitting = int(whole.effective_count // (3 * settings.minimum_kind_trades)) if len(whole.weight) else 0
    count = min(settings.ranks, max(2, fitting))
    score, ranks = fit_ranked_score(inputs, floats(past.trades, "gross_bps"), past.weight, count)
    return AdverseSelectionGate(score, fit_losing_kinds(past, ranks, settings))


GATE = GateKind(
    name="adverse_selection",
    why="Where the flow runs against a signal, whoever takes its other side knows more.",
    measures="in bps the upper end of the mean net of past signals that met a like flow",
    settings=AdverseSelectionGateSettings,
    fit=fit,
    order=14,
)
