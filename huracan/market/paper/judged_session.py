"""A span of a market traded without a ledger: the trades and the accounts that a judgement looks at."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions, Floats
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.policy import Policy
from huracan.market.rules import TradingRules
from huracan.units import WHOLE_BPS

_FEWEST_AHEAD, _MOST_AHEAD = 8, 512


@dataclass(frozen=True, eq=False)
class JudgedSession:
    """One lane for every symbol, from the close of the block's first decision bar to its end."""

    closed: NDArray[np.void]
    """records.CLOSED, by lane and trade."""
    equity_usd: Floats
    """[symbols, decisions] at each decision bar's close."""

    @property
    def trade_count(self) -> int:
        return int(self.closed.size)

    def net_usd(self) -> Floats:
        """Net result of every trade, costs included."""
        return np.asarray(self.closed["net_usd"], dtype=np.float64)

    def net_bps(self) -> Floats:
        """The same in bps of each trade's entry notional."""
        return np.asarray(self.net_usd() / self._notionals() * WHOLE_BPS, dtype=np.float64)

    def notional_usd(self) -> float:
        """Entry notional of all trades together."""
        return float(self._notionals().sum())

    def _notionals(self) -> Floats:
        return np.asarray(self.closed["quantity"] * self.closed["entry_reference"], dtype=np.float64)


def judge_session(
    block: MarketBlock, policy: Policy, rules: TradingRules, costs: CostAssumptions
) -> JudgedSession:
    """Trades every symbol over the whole block, all at once.

    A lane begins flat; what is open at the last bar is closed there at liquidation value (WINDOW_END). A
    policy remembers nothing, so it is asked about many closes at once, as they come where nothing is done
    before them, and again from the first at which it acts.
    """
    environment = MarketEnvironment(block, rules, costs, block.symbol_count, records=True)
    every = np.arange(block.symbol_count)
    environment.begin(every, every, np.full(every.size, block.decision_closes[0]), closes_at_end=True)
    equity_usd = np.empty((block.decision_count, every.size))
    at, ahead, last = 0, _FEWEST_AHEAD, block.decision_count - 1
    while at < last:
        time = environment.foresee(min(ahead, last - at))
        asked, closes = time.actions.size, time.actions.shape[0]
        decision = policy.decide(time.observations.reshape(asked, -1), time.masks.reshape(asked, -1))
        chosen = decision.actions.reshape(time.actions.shape)
        acts = np.flatnonzero((chosen != time.actions).any(axis=1))
        quiet = int(acts[0]) if acts.size else closes
        met = min(quiet + 1, closes)
        equity_usd[at : at + met] = time.equity_usd[:met]
        environment.idle(quiet)
        if quiet < closes:
            environment.advance(chosen[quiet])
        at, ahead = at + met, min(max(2 * quiet, _FEWEST_AHEAD), _MOST_AHEAD)
    equity_usd[last] = environment.equity_usd()
    return JudgedSession(environment.closed(), np.ascontiguousarray(equity_usd.T))
