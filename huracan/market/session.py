"""A day traded by a frozen policy: every symbol from flat to flat, bar by bar, into the shadow ledger."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.errors import InputRefused
from huracan.market.actions import ACTION_NAMES, WAIT_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions, Floats
from huracan.market.environment import MarketEnvironment
from huracan.market.ledger import SESSION_SCHEMA
from huracan.market.policy import Policy
from huracan.market.rules import TradingRules
from huracan.market.trade_log import Provenance, TradeLog, net_parts, trades_table


@dataclass(frozen=True)
class Session:
    """The ledger of one or more days: TRADES_SCHEMA and SESSION_SCHEMA."""

    trades: pa.Table
    bars: pa.Table


@dataclass(frozen=True)
class SessionArrays:
    """The same before Arrow: columns of the trades, and arrays [lanes, bars] of the accounts."""

    trades: dict[str, NDArray[np.generic]]
    action: NDArray[np.int8]
    cash_usd: Floats
    position_usd: Floats
    costs_usd: Floats
    symbol: NDArray[np.int64]
    """[lanes]"""
    first_bar: NDArray[np.int64]
    """[lanes]"""

    @property
    def trade_count(self) -> int:
        return int(self.trades["code"].size) if self.trades else 0

    def net_usd(self) -> Floats:
        """Net result of every trade, costs included."""
        return net_parts(self.trades)["net_usd"] if self.trades else np.zeros(0)

    def net_bps(self) -> Floats:
        """The same in bps of each trade's entry notional."""
        return np.asarray(self.net_usd() / self._notionals() * 1e4, dtype=np.float64)

    def notional_usd(self) -> float:
        """Entry notional of all trades together."""
        return float(self._notionals().sum())

    def _notionals(self) -> Floats:
        if not self.trades:
            return np.zeros(0)
        quantity, reference = (
            self.trades[name].astype(np.float64) for name in ("quantity", "entry_reference")
        )
        return np.asarray(quantity * reference, dtype=np.float64)


def run_sessions(
    block: MarketBlock, policy: Policy, rules: TradingRules, costs: CostAssumptions
) -> SessionArrays:
    """Trades every symbol on every day of the block, all at once: one lane per symbol and day.

    A day is one session: flat at its first bar, closed at its last, on an account of its own. Days must be
    of equal length (whole partitions are). `policy` is asked once per bar for all lanes.
    """
    firsts = block.session_first
    bars = int(block.session_last[firsts[0]] - firsts[0] + 1)
    symbol = np.repeat(np.arange(block.symbol_count), firsts.size)
    first_bar = np.tile(firsts, block.symbol_count)
    lanes = symbol.size
    environment, log = MarketEnvironment(block, rules, costs, lanes), TradeLog()
    log.attach(environment)
    environment.begin(np.arange(lanes), symbol, first_bar)
    shape = (lanes, bars)
    action = np.full(shape, WAIT_INDEX, np.int8)
    cash, position, paid = np.empty(shape), np.zeros(shape), np.zeros(shape)
    cash[:, 0] = rules.starting_cash_usd
    for step in range(bars - 1):
        decision = policy.decide(environment.observe(), environment.masks())
        log.decided(decision)
        action[:, step] = decision.actions
        environment.advance(decision.actions)
        cash[:, step + 1] = environment.accounts.cash_usd
        position[:, step + 1] = environment.equity_usd() - environment.accounts.cash_usd
        paid[:, step + 1] = environment.accounts.costs_usd
    return SessionArrays(log.columns(), action, cash, position, paid, symbol, first_bar)


def trade_session(
    block: MarketBlock,
    policy: Policy,
    rules: TradingRules,
    costs: CostAssumptions,
    provenance: Provenance,
) -> Session:
    """The shadow ledger of the block's day (or days), made by `policy` from decisions at each bar's close.

    What is open at the last bar is closed at its close with END_OF_SESSION. At that bar nothing can be
    decided any more; its action reads WAIT. InputRefused where the model is of another recipe.
    """
    if provenance.feature_names is not None and provenance.feature_names != block.feature_names:
        raise InputRefused(
            "The model was trained on other features than the day has.", "Train it on this recipe."
        )
    arrays = run_sessions(block, policy, rules, costs)
    return Session(
        trades=trades_table(arrays.trades, block, provenance), bars=_bars_table(arrays, block, rules)
    )


def _bars_table(arrays: SessionArrays, block: MarketBlock, rules: TradingRules) -> pa.Table:
    bars = arrays.cash_usd.shape[1]
    equity = arrays.cash_usd + arrays.position_usd
    peak = np.maximum.accumulate(equity, axis=1)
    places = (arrays.first_bar[:, None] + np.arange(bars)).reshape(-1)
    names = np.array(block.symbols, dtype=object)[np.repeat(arrays.symbol, bars)]
    data = {
        "symbol": names,
        "open_time": block.open_time_ms[places],
        "action": np.array(ACTION_NAMES, dtype=object)[arrays.action.reshape(-1)],
        "cash_usd": arrays.cash_usd.reshape(-1),
        "position_value_usd": arrays.position_usd.reshape(-1),
        "equity_usd": equity.reshape(-1),
        "costs_usd": arrays.costs_usd.reshape(-1),
        "drawdown_bps": ((peak - equity) / rules.starting_cash_usd * 1e4).reshape(-1),
    }
    return pa.table({field.name: pa.array(data[field.name], field.type) for field in SESSION_SCHEMA})
