"""A past day's session as arrays: its stored actions, and the trades that they make by today's market.

What a rule changes in it is in `kinds`, what that is worth in `trials`.
"""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.outcome import MINIMUM_VOLATILITY_BPS, Booleans, Floats, Integers, floats, milliseconds
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.paper.stored_actions import ActionLists, stored_actions
from huracan.market.rules import TradingRules

ANALYSED = ("similar_trades", "pattern_win_probability", "pattern_mean_net_bps")
"""What wins and losses know of a trade's neighbourhood at its signal."""
_CENT = 0.005


@dataclass(frozen=True, eq=False)
class PastDay:
    """What is stored of a day: its market without features, the actions and trades of its ledger, and the
    rows of its wins and losses, which know each trade's neighbourhood (None where the day was not analysed).
    """

    day: date
    block: MarketBlock
    bars: pa.Table
    """SESSION_SCHEMA; symbol, open_time and action are enough."""
    trades: pa.Table
    """TRADES_SCHEMA; trade_id, symbol, entry_time and net_usd are enough."""
    analysed: pa.Table | None = None
    """trade_id and the columns ANALYSED."""


@dataclass(frozen=True, eq=False)
class PastSession:
    """The day played again. `trades` are CLOSED records [trades] by lane and time; a lane is a symbol."""

    block: MarketBlock
    stored: ActionLists
    trades: npt.NDArray[np.void]
    is_as_traded: bool
    """Whether the trades are those of the ledger, to the cent: if not, the day was traded under other rules,
    costs or candles than today's."""
    similar_trades: Floats
    """[trades] what was known of each trade's neighbourhood at its signal; NaN where that is not stored."""
    win_probability: Floats
    mean_net_bps: Floats

    @cached_property
    def volatility_bps(self) -> Floats:
        """[trades] of one bar, at the signal, with its floor."""
        return np.asarray(np.fmax(self.trades["volatility_bps"], MINIMUM_VOLATILITY_BPS), dtype=np.float64)

    @property
    def cost_volatilities(self) -> Floats:
        """[trades] the round trip's estimated cost, in one-bar volatilities."""
        return np.asarray(self.trades["estimated_cost_bps"] / self.volatility_bps, dtype=np.float64)

    @cached_property
    def age(self) -> Integers:
        """[bars] closes since the entry, the entry bar's own being 1."""
        longest = int((self.trades["exit_bar"] - self.trades["entry_bar"]).max(initial=0))
        return np.arange(1, longest + 1)

    @cached_property
    def is_open(self) -> Booleans:
        """[trades, bars] whether the position is open at that close with a bar to come that it holds into."""
        return self._bars < self.trades["exit_bar"][:, None]

    def at_closes(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """[trades, bars] of `values` [S, T] at the closes since each entry; of no meaning where not open."""
        last = np.minimum(self._bars, self.block.bar_count - 1)
        return np.asarray(values[self.trades["symbol"][:, None], last])

    @property
    def _bars(self) -> Integers:
        return np.asarray(self.trades["entry_bar"][:, None] + self.age - 1, dtype=np.int64)


def play_again(past: PastDay, rules: TradingRules, costs: CostAssumptions) -> PastSession:
    """The past day by today's rules and costs; what they do not allow any more is left undone.

    InputRefused where its actions are none of today's market, or not those of every bar.
    """
    from huracan.market.paper.replay import replay

    stored = stored_actions(past.bars, past.block, rules)
    again = replay(past.block, rules, costs, stored, is_lenient=True)
    index = _rows_in(past.trades, again.closed, past.block)
    ledger_usd = floats(past.trades, "net_usd")
    is_same = len(past.trades) == again.closed.size and bool(
        np.all(index >= 0) and np.all(np.abs(ledger_usd[index] - again.closed["net_usd"]) < _CENT)
    )
    numbers = _neighbourhoods(past, index)
    return PastSession(past.block, stored, again.closed, is_same, *numbers)


def _rows_in(trades: pa.Table, closed: npt.NDArray[np.void], block: MarketBlock) -> Integers:
    """[closed] the row of each in the ledger `trades`, by symbol and entry time; -1 where it is not there."""
    symbol = pc.fill_null(pc.index_in(trades["symbol"], value_set=pa.array(block.symbols)), -1).to_numpy()
    bar = np.searchsorted(block.open_time_ms, milliseconds(trades, "entry_time"))
    ledger = symbol.astype(np.int64) * block.bar_count + bar
    wanted = closed["symbol"].astype(np.int64) * block.bar_count + closed["entry_bar"]
    if not ledger.size:
        return np.full(wanted.size, -1, dtype=np.int64)
    order = np.argsort(ledger, kind="stable")
    found = order[np.minimum(np.searchsorted(ledger[order], wanted), ledger.size - 1)]
    return np.where(ledger[found] == wanted, found, -1)


def _neighbourhoods(past: PastDay, index: Integers) -> list[Floats]:
    """The columns ANALYSED of the trades at `index` in the ledger."""
    unknown = np.full(index.size, np.nan)
    if past.analysed is None:
        return [unknown] * len(ANALYSED)
    row = pc.index_in(past.trades["trade_id"], value_set=past.analysed["trade_id"].combine_chunks())
    rows = pc.fill_null(row, -1).to_numpy().astype(np.int64)
    known = np.append(rows, -1)[index]
    return [np.append(floats(past.analysed, name), np.nan)[known] for name in ANALYSED]
