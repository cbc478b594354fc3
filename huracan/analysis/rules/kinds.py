"""What each kind of avoidance rule does to a day: which entries it strikes out, at which decision it says
leave, or which trading rule it changes.

Nothing later than the signal, or the close that decides, is looked at. To add a kind, give it a sentence in
`avoidance`, its function and its place here, and a test that it changes what it should.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from huracan.analysis.outcome import Booleans, Floats, Integers
from huracan.analysis.rules.avoidance import AvoidanceRule
from huracan.analysis.rules.past_session import PastSession
from huracan.market.rules import TradingRules
from huracan.units import WHOLE_BPS

Numbers = Mapping[str, float]


@dataclass(frozen=True)
class Strike:
    """Entries are struck out where `is_struck(measure, limit)`; `limit` names one of the rule's numbers."""

    measure: Callable[[PastSession], Floats]
    """[trades] what is known at each signal; NaN where it is not, and nothing is struck out."""
    is_struck: np.ufunc
    limit: str


STRIKES = {
    "skip_costly": Strike(lambda session: session.cost_volatilities, np.greater_equal, "cost_volatilities"),
    "skip_unlikely": Strike(lambda session: session.win_probability, np.less_equal, "win_probability"),
    "skip_unprofitable": Strike(lambda session: session.mean_net_bps, np.less_equal, "mean_net_bps"),
    "skip_unprecedented": Strike(lambda session: session.similar_trades, np.less, "similar_trades"),
}


def _leave_volatile(session: PastSession, numbers: Numbers) -> Booleans:
    limit = numbers["volatility_ratio"] * session.volatility_bps
    return np.asarray(session.at_closes(session.block.volatility_bps) >= limit[:, None])


def _leave_regime(session: PastSession, _numbers: Numbers) -> Booleans:
    regime = session.block.regime
    at_signal = regime[session.trades["symbol"], session.signal_rows]
    return np.asarray(session.at_rows(regime) != at_signal[:, None])


def _leave_adverse(session: PastSession, numbers: Numbers) -> Booleans:
    side, block = session.trades["side"].astype(np.float64)[:, None], session.block
    # The open that the entry was filled at: the trade's own reference price is the mean of later adds, too.
    entry = block.open[session.trades["symbol"], np.maximum(session.trades["entry_bar"], 0)][:, None]
    shape = (block.symbol_count, block.decision_count, block.decision_bars)
    low, high = block.low.reshape(shape).min(axis=2), block.high.reshape(shape).max(axis=2)
    worst = np.where(side > 0, session.at_rows(low), session.at_rows(high))
    limit_bps = -numbers["volatilities"] * session.volatility_bps[:, None]
    is_adverse = side * (worst / entry - 1.0) * WHOLE_BPS <= limit_bps
    return np.asarray(is_adverse & (session.age_minutes <= numbers["first_minutes"]))


def _leave_aged(session: PastSession, numbers: Numbers) -> Booleans:
    return np.asarray(session.age_minutes >= numbers["minutes"])


LEAVES: dict[str, Callable[[PastSession, Numbers], Booleans]] = {
    "leave_volatile": _leave_volatile,
    "leave_regime": _leave_regime,
    "leave_adverse": _leave_adverse,
    "leave_aged": _leave_aged,
}
"""[trades, decisions] those since the entry at which a kind says leave; the first one counts."""


def _widen_stop(rules: TradingRules, numbers: Numbers, bar_minutes: int) -> TradingRules:
    wanted = numbers["volatilities"] / rules.horizon_factor(bar_minutes)
    return replace(rules, stop_volatilities=max(rules.stop_volatilities, wanted))


def _widen_trail(rules: TradingRules, numbers: Numbers, bar_minutes: int) -> TradingRules:
    wanted = numbers["volatilities"] / rules.horizon_factor(bar_minutes)
    return replace(rules, trail_volatilities=max(rules.trail_volatilities, wanted))


CHANGES: dict[str, Callable[[TradingRules, Numbers, int], TradingRules]] = {
    "widen_stop": _widen_stop,
    "widen_trail": _widen_trail,
}
"""The trading rules as a kind would have them; volatilities are of one stored bar of so many minutes."""


def struck_out(rule: AvoidanceRule, session: PastSession) -> tuple[Booleans, int]:
    """[trades] the entries that the rule strikes out, and the number of those that it cannot judge."""
    strike = STRIKES[rule.kind]
    measure = strike.measure(session)
    is_struck = strike.is_struck(measure, rule.numbers[strike.limit]) & session.is_own
    return is_struck, int((np.isnan(measure) & session.is_own).sum())


def first_fires(rule: AvoidanceRule, session: PastSession) -> Integers:
    """[trades] the how-many-th decision since the entry, from 0, is the first at which the rule says leave
    and the position can still leave at a later open; -1 where there is none."""
    says = LEAVES[rule.kind](session, rule.numbers) & session.is_open
    fires = says.any(axis=1) if says.shape[1] else np.zeros(session.trades.size, dtype=bool)
    return np.where(fires, np.argmax(says, axis=1) if says.shape[1] else 0, -1).astype(np.int64)
