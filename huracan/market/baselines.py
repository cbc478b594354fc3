"""What doing nothing, holding and guessing would have made, by the same fills and costs."""

from dataclasses import dataclass

import numpy as np

from huracan.market.actions import ACTIONS, ENTER_FULL, EXIT_INDEX, WAIT_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions, Floats, slippage_bps
from huracan.market.environment import MarketEnvironment
from huracan.market.fills import BPS, fill_orders
from huracan.market.rules import TradingRules

DO_NOTHING_NET_USD = 0.0
_POOL = 8_000
_FULL = ACTIONS.index(ENTER_FULL)


@dataclass(frozen=True, eq=False)
class RandomEntries:
    """Distribution over the draws. A trade's size is 1."""

    net_bps_per_trade: Floats
    """[draws] mean net result of a draw's trades."""
    net_usd: Floats
    """[draws] their sum."""
    trades: int

    def share_below(self, net_bps_per_trade: float) -> float:
        """The share of the draws that a result beats (its percentile / 100)."""
        return float((self.net_bps_per_trade < net_bps_per_trade).mean())


def random_entries(
    block: MarketBlock,
    rules: TradingRules,
    costs: CostAssumptions,
    number_of_trades: int,
    holding_bars: int,
    generator: np.random.Generator,
    draws: int = 200,
) -> RandomEntries:
    """Entries at random bars, left after `holding_bars` unless stop, target or time-out came first.

    A pool of at most 8,000 such trades is stepped through the environment at once, each on an account of its
    own; every draw takes `number_of_trades` of them with replacement. Without trades or bars: zeros.
    """
    places = _places_to_enter(block, rules)
    if number_of_trades < 1 or places.size == 0:
        return RandomEntries(np.zeros(draws), np.zeros(draws), 0)
    pool = min(_POOL, number_of_trades * draws)
    chosen = places[generator.integers(0, places.size, pool)]
    environment = MarketEnvironment(block, rules, costs, pool)
    lanes = np.arange(pool)
    environment.begin(lanes, chosen // block.bar_count, chosen % block.bar_count)
    environment.advance(np.where(environment.masks()[:, _FULL], _FULL, WAIT_INDEX))
    hold = max(1, min(holding_bars, rules.maximum_holding_bars))
    steps = 0
    while (environment.accounts.quantity > 0).any():
        steps += 1
        may_exit = environment.masks()[:, EXIT_INDEX]
        environment.advance(np.where(may_exit & (steps >= hold), EXIT_INDEX, WAIT_INDEX))
    filled = environment.accounts.entry_reference > 0
    net = (environment.accounts.cash_usd - rules.starting_cash_usd)[filled]
    if net.size == 0:
        return RandomEntries(np.zeros(draws), np.zeros(draws), 0)
    taken = net[generator.integers(0, net.size, (draws, number_of_trades))]
    bps = taken.mean(axis=1) / (rules.notional_usd * BPS)
    return RandomEntries(bps, taken.sum(axis=1), number_of_trades)


def _places_to_enter(block: MarketBlock, rules: TradingRules) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    left = block.session_last - np.arange(block.bar_count)
    able = block.is_ready & block.is_tradable & np.isfinite(block.volatility_bps)
    return np.flatnonzero(able & (left >= rules.entry_margin_bars))


@dataclass(frozen=True)
class BuyAndHold:
    """One purchase per symbol at its first tradable open, sold at its last tradable close."""

    net_bps: dict[str, float]
    net_usd: float


def buy_and_hold(block: MarketBlock, rules: TradingRules, costs: CostAssumptions) -> BuyAndHold:
    """`notional_usd` of every symbol held over the whole block, costs on both sides."""
    net_bps: dict[str, float] = {}
    for place, symbol in enumerate(block.symbols):
        bars = np.flatnonzero(block.is_tradable[place])
        if bars.size < 2:
            net_bps[symbol] = 0.0
            continue
        first, last = bars[[0]], bars[[-1]]
        volatility = np.nan_to_num(block.volatility_bps[place])
        slip = slippage_bps(
            costs, np.full(1, rules.notional_usd), volatility[last], block.traded_value_usd[place][last]
        )
        bought, sold = block.open[place][first], block.close[place][last]
        quantity = rules.notional_usd / bought
        buy = fill_orders(quantity, bought, slip, costs, buys=True)
        sell = fill_orders(quantity, sold, slip, costs, buys=False)
        net = quantity * (sold - bought) - buy.cost_usd - sell.cost_usd
        net_bps[symbol] = float(net[0] / (rules.notional_usd * BPS))
    return BuyAndHold(net_bps, sum(net_bps.values()) * rules.notional_usd * BPS)
