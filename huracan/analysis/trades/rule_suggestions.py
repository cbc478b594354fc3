"""The avoidance rule that each reason of a loss suggests: such that it would have acted on that very trade.

Numbers are rounded to coarse steps, so that similar losses suggest the same rule.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.outcome import Floats
from huracan.analysis.rules.avoidance import rounded_down, rounded_up, rule_texts
from huracan.analysis.trades.config import LossLimits
from huracan.analysis.trades.loss_cases import LossCases

_FARTHER = 1.2
"""A stop is suggested at least so many times as far away as it was."""
_PROBABILITY_STEP = 0.05
_NET_STEP_BPS = 5.0


def skip_costly(cases: LossCases, _limits: LossLimits) -> pa.Array:
    """Costs of the round trip against volatility, known at the signal."""
    cost = cases.estimated_cost_bps / cases.entry_volatility_bps
    return _texts("skip_costly", cost_volatilities=rounded_down(cost))


def skip_unprofitable(cases: LossCases, _limits: LossLimits) -> pa.Array:
    """What similar trades made, rounded up to 5 bps."""
    limit = np.ceil(cases.alike.mean_net_bps / _NET_STEP_BPS) * _NET_STEP_BPS
    return _texts("skip_unprofitable", mean_net_bps=limit)


def skip_weak(cases: LossCases, limits: LossLimits) -> pa.Array:
    """How many similar trades, where they were few; else how likely they won, rounded up to 0.05."""
    limit = np.ceil(cases.alike.win_probability / _PROBABILITY_STEP) * _PROBABILITY_STEP
    unlikely = _texts("skip_unlikely", win_probability=limit)
    least = np.full(limit.size, float(limits.minimum_precedents))
    few = pa.array(cases.alike.count < limits.minimum_precedents)
    return pc.if_else(few, _texts("skip_unprecedented", similar_trades=least), unlikely)


def leave_volatile(cases: LossCases, limits: LossLimits) -> pa.Array:
    """By how much volatility had grown when the trade was left; none where it only grew with the last bar."""
    ratio = cases.exit_volatility_bps / cases.entry_volatility_bps
    known_before = np.where(ratio >= limits.shock_ratio, rounded_down(ratio), np.nan)
    return _texts("leave_volatile", volatility_ratio=known_before)


def leave_regime(cases: LossCases, _limits: LossLimits) -> pa.Array:
    """At the first bar of another regime."""
    return rule_texts("leave_regime", {}, len(cases.regime))


def leave_adverse(cases: LossCases, limits: LossLimits) -> pa.Array:
    """How far the price was against the entry within the first minutes. Of those before the first decision a
    policy that leaves can only tell at its close."""
    moved = rounded_down(-cases.early_adverse_bps / cases.entry_volatility_bps)
    first_minutes = np.full(moved.size, float(max(limits.early_minutes, cases.decision_minutes)))
    return _texts("leave_adverse", volatilities=moved, first_minutes=first_minutes)


def leave_aged(cases: LossCases, _limits: LossLimits) -> pa.Array:
    """The age at which the price was best, or soon after it."""
    return _texts("leave_aged", minutes=np.ceil(rounded_up(cases.minutes_to_best + 1.0)))


def widen_barrier(cases: LossCases, limits: LossLimits) -> pa.Array:
    """As far as the price went before it came to the target, out of the noise, and farther than the stop was.
    A stop that followed is to follow at a greater distance from the best price."""
    noise = limits.tight_stop_volatilities * cases.entry_volatility_bps
    stop = np.fmax(np.fmax(cases.adverse_before_target_bps, noise), _FARTHER * cases.stop_distance_bps)
    was_behind = cases.max_favourable_bps + cases.stop_distance_bps
    trail = np.fmax(cases.max_favourable_bps + cases.adverse_before_target_bps, _FARTHER * was_behind)
    stop_volatilities, trail_volatilities = (
        rounded_up(distance / cases.entry_volatility_bps) for distance in (stop, trail)
    )
    return pc.if_else(
        pa.array(cases.is_trailed),
        _texts("widen_trail", volatilities=trail_volatilities),
        _texts("widen_stop", volatilities=stop_volatilities),
    )


def _texts(kind: str, **numbers: Floats) -> pa.Array:
    return rule_texts(kind, numbers, next(iter(numbers.values())).size)
