"""A whole market traded day by day by anything that decides, and what each day brought.

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
"""Bar of the session, raw observations [lanes, width], masks [lanes, actions] -> actions [lanes]. Lanes are
the days of the first symbol, then those of the second, and so on."""


@dataclass(frozen=True, eq=False)
class Exam:
    """Arrays [symbols, days]."""

    net_bps: Floats
    """Net result, in bps of the notional of size 1."""
    expected_net_bps: Floats
    """The same with the luck taken out: every bar's unforeseeable return, times what was held in it, is
    subtracted. Both have the same mean, by optional stopping; this one has less spread. It equals
    `net_bps` where the drift is not known."""
    trades: NDArray[np.int64]
    """Positions opened."""
    bars_held: NDArray[np.int64]

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
    """Every symbol and day of the block is one session on an account of its own, from flat to flat.

    `drift_bps` [S, T] is the expected return of each next bar, where it is known.
    """
    firsts = block.session_first
    bars = int(block.session_last[firsts[0]] - firsts[0] + 1)
    symbol, first = np.repeat(np.arange(block.symbol_count), firsts.size), np.tile(firsts, block.symbol_count)
    lanes = symbol.size
    environment = MarketEnvironment(block, rules, costs, lanes)
    environment.begin(np.arange(lanes), symbol, first)
    trades, bars_held, luck = np.zeros(lanes, np.int64), np.zeros(lanes, np.int64), np.zeros(lanes)
    for bar in range(bars - 1):
        before = _Held.by(environment)
        environment.advance(decide(bar, environment.observe(), environment.masks()))
        after = _Held.by(environment)
        trades += after.trades - before.trades
        bars_held += after.value_usd != 0
        if drift_bps is not None:
            luck += _luck_usd(before, after, drift_bps[symbol, first + bar])
    net = environment.equity_usd() - rules.starting_cash_usd
    shape, scale = (block.symbol_count, firsts.size), WHOLE_BPS / rules.notional_usd
    return Exam(
        (net * scale).reshape(shape),
        ((net - luck) * scale).reshape(shape),
        trades.reshape(shape),
        bars_held.reshape(shape),
    )


@dataclass(frozen=True, eq=False)
class _Held:
    """Accounts at a close, arrays [lanes]."""

    gross_usd: Floats
    """Equity before costs."""
    value_usd: Floats
    trades: NDArray[np.int64]

    @staticmethod
    def by(environment: MarketEnvironment) -> "_Held":
        equity, state = environment.equity_usd(), environment.state
        return _Held(
            equity + state["costs_usd"], equity - state["cash_usd"], state["trades"].astype(np.int64)
        )


def _luck_usd(before: _Held, after: _Held, drift_bps: Floats) -> Floats:
    """What a bar brought beyond its drift. What was left inside the bar was held for half of it."""
    gained = after.gross_usd - before.gross_usd
    left_inside = (after.value_usd == 0) & (np.abs(gained) > 1e-9)
    held = np.where(left_inside, 0.5 * before.value_usd, after.value_usd)
    return np.asarray(gained - held * drift_bps * BASIS_POINT, dtype=np.float64)


def decided_by(policy: Policy) -> Decide:
    """A policy of the product as something that takes the exam."""

    def decide(_bar: int, observations: NDArray[np.float32], masks: NDArray[np.bool_]) -> NDArray[np.int64]:
        return policy.decide(observations, masks).actions

    return decide
