"""The money and the open position of every lane, as arrays over lanes. When to trade is not decided here.

Cash moves only at fills. A lane holds at most one position; `quantity` is 0 where it is flat.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from huracan.market.costs import Floats
from huracan.market.fills import BPS, Fill
from huracan.market.rules import TradingRules

Lanes = NDArray[np.int64]


@dataclass
class Accounts:
    """Arrays [lanes]. Entry fields keep the last position's values after it is closed."""

    cash_usd: Floats
    costs_usd: Floats
    quantity: Floats
    size_multiplier: Floats
    entry_reference: Floats
    entry_price: Floats
    stop: Floats
    target: Floats
    unit_bps: Floats
    """Volatility unit at the signal: of the position's distances and rewards."""
    volatility_bps: Floats
    estimated_cost_bps: Floats
    fee_usd: Floats
    """Fee, spread and slippage of the entry."""
    spread_usd: Floats
    slippage_usd: Floats
    best: Floats
    """Highest and lowest price met since the entry, and the bars of them."""
    worst: Floats
    best_bar: Lanes
    worst_bar: Lanes
    signal_bar: Lanes
    entry_bar: Lanes


_FLOATS = tuple(name for name, kind in Accounts.__annotations__.items() if kind == Floats)


def new_accounts(lanes: int) -> Accounts:
    """`lanes` empty accounts without cash."""
    names = Accounts.__annotations__
    return Accounts(**{name: np.zeros(lanes, float if name in _FLOATS else np.int64) for name in names})


def restart(accounts: Accounts, lanes: Lanes, rules: TradingRules) -> None:
    """Fresh, flat accounts with the starting cash on `lanes`."""
    for name in Accounts.__annotations__:
        getattr(accounts, name)[lanes] = 0
    accounts.cash_usd[lanes] = rules.starting_cash_usd
    accounts.unit_bps[lanes] = 1.0


def open_positions(
    accounts: Accounts,
    lanes: Lanes,
    multiplier: Floats,
    quantity: Floats,
    reference: Floats,
    fill: Fill,
    volatility_bps: Floats,
    estimated_cost_bps: Floats,
    bars: Lanes,
    rules: TradingRules,
) -> None:
    """Books the entries of flat `lanes` at `reference`, filled in `bars`; stop and target are fixed now."""
    accounts.cash_usd[lanes] -= quantity * fill.price + fill.fee_usd
    accounts.costs_usd[lanes] += fill.cost_usd
    accounts.quantity[lanes] = quantity
    accounts.size_multiplier[lanes] = multiplier
    accounts.entry_reference[lanes] = reference
    accounts.entry_price[lanes] = fill.price
    accounts.stop[lanes] = reference * (1.0 - rules.stop_distance_bps(volatility_bps) * BPS)
    accounts.target[lanes] = reference * (1.0 + rules.target_distance_bps(volatility_bps) * BPS)
    accounts.unit_bps[lanes] = rules.volatility_unit_bps(volatility_bps)
    accounts.volatility_bps[lanes] = volatility_bps
    accounts.estimated_cost_bps[lanes] = estimated_cost_bps
    accounts.fee_usd[lanes], accounts.spread_usd[lanes] = fill.fee_usd, fill.spread_usd
    accounts.slippage_usd[lanes] = fill.slippage_usd
    accounts.best[lanes] = accounts.worst[lanes] = reference
    accounts.best_bar[lanes] = accounts.worst_bar[lanes] = accounts.entry_bar[lanes] = bars
    accounts.signal_bar[lanes] = bars - 1


def close_positions(accounts: Accounts, lanes: Lanes, fill: Fill) -> None:
    """Books the exits of `lanes`."""
    accounts.cash_usd[lanes] += accounts.quantity[lanes] * fill.price - fill.fee_usd
    accounts.costs_usd[lanes] += fill.cost_usd
    accounts.quantity[lanes] = 0.0


def meet_prices(accounts: Accounts, lanes: Lanes, high: Floats, low: Floats, bars: Lanes) -> None:
    """Lets the best and worst price since the entry meet a bar's `high` and `low`."""
    better, worse = high > accounts.best[lanes], low < accounts.worst[lanes]
    accounts.best[lanes[better]], accounts.best_bar[lanes[better]] = high[better], bars[better]
    accounts.worst[lanes[worse]], accounts.worst_bar[lanes[worse]] = low[worse], bars[worse]
