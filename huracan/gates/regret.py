"""The regret gate: how probable it is that waiting would turn out better than acting.

Of the mean gross result of signals of a regime and side the past leaves a normal posterior: its mean pulled
towards that of all, its error by days (`class_means`). Waiting makes nothing. So acting is regretted with the
probability that this mean does not pay the signal's own cost, from 0 to 1 (Bell 1982; Berger 1985, 4.4):
below a half it is the better choice, above it the worse.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import ClassVar

import numpy as np
import pyarrow as pa

from huracan.analysis.outcome import floats
from huracan.gates.contract import (
    PASS,
    Answers,
    GateContext,
    GateKind,
    abstain_from_all,
    regime_notes,
    require_above,
    resize,
)
from huracan.gates.evidence.class_means import ClassMeans, days_of, fit_class_means, sides_of_regimes
from huracan.gates.settings import ByProfile, LearningSettings, Profile
from huracan.setting_ranges import Range

_PROBABILITY = Range(0.0, 1.0, "Give a probability from 0 to 1.")


@dataclass(frozen=True)
class MaximumRegret(ByProfile):
    """Probabilities that acting is the worse choice."""

    scalp: float = 0.95
    runner: float = 0.90


@dataclass(frozen=True)
class RegretGateSettings(LearningSettings):
    """How much regret is borne, and what becomes of a signal that is more likely regretted than not."""

    profile: Profile = "scalp"
    """By which of the numbers below is judged."""
    maximum_regret: MaximumRegret = field(default_factory=MaximumRegret)
    """Probability that acting is the worse choice, from which on it is refused."""
    doubtful_size: float = 0.7
    """Factor of the size of a signal that is more likely regretted than not, and still not refused."""

    RANGES: ClassVar[Mapping[str, Range]] = {
        "maximum_regret": _PROBABILITY,
        "doubtful_size": Range(0.01, 1.0, "Give a factor from 0.01 to 1."),
    }


@dataclass(frozen=True)
class RegretGate:
    """The posterior of gross results in bps, by regime and side."""

    gross: ClassMeans
    settings: RegretGateSettings

    def judge(self, signals: pa.Table) -> Answers:
        """Block where acting is too probably the worse choice, resize where it is more so than not."""
        settings, count = self.settings, signals.num_rows
        if self.gross.usual.trades < settings.minimum_past_trades:
            has, needed = self.gross.usual.trades, settings.minimum_past_trades
            return abstain_from_all(count, f"{has:.0f} past trades say too little ({needed} needed).")
        mean, error = self.gross.arrays(sides_of_regimes(signals))
        cost = floats(signals, "estimated_cost_bps")
        pays = [
            _probability_above(own, each)
            for own, each in zip(zip(mean, error, strict=True), cost, strict=True)
        ]
        notes = [
            f"Such signals made {m:.1f} bps before costs, give or take {e:.1f}, and this one costs {c:.1f}."
            + (f" {note}" if note else "")
            for m, e, c, note in zip(
                mean, error, cost, regime_notes(signals, "the mean of all is taken"), strict=True
            )
        ]
        least = np.full(count, 1.0 - settings.maximum_regret.of(settings.profile))
        words = "probability that acting is the better choice"
        given = require_above(np.array(pays, dtype=np.float64), least, words, "", 3, notes)
        smaller = resize(settings.doubtful_size) if settings.doubtful_size < 1.0 else PASS
        answers = tuple(
            smaller if answer == PASS and value <= 0.5 else answer
            for answer, value in zip(given.answer, given.value, strict=True)
        )
        return Answers(answers, given.value, given.threshold, given.reason)

    def describe(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "rule": "P(gross_bps[regime, side] > estimated_cost_bps) > 1 - maximum_regret; resized up to 0.5",
            "gross_bps": self.gross.describe(),
            "maximum_regret": self.settings.maximum_regret.of(self.settings.profile),
            "doubtful_size": self.settings.doubtful_size,
            "minimum_past_trades": self.settings.minimum_past_trades,
        }


def _probability_above(posterior: tuple[float, float], cost: float) -> float:
    mean, error = posterior
    if not np.isfinite(cost):
        return float("nan")
    return float(mean > cost) if error == 0.0 else 1.0 - NormalDist(mean, error).cdf(cost)


def fit(context: GateContext[RegretGateSettings]) -> RegretGate:
    """By the gross results of past trades."""
    past = context.past
    gross = fit_class_means(
        floats(past.trades, "gross_bps"),
        past.weight,
        sides_of_regimes(past.trades),
        context.settings.shrinkage_trades,
        days_of(past),
    )
    return RegretGate(gross, context.settings)


GATE = GateKind(
    name="regret",
    why="Acting where waiting is probably better is regretted more often than not.",
    measures="the probability that acting is the better choice",
    settings=RegretGateSettings,
    fit=fit,
    threshold="maximum_regret",
    threshold_sign=-1,
    order=40,
)
