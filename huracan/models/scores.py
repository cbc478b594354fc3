"""How good a probability was, by ranking, by error and by calibration. No model is known here.

Outcomes are 1 for a winner and 0 for a loser; where one is not sure, the probability that it was one. Every
row counts by its weight.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.evaluation.jackknife import effective_count, jackknife_error, ratios, sums_by_block

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_ONE_SIDED = 0.95
BINS = 10


def roc_auc(won: NDArray[Any], probability: Floats, weight: Floats | None = None) -> float | None:
    """Chance that a random winner is ranked above a random loser, ties half (Mann-Whitney).

    None where one of the classes is absent.
    """
    counts = np.ones(len(won)) if weight is None else weight
    return _area(won.astype(np.float64), np.unique(probability, return_inverse=True)[1], counts)


def brier_score(won: NDArray[Any], probability: Floats, weight: Floats | None = None) -> float | None:
    """Mean squared error of the probability, 0 is perfect; None without rows."""
    if len(won) == 0:
        return None
    return float(np.average(_squared_error(won.astype(np.float64), probability), weights=weight))


@dataclass(frozen=True)
class ReliabilityBin:
    """Signals that were given about the same probability, and how many of them won."""

    probability: float
    """Mean of what was said."""
    won: float
    """Share that won."""
    trades: int
    effective_trades: float


@dataclass(frozen=True)
class TailScores:
    """How a model did on trades later than all that it was fitted on; None where not measurable."""

    auc: float | None
    auc_error: float | None
    """Standard error of the area: were the ranking chance among as many trades, sqrt((w + l + 1) / (12 w l));
    or by leaving out blocks of time, of which the trades of one fare alike, if that is larger. None where
    the blocks are too few to say."""
    brier: float | None
    base_brier: float | None
    """Brier score of always answering the base rate of the fitted trades."""
    brier_skill: float | None = None
    """1 - brier / base_brier."""
    brier_skill_low: float | None = None
    brier_skill_high: float | None = None
    """Interval of 90 % of that skill, by leaving out blocks of time; None where they are too few."""
    calibration_error: float | None = None
    """Mean distance of what was said from what came, over the reliability bins (expected calibration
    error)."""
    trades: int = 0
    effective_trades: float = 0.0
    reliability: tuple[ReliabilityBin, ...] = ()
    """Ten bins of about as many trades each, by rising probability."""
    effective_blocks: float | None = None
    """So many blocks of time of equal weight the errors rest on; None where trades were taken to be
    independent."""

    @property
    def show_skill(self) -> bool:
        """Ranked better than chance at 95 % one-sided, and was no worse calibrated than the base rate.

        By Student's t of as many blocks as there are: the fewer, the less is known of how they differ.
        """
        if self.auc is None or self.auc_error is None or self.brier is None or self.base_brier is None:
            return False
        from scipy.stats import t as student

        freedom = math.inf if self.effective_blocks is None else self.effective_blocks - 1.0
        least = 0.5 + float(student.ppf(_ONE_SIDED, freedom)) * self.auc_error
        return self.auc > least and self.brier <= self.base_brier

    @staticmethod
    def read(value: dict[str, Any]) -> "TailScores":
        """From its form in JSON."""
        bins = tuple(ReliabilityBin(**each) for each in value.get("reliability", ()))
        return TailScores(**value | {"reliability": bins})


UNSCORED = TailScores(None, None, None, None)


def score_tail(
    won: NDArray[Any],
    probability: Floats,
    base_rate: float,
    weight: Floats | None = None,
    block: Integers | None = None,
) -> TailScores:
    """Scores of `probability` [n] against outcomes `won` [n] that count by `weight` [n].

    `block` [n] is the number of the block of time of each (`split.blocks_of_time`): trades of one may fare
    alike. Without blocks trades are taken to be independent, and there is no interval.
    """
    outcome, counts = won.astype(np.float64), np.ones(len(won)) if weight is None else weight
    area = roc_auc(outcome, probability, counts)
    brier = brier_score(outcome, probability, counts)
    base = brier_score(outcome, np.full(len(won), base_rate), counts)
    if brier is None or base is None:
        return UNSCORED
    skill = 1.0 - brier / base if base > 0.0 else None
    error = None if area is None else _error_of_chance(outcome, counts)
    low, high, blocks = None, None, None
    if block is not None:
        blocks = effective_count(sums_by_block(block, counts))
        spread = _area_error(outcome, probability, counts, block)
        error = None if error is None or spread is None else max(error, spread)
        width = _skill_width(outcome, (probability, np.full(len(won), base_rate)), counts, block)
        if skill is not None and width is not None:
            low, high = skill - width, skill + width
    bins = reliability_bins(outcome, probability, counts)
    return TailScores(
        area,
        error,
        brier,
        base,
        skill,
        low,
        high,
        sum(abs(each.probability - each.won) * share for each, share in bins),
        len(won),
        effective_count(counts),
        tuple(each for each, _ in bins),
        blocks,
    )


def reliability_bins(won: Floats, probability: Floats, weight: Floats) -> list[tuple[ReliabilityBin, float]]:
    """At most ten bins of about as many trades each, with the share of the weight that lies in each."""
    edges = np.unique(np.quantile(probability, np.linspace(0.0, 1.0, BINS + 1)[1:-1], method="higher"))
    place = np.searchsorted(edges, probability, side="right")
    found = []
    for number in np.unique(place):
        rows = place == number
        counts = weight[rows]
        if counts.sum() <= 0.0:
            continue
        said, came = (float(np.average(each[rows], weights=counts)) for each in (probability, won))
        share = float(counts.sum() / weight.sum())
        found.append((ReliabilityBin(said, came, int(rows.sum()), effective_count(counts)), share))
    return found


def _squared_error(outcome: Floats, probability: Floats) -> Floats:
    """[n] mean over what the outcome may have been."""
    return outcome * (1.0 - probability) ** 2 + (1.0 - outcome) * probability**2


def _area(outcome: Floats, rank: Integers, counts: Floats) -> float | None:
    """Of rows [n] whose probabilities stand in the order `rank`; None where one of the classes is absent."""
    sides = [sums_by_block(rank, counts * each) for each in (outcome, 1.0 - outcome)]
    area = float(_areas(np.concatenate(sides)[None])[0])
    return area if math.isfinite(area) else None


def _areas(sums: Floats) -> Floats:
    """[m] of the weight of winners, then of losers, at each rank [m, 2 * ranks]; NaN where one class is
    absent."""
    winners, losers = np.split(sums, 2, axis=1)
    won, lost = winners.sum(axis=1), losers.sum(axis=1)
    pairs = won * lost
    # What is left of a class by rounding, where a block that held all of it is left out, is none.
    known = pairs > 1e-12 * (won + lost) ** 2
    above = (winners * (np.cumsum(losers, axis=1) - losers / 2.0)).sum(axis=1)
    areas: Floats = np.divide(above, pairs, out=np.full(len(sums), np.nan), where=known)
    return areas


def _error_of_chance(outcome: Floats, counts: Floats) -> float:
    """Of the area, were ranks drawn by lot. Who is not sure to have won is one trade, not a winner and a
    loser."""
    trades, share = effective_count(counts), float(np.average(outcome, weights=counts))
    winners, losers = trades * share, trades * (1.0 - share)
    return math.sqrt((winners + losers + 1.0) / (12.0 * winners * losers))


def _area_error(outcome: Floats, probability: Floats, counts: Floats, block: Integers) -> float | None:
    """Standard error of the area, by leaving out one block at a time; None where that tells nothing."""
    rank = np.unique(probability, return_inverse=True)[1]
    ranks, blocks = int(rank.max()) + 1, int(block.max()) + 1
    place = block * ranks + rank
    sides = [
        np.bincount(place, counts * each, blocks * ranks).reshape(blocks, ranks).astype(np.float64)
        for each in (outcome, 1.0 - outcome)
    ]
    found = jackknife_error(np.hstack(sides), _areas, sums_by_block(block, counts))
    return None if found is None else found.standard_error


def _skill_width(
    outcome: Floats, said: tuple[Floats, Floats], counts: Floats, block: Integers
) -> float | None:
    """Half the width of the interval of 90 % of the skill of the first of `said` over the second."""
    own, always = (sums_by_block(block, counts * _squared_error(outcome, each)) for each in said)
    found = jackknife_error(np.column_stack([always, own]), ratios, sums_by_block(block, counts))
    return None if found is None else found.half_width
