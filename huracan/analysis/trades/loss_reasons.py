"""The reasons why a trade lost, one function each, in order of precedence.

To add a reason, write its function (cases and limits in, Finding out) and in `rule_suggestions` the rule that
it suggests, append it to LOSS_REASONS before `bad_luck`, and make a trade for it in the tests. How reasons
become rows is in `losses`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.outcome import UNDECIDED, Booleans
from huracan.analysis.row_text import Column
from huracan.analysis.trades.config import LossLimits
from huracan.analysis.trades.loss_cases import LossCases
from huracan.analysis.trades.rule_suggestions import (
    leave_adverse,
    leave_aged,
    leave_regime,
    leave_volatile,
    skip_costly,
    skip_unprofitable,
    skip_weak,
    widen_barrier,
)
from huracan.market.ledger import FORMER_EXIT_REASONS, LIQUIDATION

MARKET_ENDED = tuple(reason for reason in UNDECIDED if reason not in FORMER_EXIT_REASONS)


@dataclass(frozen=True, eq=False)
class Finding:
    """Where a reason holds (bool [trades]) and the numbers that it was judged by, per trade."""

    holds: Booleans
    evidence: dict[str, Column]


Suggest = Callable[[LossCases, LossLimits], pa.Array]


@dataclass(frozen=True)
class LossReason:
    """`suggest` gives the avoidance rule of every case [trades], null where a number it needs is not known;
    without it the reason has none. `unruled`: what is said then, a sentence with places for the evidence.
    `is_preventable`: a rule known at the entry or during the trade could have avoided the loss. A
    `is_last_resort` reason holds only where none of the others does."""

    name: str
    judge: Callable[[LossCases, LossLimits], Finding]
    is_preventable: bool
    suggest: Suggest | None = None
    unruled: str = "None: a number that its rule needs is not known."
    is_last_resort: bool = False


def _cost_not_covered(cases: LossCases, _limits: LossLimits) -> Finding:
    holds = (cases.gross_bps > 0) & (cases.net_bps <= 0)
    return Finding(holds, {"gross_bps": cases.gross_bps, "cost_bps": cases.cost_bps})


def _liquidation(cases: LossCases, _limits: LossLimits) -> Finding:
    evidence = {"max_adverse_bps": cases.max_adverse_bps, "stop_distance_bps": cases.stop_distance_bps}
    return Finding(_left_by(cases, LIQUIDATION), evidence)


def _market_ended(cases: LossCases, _limits: LossLimits) -> Finding:
    evidence = {"exit_reason": cases.exit_reason, "held_minutes": cases.held_minutes}
    return Finding(_left_by(cases, *MARKET_ENDED), evidence)


def _left_by(cases: LossCases, *reasons: str) -> Booleans:
    matches = pc.is_in(cases.exit_reason, value_set=pa.array(reasons))
    return np.asarray(matches.to_numpy(zero_copy_only=False), dtype=bool)


def _volatility_shock(cases: LossCases, limits: LossLimits) -> Finding:
    grew = cases.exit_volatility_bps >= limits.shock_ratio * cases.entry_volatility_bps
    jumped = cases.stop_range_bps >= limits.shock_bar_volatilities * cases.entry_volatility_bps
    evidence = {
        "entry_volatility_bps": cases.entry_volatility_bps,
        "exit_volatility_bps": cases.exit_volatility_bps,
        "stop_range_bps": cases.stop_range_bps,
    }
    return Finding(grew | jumped, evidence)


def _regime_change(cases: LossCases, _limits: LossLimits) -> Finding:
    changed = pc.fill_null(pc.not_equal(cases.regime, cases.exit_regime), False)
    holds = np.asarray(changed.to_numpy(zero_copy_only=False), dtype=bool)
    return Finding(holds, {"entry_regime": cases.regime, "exit_regime": cases.exit_regime})


def _adverse_selection(cases: LossCases, limits: LossLimits) -> Finding:
    against = cases.early_adverse_bps <= -limits.early_volatilities * cases.entry_volatility_bps
    never_for = cases.max_favourable_bps <= cases.entry_volatility_bps
    evidence = {
        "early_adverse_bps": cases.early_adverse_bps,
        "entry_volatility_bps": cases.entry_volatility_bps,
        "max_favourable_bps": cases.max_favourable_bps,
    }
    return Finding(against & never_for, evidence)


def _stop_too_tight(cases: LossCases, limits: LossLimits) -> Finding:
    inside_noise = cases.stop_distance_bps < limits.tight_stop_volatilities * cases.entry_volatility_bps
    came_back = cases.best_after_exit_bps >= cases.target_distance_bps
    # A stop that followed keeps its distance from the best price, so that from the entry says nothing.
    holds = cases.is_stopped & ((inside_noise & ~cases.is_trailed) | came_back)
    evidence = {
        "stop_distance_bps": cases.stop_distance_bps,
        "entry_volatility_bps": cases.entry_volatility_bps,
        "best_after_exit_bps": cases.best_after_exit_bps,
        "target_distance_bps": cases.target_distance_bps,
        "adverse_before_target_bps": cases.adverse_before_target_bps,
    }
    return Finding(holds, evidence)


def _held_too_long(cases: LossCases, limits: LossLimits) -> Finding:
    was_paying = cases.max_favourable_bps > cases.cost_bps
    late = cases.held_minutes - cases.minutes_to_best >= limits.late_share * cases.held_minutes
    chosen = ~cases.is_stopped & ~cases.is_ended
    holds = was_paying & late & (cases.held_minutes >= limits.minimum_held_minutes) & chosen
    evidence = {
        "max_favourable_bps": cases.max_favourable_bps,
        "cost_bps": cases.cost_bps,
        "minutes_to_best": cases.minutes_to_best,
        "held_minutes": cases.held_minutes,
    }
    return Finding(holds, evidence)


def _poor_pattern_history(cases: LossCases, limits: LossLimits) -> Finding:
    enough = cases.alike.effective_trades >= limits.poor_history_trades
    holds = enough & (cases.alike.win_probability_high < 0.5) & (cases.alike.mean_net_bps < 0)
    return Finding(holds, _pattern_evidence(cases))


def _weak_pattern(cases: LossCases, limits: LossLimits) -> Finding:
    few = (cases.alike.count > 0) & (cases.alike.count < limits.minimum_precedents)
    doubtful = (cases.alike.count >= limits.minimum_precedents) & (
        cases.alike.win_probability < limits.weak_win_probability
    )
    return Finding(few | doubtful, _pattern_evidence(cases))


def _pattern_evidence(cases: LossCases) -> dict[str, Column]:
    return {
        "similar_trades": cases.alike.count,
        "win_probability": cases.alike.win_probability,
        "win_probability_high": cases.alike.win_probability_high,
        "mean_net_bps": cases.alike.mean_net_bps,
    }


def _is_usual(cases: LossCases, limits: LossLimits) -> Booleans:
    """Within the band of what entries by chance made, or of noise where there were too few of them."""
    percentile = cases.luck.possibly_beaten
    by_noise = cases.net_score >= -limits.expected_band
    return np.where(np.isnan(percentile), by_noise, percentile >= limits.usual_percentile)


def _luck_evidence(cases: LossCases, is_usual: Booleans) -> dict[str, Column]:
    return {
        "luck_percentile": cases.luck.possibly_beaten,
        "luck_entries": cases.luck.entries,
        "net_score": cases.net_score,
        "is_within_expected_band": is_usual,
    }


def _bad_luck(cases: LossCases, limits: LossLimits) -> Finding:
    is_usual = _is_usual(cases, limits)
    return Finding(is_usual, _luck_evidence(cases, is_usual))


def _unexplained(cases: LossCases, limits: LossLimits) -> Finding:
    is_usual = _is_usual(cases, limits)
    return Finding(~is_usual, _luck_evidence(cases, is_usual))


LOSS_REASONS = (
    LossReason("cost_not_covered", _cost_not_covered, True, skip_costly),
    LossReason(
        "liquidation",
        _liquidation,
        True,
        unruled="None: the exchange left {max_adverse_bps} bps from the entry, before the stop at "
        "-{stop_distance_bps}; a nearer stop or less leverage would have.",
    ),
    LossReason(
        "market_ended",
        _market_ended,
        False,
        unruled="None: it was not left but closed at the last known price ({exit_reason}).",
    ),
    LossReason(
        "volatility_shock",
        _volatility_shock,
        False,
        leave_volatile,
        unruled="None: the shock was over in the bar that stopped it, {stop_range_bps} bps from end to end.",
    ),
    LossReason("regime_change", _regime_change, False, leave_regime),
    LossReason("adverse_selection", _adverse_selection, True, leave_adverse),
    LossReason("stop_too_tight", _stop_too_tight, True, widen_barrier),
    LossReason("held_too_long", _held_too_long, True, leave_aged),
    LossReason("poor_pattern_history", _poor_pattern_history, True, skip_unprofitable),
    LossReason("weak_pattern", _weak_pattern, True, skip_weak),
    LossReason(
        "bad_luck",
        _bad_luck,
        False,
        unruled="None: {luck_percentile} % of {luck_entries} entries by chance did worse; {net_score} "
        "standard deviations of noise.",
        is_last_resort=True,
    ),
    LossReason(
        "unexplained",
        _unexplained,
        False,
        unruled="None known: only {luck_percentile} % of {luck_entries} entries by chance did worse; "
        "{net_score} standard deviations of noise.",
        is_last_resort=True,
    ),
)
"""In order of precedence: the first that holds is the primary reason. One of the last two always holds."""

REASON_NAMES = tuple(reason.name for reason in LOSS_REASONS)
