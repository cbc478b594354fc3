"""The same decisions under other circumstances: dearer, later, wilder; and the fee that is too much.

The stored actions are replayed through the market; where one is not legal any more nothing is done in its
place. What others would have made of the day is in `rivals`.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.market.actions import WAIT_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import DEAREST, CostAssumptions, Floats
from huracan.market.ledger import EXIT_REASONS, STOP, TRAILING_STOP
from huracan.market.paper.carrying import Opening
from huracan.market.paper.replay import replay
from huracan.market.paper.stored_actions import ActionLists, stored_actions
from huracan.market.rules import TradingRules
from huracan.market.what_if.scenario_tables import ALL_SYMBOLS, AS_TRADED, SCENARIOS_SCHEMA
from huracan.units import BASIS_POINT
from huracan.verdict import Verdict

CENT = 0.005
WILDER = 1.5
"""By how much the range of every bar and its slippage grow in the scenario of more volatility."""

_USD = ("gross_usd", "fee_usd", "spread_usd", "slippage_usd", "funding_usd", "net_usd")


@dataclass(frozen=True, eq=False)
class PlayedDay:
    """A day on paper as it is played again: `bars` (SESSION_SCHEMA) from what it began with."""

    bars: pa.Table
    opening: Opening

    def actions(self, rules: TradingRules) -> ActionLists:
        """What every symbol did."""
        return stored_actions(self.bars, self.opening.block, rules)

    def entered(self, rules: TradingRules, costs: CostAssumptions) -> NDArray[np.void]:
        """CLOSED records of the positions that were opened on the day; what is open at its end is closed
        there, at liquidation value."""
        block = self.opening.block
        closed = replay(
            block, rules, costs, self.actions(rules), begin=self.to_its_end(), is_lenient=True
        ).closed
        return closed[closed["entry_bar"] >= block.decision_bars]

    def to_its_end(self) -> NDArray[np.void]:
        """The lanes with which the day began, to be closed with it."""
        begin = self.opening.state.copy()
        begin["closes_at_end"] = True
        return begin


@dataclass(frozen=True, eq=False)
class _Circumstances:
    """What the actions of a day meet."""

    block: MarketBlock
    costs: CostAssumptions
    lists: ActionLists


def run_scenarios(day: PlayedDay, rules: TradingRules, costs: CostAssumptions) -> pa.Table:
    """SCENARIOS_SCHEMA of a day that was traded by these rules and costs.

    `as_traded`; `costs_x1.5` and `costs_x2` (fee, spread, slippage and borrowing; a rebate stays what it is);
    `one_bar_later` (every action a decision later); and `volatility_x1.5`: every bar's range that much wider
    around its middle, and that much slippage, with stops and targets where they were. All begin with what the
    day began with, costs paid before it included, and what is open at its end counts at liquidation value.

    The break-even fee of a scenario is the one, of the value filled on each side, at which its trades net
    zero: a statement about their fills, exact as long as cash does not run out.
    """
    base = _Circumstances(day.opening.block, costs, day.actions(rules))
    begin = day.to_its_end()
    rows: list[dict[str, Any]] = []
    earned: dict[str, float] = {}
    for name, circumstances in _scenarios(base).items():
        for row in _figures(name, circumstances, rules, begin, day.opening.equity_usd):
            earned.setdefault(row["symbol"], row["result_usd"])
            rows.append(row | {"change_usd": row["result_usd"] - earned[row["symbol"]]})
    return pa.Table.from_pylist(rows, schema=SCENARIOS_SCHEMA)


def judge_scenario_base(
    day: PlayedDay, rules: TradingRules, costs: CostAssumptions, trades: pa.Table, accounts: pa.Table
) -> Verdict:
    """Check "scenario_base", blocking: replayed as they were, the actions make the net of the ledger's
    `trades` and leave the equity of its `accounts` (OPEN_POSITIONS_SCHEMA), symbol by symbol."""
    opening = day.opening
    again = replay(opening.block, rules, costs, day.actions(rules), begin=opening.state, is_lenient=True)
    net_usd = np.bincount(
        again.closed["symbol"], weights=again.closed["net_usd"], minlength=opening.block.symbol_count
    )
    ledger = trades.slice(opening.closures.trades.num_rows)
    worst = 0.0
    for index, symbol in enumerate(opening.block.symbols):
        booked = pc.sum(ledger.filter(pc.equal(ledger["symbol"], symbol))["net_usd"]).as_py() or 0.0
        left = accounts.filter(pc.equal(accounts["symbol"], symbol))["equity_usd"].to_pylist()
        worst = max(worst, abs(float(net_usd[index]) - booked))
        worst = max(worst, *(abs(float(again.equity_usd[index]) - usd) for usd in left), 0.0)
    booked = pc.sum(ledger["net_usd"]).as_py() or 0.0
    reason = f"Replayed, the day's closed trades net {net_usd.sum():.2f} USD; the ledger says {booked:.2f}."
    if worst >= CENT:
        reason += f" By symbol, trades or accounts differ by up to {worst:.2f} USD."
    return Verdict("scenario_base", worst < CENT, reason, {"largest_difference_usd": worst})


def _scenarios(base: _Circumstances) -> dict[str, _Circumstances]:
    costs = base.costs
    wilder_costs = replace(costs, slippage_coefficient=costs.slippage_coefficient * WILDER)
    return {
        AS_TRADED: base,
        "costs_x1.5": replace(base, costs=replace(costs, multiplier=costs.multiplier * 1.5)),
        f"costs_x{DEAREST:g}": replace(base, costs=replace(costs, multiplier=costs.multiplier * DEAREST)),
        "one_bar_later": replace(base, lists=replace(base.lists, actions=_later(base.lists.actions))),
        f"volatility_x{WILDER:g}": replace(base, block=_wilder(base.block), costs=wilder_costs),
    }


def _later(actions: NDArray[np.integer]) -> NDArray[np.integer]:
    """Every action one decision later; the last one is never taken."""
    moved = np.full_like(actions, WAIT_INDEX)
    moved[:, 1:] = actions[:, :-1]
    return moved


def _wilder(block: MarketBlock) -> MarketBlock:
    """Ranges wider around their middle; a low stays above zero. Opens and closes are what they were."""
    more = (WILDER - 1.0) / 2.0 * (block.high - block.low)
    return replace(block, high=block.high + more, low=np.maximum(block.low - more, block.low * 0.1))


def _figures(
    name: str, met: _Circumstances, rules: TradingRules, begin: NDArray[np.void], opening_usd: Floats
) -> list[dict[str, Any]]:
    """The row of all symbols, then one per symbol, with what each made beyond its `opening_usd`."""
    done = replay(met.block, rules, met.costs, met.lists, begin=begin, is_lenient=True)
    closed, made_usd = done.closed, done.equity_usd - opening_usd[met.lists.symbols]
    rows = [_row(name, ALL_SYMBOLS, closed, made_usd)]
    return rows + [
        _row(name, symbol, closed[closed["symbol"] == index], made_usd[met.lists.symbols == index])
        for index, symbol in enumerate(met.block.symbols)
    ]


def _row(name: str, symbol: str, closed: NDArray[np.void], made_usd: Floats) -> dict[str, Any]:
    notional = float((closed["quantity"] * closed["entry_reference"]).sum())
    filled = float((closed["quantity"] * (closed["entry_price"] + closed["exit_price"])).sum())
    usd = {column: float(closed[column].sum()) for column in _USD}
    stops = [EXIT_REASONS.index(reason) for reason in (STOP, TRAILING_STOP)]
    before_fees = usd["net_usd"] + usd["fee_usd"]
    return {
        "scenario": name,
        "symbol": symbol,
        "trades": int(closed.size),
        "winners": int((closed["net_usd"] > 0).sum()),
        "stopped": int(np.isin(closed["reason"], stops).sum()),
        "notional_usd": notional,
        **usd,
        "net_bps": usd["net_usd"] / (notional * BASIS_POINT) if notional > 0 else None,
        "result_usd": float(made_usd.sum()),
        "break_even_fee_bps": before_fees / (filled * BASIS_POINT) if filled > 0 else None,
    }
