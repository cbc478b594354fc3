"""Whether a trained brain may be published: criteria against plain baselines, each with its reason.

Only numbers measured elsewhere go in; nothing is traded or fitted here. A refused brain is an answer, not a
failure, so the verdict never blocks a night.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from huracan.errors import InvalidInput
from huracan.evaluation.sharpe import deflated_sharpe, expected_maximum_sharpe, measure_returns
from huracan.tables import FLAG, TEXT, Column
from huracan.verdict import Number, Verdict

_TIE_USD = 1e-6
"""A draw as near as this was not beaten: the same moves differ in their last bits."""


EVALUATION_COLUMNS = (
    Column("model_id", TEXT, "checkpoint of the night that was judged"),
    Column("is_promoted", FLAG, "every criterion passed"),
    Column(
        "is_live_eligible",
        FLAG,
        "promoted, trained on real candles; neither it nor a trailing session remade after its night",
    ),
    Column("is_simulated", FLAG, "trained on simulated candles"),
    Column("verdict", TEXT, "promoted or refused"),
    Column("reasons", TEXT, "list of sentences: what failed, or everything that passed", "JSON"),
    Column("numbers", TEXT, "the evidence by name: held-out trades, net, percentiles, Sharpe, seeds", "JSON"),
)
"""The verdict on a night's brain as a row."""


@dataclass(frozen=True)
class PromotionConfig:
    """What a brain must show on the bars that its training never saw."""

    minimum_trades: int = 30
    minimum_active_periods: int = 12
    """Periods with a result: a Sharpe ratio over a quiet week is made by its few busy hours."""
    minimum_random_percentile: float = 95.0
    minimum_deflated_sharpe: float = 0.95
    tolerance_to_last_brain_usd: float = 0.0
    """How much less than the last brain it may make on the same bars."""
    maximum_trailing_drawdown_pct: float = 15.0
    """Of the opening equity, in the shadow ledger of the trailing days."""
    passed_over_brains: tuple[str, ...] = ()
    """Ids of promoted brains that a new one may follow without having been compared with them: where a bundle
    is lost, or key, features or actions were changed for good, nothing else lets a new brain be promoted."""


@dataclass(frozen=True)
class Incomparable:
    """A brain that was promoted and cannot be traded on the same bars any more, and why: one sentence."""

    brain_id: str
    why: str


@dataclass(frozen=True)
class BrainEvidence:
    """What was measured about one brain. USD are net of all costs on the held-out tail."""

    returns_bps: NDArray[np.float64]
    """[periods] of the held-out session, in bps of its opening equity."""
    trades: int
    net_usd: float
    random_net_usd: NDArray[np.float64]
    """[draws] as many random entries on the same bars, same rules and costs, on the notional that the brain
    traded: sizes that differ would compare sizes."""
    trials: int
    """Every candidate ever evaluated, this one included."""
    is_simulated: bool
    last_brain_net_usd: float | Incomparable | None = None
    """The last brain on the same bars; None where none was promoted."""
    trial_sharpe_variance: float | None = None
    """Variance of the trials' ratios per period; None takes 1/(n - 1), what skill-less trials would show."""
    trailing_drawdown_pct: float | None = None
    """Worst in the shadow ledger of the trailing days; None where there is no ledger yet."""


@dataclass(frozen=True)
class BrainVerdict:
    """The answer. `reasons` names what failed, or everything that passed; `numbers` is the evidence."""

    promoted: bool
    live_eligible: bool
    reasons: tuple[str, ...]
    numbers: dict[str, Number] = field(default_factory=dict)


@dataclass(frozen=True)
class _Criterion:
    passed: bool
    reason: str
    numbers: dict[str, Number]


def judge_brain(evidence: BrainEvidence, config: PromotionConfig | None = None) -> BrainVerdict:
    """Judge every criterion; all must pass. A brain of simulated candles is never live-eligible."""
    limits = config or PromotionConfig()
    if not np.isfinite(evidence.net_usd) or evidence.trials < 1:
        raise InvalidInput(
            f"The evidence holds a net of {evidence.net_usd} USD after {evidence.trials} trials.",
            "Measure the held-out tail again and count this candidate as a trial.",
        )
    criteria = [
        _enough_trades(evidence, limits),
        _beats_doing_nothing(evidence),
        _beats_random_entries(evidence, limits),
        _not_worse_than_last_brain(evidence, limits),
        _beats_luck(evidence, limits),
        _no_trailing_catastrophe(evidence, limits),
    ]
    promoted = all(each.passed for each in criteria)
    reasons = [each.reason for each in criteria if promoted or not each.passed]
    if evidence.is_simulated:
        reasons.append("It was trained on simulated candles, so it is never eligible for live trading.")
    numbers: dict[str, Number] = {}
    for each in criteria:
        numbers.update(each.numbers)
    numbers["is_simulated"] = evidence.is_simulated
    return BrainVerdict(promoted, promoted and not evidence.is_simulated, tuple(reasons), numbers)


def out_of_sample_verdict(verdict: BrainVerdict) -> Verdict:
    """The same answer as the non-blocking check `brain_out_of_sample`."""
    return Verdict(
        check="brain_out_of_sample",
        passed=verdict.promoted,
        reason=" ".join(verdict.reasons),
        numbers=verdict.numbers,
        blocking=False,
    )


def _enough_trades(evidence: BrainEvidence, limits: PromotionConfig) -> _Criterion:
    passed = evidence.trades >= limits.minimum_trades
    says = "enough" if passed else "too few to judge"
    return _Criterion(
        passed,
        f"{evidence.trades} held-out trades are {says} (needed: {limits.minimum_trades}).",
        {"trades": evidence.trades, "minimum_trades": limits.minimum_trades},
    )


def _beats_doing_nothing(evidence: BrainEvidence) -> _Criterion:
    passed = evidence.net_usd > 0.0
    says = "beat" if passed else "did not beat"
    return _Criterion(
        passed,
        f"After costs it made {evidence.net_usd:+.2f} USD on the held-out bars and {says} doing nothing.",
        {"net_usd": evidence.net_usd},
    )


def _beats_random_entries(evidence: BrainEvidence, limits: PromotionConfig) -> _Criterion:
    draws = np.asarray(evidence.random_net_usd, dtype=np.float64)
    if len(draws) == 0:
        return _Criterion(False, "It was not compared with random entries: no draw was given.", {})
    percentile = float((draws < evidence.net_usd - _TIE_USD).mean()) * 100.0
    passed = percentile >= limits.minimum_random_percentile
    says = "beat" if passed else "beat only"
    reason = (
        f"It {says} {percentile:.1f} % of {len(draws)} draws of random entries"
        f" (needed: {limits.minimum_random_percentile:.1f} %; their median made {np.median(draws):+.2f} USD)."
    )
    numbers: dict[str, Number] = {
        "random_percentile": percentile,
        "random_draws": len(draws),
        "random_median_usd": float(np.median(draws)),
    }
    return _Criterion(passed, reason, numbers)


def _not_worse_than_last_brain(evidence: BrainEvidence, limits: PromotionConfig) -> _Criterion:
    last = evidence.last_brain_net_usd
    if last is None:
        return _Criterion(True, "There is no earlier brain to compare with.", {"has_last_brain": False})
    if isinstance(last, Incomparable):
        passed = last.brain_id in limits.passed_over_brains
        says = (
            "promotion.passed_over_brains passes it over"
            if passed
            else f"give back its bundle or key, or set promotion.passed_over_brains=[{last.brain_id}]"
        )
        reason = f"The last brain {last.brain_id} could not be compared: {last.why.rstrip('.')}; {says}."
        return _Criterion(passed, reason, {"has_last_brain": True})
    passed = evidence.net_usd >= last - limits.tolerance_to_last_brain_usd
    says = "no less than" if passed else "less than"
    reason = (
        f"It made {evidence.net_usd:+.2f} USD, {says} the last brain's {last:+.2f} USD on the same bars"
        f" (allowed to fall short by {limits.tolerance_to_last_brain_usd:.2f} USD)."
    )
    return _Criterion(passed, reason, {"has_last_brain": True, "last_brain_net_usd": last})


def _beats_luck(evidence: BrainEvidence, limits: PromotionConfig) -> _Criterion:
    count = len(evidence.returns_bps)
    if count < 3:
        return _Criterion(
            False, f"{count} periods of return are too few for a Sharpe ratio.", {"observations": count}
        )
    active = int(np.count_nonzero(evidence.returns_bps))
    if active < limits.minimum_active_periods:
        return _Criterion(
            False,
            f"{active} of {count} held-out periods with a result are too few to judge"
            f" (needed: {limits.minimum_active_periods}).",
            {"observations": count, "active_periods": active},
        )
    measured = measure_returns(evidence.returns_bps)
    # A few lucky periods among idle ones skew to the right, which would pass for certainty.
    moments = replace(measured, skewness=min(measured.skewness, 0.0))
    variance = evidence.trial_sharpe_variance
    variance = 1.0 / (count - 1) if variance is None else variance
    probability = deflated_sharpe(moments, evidence.trials, variance) if moments.sharpe != 0.0 else 0.0
    threshold = expected_maximum_sharpe(evidence.trials, variance)
    passed = probability >= limits.minimum_deflated_sharpe
    reason = (
        f"The probability that its Sharpe ratio of {moments.sharpe:.4f} a period is more than the luck of"
        f" {evidence.trials} trials ({threshold:.4f}) is {probability:.1%}"
        f" (needed: {limits.minimum_deflated_sharpe:.1%})."
    )
    numbers: dict[str, Number] = {
        "observations": count,
        "sharpe": moments.sharpe,
        "luck_sharpe": threshold,
        "deflated_sharpe": probability,
        "trials": evidence.trials,
    }
    return _Criterion(passed, reason, numbers)


def _no_trailing_catastrophe(evidence: BrainEvidence, limits: PromotionConfig) -> _Criterion:
    drawdown = evidence.trailing_drawdown_pct
    if drawdown is None:
        return _Criterion(True, "There is no shadow ledger of earlier days yet.", {"has_ledger": False})
    passed = drawdown <= limits.maximum_trailing_drawdown_pct
    says = "fell by" if passed else "collapsed by"
    return _Criterion(
        passed,
        f"The shadow ledger of the trailing days {says} {drawdown:.1f} % at worst"
        f" (allowed: {limits.maximum_trailing_drawdown_pct:.1f} %).",
        {"has_ledger": True, "trailing_drawdown_pct": drawdown},
    )
