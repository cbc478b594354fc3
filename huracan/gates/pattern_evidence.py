"""The pattern gate: a signal that resembles patterns which lost on trades after they were found is refused.

What counts of a pattern is its forward record alone: trades that resembled it, by the library of the night
before each (`analysis.patterns`). Of up to three nearest patterns the means are combined, each by its
precision and its likeness to the signal, w = cosine / error^2:

    mean = sum(w mean_i) / sum(w)        error = sqrt(sum((w error_i)^2)) / sum(w)

Without a known pattern that has a record it abstains: an empty memory refuses nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import ClassVar

import numpy as np
import pyarrow as pa

from huracan.analysis.outcome import floats
from huracan.gates.contract import Answers, GateContext, GateKind, require_above
from huracan.gates.settings import CERTAINTY, GateSettings
from huracan.setting_ranges import COUNT, Range

_OF_90 = NormalDist().inv_cdf(0.95)
"""Standard errors from the mean to the ends of the interval that the library keeps."""


@dataclass(frozen=True)
class PatternEvidenceGateSettings(GateSettings):
    """What a pattern must have shown, and how alike a signal must be."""

    minimum_forward_trades: int = 10
    """Trades after it was found, below which a pattern says nothing."""
    minimum_cosine: float = 0.3
    """Likeness below which a pattern says nothing of a signal."""
    certainty: float = 0.99
    """How sure it must be that such signals lose."""

    RANGES: ClassVar[Mapping[str, Range]] = {
        "minimum_forward_trades": COUNT,
        "minimum_cosine": Range(0.0, 1.0, "Give a cosine from 0 to 1."),
        "certainty": CERTAINTY,
    }


@dataclass(frozen=True)
class ForwardRecord:
    """What trades after a pattern was found came to."""

    name: str
    mean_bps: float
    error_bps: float
    trades: int


@dataclass(frozen=True)
class PatternEvidenceGate:
    """The patterns with a forward record, by identity, and the usual net result."""

    records: Mapping[str, ForwardRecord]
    usual_bps: float
    settings: PatternEvidenceGateSettings

    def judge(self, signals: pa.Table) -> Answers:
        """Block where the upper end of the patterns' mean lies below 0 and below what is usual."""
        value, notes = np.full(signals.num_rows, np.nan), []
        names, cosines = (
            signals[name].to_pylist() for name in ("nearest_patterns", "nearest_pattern_cosines")
        )
        for row, (own, likeness) in enumerate(zip(names, cosines, strict=True)):
            known = [
                (self.records[name], float(cosine))
                for name, cosine in zip(own or (), likeness or (), strict=True)
                if name in self.records and cosine >= self.settings.minimum_cosine
            ]
            if not known:
                notes.append(
                    f"It resembles no pattern with {self.settings.minimum_forward_trades} trades since."
                )
                continue
            mean, error = _combined(known)
            value[row] = mean + NormalDist().inv_cdf(self.settings.certainty) * error
            told = ", ".join(
                f"{record.name} ({record.mean_bps:.1f} bps of {record.trades})" for record, _ in known
            )
            notes.append(f"It resembles {told}.")
        threshold = np.full(len(value), min(0.0, self.usual_bps))
        words = f"upper end ({self.settings.certainty:.0%}) of the mean net of its patterns"
        return require_above(value, threshold, words, " bps", 1, notes)

    def describe(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "rule": "upper end of the mean net_bps of the nearest patterns > min(0, usual net_bps)",
            "patterns": {
                identity: {
                    "mean_bps": record.mean_bps,
                    "error_bps": record.error_bps,
                    "trades": record.trades,
                }
                for identity, record in self.records.items()
            },
            "usual_bps": self.usual_bps,
            "certainty": self.settings.certainty,
            "minimum_cosine": self.settings.minimum_cosine,
            "minimum_forward_trades": self.settings.minimum_forward_trades,
        }


def _combined(known: list[tuple[ForwardRecord, float]]) -> tuple[float, float]:
    """Mean and standard error of records, each with its cosine."""
    means = np.array([record.mean_bps for record, _ in known])
    errors = np.array([record.error_bps for record, _ in known])
    weight = np.array([cosine for _, cosine in known]) / errors**2
    mean = float((weight * means).sum() / weight.sum())
    return mean, float(np.sqrt(((weight * errors) ** 2).sum()) / weight.sum())


def fit(context: GateContext[PatternEvidenceGateSettings]) -> PatternEvidenceGate:
    """The records are those of the library; what is usual, the mean net of past trades, 0 without any."""
    settings, past, found = context.settings, context.past, {}
    for row in context.patterns.to_pylist():
        low, high = row["forward_net_low_bps"], row["forward_net_high_bps"]
        if (row["forward_trades"] or 0) < settings.minimum_forward_trades or low is None or high <= low:
            continue
        found[row["pattern_id"]] = ForwardRecord(
            row["name"], row["forward_mean_net_bps"], (high - low) / (2.0 * _OF_90), row["forward_trades"]
        )
    net = floats(past.trades, "net_bps")
    usual = float(np.average(net, weights=past.weight)) if len(net) else 0.0
    return PatternEvidenceGate(found, usual, settings)


GATE = GateKind(
    name="pattern_evidence",
    why="A setting that lost whenever it came again will hardly pay this time.",
    measures="in bps the upper end of the mean net of trades that resembled the signal's patterns",
    settings=PatternEvidenceGateSettings,
    fit=fit,
    order=50,
)
