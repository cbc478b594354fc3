"""A past day on paper as arrays: its stored actions, and the trades that they make by today's market.

A day is played alone, from the accounts that the day before handed over; what is open at its end counts at
liquidation value, with a rule as without.
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
from huracan.market.ledger import EXIT_REASONS, WINDOW_END
from huracan.market.paper.stored_actions import ActionLists, stored_actions
from huracan.market.rules import TradingRules

ANALYSED = ("similar_trades", "pattern_win_probability", "pattern_mean_net_bps")
"""What wins and losses know of a trade's neighbourhood at its signal."""
_CENT = 0.005


@dataclass(frozen=True, eq=False)
class PastDay:
    """What is stored of a day: its market without features, the actions and trades of its ledger, the rows of
    its wins and losses, which know each trade's neighbourhood (None where the day was not analysed), and the
    accounts that it began with (None: flat ones).
    """

    day: date
    block: MarketBlock
    bars: pa.Table
    """SESSION_SCHEMA; symbol, open_time and action are enough."""
    trades: pa.Table
    """TRADES_SCHEMA of what was closed after the day's first decision; trade_id, symbol, entry_time and
    net_usd are enough."""
    analysed: pa.Table | None = None
    """trade_id and the columns ANALYSED."""
    begin: npt.NDArray[np.void] | None = None
    """LANE [symbols]"""


@dataclass(frozen=True, eq=False)
class PastSession:
    """The day played again. `trades` are CLOSED records [trades] by lane and time; a lane is a symbol.

    Rules act on what the day itself entered: of a position that it began with, the signal is another day's.
    """

    block: MarketBlock
    stored: ActionLists
    begin: npt.NDArray[np.void]
    """LANE [symbols], to be closed at the day's end."""
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
    def is_own(self) -> Booleans:
        """[trades] entered by a decision of the day."""
        return np.asarray(self.trades["signal_bar"] >= self.stored.first_bars[self.trades["lane"]])

    @property
    def signal_rows(self) -> Integers:
        """[trades] the decision of each entry, as a row of what the block shows; of no meaning where not
        own."""
        rows: Integers = np.maximum(self.block.row_of(self.trades["signal_bar"].astype(np.int64)), 0)
        return rows

    @cached_property
    def rows(self) -> Integers:
        """[trades, decisions] the decisions since each entry, as rows of what the block shows."""
        each = self.block.decision_bars
        longest = int((self.trades["exit_bar"] - self.trades["entry_bar"]).max(initial=-1)) // each + 1
        first = self.trades["entry_bar"].astype(np.int64) // each
        return np.asarray(first[:, None] + np.arange(longest), dtype=np.int64)

    @cached_property
    def age_minutes(self) -> Floats:
        """[trades, decisions] how long the position has been held at each of them, its entry's bar
        included."""
        bars = self._closes - self.trades["entry_bar"][:, None] + 1
        return np.asarray(bars * self.block.bar_minutes, dtype=np.float64)

    @cached_property
    def is_open(self) -> Booleans:
        """[trades, decisions] whether the position is open then with a bar to come that it holds into."""
        return (self._closes < self.trades["exit_bar"][:, None]) & self.is_own[:, None]

    def at_rows(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """[trades, decisions] of `values` [S, decisions] since each entry; of no meaning where not open."""
        rows = np.clip(self.rows, 0, self.block.decision_count - 1)
        return np.asarray(values[self.trades["symbol"][:, None], rows])

    def at_closes(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The same of `values` [S, T] of detail bars, at the closes at which is decided."""
        return self.at_rows(values[:, self.block.decision_closes])

    @property
    def _closes(self) -> Integers:
        return self.rows * self.block.decision_bars + self.block.decision_bars - 1


def play_again(past: PastDay, rules: TradingRules, costs: CostAssumptions) -> PastSession:
    """The past day by today's rules and costs, from what it began with; what they do not allow any more is
    left undone.

    InputRefused where its actions are none of today's market, or not those of every bar.
    """
    from huracan.market.engine.environment import beginning
    from huracan.market.paper.replay import replay

    stored = stored_actions(past.bars, past.block, rules)
    if past.begin is None:
        begin = beginning(past.block, rules, stored.symbols, stored.first_bars)
    else:
        begin = past.begin.copy()
    begin["closes_at_end"] = True
    played = replay(past.block, rules, costs, stored, begin=begin, is_lenient=True).closed
    index = _rows_in(past.trades, played, past.block)
    is_left = played["reason"] != EXIT_REASONS.index(WINDOW_END)
    ledger, left = index[is_left], played["net_usd"][is_left]
    ledger_usd = floats(past.trades, "net_usd")
    is_same = len(past.trades) == ledger.size and bool(
        np.all(ledger >= 0) and np.all(np.abs(ledger_usd[ledger] - left) < _CENT)
    )
    numbers = _neighbourhoods(past, index)
    return PastSession(past.block, stored, begin, played, is_same, *numbers)


def entry_keys(lane: npt.NDArray[np.integer], entry_bar: npt.NDArray[np.integer]) -> Integers:
    """[n] one number for lane and entry bar, ordered by both; bars may lie before the block."""
    return np.asarray(lane.astype(np.int64) * 2**32 + entry_bar.astype(np.int64), dtype=np.int64)


def _rows_in(trades: pa.Table, closed: npt.NDArray[np.void], block: MarketBlock) -> Integers:
    """[closed] the row of each in the ledger `trades`, by symbol and entry time; -1 where it is not there."""
    symbol = pc.fill_null(pc.index_in(trades["symbol"], value_set=pa.array(block.symbols)), -1).to_numpy()
    # A position that the day began with was entered before the block.
    bar = (milliseconds(trades, "entry_time") - int(block.open_time_ms[0])) // block.bar_ms
    ledger = entry_keys(symbol, bar)
    wanted = entry_keys(closed["symbol"], closed["entry_bar"])
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
