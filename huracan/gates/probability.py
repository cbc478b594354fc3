"""A gate that asks a model for a probability: what the gates of the two models have in common.

The probability must exceed the regime's break-even plus a margin. Without a model worth asking it abstains.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import ClassVar

import pyarrow as pa

from huracan.gates.contract import Answers, abstain_from_all, regime_notes, require_above
from huracan.gates.evidence.break_even import BreakEven, RegimeMargins, fit_break_even
from huracan.gates.settings import LearningSettings
from huracan.models.confidence import ConfidenceModel
from huracan.models.config import Unfit
from huracan.models.meta_label import MetaLabelModel
from huracan.models.past import PastTrades
from huracan.setting_ranges import Range

Model = ConfidenceModel | MetaLabelModel | Unfit


@dataclass(frozen=True)
class ProbabilitySettings(LearningSettings):
    """When a model is asked, and how sure it must be. What wins and losses of a regime come to is pulled
    towards those of all."""

    require_skill: bool = True
    """A model that showed no skill out of time is not asked: the gate abstains."""
    margin: RegimeMargins = field(default_factory=RegimeMargins)
    """By how much the probability must exceed the break-even of the signal's regime."""

    RANGES: ClassVar[Mapping[str, Range]] = {"margin": Range(-1.0, 1.0, "Give a number from -1 to 1.")}


@dataclass(frozen=True)
class ProbabilityGate:
    """The model and break-even of the day before the one that is judged."""

    model: Model
    break_even: BreakEven
    settings: ProbabilitySettings
    words: str
    """What the probability is called in a reason."""

    def judge(self, signals: pa.Table) -> Answers:
        """Block unless the probability exceeds its threshold; abstain where there is none."""
        count, model, past_trades = signals.num_rows, self.model, self.break_even.past_trades
        if isinstance(model, Unfit):
            return abstain_from_all(count, f"There is no model: {model.reason}")
        if self.settings.require_skill and not model.has_skill:
            auc = "not measurable" if model.tail.auc is None else f"{model.tail.auc:.3f}"
            reason = f"The model showed no skill out of time (AUC {auc} on {model.tail_trades} trades)."
            return abstain_from_all(count, reason)
        if past_trades < self.settings.minimum_past_trades or self.break_even.overall is None:
            reason = f"{past_trades:.0f} past trades give no break-even probability."
            return abstain_from_all(count, reason)
        thresholds = self.break_even.thresholds(signals, self.settings.margin)
        notes = regime_notes(signals, "the break-even of all is taken, with the largest margin")
        return require_above(model.predict(signals), thresholds, self.words, "", 3, notes)

    def describe(self) -> dict[str, object]:
        """Threshold rule and state as plain JSON values; the model itself is a file of its own."""
        return {
            "rule": "probability > break_even[regime] + margin[regime]",
            "break_even": dict(self.break_even.by_regime),
            "overall_break_even": self.break_even.overall,
            "past_trades": self.break_even.past_trades,
            "margin": asdict(self.settings.margin),
            "model": self.model.reason if isinstance(self.model, Unfit) else "fitted",
            "has_skill": False if isinstance(self.model, Unfit) else self.model.has_skill,
        }


def fit_probability_gate(
    past: PastTrades, model: Model, settings: ProbabilitySettings, words: str
) -> ProbabilityGate:
    """Learn the break-even for the probabilities of `model`, of the day before as the trades are."""
    return ProbabilityGate(model, fit_break_even(past, settings.shrinkage_trades), settings, words)
