"""How good a probability was, by ranking, by error and by calibration. No model is known here.

Outcomes are 1 for a winner and 0 for a loser; where one is not sure, the probability that it was one. Every
row counts by its weight.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.evaluation.jackknife import effective_count

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_RESAMPLES, _SEED = 500, 11
_FEWEST_BLOCKS, _MOST_BLOCKS = 8, 30
_ONE_SIDED_95 = 1.645
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
    or among blocks of time, of which the trades of one fare alike, if that is larger."""
    brier: float | None
    base_brier: float | None
    """Brier score of always answering the base rate of the fitted trades."""
    brier_skill: float | None = None
    """1 - brier / base_brier."""
    brier_skill_low: float | None = None
    brier_skill_high: float | None = None
    """Interval of 90 % of that skill, by resampling blocks of time."""
    calibration_error: float | None = None
    """Mean distance of what was said from what came, over the reliability bins (expected calibration
    error)."""
    trades: int = 0
    effective_trades: float = 0.0
    reliability: tuple[ReliabilityBin, ...] = ()
    """Ten bins of about as many trades each, by rising probability."""

    @property
    def show_skill(self) -> bool:
        """Ranked better than chance at 95 % one-sided, and was no worse calibrated than the base rate."""
        if self.auc is None or self.auc_error is None or self.brier is None or self.base_brier is None:
            return False
        return self.auc > 0.5 + _ONE_SIDED_95 * self.auc_error and self.brier <= self.base_brier

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
    time_ms: Integers | None = None,
    block_ms: int = 1,
) -> TailScores:
    """Scores of `probability` [n] against outcomes `won` [n] that count by `weight` [n].

    Trades whose `time_ms` lies in the same block of at least `block_ms` are resampled together; without times
    there is no interval.
    """
    outcome, counts = won.astype(np.float64), np.ones(len(won)) if weight is None else weight
    area = roc_auc(outcome, probability, counts)
    brier = brier_score(outcome, probability, counts)
    base = brier_score(outcome, np.full(len(won), base_rate), counts)
    if brier is None or base is None:
        return UNSCORED
    winners, losers = effective_count(counts * outcome), effective_count(counts * (1.0 - outcome))
    error = None if area is None else math.sqrt((winners + losers + 1) / (12.0 * winners * losers))
    bins = reliability_bins(outcome, probability, counts)
    low, high, spread = None, None, 0.0
    drawn = None if time_ms is None else _draw_blocks(time_ms, block_ms)
    if drawn is not None:
        block, times = drawn
        rank = np.unique(probability, return_inverse=True)[1]
        areas = [_area(outcome, rank, counts * row[block]) for row in times]
        spread = float(np.std([each for each in areas if each is not None] or [0.0]))
        errors = (_squared_error(outcome, said) for said in (probability, np.full(len(won), base_rate)))
        own, always = ((times * np.bincount(block, counts * each)).sum(axis=1) for each in errors)
        low, high = (float(each) for each in np.quantile(1.0 - own / np.maximum(always, 1e-12), (0.05, 0.95)))
    return TailScores(
        area,
        None if error is None else max(error, spread),
        brier,
        base,
        1.0 - brier / base if base > 0.0 else None,
        low,
        high,
        sum(abs(each.probability - each.won) * share for each, share in bins),
        len(won),
        effective_count(counts),
        tuple(each for each, _ in bins),
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
    winners = np.bincount(rank, weights=counts * outcome)
    losers = np.bincount(rank, weights=counts * (1.0 - outcome))
    pairs = float(winners.sum() * losers.sum())
    if pairs <= 0.0:
        return None
    return float((winners * (np.cumsum(losers) - losers / 2.0)).sum()) / pairs


def _draw_blocks(time_ms: Integers, block_ms: int) -> tuple[Integers, Integers] | None:
    """[n] the block of time of each row, and [resamples, blocks] how often each is drawn; None with too few.

    Blocks as long as asked, or longer where there were more than 30: what lasts longer than a trade, such as
    a trend, stays within one.
    """
    first, last = int(time_ms.min()), int(time_ms.max())
    length = max(block_ms, (last - first) // _MOST_BLOCKS + 1)
    block = np.unique((time_ms - first) // length, return_inverse=True)[1]
    blocks = int(block.max()) + 1
    if blocks < _FEWEST_BLOCKS:
        return None
    times = np.random.default_rng(_SEED).multinomial(blocks, np.full(blocks, 1.0 / blocks), _RESAMPLES)
    return block, times
