"""What each kind of avoidance rule does to a session: which entries it strikes out, at which close it says
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
    at_signal = regime[session.trades["symbol"], session.trades["signal_bar"]]
    return np.asarray(session.at_closes(regime) != at_signal[:, None])


def _leave_adverse(session: PastSession, numbers: Numbers) -> Booleans:
    side = session.trades["side"].astype(np.float64)[:, None]
    # The open that the entry was filled at: the trade's own reference price is the mean of later adds, too.
    entry = session.block.open[session.trades["symbol"], session.trades["entry_bar"]][:, None]
    worst = np.where(side > 0, session.at_closes(session.block.low), session.at_closes(session.block.high))
    limit_bps = -numbers["volatilities"] * session.volatility_bps[:, None]
    is_adverse = side * (worst / entry - 1.0) * WHOLE_BPS <= limit_bps
    return np.asarray(is_adverse & (session.age <= numbers["first_bars"]))


def _leave_aged(session: PastSession, numbers: Numbers) -> Booleans:
    is_old = session.age >= numbers["bars"]
    return np.broadcast_to(is_old, (session.trades.size, is_old.size))


LEAVES: dict[str, Callable[[PastSession, Numbers], Booleans]] = {
    "leave_volatile": _leave_volatile,
    "leave_regime": _leave_regime,
    "leave_adverse": _leave_adverse,
    "leave_aged": _leave_aged,
}
"""[trades, bars] the closes since the entry at which a kind says leave; the first one counts."""


def _widen_stop(rules: TradingRules, numbers: Numbers) -> TradingRules:
    wanted = numbers["volatilities"] / rules.horizon_factor
    return replace(rules, stop_volatilities=max(rules.stop_volatilities, wanted))


def _widen_trail(rules: TradingRules, numbers: Numbers) -> TradingRules:
    wanted = numbers["volatilities"] / rules.horizon_factor
    return replace(rules, trail_volatilities=max(rules.trail_volatilities, wanted))


CHANGES: dict[str, Callable[[TradingRules, Numbers], TradingRules]] = {
    "widen_stop": _widen_stop,
    "widen_trail": _widen_trail,
}
"""The trading rules as a kind would have them."""


def struck_out(rule: AvoidanceRule, session: PastSession) -> tuple[Booleans, int]:
    """[trades] the entries that the rule strikes out, and the number of those that it cannot judge."""
    strike = STRIKES[rule.kind]
    measure = strike.measure(session)
    return strike.is_struck(measure, rule.numbers[strike.limit]), int(np.isnan(measure).sum())


def first_fires(rule: AvoidanceRule, session: PastSession) -> Integers:
    """[trades] bars from the entry bar to the first close at which the rule says leave, and the position can
    still leave at a later open; -1 where there is none."""
    says = LEAVES[rule.kind](session, rule.numbers) & session.is_open
    fires = says.any(axis=1) if says.shape[1] else np.zeros(session.trades.size, dtype=bool)
    return np.where(fires, np.argmax(says, axis=1) if says.shape[1] else 0, -1).astype(np.int64)
