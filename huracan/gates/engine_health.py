"""The engine's health: whether the last days' trades are still like those before, and the candles are there.

Past trades are asked two questions (`health_checks`). Did results break: their mean fell, the share of
winners fell, or their distribution sank, three tests of the same trades that share their doubt and have one
vote. Did the market at signals change: the distribution of its volatility moved further than it did before.
One yes makes the size smaller, with two nothing passes. A signal is refused by itself where more of its last
bars were not traded, or stood still, than is usual of its symbol: what is decided on a feed that broke is
decided on nothing. What is usual ends at Tukey's fence, the upper quartile and one and a half times what lies
between the quartiles (Tukey 1977): a feed that breaks now and then must not become usual by that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.analysis.outcome import Floats, floats
from huracan.evaluation.jackknife import effective_count
from huracan.gates.contract import ABSTAIN, BLOCK, PASS, Answer, Answers, GateContext, GateKind, resize
from huracan.gates.evidence.class_means import days_of
from huracan.gates.evidence.health_checks import HealthCheck, Sample
from huracan.gates.settings import CERTAINTY, LearningSettings
from huracan.market.block import EPOCH
from huracan.market.facts.columns import LONG_BARS, fact
from huracan.models.past import PastTrades
from huracan.setting_ranges import COUNT, SHARE, Range

_HEALTH = (1.0, 0.65, 0.30)
"""By the number of votes: none, one of the two, both."""
_FEWEST_SIGNALS = 20
"""Past signals of a symbol below which it is measured by what is usual of all."""


@dataclass(frozen=True)
class EngineHealthGateSettings(LearningSettings):
    """What recent is, and how ill is too ill."""

    recent_days: int = 5
    """Days whose signals are compared with those before."""
    certainty: float = 0.99
    """How sure each vote must be, the three tests of results together."""
    minimum_health: float = 0.30
    """Health (1, 0.65 and 0.3 with no vote, one and two) that must be exceeded; the size is that part of
    itself."""
    maximum_untraded_share: float = 0.5
    """Share of the last 60 bars that may be untraded, or stand still, whatever is usual."""

    RANGES: ClassVar[Mapping[str, Range]] = {
        "recent_days": COUNT,
        "certainty": CERTAINTY,
        "minimum_health": SHARE,
        "maximum_untraded_share": SHARE,
    }


@dataclass(frozen=True)
class EngineHealthGate:
    """The tests, or why there are none, and the share of untraded bars that is not yet too large."""

    results: tuple[HealthCheck, ...]
    """Of which one alarm is a vote."""
    volatility: HealthCheck | None
    why_none: str
    most_untraded: float
    """Of a symbol that the past knows too few signals of."""
    most_by_symbol: Mapping[str, float]
    settings: EngineHealthGateSettings

    @property
    def checks(self) -> tuple[HealthCheck, ...]:
        """All of them."""
        return self.results if self.volatility is None else (*self.results, self.volatility)

    @property
    def votes(self) -> int:
        """That something broke: of the results, and of the volatility."""
        has_moved = self.volatility is not None and self.volatility.alarms
        return int(any(check.alarms for check in self.results)) + int(has_moved)

    @property
    def health(self) -> float:
        """1 without a vote."""
        return _HEALTH[self.votes]

    def judge(self, signals: pa.Table) -> Answers:
        """Refuse every signal of an engine that is too ill, and each one on a broken feed."""
        answers, health, reasons = [], [], []
        shares = fact(signals, "untraded_share").tolist()
        for symbol, untraded in zip(signals["symbol"].to_pylist(), shares, strict=True):
            most = self.most_by_symbol.get(symbol, self.most_untraded)
            answer, own, reason = self._answer(untraded, most)
            answers.append(answer)
            health.append(own)
            reasons.append(reason)
        least = np.where(np.isfinite(health), self.settings.minimum_health, np.nan)
        return Answers(tuple(answers), np.array(health, dtype=np.float64), least, tuple(reasons))

    def _answer(self, untraded: float, most: float) -> tuple[Answer, float, str]:
        feed = f"{untraded:.0%} of the last {LONG_BARS} bars were untraded or stood still"
        if untraded > most:
            return BLOCK, 0.0, f"{feed}; up to {most:.0%} would pass."
        if self.why_none:
            return ABSTAIN, float("nan"), self.why_none
        health, told = self.health, "; ".join(check.text for check in self.checks)
        reason = f"{self.votes} of 2 votes, of results and of volatility, say that it broke: {told}. "
        if health <= self.settings.minimum_health:
            reason += (
                f"A health of {health:g} does not exceed {self.settings.minimum_health:g}; it would pass"
            )
            return BLOCK, health, f"{reason} with fewer votes."
        if not np.isfinite(untraded):
            return ABSTAIN, float("nan"), "How many of the last bars were traded is not known."
        reason += f"A health of {health:g} exceeds {self.settings.minimum_health:g}."
        return (PASS if health == 1.0 else resize(health)), health, reason

    def describe(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "rule": "health > minimum_health and untraded_share <= most_untraded",
            "health": None if self.why_none else self.health,
            "checks": [
                {
                    "name": each.name,
                    "value": each.value,
                    # Infinite where it never alarms, which JSON has no number for.
                    "threshold": each.threshold if np.isfinite(each.threshold) else None,
                    "alarms": each.alarms,
                }
                for each in self.checks
            ],
            "why_none": self.why_none,
            "most_untraded": self.most_untraded,
            "most_untraded_by_symbol": dict(self.most_by_symbol),
            "minimum_health": self.settings.minimum_health,
            "recent_days": self.settings.recent_days,
            "certainty": self.settings.certainty,
        }


def fit(context: GateContext[EngineHealthGateSettings]) -> EngineHealthGate:
    """By the policy's own trades where there are enough of them, else by those of both books."""
    settings, past = context.settings, context.past
    most, by_symbol = _most_untraded(context)
    own = past.take(np.flatnonzero(~past.is_explored))
    for asked in (own, past):
        sample = _sample(asked, context.day, settings.recent_days)
        if _enough(sample, settings.minimum_past_trades):
            results, volatility = _checks(asked, sample, settings.certainty)
            return EngineHealthGate(results, volatility, "", most, by_symbol, settings)
    needed = settings.minimum_past_trades
    why = (
        f"Of {past.effective_count:.0f} past trades too few are of the last {settings.recent_days} days"
        f" ({_recent_of(needed)} needed) or before them ({needed})."
    )
    return EngineHealthGate((), None, why, most, by_symbol, settings)


def _most_untraded(context: GateContext[EngineHealthGateSettings]) -> tuple[float, dict[str, float]]:
    """The share of bars that is not yet too large, of all past signals and of those of each symbol that has
    enough; never below what is borne whatever is usual."""
    untraded = fact(context.facts, "untraded_share")
    symbols, known = context.past.trades["symbol"].to_numpy(zero_copy_only=False), np.isfinite(untraded)

    def most(own: NDArray[np.bool_]) -> float:
        lower, upper = np.quantile(untraded[own], (0.25, 0.75)) if own.any() else (0.0, 0.0)
        return max(context.settings.maximum_untraded_share, float(upper + 1.5 * (upper - lower)))

    by_symbol = {symbol: known & (symbols == symbol) for symbol in sorted(set(symbols))}
    enough = {symbol: most(own) for symbol, own in by_symbol.items() if own.sum() >= _FEWEST_SIGNALS}
    return most(known), enough


def _recent_of(minimum: int) -> int:
    """Recent trades that are enough where `minimum` are before them."""
    return -(-minimum // 3)


def _sample(past: PastTrades, day: date, recent_days: int) -> Sample:
    days = days_of(past)
    return Sample(past.weight, days, days > (day - EPOCH).days - recent_days, recent_days)


def _enough(sample: Sample, minimum: int) -> bool:
    recent, before = (effective_count(sample.weight[own]) for own in (sample.is_recent, ~sample.is_recent))
    return recent >= _recent_of(minimum) and before >= minimum


def _checks(
    past: PastTrades, sample: Sample, certainty: float
) -> tuple[tuple[HealthCheck, ...], HealthCheck]:
    """The tests of results, each with a third of the doubt, and that of volatility."""
    net, volatility = floats(past.trades, "net_bps"), floats(past.trades, "entry_volatility_bps")
    is_known = np.isfinite(volatility)
    known: Floats = np.where(is_known, volatility, np.median(volatility[is_known]) if is_known.any() else 0.0)
    each = 1.0 - (1.0 - certainty) / 3.0
    results = (
        sample.drop("fall of the mean net, in standard errors,", net, each),
        sample.drop("fall of the win rate, in standard errors,", (net > 0.0).astype(np.float64), each),
        sample.kolmogorov("Kolmogorov-Smirnov distance of net results", net, each),
    )
    return results, sample.stability("stability index of volatility", known, certainty)


GATE = GateKind(
    name="engine_health",
    why="An engine whose results broke, or whose candles stopped coming, goes on as if nothing had happened.",
    measures="the health from 0 to 1, 0 on a broken feed",
    settings=EngineHealthGateSettings,
    fit=fit,
    threshold="minimum_health",
    order=98,
)
