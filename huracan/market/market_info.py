"""What an exchange demands of an order in one market: the steps of price and quantity, the least value.

Costs and trading rules live beside, in `costs` and `rules`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class MarketInfo:
    """Filters of one symbol; None where the exchange states none."""

    symbol: str
    tick_size: float | None
    """the step of prices, in quote units"""
    step_size: float | None
    """the step of quantities, in base units"""
    minimum_notional: float | None
    """the least value of an order, in quote units"""
