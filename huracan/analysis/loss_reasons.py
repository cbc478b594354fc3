"""The reasons why a trade lost, one function each, in order of precedence.

To add a reason, write its function (cases and rules in, Finding out), append it to LOSS_REASONS before
`bad_luck`, and make a trade for it in the tests. How reasons become rows is in `losses`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from huracan.analysis.loss_cases import LossCases, LossRules
from huracan.analysis.outcome import Booleans
from huracan.analysis.row_text import Column


@dataclass(frozen=True, eq=False)
class Finding:
    """Where a reason holds (bool [trades]) and the numbers that it was judged by, per trade."""

    holds: Booleans
    evidence: dict[str, Column]


@dataclass(frozen=True)
class LossReason:
    """`avoidance` is a sentence with places for the evidence; `is_preventable`: a rule known at the entry or
    during the trade could have avoided the loss."""

    name: str
    judge: Callable[[LossCases, LossRules], Finding]
    is_preventable: bool
    avoidance: str


def _cost_not_covered(cases: LossCases, _rules: LossRules) -> Finding:
    holds = (cases.gross_bps > 0) & (cases.net_bps <= 0)
    return Finding(holds, {"gross_bps": cases.gross_bps, "cost_bps": cases.cost_bps})


def _volatility_shock(cases: LossCases, rules: LossRules) -> Finding:
    limit = rules.shock_ratio * cases.entry_volatility_bps
    holds = (cases.exit_volatility_bps >= limit) & (cases.entry_volatility_bps > 0)
    evidence = {
        "entry_volatility_bps": cases.entry_volatility_bps,
        "exit_volatility_bps": cases.exit_volatility_bps,
    }
    return Finding(holds, evidence)


def _regime_change(cases: LossCases, _rules: LossRules) -> Finding:
    changed = pc.fill_null(pc.not_equal(cases.regime, cases.exit_regime), False)
    holds = np.asarray(changed.to_numpy(zero_copy_only=False), dtype=bool)
    return Finding(holds, {"entry_regime": cases.regime, "exit_regime": cases.exit_regime})


def _adverse_selection(cases: LossCases, rules: LossRules) -> Finding:
    against = cases.max_adverse_bps <= -cases.entry_volatility_bps
    never_for = cases.max_favourable_bps <= cases.entry_volatility_bps
    holds = (cases.bars_to_worst < rules.early_bars) & against & never_for
    evidence = {
        "bars_to_worst": cases.bars_to_worst,
        "max_adverse_bps": cases.max_adverse_bps,
        "max_favourable_bps": cases.max_favourable_bps,
    }
    return Finding(holds, evidence)


def _stop_too_tight(cases: LossCases, rules: LossRules) -> Finding:
    inside_noise = cases.stop_distance_bps < rules.tight_stop_volatilities * cases.entry_volatility_bps
    came_back = cases.best_after_exit_bps >= cases.target_distance_bps
    # A stop that followed keeps its distance from the best price, so that from the entry says nothing.
    holds = cases.is_stopped & ((inside_noise & ~cases.is_trailed) | came_back)
    evidence = {
        "stop_distance_bps": cases.stop_distance_bps,
        "entry_volatility_bps": cases.entry_volatility_bps,
        "best_after_exit_bps": cases.best_after_exit_bps,
        "target_distance_bps": cases.target_distance_bps,
    }
    return Finding(holds, evidence)


def _held_too_long(cases: LossCases, rules: LossRules) -> Finding:
    was_paying = cases.max_favourable_bps > cases.cost_bps
    late = cases.bars_held - cases.bars_to_best >= rules.late_share * cases.bars_held
    holds = was_paying & late & (cases.bars_held >= rules.minimum_held_bars) & ~cases.is_stopped
    evidence = {
        "max_favourable_bps": cases.max_favourable_bps,
        "cost_bps": cases.cost_bps,
        "bars_to_best": cases.bars_to_best,
        "bars_held": cases.bars_held,
    }
    return Finding(holds, evidence)


def _poor_pattern_history(cases: LossCases, rules: LossRules) -> Finding:
    enough = cases.alike.effective_trades >= rules.poor_history_trades
    holds = enough & (cases.alike.win_probability_high < 0.5) & (cases.alike.mean_net_bps < 0)
    return Finding(holds, _pattern_evidence(cases))


def _weak_pattern(cases: LossCases, rules: LossRules) -> Finding:
    few = (cases.alike.count > 0) & (cases.alike.count < rules.minimum_precedents)
    doubtful = (cases.alike.count >= rules.minimum_precedents) & (
        cases.alike.win_probability < rules.weak_win_probability
    )
    return Finding(few | doubtful, _pattern_evidence(cases))


def _pattern_evidence(cases: LossCases) -> dict[str, Column]:
    return {
        "similar_trades": cases.alike.count,
        "win_probability": cases.alike.win_probability,
        "win_probability_high": cases.alike.win_probability_high,
        "mean_net_bps": cases.alike.mean_net_bps,
    }


def _bad_luck(cases: LossCases, rules: LossRules) -> Finding:
    """Holds everywhere; `losses` uses it only where no other reason does."""
    within = cases.net_score >= -rules.expected_band
    evidence = {"net_score": cases.net_score, "is_within_expected_band": within}
    return Finding(np.ones(len(cases.net_bps), dtype=bool), evidence)


BAD_LUCK = LossReason("bad_luck", _bad_luck, False, "None: {net_score} standard deviations of noise.")

LOSS_REASONS = (
    LossReason(
        "cost_not_covered",
        _cost_not_covered,
        True,
        "Skip entries whose expected move is below {cost_bps} bps of costs.",
    ),
    LossReason(
        "volatility_shock",
        _volatility_shock,
        False,
        "Leave when one-bar volatility passes {exit_volatility_bps} bps after an entry at "
        "{entry_volatility_bps}.",
    ),
    LossReason("regime_change", _regime_change, False, "Leave when {entry_regime} turns into {exit_regime}."),
    LossReason(
        "adverse_selection",
        _adverse_selection,
        True,
        "Leave when the price is {max_adverse_bps} bps against the entry within its first bars.",
    ),
    LossReason(
        "stop_too_tight",
        _stop_too_tight,
        True,
        "Place the stop farther than {stop_distance_bps} bps at {entry_volatility_bps} bps of volatility.",
    ),
    LossReason(
        "held_too_long",
        _held_too_long,
        True,
        "Leave soon after the best moment: {max_favourable_bps} bps were reached after {bars_to_best} of "
        "{bars_held} bars.",
    ),
    LossReason(
        "poor_pattern_history",
        _poor_pattern_history,
        True,
        "Skip entries whose {similar_trades} similar trades made {mean_net_bps} bps on average.",
    ),
    LossReason(
        "weak_pattern",
        _weak_pattern,
        True,
        "Skip entries with {similar_trades} similar trades at a win probability of {win_probability}.",
    ),
    BAD_LUCK,
)
"""In order of precedence: the first that holds is the primary reason."""

REASON_NAMES = tuple(reason.name for reason in LOSS_REASONS)
