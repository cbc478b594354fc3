"""The engine's health: whether the last days' trades are still like those before, and the candles are there.

Four tests of past trades (`health_checks`): the mean net and the share of winners fell, the distribution of
net results sank, that of the volatility at signals moved. None alarms: whole size; one and two make it
smaller; from three on nothing passes. A signal is refused by itself where more of its last bars were not
traded, or stood still, than is usual: what is decided on a feed that broke is decided on nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from huracan.analysis.outcome import Floats, floats
from huracan.evaluation.jackknife import effective_count
from huracan.gates.contract import ABSTAIN, BLOCK, PASS, Answer, Answers, GateContext, GateKind, resize
from huracan.gates.evidence.class_means import days_of
from huracan.gates.evidence.health_checks import HealthCheck, Sample
from huracan.gates.settings import CERTAINTY, LearningSettings
from huracan.market.facts.columns import LONG_BARS, fact
from huracan.models.past import PastTrades
from huracan.setting_ranges import COUNT, SHARE, Range

_HEALTH = (1.0, 0.85, 0.65, 0.30)
"""By the number of alarms; from three on the last."""
_USUAL_SHARE = 0.99


@dataclass(frozen=True)
class EngineHealthGateSettings(LearningSettings):
    """What recent is, and how ill is too ill."""

    recent_days: int = 5
    """Days whose signals are compared with those before."""
    certainty: float = 0.99
    """How sure each test must be before it alarms."""
    minimum_health: float = 0.30
    """Health (1, 0.85, 0.65 and 0.3 with none to three alarms) that must be exceeded; the size is that part
    of itself."""
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

    checks: tuple[HealthCheck, ...]
    why_none: str
    most_untraded: float
    settings: EngineHealthGateSettings

    @property
    def health(self) -> float:
        """1 without an alarm."""
        return _HEALTH[min(sum(check.alarms for check in self.checks), len(_HEALTH) - 1)]

    def judge(self, signals: pa.Table) -> Answers:
        """Refuse every signal of an engine that is too ill, and each one on a broken feed."""
        answers, health, reasons = [], [], []
        for untraded in fact(signals, "untraded_share"):
            answer, own, reason = self._answer(float(untraded))
            answers.append(answer)
            health.append(own)
            reasons.append(reason)
        least = np.where(np.isfinite(health), self.settings.minimum_health, np.nan)
        return Answers(tuple(answers), np.array(health, dtype=np.float64), least, tuple(reasons))

    def _answer(self, untraded: float) -> tuple[Answer, float, str]:
        feed = f"{untraded:.0%} of the last {LONG_BARS} bars were untraded or stood still"
        if untraded > self.most_untraded:
            return BLOCK, 0.0, f"{feed}; up to {self.most_untraded:.0%} would pass."
        if self.why_none:
            return ABSTAIN, float("nan"), self.why_none
        health, alarms = self.health, sum(check.alarms for check in self.checks)
        told = "; ".join(check.text for check in self.checks)
        reason = f"{alarms} of {len(self.checks)} tests alarm: {told}. "
        if health <= self.settings.minimum_health:
            reason += (
                f"A health of {health:g} does not exceed {self.settings.minimum_health:g}; it would pass"
            )
            return BLOCK, health, f"{reason} with fewer alarms."
        reason += f"A health of {health:g} exceeds {self.settings.minimum_health:g}."
        return (PASS if health == 1.0 else resize(health)), health, reason

    def describe(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "rule": "health > minimum_health and untraded_share <= most_untraded",
            "health": None if self.why_none else self.health,
            "checks": [
                {"name": each.name, "value": each.value, "threshold": each.threshold, "alarms": each.alarms}
                for each in self.checks
            ],
            "why_none": self.why_none,
            "most_untraded": self.most_untraded,
            "minimum_health": self.settings.minimum_health,
            "recent_days": self.settings.recent_days,
            "certainty": self.settings.certainty,
        }


def fit(context: GateContext[EngineHealthGateSettings]) -> EngineHealthGate:
    """By the policy's own trades where there are enough of them, else by those of both books."""
    settings, past = context.settings, context.past
    untraded = fact(context.facts, "untraded_share")
    usual = untraded[np.isfinite(untraded)]
    most = max(
        settings.maximum_untraded_share, float(np.quantile(usual, _USUAL_SHARE)) if len(usual) else 0.0
    )
    own = past.take(np.flatnonzero(~past.is_explored))
    for asked in (own, past):
        sample = _sample(asked, settings.recent_days)
        if _enough(sample, settings.minimum_past_trades):
            return EngineHealthGate(_checks(asked, sample, settings.certainty), "", most, settings)
    needed = settings.minimum_past_trades
    why = (
        f"Of {past.effective_count:.0f} past trades too few are of the last {settings.recent_days} days"
        f" ({_recent_of(needed)} needed) or before them ({needed})."
    )
    return EngineHealthGate((), why, most, settings)


def _recent_of(minimum: int) -> int:
    """Recent trades that are enough where `minimum` are before them."""
    return -(-minimum // 3)


def _sample(past: PastTrades, recent_days: int) -> Sample:
    days = days_of(past)
    last = days.max() if len(days) else 0
    return Sample(past.weight, days, days > last - recent_days)


def _enough(sample: Sample, minimum: int) -> bool:
    recent, before = (effective_count(sample.weight[own]) for own in (sample.is_recent, ~sample.is_recent))
    return recent >= _recent_of(minimum) and before >= minimum


def _checks(past: PastTrades, sample: Sample, certainty: float) -> tuple[HealthCheck, ...]:
    net, volatility = floats(past.trades, "net_bps"), floats(past.trades, "entry_volatility_bps")
    is_known = np.isfinite(volatility)
    known: Floats = np.where(is_known, volatility, np.median(volatility[is_known]) if is_known.any() else 0.0)
    return (
        sample.drop("fall of the mean net, in standard errors,", net, certainty),
        sample.drop("fall of the win rate, in standard errors,", (net > 0.0).astype(np.float64), certainty),
        sample.kolmogorov("Kolmogorov-Smirnov distance of net results", net, certainty),
        sample.stability("stability index of volatility", known, certainty),
    )


GATE = GateKind(
    name="engine_health",
    why="An engine whose results broke, or whose candles stopped coming, goes on as if nothing had happened.",
    measures="the health from 0 to 1, 0 on a broken feed",
    settings=EngineHealthGateSettings,
    fit=fit,
    threshold="minimum_health",
    order=98,
)
