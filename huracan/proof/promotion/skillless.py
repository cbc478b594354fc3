"""Policies without skill, traded by the market's own compiled step: what each enters has nothing to do with
what comes.

All of them trade one block at once, every policy on accounts of its own.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from huracan.market.actions import (
    ENTER_FULL_INDEX,
    ENTER_SHORT_FULL_INDEX,
    EXIT_INDEX,
    HOLD_INDEX,
    WAIT_INDEX,
)
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.rules import TradingRules

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Skillless = Literal["spread", "clustered", "mixed", "volatile", "pennies", "long"]
SKILLLESS: tuple[Skillless, ...] = ("spread", "clustered", "mixed", "volatile", "pennies", "long")
_USUAL = TradingRules(allow_short=True, maximum_holding="12h", volatility_horizon="6h")
RULES: dict[Skillless, TradingRules] = {
    **dict.fromkeys(SKILLLESS, _USUAL),
    # Small profits are taken at once, losses run until a stop far away.
    "pennies": replace(
        _USUAL, target_volatilities=0.3, target_floor_bps=10.0, stop_volatilities=6.0, maximum_holding="10d"
    ),
    "long": replace(_USUAL, stop_volatilities=2.0, target_volatilities=1e3, maximum_holding="2d"),
}
_ENTRIES_PER_DAY: dict[Skillless, float] = {
    **{"spread": 3.0, "clustered": 1.5, "mixed": 3.0},
    **{"volatile": 8.0, "pennies": 8.0, "long": 24.0},
}
"""Wishes of a symbol to enter a day: while something is held none is met."""


@dataclass(frozen=True, eq=False)
class Played:
    """What a policy made of the block."""

    rules: TradingRules
    equity_usd: Floats
    """[symbols, bars] at every close."""
    held_usd: Floats
    """[symbols, bars] absolute value of what is held at every close."""
    costs_usd: Floats
    """[symbols, bars] paid since the beginning."""
    closed: NDArray[np.void]
    """CLOSED records."""


def play(
    name: Skillless, block: MarketBlock, costs: CostAssumptions, generator: np.random.Generator
) -> Played:
    """The whole block, from its first close on."""
    rules, symbols, bars = RULES[name], block.symbol_count, block.bar_count
    wishes, leaves = _wishes(name, block, generator)
    market = MarketEnvironment(block, rules, costs, symbols, records=True)
    every = np.arange(symbols)
    market.begin(every, every, np.zeros(symbols, np.int64))
    equity, held, paid = (np.zeros((bars, symbols)) for _ in range(3))
    equity[0] = market.equity_usd()
    for bar in range(bars - 1):
        is_flat = market.state["quantity"] == 0.0
        actions = np.where(is_flat, wishes[bar], np.where(leaves[bar], EXIT_INDEX, HOLD_INDEX))
        legal = market.masks()
        actions = np.where(
            legal[every, actions], actions, np.where(legal[:, WAIT_INDEX], WAIT_INDEX, HOLD_INDEX)
        )
        market.advance(actions)
        equity[bar + 1] = market.equity_usd()
        held[bar + 1] = market.state["quantity"] * block.close[:, bar + 1]
        paid[bar + 1] = market.state["costs_usd"]
    return Played(rules, equity.T, held.T, paid.T, market.closed())


def _wishes(
    name: Skillless, block: MarketBlock, generator: np.random.Generator
) -> tuple[Integers, NDArray[np.bool_]]:
    """[bars, symbols] the action of who is flat, and whether who holds something leaves it."""
    bars, symbols = block.bar_count, block.symbol_count
    chance = _ENTRIES_PER_DAY[name] / 24.0
    draws = generator.random((bars, 1 if name == "clustered" else symbols))
    enters = np.broadcast_to(draws < chance, (bars, symbols))
    if name == "volatile":
        usual = np.median(block.volatility_bps, axis=1)
        enters = enters & (1.1 * usual < block.volatility_bps.T)
    sides = np.where(generator.random((bars, symbols)) < 0.5, ENTER_FULL_INDEX, ENTER_SHORT_FULL_INDEX)
    if name in ("clustered", "long"):
        sides = np.full((bars, symbols), ENTER_FULL_INDEX)
    if name == "clustered":
        way = generator.random((bars, 1)) < 0.5
        sides = np.where(way, ENTER_FULL_INDEX, ENTER_SHORT_FULL_INDEX) + np.zeros((1, symbols), np.int64)
    leaves = generator.random((bars, symbols)) < (0.25 if name == "mixed" else 0.0)
    if name == "mixed":
        # Of two kinds of days: some on which all is left soon, some on which it is held to the time-out.
        leaves = leaves & (np.repeat(generator.random(bars // 24 + 1) < 0.5, 24)[:bars, None])
    return np.where(enters, sides, WAIT_INDEX).astype(np.int64), leaves
