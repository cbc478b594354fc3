"""What doing nothing, holding and guessing would have made, by the same fills and costs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from huracan.market.actions import ENTER_FULL_INDEX, ENTER_SHORT_FULL_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions, Floats, slippage_bps
from huracan.market.engine.held_entries import bars_to_enter, hold_entries, net_bps
from huracan.market.rules import TradingRules
from huracan.units import BASIS_POINT

DO_NOTHING_NET_USD = 0.0
TIE_BPS = 1e-6
"""Results as near as this are equal: the same moves at another size differ in their last bits."""
DRAWS = 200
_POOL = 8_000


@dataclass(frozen=True, eq=False)
class Guesses:
    """What a draw imitates: as many trades, held as long."""

    trades: int
    holding_bars: NDArray[np.int64] | int
    """Of an array every entry takes one by chance."""
    draws: int = DRAWS


@dataclass(frozen=True, eq=False)
class RandomEntries:
    """Distribution over the draws. A trade's size is 1."""

    net_bps_per_trade: Floats
    """[draws] mean net result of a draw's trades, each in bps of what it entered with."""
    net_usd: Floats
    """[draws] their sum."""
    trades: int

    def share_below(self, net_bps_per_trade: float) -> float:
        """The share of the draws that a result beats (its percentile / 100)."""
        return float((self.net_bps_per_trade < net_bps_per_trade - TIE_BPS).mean())


def random_entries(
    block: MarketBlock,
    rules: TradingRules,
    costs: CostAssumptions,
    guesses: Guesses,
    generator: np.random.Generator,
) -> RandomEntries:
    """Entries at random bars, left after their holding time unless stop, target or time-out came first.

    Where the rules allow shorts, half of the entries are short, by the toss of a coin.

    A pool of at most 8,000 such trades is stepped through the environment at once, each on an account of its
    own; every draw takes `guesses.trades` of them with replacement. Without trades or bars: zeros.
    """
    count, draws = guesses.trades, guesses.draws
    indices = np.flatnonzero(bars_to_enter(block, rules))
    nothing = RandomEntries(np.zeros(draws), np.zeros(draws), 0)
    if count < 1 or indices.size == 0:
        return nothing
    pool = min(_POOL, count * draws)
    chosen = indices[generator.integers(0, indices.size, pool)]
    entries = np.full(pool, ENTER_FULL_INDEX)
    if rules.allow_short:
        entries[generator.random(pool) < 0.5] = ENTER_SHORT_FULL_INDEX
    held = np.atleast_1d(guesses.holding_bars)
    # One for all is no draw: the generator goes on as it would without.
    held = held[generator.integers(0, held.size, pool)] if held.size > 1 else np.full(pool, held[0])
    closed = hold_entries(block, rules, costs, chosen, entries, held)
    if closed.size == 0:
        return nothing
    taken = closed[generator.integers(0, closed.size, (draws, count))]
    return RandomEntries(net_bps(taken).mean(axis=1), taken["net_usd"].sum(axis=1), count)


@dataclass(frozen=True)
class BuyAndHold:
    """One purchase per symbol, sold at its last tradable close."""

    net_bps: dict[str, float]
    """Of what was bought; 0 where nothing could be."""
    bought_usd: dict[str, float]
    """At the reference price."""
    net_usd: float


def buy_and_hold(block: MarketBlock, rules: TradingRules, costs: CostAssumptions) -> BuyAndHold:
    """`notional_usd` of every symbol held over the whole block: one long position, priced as the market does.

    Decided at the first bar that is tradable and has a volatility, bought at the next tradable open. No stop,
    no target, no session's end; funding is paid all the while.
    """
    results = [_held(block, index, rules, costs) for index in range(block.symbol_count)]
    net_bps = {
        symbol: net / (spent * BASIS_POINT) if spent > 0 else 0.0
        for symbol, (net, spent) in zip(block.symbols, results, strict=True)
    }
    bought_usd = {symbol: spent for symbol, (_, spent) in zip(block.symbols, results, strict=True)}
    return BuyAndHold(net_bps, bought_usd, float(sum(net for net, _ in results)))


def _held(block: MarketBlock, index: int, rules: TradingRules, costs: CostAssumptions) -> tuple[float, float]:
    """Net result of holding one symbol, and what was bought at the reference price, in USD."""
    from huracan.market.engine.kernel_bars import bars_of
    from huracan.market.engine.kernel_fills import at_step

    able = block.is_tradable[index]
    ready = np.flatnonzero(able & np.isfinite(block.volatility_bps[index]))
    bars = np.flatnonzero(able[ready[0] + 1 :]) + ready[0] + 1 if ready.size else ready
    if bars.size == 0:
        return 0.0, 0.0
    first, last = int(bars[0]), int(bars[-1])
    bought, sold = float(block.open[index, first]), float(block.close[index, last])
    quantity = at_step(rules.notional_usd / bought, float(block.step_size[index]), False)
    slip_of = slippage_bps(
        costs,
        np.array([rules.notional_usd, quantity * sold]),
        block.volatility_bps[index, [first - 1, last - 1]],
        block.traded_value_usd[index, [first - 1, last - 1]],
    )

    def filled(reference: float, slip: float, sign: int) -> float:
        """What an order's unit costs or brings, the fee included."""
        raw = reference * (1.0 + sign * (costs.paid_half_spread_bps + slip) * BASIS_POINT)
        price = at_step(raw, float(block.tick_size[index]), sign > 0)
        return price * (1.0 + sign * costs.fee_bps * BASIS_POINT)

    paid = filled(bought, float(slip_of[0]), 1)
    received = filled(sold, float(slip_of[1]), -1)
    held = slice(first + 1, last + 1)
    rate = bars_of(block).rows["funding_rate"].reshape(block.open.shape)[index, held]
    funding = float(rate @ block.open[index, held])
    return quantity * (received - paid - funding), quantity * bought
