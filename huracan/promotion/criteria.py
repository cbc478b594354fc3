"""What stands beside the two bets: each criterion can only refuse, each with its numbers and a sentence."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from huracan.evaluation.sharpe import deflated_sharpe, do_vary, expected_maximum_sharpe, measure_returns
from huracan.promotion.day import DayResult
from huracan.promotion.evidence import Evidence, evidence_against
from huracan.promotion.settings import (
    CALIBRATION,
    DEARER,
    DRAWDOWN,
    DRIFT,
    LUCK,
    REGIMES,
    TRACK,
    PromotionConfig,
)
from huracan.verdict import Number

Floats = NDArray[np.float64]
Results = Mapping[date, float]
"""Daily results of a procedure in USD."""
_FEWEST_DAYS = 3
_FEWEST_HARMED_DAYS = 5


@dataclass(frozen=True)
class Judged:
    """All that the criteria look at."""

    evidence: Evidence
    others: Sequence[Results] = ()
    """Of the other procedures on overlapping candles."""
    trials: int = 1
    """How many procedures there are on them, this one included."""

    @property
    def days(self) -> tuple[DayResult, ...]:
        return self.evidence.traded

    @property
    def results_usd(self) -> Floats:
        return np.array([each.result_usd for each in self.days])


@dataclass(frozen=True)
class Criterion:
    """The answer of one: its name, whether it passes, its sentence and its numbers."""

    name: str
    passed: bool
    reason: str
    numbers: Mapping[str, Number]


def judge_criteria(judged: Judged, limits: PromotionConfig) -> tuple[Criterion, ...]:
    """All of them, in the order in which they are told; whether one blocks is for `limits` to say."""
    return tuple(judge(judged, limits) for judge in _CRITERIA)


def _track(judged: Judged, limits: PromotionConfig) -> Criterion:
    days, trades = len(judged.days), sum(each.trades for each in judged.days)
    passed = days >= limits.minimum_days and trades >= limits.minimum_trades
    says = "enough to judge" if passed else "too few to judge"
    return Criterion(
        TRACK,
        passed,
        f"{days} days with {trades} closed trades are {says} (needed: {limits.minimum_days} days,"
        f" {limits.minimum_trades} trades).",
        {"days": days, "trades": trades},
    )


def _drawdown(judged: Judged, limits: PromotionConfig) -> Criterion:
    equity, peak, deepest = 0.0, 0.0, 0.0
    for each in judged.days:
        deepest = max(deepest, each.fall_usd, peak - (equity + each.low_usd))
        peak = max(peak, equity + each.high_usd)
        equity += each.result_usd
    opening = judged.days[0].opening_usd if judged.days else 0.0
    fell_pct = 100.0 * deepest / opening if opening > 0.0 else 0.0
    passed = fell_pct <= limits.maximum_drawdown_pct
    return Criterion(
        DRAWDOWN,
        passed,
        f"Over all days the equity fell by {fell_pct:.2f} % at worst"
        f" (allowed: {limits.maximum_drawdown_pct:.1f} %).",
        {"drawdown_pct": fell_pct},
    )


def _regimes(judged: Judged, limits: PromotionConfig) -> Criterion:
    """A regime harms where the days' nets of its trades are below 0 beyond chance (t, one-sided)."""
    names = sorted({name for each in judged.days for name in each.regimes})
    chance, harmed, numbers = limits.regime_harm_chance / max(len(names), 1), [], dict[str, Number]()
    for name in names:
        own = [each.regimes[name] for each in judged.days if name in each.regimes]
        trades, nets = sum(count for count, _ in own), np.array([net for _, net in own])
        numbers[f"{name}_trades"], numbers[f"{name}_net_usd"] = trades, float(nets.sum())
        if trades >= limits.minimum_regime_trades and _below_zero(nets) < chance:
            harmed.append(f"{name} ({trades} trades, {nets.sum():+.2f} USD on {nets.size} days)")
    says = f"It loses in {', '.join(harmed)}" if harmed else "It harms in no regime with enough trades"
    return Criterion(REGIMES, not harmed, f"{says} (beyond chance: {limits.regime_harm_chance:g}).", numbers)


def _dearer(judged: Judged, limits: PromotionConfig) -> Criterion:
    net = float(judged.results_usd.sum())
    costs = float(sum(max(each.costs_usd, 0.0) for each in judged.days))
    dearer = net - (limits.cost_multiple - 1.0) * costs
    return Criterion(
        DEARER,
        dearer > 0.0,
        f"It made {net:+.2f} USD after costs of {costs:.2f} USD; with {limits.cost_multiple:g} times the"
        f" costs it would have made {dearer:+.2f} USD (needed: more than 0).",
        {"net_usd": net, "costs_usd": costs, "net_at_dearer_costs_usd": dearer},
    )


def _calibration(judged: Judged, limits: PromotionConfig) -> Criterion:
    """Days are set against one another, because the trades of a day win and lose together."""
    said = [each for each in judged.days if each.forecasts]
    forecasts, wins = sum(each.forecasts for each in said), sum(each.wins for each in said)
    expected = float(sum(each.forecast_wins for each in said))
    chance = _below_zero(np.array([each.wins - each.forecast_wins for each in said]))
    passed = chance >= limits.calibration_chance
    told = f"Of {forecasts} trades {expected:.1f} wins were forecast and {wins} came"
    says = "" if passed else ": fewer than chance explains"
    if not forecasts:
        told = "Of none of its trades a probability was said before"
    numbers: dict[str, Number] = {"forecasts": forecasts, "forecast_wins": expected, "wins": wins}
    return Criterion(CALIBRATION, passed, f"{told}{says}.", numbers)


def _drift(judged: Judged, limits: PromotionConfig) -> Criterion:
    against = evidence_against([each.day for each in judged.evidence.days], judged.evidence.result.results)
    passed = against < limits.drift_bar
    says = "do not lose beyond chance" if passed else "lose beyond chance"
    return Criterion(
        DRIFT,
        passed,
        f"The last days {says}: the evidence against them is {against:.2f} (refused from"
        f" {limits.drift_bar:g} on).",
        {"evidence_against": against},
    )


def _luck(judged: Judged, limits: PromotionConfig) -> Criterion:
    results = judged.results_usd
    if results.size < _FEWEST_DAYS or not do_vary(results):
        reason = f"{results.size} days are too few for a Sharpe ratio."
        return Criterion(LUCK, False, reason, {"observations": results.size})
    measured = measure_returns(results)
    # A few lucky days among idle ones skew to the right, which would pass for certainty.
    moments = replace(measured, skewness=min(measured.skewness, 0.0))
    effective, variance = effective_trials(judged)
    threshold = expected_maximum_sharpe(max(round(effective), 1), variance)
    probability = deflated_sharpe(moments, max(round(effective), 1), variance)
    passed = probability >= limits.minimum_deflated_sharpe
    return Criterion(
        LUCK,
        passed,
        f"The probability that its Sharpe ratio of {moments.sharpe:.3f} a day is more than the luck of"
        f" {judged.trials} procedure{'s' if judged.trials > 1 else ''} ({threshold:.3f}) is {probability:.1%}"
        f" (needed: {limits.minimum_deflated_sharpe:.0%}; valid for one look).",
        {
            "observations": results.size,
            "sharpe": moments.sharpe,
            "luck_sharpe": threshold,
            "deflated_sharpe": probability,
            "effective_trials": effective,
        },
    )


def effective_trials(judged: Judged) -> tuple[float, float]:
    """Of how many independent procedures luck may choose, and the variance of their Sharpe ratios a day.

    Ratios are of the days that a procedure has in common with this one. N = r + (1 - r) trials, r the mean
    correlation of the results, 0 where nothing is known (Lopez de Prado, "Machine Learning for Asset
    Managers" (2020)); the variance is 1 / (T - 1), what procedures without skill show, or more.
    """
    own = {each.day: each.result_usd for each in judged.days}
    ratios, correlations = [measure_returns(judged.results_usd).sharpe], list[float]()
    for other in judged.others:
        common = sorted(own.keys() & other.keys())
        mine, theirs = (np.array([results[day] for day in common]) for results in (own, other))
        if len(common) < _FEWEST_DAYS or not (do_vary(mine) and do_vary(theirs)):
            continue
        ratios.append(measure_returns(theirs).sharpe)
        correlations.append(float(np.corrcoef(mine, theirs)[0, 1]))
    mean = min(max(float(np.mean(correlations)), 0.0), 1.0) if correlations else 0.0
    least = 1.0 / (len(own) - 1)
    variance = max(float(np.var(ratios, ddof=1)), least) if len(ratios) > 1 else least
    return mean + (1.0 - mean) * judged.trials, variance


def _below_zero(values: Floats) -> float:
    """Chance of a mean as low as that of `values` if none is expected to be below 0: one-sided, normal with
    the deviation of the values; 1 where there are too few, or where they do not vary above 0."""
    if values.size < _FEWEST_HARMED_DAYS:
        return 1.0
    if not do_vary(values):
        return 0.0 if float(values.mean()) < 0.0 else 1.0
    error = float(values.std(ddof=1)) / math.sqrt(values.size)
    return NormalDist().cdf(float(values.mean()) / error)


_CRITERIA: tuple[Callable[[Judged, PromotionConfig], Criterion], ...] = (
    _track,
    _drawdown,
    _regimes,
    _dearer,
    _calibration,
    _drift,
    _luck,
)
