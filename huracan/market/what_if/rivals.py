"""What others would have made of the same bars: doing nothing, holding, and the same trades at other times.

How each of them trades is in `baselines`.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.market.costs import CostAssumptions
from huracan.market.engine.held_entries import net_bps as net_bps_of
from huracan.market.rules import TradingRules
from huracan.market.what_if.baselines import DO_NOTHING_NET_USD, BuyAndHold, buy_and_hold
from huracan.market.what_if.scenario_tables import (
    ALL_SYMBOLS,
    BRAIN,
    BUY_AND_HOLD,
    DO_NOTHING,
    RANDOM_ENTRIES,
    RIVALS_SCHEMA,
)
from huracan.market.what_if.scenarios import PlayedDay
from huracan.market.what_if.shifted_schedule import Rivals, Schedule, rivals_of
from huracan.units import BASIS_POINT, WHOLE_BPS


def compare_with_rivals(
    day: PlayedDay, rules: TradingRules, costs: CostAssumptions, generator: np.random.Generator
) -> tuple[pa.Table, NDArray[np.float64]]:
    """RIVALS_SCHEMA of the day's bars, and the net in USD of every random draw [draws].

    The brain's are the positions that it opened on the day; what is open at its end counts at liquidation
    value. Random entries are the same trades, all moved by one offset (`shifted_schedule`). No draws without
    a trade.
    """
    block, opened = day.opening.block, day.entered(rules, costs)
    net_bps, net_usd = net_bps_of(opened), float(opened["net_usd"].sum())
    schedule = Schedule.of_closed(opened)
    rivals = rivals_of(schedule, block, rules, generator)
    draws = rivals.net_usd if schedule.count else np.zeros(0)
    bps = draws / float(schedule.notional_usd.sum()) * WHOLE_BPS if draws.size else draws
    rows = [
        _row(BRAIN, ALL_SYMBOLS, net_bps.size, net_usd, _mean(net_bps)),
        _row(DO_NOTHING, ALL_SYMBOLS, 0, DO_NOTHING_NET_USD, None),
        *_held(buy_and_hold(block, rules, costs)),
        _row(RANDOM_ENTRIES, ALL_SYMBOLS, schedule.count, float(rivals.net_usd.mean()), _mean(bps))
        | _spread(bps, rivals),
    ]
    return pa.Table.from_pylist(rows, schema=RIVALS_SCHEMA), draws


def _row(rival: str, symbol: str, trades: int, net_usd: float, net_bps: float | None) -> dict[str, Any]:
    return {"rival": rival, "symbol": symbol, "trades": trades, "net_usd": net_usd, "net_bps": net_bps}


def _held(holding: BuyAndHold) -> list[dict[str, Any]]:
    """The row of all symbols, then one per symbol; what could not be bought is no trade."""
    bought = {symbol: usd for symbol, usd in holding.bought_usd.items() if usd > 0}
    spent = sum(bought.values())
    total_bps = holding.net_usd / (spent * BASIS_POINT) if spent > 0 else None
    rows = [_row(BUY_AND_HOLD, ALL_SYMBOLS, len(bought), holding.net_usd, total_bps)]
    for symbol, net in holding.net_bps.items():
        usd = bought.get(symbol)
        is_bought = usd is not None
        net_usd = net * BASIS_POINT * usd if usd is not None else 0.0
        rows.append(_row(BUY_AND_HOLD, symbol, int(is_bought), net_usd, net if is_bought else None))
    return rows


def _spread(bps: NDArray[np.float64], rivals: Rivals) -> dict[str, Any]:
    if not bps.size:
        return {"draws": 0}
    low, high = np.quantile(bps, [0.05, 0.95]).tolist()
    return {
        "draws": bps.size,
        "net_bps_low": low,
        "net_bps_high": high,
        "brain_percentile": 100.0 * (1.0 - rivals.chance),
    }


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if values.size else None
