"""How good a probability was: area under the ROC curve and Brier score. No model is known here."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def roc_auc(won: Bools, probability: Floats) -> float | None:
    """Chance that a random winner is ranked above a random loser, ties half (Mann-Whitney).

    None where one of the classes is absent.
    """
    winners, losers = int(won.sum()), int((~won).sum())
    if winners == 0 or losers == 0:
        return None
    _, position, counts = np.unique(probability, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(counts) - (counts - 1) / 2.0
    rank_sum = float(mean_rank[position][won].sum())
    return (rank_sum - winners * (winners + 1) / 2.0) / (winners * losers)


def brier_score(won: Bools, probability: Floats) -> float | None:
    """Mean squared error of the probability, 0 is perfect; None without rows."""
    return float(np.mean((probability - won) ** 2)) if len(won) else None


@dataclass(frozen=True)
class TailScores:
    """How a model did on trades later than all that it was fitted on; None where not measurable."""

    auc: float | None
    auc_error: float | None
    """Standard error of the area if the ranking were chance: sqrt((w + l + 1) / (12 w l))."""
    brier: float | None
    base_brier: float | None
    """Brier score of always answering the base rate of the fitted trades."""

    @property
    def show_skill(self) -> bool:
        """Ranked better than chance at 95 % one-sided, and was no worse calibrated than the base rate."""
        if self.auc is None or self.auc_error is None or self.brier is None or self.base_brier is None:
            return False
        return self.auc > 0.5 + 1.645 * self.auc_error and self.brier <= self.base_brier


def score_tail(won: Bools, probability: Floats, base_rate: float) -> TailScores:
    """Scores of `probability` [n] against outcomes `won` [n]."""
    winners, losers = int(won.sum()), int((~won).sum())
    area = roc_auc(won, probability)
    error = None if area is None else math.sqrt((winners + losers + 1) / (12.0 * winners * losers))
    base = brier_score(won, np.full(len(won), base_rate))
    return TailScores(area, error, brier_score(won, probability), base)
