"""What trading costs beside what a market asks: assumptions of slippage, overrides, and stress.

Fees and half-spreads belong to a market and a day and lie in the block. No prices, no positions and no fills
live here; `kernel_fills` applies these numbers to a price.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from huracan.errors import InvalidInput
from huracan.units import WHOLE_BPS

Floats = NDArray[np.float64]
DEAREST = 2.0
"""The largest multiple of its costs at which a day is looked at again (`scenarios`)."""
_LARGEST_REBATE_BPS = 100.0
"""Beyond it a rebate is a mistake of units."""


@dataclass(frozen=True)
class CostAssumptions:
    """Costs of one side of a trade. What is None is each market's own, by the exchange, by
    `universe.markets`, by the defaults of its kind, or as estimated from the days before."""

    taker_fee_bps: float | None = None
    """Exchange fee of all markets, of the value that was filled."""
    maker_fee_bps: float | None = None
    """The same of an order that rested in the book; it pays neither spread nor slippage. Below 0: a
    rebate."""
    half_spread_bps: float | None = None
    """Half of the quoted spread of all markets, paid when an order crosses it."""
    half_spread_floor_bps: float = 0.0
    """No estimated half-spread counts as less."""
    slippage_coefficient: float = 1.0
    """Slippage in bar volatilities at a participation of 1 (square-root law of market impact, Almgren et al.
    2005, Tóth et al. 2011): x one-bar volatility x sqrt(notional / mean traded value of the last 60 bars)."""
    maximum_slippage_bps: float = 100.0
    """Cap, so that a bar whose trailing volume is nearly nothing costs much and not infinitely much."""
    multiplier: float = 1.0
    """Scales all that is paid, for stress tests and for learning; a rebate is never made larger."""

    def __post_init__(self) -> None:
        fees = ("taker_fee_bps", "maker_fee_bps")
        for name, value in vars(self).items():
            is_fee = name in fees
            least = -_LARGEST_REBATE_BPS if is_fee else 0.0
            if value is not None and not (np.isfinite(value) and value >= least):
                rebate = f", or a rebate of at most {_LARGEST_REBATE_BPS:g} bps below 0" if is_fee else ""
                raise InvalidInput(
                    f"The cost {name} was {value}.", f"Give a finite number that is not negative{rebate}."
                )
        if self.worst_side_bps >= WHOLE_BPS:
            raise InvalidInput(
                f"One side of a trade could cost {self.worst_side_bps:g} bps.",
                f"Keep fee, half-spread and largest slippage together below {WHOLE_BPS:g} bps.",
            )

    @property
    def worst_side_bps(self) -> float:
        """The most that one side of a trade can cost by what is stated here, the rounding to the tick
        aside."""
        fee = max(self.taker_fee_bps or 0.0, self.maker_fee_bps or 0.0, 0.0)
        half_spread = max(self.half_spread_bps or 0.0, self.half_spread_floor_bps)
        return (fee + half_spread + self.maximum_slippage_bps) * self.multiplier
