"""The verdict of a night: what was judged of its procedure and of its weights, put together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from huracan.promotion.contradiction import Comparison, compare_with_ledger
from huracan.promotion.record import TrialRecord
from huracan.promotion.track_record import Told
from huracan.promotion.verdict import BrainVerdict, Earned
from huracan.verdict import Number

_OF_SEEDS = ("count", "net_usd_mean", "net_usd_std", "net_usd_lowest", "net_usd_highest")


@dataclass(frozen=True)
class TrainedNight:
    """What the night trained."""

    report: Mapping[str, Any]
    """Of the training."""
    is_simulated: bool
    is_remade: bool
    """After the night had come to its end."""

    @property
    def seeds(self) -> dict[str, float]:
        """How far the night's seeds lie apart on the held-out tail."""
        return {name: self.report["seeds"][name] for name in _OF_SEEDS}

    @property
    def held_out_usd(self) -> dict[date, float]:
        """Results by day of the held-out tail."""
        told = self.report["held_out"]
        first = date.fromisoformat(told["first_day"])
        return {first + timedelta(number): float(each) for number, each in enumerate(told["daily_net_usd"])}

    def compare(self, digest: str, record: TrialRecord, allowed_chance: float) -> Comparison:
        """Its weights with what the ledger of its procedure made on their held-out days."""
        results = record.results(digest).values()
        alone = {each.day: each.alone_usd for each in results if each.alone_usd is not None}
        earlier = record.contrasts(digest, record.until)
        return compare_with_ledger(self.held_out_usd, alone, earlier, allowed_chance)

    def row(self, day: date, digest: str, compared: Comparison) -> dict[str, Any]:
        """The content of the row that says whose night it is."""
        return {
            "day": day.isoformat(),
            "procedure": digest,
            "model_id": self.report["model_id"],
            "held_out_usd": list(self.held_out_usd.values()),
            "contrast": compared.contrast,
            "contradicts": compared.contradicts,
            "is_remade": self.is_remade,
        }

    @property
    def notes(self) -> list[str]:
        """What holds of its weights whatever the evidence is."""
        told = [self.report["refit"]["note"]] if self.report.get("refit") else []
        if self.is_remade:
            told.append("The policy was remade after its night, so it never comes into force.")
        if self.is_simulated:
            told.append("It was trained on simulated candles, so it is never eligible for live trading.")
        return told


@dataclass(frozen=True)
class JudgedNight:
    """All that was judged on the night."""

    earned: Earned
    compared: Comparison
    track_record: Sequence[Told]
    decided: str
    """The sentence of what comes into force."""
    is_promoted: bool
    """Tonight's brain comes into force."""
    left_out: str
    """What of the day does not count; empty where all does."""


def verdict_of_night(trained: TrainedNight, judged: JudgedNight) -> BrainVerdict:
    """What is told of it: the decision, the evidence and what refuses, the comparison, then notes."""
    earned, compared = judged.earned, judged.compared
    numbers: dict[str, Number] = dict(earned.numbers)
    numbers |= {"contradiction_chance": compared.chance, "compared_days": compared.days}
    for each in judged.track_record:
        numbers.update(each.numbers)
    numbers["is_simulated"] = trained.is_simulated
    reasons = [judged.decided, *earned.reasons, compared.reason, judged.left_out, *trained.notes]
    is_live = judged.is_promoted and earned.is_live and not trained.is_simulated
    return BrainVerdict(judged.is_promoted, is_live, tuple(filter(None, reasons)), numbers)


def verdict_of_research(trained: TrainedNight) -> BrainVerdict:
    """Where nothing counts."""
    why = "The home is set to research (mode): it takes no number, nothing counts and nothing is promoted."
    return BrainVerdict(False, False, (why, *trained.notes), {"is_simulated": trained.is_simulated})
