"""What doing nothing, holding and guessing would have made, by the same fills and costs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from huracan.market.actions import ENTER_FULL_INDEX, EXIT_INDEX, HOLD_INDEX, WAIT_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions, Floats, slippage_bps
from huracan.market.rules import TradingRules

DO_NOTHING_NET_USD = 0.0
BPS = 1e-4
_POOL = 8_000


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
    nothing = RandomEntries(np.zeros(draws), np.zeros(draws), 0)
    if number_of_trades < 1 or places.size == 0:
        return nothing
    pool = min(_POOL, number_of_trades * draws)
    chosen = places[generator.integers(0, places.size, pool)]
    net = _results_of_entries(block, rules, costs, chosen, holding_bars)
    if net.size == 0:
        return nothing
    taken = net[generator.integers(0, net.size, (draws, number_of_trades))]
    bps = taken.mean(axis=1) / (rules.notional_usd * BPS)
    return RandomEntries(bps, taken.sum(axis=1), number_of_trades)


def _results_of_entries(
    block: MarketBlock,
    rules: TradingRules,
    costs: CostAssumptions,
    places: NDArray[np.int64],
    holding_bars: int,
) -> Floats:
    """Net USD of those of the entries at `places` that were filled."""
    # Compiled code loads slowly; who asks for no baseline does not wait for it.
    from huracan.market.environment import MarketEnvironment

    environment = MarketEnvironment(block, rules, costs, places.size, records=True)
    lanes = np.arange(places.size)
    environment.begin(lanes, places // block.bar_count, places % block.bar_count)
    environment.advance(np.where(environment.masks()[:, ENTER_FULL_INDEX], ENTER_FULL_INDEX, WAIT_INDEX))
    hold = max(1, min(holding_bars, rules.maximum_holding_bars))
    steps = 0
    while (is_open := environment.state["quantity"] > 0).any():
        steps += 1
        stay = np.where(is_open, HOLD_INDEX, WAIT_INDEX)
        leaves = environment.masks()[:, EXIT_INDEX] & (steps >= hold)
        environment.advance(np.where(leaves, EXIT_INDEX, stay))
    return np.asarray(environment.closed()["net_usd"], dtype=np.float64)


def _places_to_enter(block: MarketBlock, rules: TradingRules) -> NDArray[np.int64]:
    left = block.session_last - np.arange(block.bar_count)
    able = block.is_ready & block.is_tradable & np.isfinite(block.volatility_bps)
    # The last bar of a session is nobody's to begin at.
    return np.flatnonzero(able & (left >= max(rules.entry_margin_bars, 1)))


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
        last = bars[[-1]]
        volatility = np.nan_to_num(block.volatility_bps[place])
        slip = slippage_bps(
            costs, np.full(1, rules.notional_usd), volatility[last], block.traded_value_usd[place][last]
        )
        bought, sold = float(block.open[place, bars[0]]), float(block.close[place, bars[-1]])
        side = (costs.spread_bps + float(slip[0])) * BPS
        fee = costs.fee_bps * BPS
        quantity = rules.notional_usd / bought
        paid, received = bought * (1.0 + side) * (1.0 + fee), sold * (1.0 - side) * (1.0 - fee)
        net_bps[symbol] = quantity * (received - paid) / (rules.notional_usd * BPS)
    return BuyAndHold(net_bps, sum(net_bps.values()) * rules.notional_usd * BPS)
