"""The exploration book of a day: entries at random moments with recorded propensity, each on an account of
its own, left by stop, target and time-out.

A policy that stays out teaches nothing. What is entered here teaches memory, models, patterns and gates; it
is never in the policy's ledger, and no figure of the policy knows it. What is entered when is in
`draws`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.engine.held_entries import enter_and_hold
from huracan.market.engine.records import FILL
from huracan.market.ledger import TRADES_SCHEMA
from huracan.market.paper.carrying import Carried, Opening, held_in
from huracan.market.paper.exploring.columns import DRAWN_SCHEMA, EXPLORED_OPEN_SCHEMA, EXPLORED_SCHEMA
from huracan.market.paper.exploring.draws import decide_flat, draw_entries
from huracan.market.paper.exploring.rates import ExplorationConfig
from huracan.market.paper.open_columns import OPEN_POSITIONS_SCHEMA
from huracan.market.paper.open_positions import Ending, carried_out
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.signal_context import Entries
from huracan.market.paper.trade_log import trades_table
from huracan.market.paper.watch import Watch
from huracan.market.rules import TradingRules


@dataclass(frozen=True, eq=False)
class Explorer:
    """What a day of the book goes on from."""

    config: ExplorationConfig = field(default_factory=ExplorationConfig)
    past: pa.Table | None = None
    """MOMENTS_SCHEMA of days before."""
    carried: Carried | None = None
    """EXPLORED_OPEN_SCHEMA of the day before; None at a beginning."""


@dataclass(frozen=True, eq=False)
class Exploration:
    """EXPLORED_SCHEMA of what closed on the day, MOMENTS_SCHEMA of it, EXPLORED_OPEN_SCHEMA at its end."""

    trades: pa.Table
    moments: pa.Table
    open_positions: pa.Table
    drawn: int
    lapsed: int
    """Drawn entries that no bar filled."""


def explore_day(
    block: MarketBlock,
    watches: Sequence[Watch],
    rules: TradingRules,
    costs: CostAssumptions,
    provenance: Provenance,
    explorer: Explorer,
) -> Exploration:
    """The book from the close of the first decision bar of a day's block to its end.

    The same inputs give the same bytes. InputRefused where the carried positions stand at another moment.
    """
    carried = explorer.carried or Carried(EXPLORED_OPEN_SCHEMA.empty_table())
    accounts = carried.accounts
    known = replace(carried, accounts=accounts.select(OPEN_POSITIONS_SCHEMA.names))
    opening = held_in(known, block, rules, costs, provenance)
    block = opening.block
    decisions = decide_flat(block, watches, rules, costs)
    draws = draw_entries(block, decisions, rules, explorer.config, explorer.past)
    entries = draws.entries(block, watches, rules, provenance)
    entered = _Held(entries, *enter_and_hold(block, rules, costs, *draws.orders(block)))
    went_on = _Held.going_on(opening, rules, costs)
    told = pa.concat_tables([accounts.select(DRAWN_SCHEMA.names), draws.told(entries["trade_id"], rules)])
    trades = [opening.closures.trades, went_on.trades(block), entered.trades(block)]
    return Exploration(
        trades=_with_draws(pa.concat_tables(trades).select(TRADES_SCHEMA.names), told, EXPLORED_SCHEMA),
        moments=draws.moments_table(block, rules, entries["trade_id"], entered.filled),
        open_positions=_with_draws(
            _carried_out(went_on.joined(entered), block, rules, costs, provenance), told, EXPLORED_OPEN_SCHEMA
        ),
        drawn=entries.num_rows,
        lapsed=int((~entered.filled).sum()),
    )


@dataclass(frozen=True, eq=False)
class _Held:
    """Positions [n], each in a lane of its own, that were held to the block's end or closed before."""

    entries: pa.Table
    """ENTRY_SCHEMA [n]"""
    closed: NDArray[np.void]
    """CLOSED, by lane"""
    state: NDArray[np.void]
    """LANE [n] at the block's end"""

    @staticmethod
    def going_on(opening: Opening, rules: TradingRules, costs: CostAssumptions) -> "_Held":
        """What was carried, until stop, target or time-out."""
        environment = MarketEnvironment(opening.block, rules, costs, opening.state.size, records=True)
        environment.restore(opening.state)
        environment.idle(opening.block.decision_count - 1)
        return _Held(opening.entries.table, environment.closed(), environment.state)

    @property
    def filled(self) -> NDArray[np.bool_]:
        """[n] which entries came to be a position."""
        found = self.state["quantity"] > 0.0
        found[self.closed["lane"]] = True
        return np.asarray(found)

    def trades(self, block: MarketBlock) -> pa.Table:
        """TRADES_SCHEMA of what was closed; nobody decided an exit."""
        entries = Entries(np.arange(self.state.size) << 32, self.entries)
        return trades_table(self.closed, entries, block, [None] * self.closed.size)

    def joined(self, others: "_Held") -> tuple[pa.Table, NDArray[np.void]]:
        """ENTRY_SCHEMA and LANE of what is still open of these and others."""
        both = [(each.entries, each.state, each.state["quantity"] > 0.0) for each in (self, others)]
        entries = pa.concat_tables([table.filter(pa.array(is_open)) for table, _, is_open in both])
        return entries, np.concatenate([state[is_open] for _, state, is_open in both])


def _carried_out(
    still_open: tuple[pa.Table, NDArray[np.void]],
    block: MarketBlock,
    rules: TradingRules,
    costs: CostAssumptions,
    provenance: Provenance,
) -> pa.Table:
    entries, state = still_open
    environment = MarketEnvironment(block, rules, costs, state.size)
    environment.restore(state)
    equity = environment.equity_usd()
    ending = Ending(equity, np.maximum(equity, state["peak_usd"]), [None] * state.size)
    known = Entries(np.arange(state.size) << 32, entries)
    return carried_out(state, np.zeros(0, FILL), known, block, ending, provenance)


def _with_draws(rows: pa.Table, told: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows, each with how it came to be drawn."""
    place = pc.index_in(rows["trade_id"].combine_chunks(), value_set=told["trade_id"].combine_chunks())
    drawn = told.take(place)
    for name in DRAWN_SCHEMA.names[1:]:
        rows = rows.append_column(name, drawn[name])
    return rows.cast(schema)
