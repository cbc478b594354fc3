"""The same decisions under other circumstances: dearer, later, wilder; and the fee that is too much.

The stored actions are replayed through the market; where one is not legal any more nothing is done in its
place. What others would have made of the day is in `rivals`.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.market.actions import WAIT_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import DEAREST, CostAssumptions
from huracan.market.ledger import EXIT_REASONS, STOP, TRAILING_STOP
from huracan.market.paper.replay import Replay, replay
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
class _Circumstances:
    """What the actions of a session meet."""

    block: MarketBlock
    costs: CostAssumptions
    lists: ActionLists


def run_scenarios(
    bars: pa.Table, block: MarketBlock, rules: TradingRules, costs: CostAssumptions
) -> pa.Table:
    """SCENARIOS_SCHEMA of the sessions in `bars` (SESSION_SCHEMA), traded by these rules and costs.

    `as_traded`; `costs_x1.5` and `costs_x2` (fee, spread and slippage); `one_bar_later` (every action a bar
    later); and `volatility_x1.5`: every bar's range that much wider around its middle, and that much
    slippage, with stops and targets where they were.

    The break-even fee of a scenario is the one, of the value filled on each side, at which its fills net
    zero: a statement about these fills, exact as long as cash does not run out.
    """
    base = _Circumstances(block, costs, stored_actions(bars, block, rules))
    rows: list[dict[str, Any]] = []
    earned: dict[str, float] = {}
    for name, circumstances in _scenarios(base).items():
        for row in _figures(name, circumstances, rules):
            earned.setdefault(row["symbol"], row["net_usd"])
            rows.append(row | {"change_usd": row["net_usd"] - earned[row["symbol"]]})
    return pa.Table.from_pylist(rows, schema=SCENARIOS_SCHEMA)


def judge_scenario_base(scenarios: pa.Table, trades: pa.Table) -> Verdict:
    """Check "scenario_base", blocking: replayed as they were, the actions make the net of the ledger."""
    replayed = {
        row["symbol"]: row["net_usd"] for row in scenarios.to_pylist() if row["scenario"] == AS_TRADED
    }
    booked = dict.fromkeys(replayed, 0.0)
    for row in trades.select(["symbol", "net_usd"]).to_pylist():
        booked[row["symbol"]] += row["net_usd"]
        booked[ALL_SYMBOLS] += row["net_usd"]
    worst = max(abs(replayed[symbol] - booked[symbol]) for symbol in replayed)
    reason = (
        f"Replayed, the day nets {replayed[ALL_SYMBOLS]:.2f} USD; the ledger says {booked[ALL_SYMBOLS]:.2f}."
    )
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
    """Every action one bar later; the last one is never taken."""
    moved = np.full_like(actions, WAIT_INDEX)
    moved[:, 1:-1] = actions[:, :-2]
    return moved


def _wilder(block: MarketBlock) -> MarketBlock:
    """Ranges wider around their middle; a low stays above zero. Opens and closes are what they were."""
    more = (WILDER - 1.0) / 2.0 * (block.high - block.low)
    return replace(block, high=block.high + more, low=np.maximum(block.low - more, block.low * 0.1))


def _figures(name: str, met: _Circumstances, rules: TradingRules) -> list[dict[str, Any]]:
    """The row of all symbols, then one per symbol."""
    done = replay(met.block, rules, met.costs, met.lists, is_lenient=True)
    indices = {ALL_SYMBOLS: np.arange(met.block.symbol_count)}
    indices |= {symbol: np.array([index]) for index, symbol in enumerate(met.block.symbols)}
    return [_row(name, symbol, done, met.lists.symbols, of) for symbol, of in indices.items()]


def _row(
    name: str, symbol: str, done: Replay, lane_symbol: NDArray[np.integer], of: NDArray[np.int64]
) -> dict[str, Any]:
    closed = done.closed[np.isin(done.closed["symbol"], of)]
    fills = done.fills[np.isin(lane_symbol[done.fills["lane"]], of)]
    notional = float((closed["quantity"] * closed["entry_reference"]).sum())
    filled = float((fills["quantity"] * fills["price"]).sum())
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
        "break_even_fee_bps": before_fees / (filled * BASIS_POINT) if filled > 0 else None,
    }
