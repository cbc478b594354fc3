"""The members of the ensemble: what each says of a signal, the probability that it ends above 0 net of costs.

A member that has no ground to judge says NaN: it sleeps, and neither counts nor is counted. Everything that
one knows was known by the end of the night whose models are in force at the signal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.analysis.outcome import floats
from huracan.gates.evidence.class_means import ClassMeans, days_of, fit_class_means, sides_of_regimes
from huracan.gates.pattern_evidence import PatternEvidenceGateSettings
from huracan.models.confidence import ConfidenceModel
from huracan.models.config import Unfit
from huracan.models.past import PastTrades
from huracan.models.window import won

Floats = NDArray[np.float64]

CONFIDENCE, PATTERNS, REGIME = "confidence", "pattern_evidence", "regime_prior"
PRIOR_TRADES = 20.0
"""Weight, in trades, of the win rate of all where that of a kind of trades is estimated."""
MINIMUM_TRADES = 30.0
"""Past trades, in effective number, below which rates of them say nothing."""
_GROUPS = 5
"""Of a seed's past statements, from the lowest fifth to the highest."""


def seed_member(place: int) -> str:
    """The member that one of a night's seeds is, 0 for the first."""
    return f"seed_{place}"


@dataclass(frozen=True)
class SeedRates:
    """How often signals won of which a seed said so much: by fifths of what it said."""

    edges: tuple[float, ...]
    rates: ClassMeans

    def chance(self, said: Floats) -> Floats:
        """[n] probabilities of winning of signals [n] to which the seed gave the probabilities `said`; NaN
        where it gave none."""
        mean, _ = self.rates.arrays(_groups(said, self.edges))
        return np.where(np.isfinite(said), mean, np.nan)


@dataclass(frozen=True)
class PatternRecord:
    """What trades after a pattern was found came to."""

    wins: int
    trades: int


@dataclass(frozen=True)
class Members:
    """What a night knew of signals to come."""

    confidence: ConfidenceModel | Unfit
    patterns: Mapping[str, PatternRecord]
    """By identity."""
    minimum_cosine: float
    """Likeness below which a pattern says nothing of a signal."""
    rates: ClassMeans | None
    """Of winning, by regime and side; None where the past is too short."""
    seeds: Mapping[str, SeedRates]
    """By member, those of whose statements there is a past."""

    def say(self, signals: pa.Table, seeds: Mapping[str, Floats]) -> dict[str, Floats]:
        """By member its [n] probabilities that each of the signals (SIGNAL_COLUMNS) wins. `seeds` tells by
        member what probability each seed gave to entering, [n]."""
        count = signals.num_rows
        silent = np.full(count, np.nan)
        found = {
            name: self.seeds[name].chance(said) if name in self.seeds else silent
            for name, said in seeds.items()
        }
        found[CONFIDENCE] = silent if isinstance(self.confidence, Unfit) else self.confidence.predict(signals)
        found[PATTERNS] = self._by_patterns(signals)
        found[REGIME] = silent if self.rates is None else self.rates.arrays(sides_of_regimes(signals))[0]
        return found

    def describe(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            CONFIDENCE: self.confidence.reason if isinstance(self.confidence, Unfit) else "fitted",
            PATTERNS: {name: vars(record) for name, record in self.patterns.items()},
            REGIME: None if self.rates is None else self.rates.describe(),
            "minimum_cosine": self.minimum_cosine,
            "seeds": {
                name: {"edges": list(each.edges), "win_rate": each.rates.describe()}
                for name, each in self.seeds.items()
            },
        }

    def _by_patterns(self, signals: pa.Table) -> Floats:
        """The mean of a beta posterior: the prior is the win rate of all, each pattern's record counts as far
        as it is like the signal (power prior, Ibrahim & Chen 2000)."""
        found = np.full(signals.num_rows, np.nan)
        if self.rates is None:
            return found
        names, cosines = (
            signals[name].to_pylist() for name in ("nearest_patterns", "nearest_pattern_cosines")
        )
        for row, (own, likeness) in enumerate(zip(names, cosines, strict=True)):
            known = [
                (self.patterns[name], float(cosine))
                for name, cosine in zip(own or (), likeness or (), strict=True)
                if name in self.patterns and cosine >= self.minimum_cosine
            ]
            if known:
                wins = sum(cosine * record.wins for record, cosine in known)
                trades = sum(cosine * record.trades for record, cosine in known)
                found[row] = (wins + PRIOR_TRADES * self.rates.usual.mean) / (trades + PRIOR_TRADES)
        return found


def fit_members(
    past: PastTrades,
    statements: Mapping[str, Mapping[str, float]],
    confidence: ConfidenceModel | Unfit,
    library: pa.Table,
    likeness: PatternEvidenceGateSettings,
) -> Members:
    """From the `past` trades of a night, what each seed said of them (`statements`: by member, by trade), the
    night's confidence model and its pattern `library` (PATTERNS_SCHEMA, no rows where there is none).

    Which patterns speak, and of what, is asked as the gate of pattern evidence asks it (`likeness`).
    """
    label = won(past.trades).astype(np.float64)
    identities = past.trades["trade_id"].to_pylist()
    seeds = {}
    for name in sorted(statements):
        own = statements[name]
        said = np.array([own.get(each, np.nan) for each in identities], dtype=np.float64)
        known = _seed_rates(said, label, past)
        if known is not None:
            seeds[name] = known
    rates = fit_class_means(label, past.weight, sides_of_regimes(past.trades), PRIOR_TRADES, days_of(past))
    return Members(
        confidence=confidence,
        patterns={
            row["pattern_id"]: PatternRecord(row["forward_wins"], row["forward_trades"])
            for row in library.to_pylist()
            if (row["forward_trades"] or 0) >= likeness.minimum_forward_trades
        },
        minimum_cosine=likeness.minimum_cosine,
        rates=rates if rates.usual.trades >= MINIMUM_TRADES else None,
        seeds=seeds,
    )


def _seed_rates(said: Floats, label: Floats, past: PastTrades) -> SeedRates | None:
    known = np.flatnonzero(np.isfinite(said))
    own = past.take(known)
    if own.effective_count < MINIMUM_TRADES:
        return None
    edges = np.quantile(said[known], np.arange(1, _GROUPS) / _GROUPS)
    groups = _groups(said[known], edges.tolist())
    return SeedRates(
        tuple(edges.tolist()), fit_class_means(label[known], own.weight, groups, PRIOR_TRADES, days_of(own))
    )


def _groups(said: Floats, edges: Sequence[float]) -> list[str | None]:
    """The fifth that each statement lies in, from 1; None where there is none."""
    places = np.searchsorted(np.asarray(edges), said, side="right") + 1
    return [
        str(place) if known else None
        for place, known in zip(places.tolist(), np.isfinite(said).tolist(), strict=True)
    ]


def ask_members(
    parts: Sequence[tuple[NDArray[np.int64], Members]], signals: pa.Table, seeds: Mapping[str, Floats]
) -> dict[str, Floats]:
    """By member what it says of each of the signals [n], as in `Members.say`; NaN where it sleeps. Each part
    names rows and the members that were in force there."""
    found: dict[str, Floats] = {
        name: np.full(signals.num_rows, np.nan) for name in (*seeds, CONFIDENCE, PATTERNS, REGIME)
    }
    for rows, members in parts:
        own = {name: said[rows] for name, said in seeds.items()}
        for name, chances in members.say(signals.take(pa.array(rows)), own).items():
            found[name][rows] = chances
    return found


def usual_ratio(explored: pa.Table) -> float:
    """What the policy's density is over the propensity of past explored entries (EXPLORED_SCHEMA) in the
    mean, of those above 0; NaN without one."""
    ratio = _ratios(explored)
    return float(ratio[ratio > 0.0].mean()) if (ratio > 0.0).any() else float("nan")


def weights_at_signal(explored: pa.Table, usual: float) -> Floats:
    """[n] what each explored entry counts for, 0 to 1: its ratio over the `usual` one of the past, cut at 1,
    as much as a signal of the policy itself (truncated importance sampling, Ionides 2008). Known at the
    signal, other than the weights of models (`models.past`), which are in the mean of a window. 0 where the
    policy's density or the usual ratio is not known."""
    found = np.minimum(_ratios(explored) / usual, 1.0)
    return np.asarray(np.nan_to_num(found, nan=0.0), dtype=np.float64)


def _ratios(explored: pa.Table) -> Floats:
    density = np.nan_to_num(floats(explored, "policy_density"))
    return np.asarray(density / floats(explored, "propensity"), dtype=np.float64)
