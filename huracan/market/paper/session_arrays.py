"""Sessions as arrays: every symbol on every day from flat to flat, by a frozen policy, all lanes at once.

The ledger's Arrow tables are made of these in `session`; a held-out judgement reads them as they are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from huracan.errors import InvalidInput
from huracan.market.actions import WAIT_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions, Floats
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.policy import Decision, Policy
from huracan.market.rules import TradingRules
from huracan.units import WHOLE_BPS


@dataclass(frozen=True, eq=False)
class DecisionTrace:
    """What led to every decision, arrays [lanes, bars, ...] as in `Decision`; nothing at the last bar."""

    logits: NDArray[np.float32]
    bias: NDArray[np.float32]
    bias_terms: NDArray[np.float32]
    masks: NDArray[np.bool_]
    probabilities: NDArray[np.float32]
    values: NDArray[np.float32]

    @staticmethod
    def empty(decision: Decision, lanes: int, bars: int) -> "DecisionTrace":
        """Zeros, as wide as the decisions are."""

        def zeros(like: NDArray[np.float32]) -> NDArray[np.float32]:
            return np.zeros((lanes, bars, *like.shape[1:]), np.float32)

        return DecisionTrace(
            logits=zeros(decision.logits),
            bias=zeros(decision.bias),
            bias_terms=zeros(decision.bias_terms),
            masks=np.zeros((lanes, bars, decision.logits.shape[1]), bool),
            probabilities=zeros(decision.probabilities),
            values=zeros(decision.values),
        )

    def keep(self, bar: int, decision: Decision, masks: NDArray[np.bool_]) -> None:
        """Writes down what was decided at a bar of all lanes."""
        self.masks[:, bar] = masks
        for name in ("logits", "bias", "bias_terms", "probabilities", "values"):
            getattr(self, name)[:, bar] = getattr(decision, name)


@dataclass(frozen=True, eq=False)
class SessionArrays:
    """Lanes are ordered by symbol, then day. Money in USD, arrays [lanes, bars] at each bar's close."""

    closed: NDArray[np.void]
    """records.CLOSED, by lane and trade."""
    fills: NDArray[np.void]
    """records.FILL, by lane, trade and time."""
    action: NDArray[np.int8]
    """What was decided at each bar's close; WAIT at the last one, where nothing can be decided any more."""
    cash_usd: Floats
    position_usd: Floats
    costs_usd: Floats
    symbol: NDArray[np.int64]
    """[lanes]"""
    first_bar: NDArray[np.int64]
    """[lanes]"""
    trace: DecisionTrace | None = None

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


def run_sessions(
    block: MarketBlock,
    policy: Policy,
    rules: TradingRules,
    costs: CostAssumptions,
    *,
    keeps_trace: bool = False,
) -> SessionArrays:
    """Trades every symbol on every day of the block, all at once: one lane per symbol and day.

    A day is one session: flat at its first bar, closed at its last, on an account of its own. Days must be
    of equal length (whole partitions are). `policy` is asked once per bar for all lanes. `keeps_trace` costs
    memory of about 200 bytes per lane and bar: meant for a day, not for a held-out window.
    """
    firsts = block.session_first
    lengths = np.diff(np.append(firsts, block.bar_count))
    if (lengths != lengths[0]).any():
        raise InvalidInput("The days of the block are not of equal length.", "Give it whole days.")
    bars = int(lengths[0])
    symbol = np.repeat(np.arange(block.symbol_count), firsts.size)
    first_bar = np.tile(firsts, block.symbol_count)
    lanes = symbol.size
    environment = MarketEnvironment(block, rules, costs, lanes, records=True)
    environment.begin(np.arange(lanes), symbol, first_bar)
    shape = (lanes, bars)
    action = np.full(shape, WAIT_INDEX, np.int8)
    cash, position, paid = np.empty(shape), np.zeros(shape), np.zeros(shape)
    cash[:, 0] = rules.starting_cash_usd
    trace: DecisionTrace | None = None
    for step in range(bars - 1):
        masks = environment.masks()
        decision = policy.decide(environment.observe(), masks)
        if keeps_trace:
            trace = trace or DecisionTrace.empty(decision, lanes, bars)
            trace.keep(step, decision, masks)
        action[:, step] = decision.actions
        environment.advance(decision.actions)
        cash[:, step + 1] = environment.state["cash_usd"]
        position[:, step + 1] = environment.equity_usd() - cash[:, step + 1]
        paid[:, step + 1] = environment.state["costs_usd"]
    closed, fills = environment.closed(), environment.fills()
    return SessionArrays(
        closed=closed,
        fills=fills,
        action=action,
        cash_usd=cash,
        position_usd=position,
        costs_usd=paid,
        symbol=symbol,
        first_bar=first_bar,
        trace=trace,
    )
