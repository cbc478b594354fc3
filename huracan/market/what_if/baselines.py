"""What doing nothing and holding would have made, by the same fills and costs."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from huracan.market.actions import ENTER_FULL_INDEX, HOLD_INDEX, WAIT_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.records import CLOSED
from huracan.market.rules import TradingRules
from huracan.units import BASIS_POINT

DO_NOTHING_NET_USD = 0.0


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
