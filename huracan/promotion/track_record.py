"""What is told of a procedure's days and blocks nothing: the record it takes, overfitting, intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from huracan.evaluation.pbo import estimate_overfitting
from huracan.evaluation.sharpe import do_vary, measure_returns, minimum_track_record
from huracan.promotion.criteria import Judged, Results
from huracan.units import WHOLE_BPS
from huracan.verdict import Number

FEWEST_PROCEDURES = 8
"""From which on the probability of overfitting is told."""
_BLOCK_DAYS, _DRAWS, _LEAST_DAYS = 5, 2_000, 10
_BLOCKS = 16


@dataclass(frozen=True)
class Told:
    """A sentence and its numbers."""

    reason: str
    numbers: Mapping[str, Number]


def track_record(
    judged: Judged, seeds: Mapping[str, float], generator: np.random.Generator
) -> tuple[Told, ...]:
    """All that can be told; `seeds` are the dispersion of tonight's seeds on the held-out days (count and net
    in USD: lowest, highest, std). `generator` draws the bootstrap."""
    found = (
        _minimum_length(judged),
        _overfitting(judged),
        _interval(judged, generator),
        _break_even(judged),
        _seeds(seeds),
        _beyond(judged),
    )
    return tuple(each for each in found if each is not None)


def _minimum_length(judged: Judged) -> Told | None:
    results = judged.results_usd
    if results.size < 3 or not do_vary(results):
        return None
    needed = minimum_track_record(measure_returns(results))
    if not np.isfinite(needed):
        return Told("Its mean day makes nothing, so no record is long enough to show skill.", {})
    left = max(int(np.ceil(needed)) - results.size, 0)
    says = f"about {left} more such days" if left else "its days are enough"
    return Told(
        f"For a Sharpe ratio above 0 at 95 % it takes {needed:.0f} days like these: {says}.",
        {"minimum_track_record_days": float(needed)},
    )


def _overfitting(judged: Judged) -> Told | None:
    """Of all procedures on the days that they have in common."""
    own = {each.day: each.result_usd for each in judged.days}
    every: Sequence[Results] = (own, *judged.others)
    common: set[date] = set.intersection(*(set(each) for each in every)) if own else set()
    if len(every) < FEWEST_PROCEDURES or len(common) < 2 * _BLOCKS:
        return None
    days = sorted(common)
    estimate = estimate_overfitting(np.array([[each[day] for each in every] for day in days]), _BLOCKS)
    return Told(
        f"Whoever chose the best of {len(every)} procedures by half of their {len(days)} common days would"
        f" have had one below the median in the other half in {estimate.probability:.0%} of the splits.",
        {"overfitting_probability": estimate.probability},
    )


def _interval(judged: Judged, generator: np.random.Generator) -> Told | None:
    """Circular blocks of days (Politis & Romano 1992)."""
    results = judged.results_usd
    if results.size < _LEAST_DAYS:
        return None
    starts = generator.integers(0, results.size, (_DRAWS, -(-results.size // _BLOCK_DAYS)))
    places = (starts[:, :, None] + np.arange(_BLOCK_DAYS)).reshape(_DRAWS, -1)[:, : results.size]
    means = results[places % results.size].mean(axis=1)
    low, high = np.quantile(means, [0.05, 0.95]).tolist()
    return Told(
        f"A day made {results.mean():+.2f} USD, with 90 % confidence {low:+.2f} to {high:+.2f}"
        f" (blocks of {_BLOCK_DAYS} days drawn again).",
        {"mean_day_usd": float(results.mean()), "mean_day_low_usd": low, "mean_day_high_usd": high},
    )


def _break_even(judged: Judged) -> Told | None:
    fees, traded = (sum(getattr(each, name) for each in judged.days) for name in ("fees_usd", "traded_usd"))
    if traded <= 0.0:
        return None
    net = float(judged.results_usd.sum())
    fee_bps, paid_bps = (net + fees) / traded * WHOLE_BPS, fees / traded * WHOLE_BPS
    return Told(
        f"At a fee of {fee_bps:.2f} bps of what is filled it would have made nothing; it paid"
        f" {paid_bps:.2f} bps.",
        {"break_even_fee_bps": fee_bps, "paid_fee_bps": paid_bps},
    )


def _seeds(seeds: Mapping[str, float]) -> Told | None:
    if not seeds:
        return None
    return Told(
        f"Tonight's {seeds['count']:.0f} seeds made {seeds['net_usd_lowest']:+.2f} to"
        f" {seeds['net_usd_highest']:+.2f} USD on the held-out days; the median one is the brain.",
        {f"seeds_{name}": value for name, value in seeds.items()},
    )


def _beyond(judged: Judged) -> Told | None:
    share = judged.evidence.share_beyond
    if not judged.days:
        return None
    return Told(f"{share:.1%} of the days lost more than their unit.", {"share_beyond_unit": share})
