"""A whole market traded by anything that decides, over every midnight, and what each day brought.

The market's own environment does the trading; nothing is decided here.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.policy import Policy
from huracan.market.rules import TradingRules
from huracan.proof.planted_market import Floats
from huracan.units import BASIS_POINT, WHOLE_BPS

Decide = Callable[[int, NDArray[np.float32], NDArray[np.bool_]], NDArray[np.int64]]
"""Number of the decision, raw observations [lanes, width], masks [lanes, actions] -> actions [lanes]. Lane s
is symbol s."""


@dataclass(frozen=True, eq=False)
class Exam:
    """Arrays [symbols, days]."""

    net_bps: Floats
    """Change of the marked account, in bps of the notional of size 1."""
    expected_net_bps: Floats
    """The same with the luck taken out: every bar's unforeseeable return, times what was held in it, is
    subtracted. Both have the same mean, by optional stopping; this one has less spread. It equals
    `net_bps` where the drift is not known."""
    trades: NDArray[np.int64]
    """Positions opened."""
    decisions_held: NDArray[np.int64]
    """At whose close something was held."""

    @property
    def net_bps_per_day(self) -> float:
        """Mean over days and symbols."""
        return float(self.net_bps.mean())

    @property
    def expected_net_bps_per_day(self) -> float:
        """Mean over days and symbols of the result without luck."""
        return float(self.expected_net_bps.mean())

    @property
    def trades_per_day(self) -> float:
        """Mean over days and symbols."""
        return float(self.trades.mean())

    @property
    def decisions_per_trade(self) -> float:
        """How long a position is held; 0 without one."""
        return float(self.decisions_held.sum() / max(1, int(self.trades.sum())))

    @property
    def standard_error_bps(self) -> float:
        """Of `net_bps_per_day`."""
        return float(self.net_bps.std(ddof=1) / np.sqrt(self.net_bps.size)) if self.net_bps.size > 1 else 0.0


def take_exam(
    block: MarketBlock,
    decide: Decide,
    rules: TradingRules,
    costs: CostAssumptions,
    drift_bps: Floats | None = None,
) -> Exam:
    """Every symbol on an account of its own, from the block's first decision on; what is open at its end is
    closed at the last price.

    `drift_bps` [S, T] is the expected return of each next bar, where it is known; then every bar is decided
    on.
    """
    lanes = block.symbol_count
    closes = block.decision_closes
    environment = MarketEnvironment(block, rules, costs, lanes)
    environment.begin(np.arange(lanes), np.arange(lanes), np.full(lanes, closes[0]), closes_at_end=True)
    found = np.zeros((4, lanes, block.day_count))
    before = _Held.by(environment)
    for decision, close in enumerate(closes[:-1]):
        environment.advance(decide(decision, environment.observe(), environment.masks()))
        after = _Held.by(environment)
        luck = 0.0 if drift_bps is None else _luck_usd(before, after, drift_bps[:, close])
        gained, day = after.equity_usd - before.equity_usd, block.day_of_bar[close + 1]
        for row, value in enumerate(
            (gained, gained - luck, after.trades - before.trades, after.value_usd != 0)
        ):
            found[row, :, day] += value
        before = after
    scale = WHOLE_BPS / rules.notional_usd
    return Exam(found[0] * scale, found[1] * scale, found[2].astype(np.int64), found[3].astype(np.int64))


@dataclass(frozen=True, eq=False)
class _Held:
    """Accounts at a close, arrays [lanes]."""

    equity_usd: Floats
    gross_usd: Floats
    """Equity before costs."""
    value_usd: Floats
    trades: NDArray[np.int64]

    @staticmethod
    def by(environment: MarketEnvironment) -> "_Held":
        equity, state = environment.equity_usd(), environment.state
        gross, value = equity + state["costs_usd"], equity - state["cash_usd"]
        return _Held(equity, gross, value, state["trades"].astype(np.int64))


def _luck_usd(before: _Held, after: _Held, drift_bps: Floats) -> Floats:
    """What a bar brought beyond its drift. What was left inside the bar was held for half of it."""
    gained = after.gross_usd - before.gross_usd
    left_inside = (after.value_usd == 0) & (np.abs(gained) > 1e-9)
    held = np.where(left_inside, 0.5 * before.value_usd, after.value_usd)
    return np.asarray(gained - held * drift_bps * BASIS_POINT, dtype=np.float64)


def decided_by(policy: Policy) -> Decide:
    """A policy of the product as something that takes the exam."""

    def decide(
        _decision: int, observations: NDArray[np.float32], masks: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        return policy.decide(observations, masks).actions

    return decide
