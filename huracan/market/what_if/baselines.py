"""What doing nothing, holding and guessing would have made, by the same fills and costs."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from huracan.market.actions import (
    ENTER_FULL_INDEX,
    ENTER_SHORT_FULL_INDEX,
    HOLD_INDEX,
    WAIT_INDEX,
)
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions, Floats
from huracan.market.engine.held_entries import bars_to_enter, hold_entries, net_bps
from huracan.market.engine.records import CLOSED
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
    """Detail bars. Of an array every entry takes one by chance."""
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
    """What the draws of `draw_entries` made. Without trades or bars: zeros."""
    drawn = draw_entries(block, rules, costs, guesses, generator)
    if not drawn.size:
        return RandomEntries(np.zeros(guesses.draws), np.zeros(guesses.draws), 0)
    return RandomEntries(net_bps(drawn).mean(axis=1), drawn["net_usd"].sum(axis=1), guesses.trades)


def draw_entries(
    block: MarketBlock,
    rules: TradingRules,
    costs: CostAssumptions,
    guesses: Guesses,
    generator: np.random.Generator,
) -> NDArray[np.void]:
    """CLOSED records [draws, trades] of entries at random decisions; none where nothing can be entered.

    Each is left after its holding time unless stop, target or time-out came first, over any midnight; what is
    open at the block's end counts at liquidation value. Where a market may be sold short and the rules allow
    it, half of the entries are short, by the toss of a coin.

    A pool of at most 8,000 such trades is stepped through the environment at once, each on an account of its
    own; every draw takes `guesses.trades` of them with replacement.
    """
    count, draws = guesses.trades, guesses.draws
    indices = np.flatnonzero(bars_to_enter(block))
    nothing = np.zeros((draws, 0), CLOSED)
    if count < 1 or indices.size == 0:
        return nothing
    pool = min(_POOL, count * draws)
    chosen = indices[generator.integers(0, indices.size, pool)]
    entries = np.full(pool, ENTER_FULL_INDEX)
    if rules.allow_short:
        may_short = block.may_short[chosen // block.bar_count, block.day_of_bar[chosen % block.bar_count]]
        entries[(generator.random(pool) < 0.5) & may_short] = ENTER_SHORT_FULL_INDEX
    held = np.atleast_1d(guesses.holding_bars)
    # One for all is no draw: the generator goes on as it would without.
    held = held[generator.integers(0, held.size, pool)] if held.size > 1 else np.full(pool, held[0])
    closed = hold_entries(block, rules, costs, chosen, entries, held)
    return closed[generator.integers(0, closed.size, (draws, count))] if closed.size else nothing


@dataclass(frozen=True)
class BuyAndHold:
    """One purchase per symbol, sold at its last price."""

    net_bps: dict[str, float]
    """Of what was bought; 0 where nothing could be."""
    bought_usd: dict[str, float]
    """At the reference price."""
    net_usd: float


def buy_and_hold(block: MarketBlock, rules: TradingRules, costs: CostAssumptions) -> BuyAndHold:
    """`notional_usd` of every symbol held over the whole block: one long position of the market's own step.

    Decided at the first decision whose bar is tradable and has a volatility and after which something is
    traded; sold at the block's last price. No stop, no target, no limit of time, and all of it fills at once;
    fees, spread, slippage and funding are paid as ever.
    """
    closed = _hold_throughout(block, rules, costs)
    bought = dict.fromkeys(range(block.symbol_count), 0.0)
    net = dict(bought)
    for trade in closed:
        bought[int(trade["symbol"])] = float(trade["quantity"] * trade["entry_reference"])
        net[int(trade["symbol"])] = float(trade["net_usd"])
    return BuyAndHold(
        {
            symbol: net[index] / (bought[index] * BASIS_POINT) if bought[index] > 0 else 0.0
            for index, symbol in enumerate(block.symbols)
        },
        {symbol: bought[index] for index, symbol in enumerate(block.symbols)},
        float(sum(net.values())),
    )


def _hold_throughout(block: MarketBlock, rules: TradingRules, costs: CostAssumptions) -> NDArray[np.void]:
    """CLOSED records of the symbols that could be bought."""
    # Compiled code loads slowly; who only draws entries does not wait for it.
    from huracan.market.engine.environment import MarketEnvironment

    free = replace(
        block,
        features=block.features[:, :, :0],
        feature_names=(),
        is_ready=np.ones_like(block.is_ready),
        value_usd=np.full_like(block.value_usd, np.inf),
    )
    closes = block.decision_closes[:-1]
    able = block.is_tradable[:, closes] & np.isfinite(block.volatility_bps[:, closes])
    able &= block.is_tradable[:, closes + 1]
    symbols = np.flatnonzero(able.any(axis=1))
    if symbols.size == 0:
        return np.zeros(0, CLOSED)
    plain = replace(
        rules,
        starting_cash_usd=max(rules.starting_cash_usd, 2.0 * rules.notional_usd),
        size_multipliers=(1.0, 1.0, 1.0),
        allow_short=False,
        entries_are_maker=False,
        stop_floor_bps=9_000.0,
        target_floor_bps=1e9,
        maximum_holding="9999999m",
        maximum_leverage=1.0,
        maintenance_tiers=(),
    )
    market = MarketEnvironment(free, plain, costs, symbols.size, records=True)
    lanes, first = np.arange(symbols.size), closes[able[symbols].argmax(axis=1)]
    market.begin(lanes, symbols, first, closes_at_end=True)
    for step in range(block.decision_count - 1):
        is_flat = market.state["quantity"] == 0.0
        actions = np.where(is_flat, WAIT_INDEX, HOLD_INDEX)
        if step == 0:
            actions = np.where(market.masks()[:, ENTER_FULL_INDEX], ENTER_FULL_INDEX, WAIT_INDEX)
        market.advance(actions)
        market.state["stop"] = 0.0  # A price that all but vanishes is held, too.
    return market.closed()
