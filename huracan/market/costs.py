"""What trading costs: fee, half-spread and slippage of an order, per side, in basis points.

No prices, no positions and no fills live here; `kernel_fills` applies these numbers to a price.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from huracan.errors import InvalidInput
from huracan.units import WHOLE_BPS

Floats = NDArray[np.float64]
DEAREST = 2.0
"""The largest multiple of its costs at which a day is looked at again (`scenarios`)."""


@dataclass(frozen=True)
class CostAssumptions:
    """Costs of one side of a trade. `multiplier` scales all, for stress tests and for learning."""

    taker_fee_bps: float = 10.0
    """Exchange fee, of the value that was filled."""
    maker_fee_bps: float = 10.0
    """The same of an order that rested in the book; it pays neither spread nor slippage."""
    half_spread_bps: float = 1.0
    """Half of the quoted spread, paid when an order crosses it."""
    slippage_coefficient: float = 1.0
    """Slippage in bar volatilities at a participation of 1 (square-root law of market impact)."""
    maximum_slippage_bps: float = 100.0
    """Cap, so that a bar whose trailing volume is nearly nothing costs much and not infinitely much."""
    multiplier: float = 1.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (np.isfinite(value) and value >= 0):
                raise InvalidInput(
                    f"The cost {name} was {value}.", "Give a finite number that is not negative."
                )
        if self.worst_side_bps >= WHOLE_BPS:
            raise InvalidInput(
                f"One side of a trade could cost {self.worst_side_bps:g} bps.",
                f"Keep fee, half-spread and largest slippage together below {WHOLE_BPS:g} bps.",
            )

    @property
    def worst_side_bps(self) -> float:
        """The most that one side of a trade can cost, the rounding to the tick aside."""
        fee = max(self.taker_fee_bps, self.maker_fee_bps)
        return (fee + self.half_spread_bps + self.maximum_slippage_bps) * self.multiplier

    @property
    def fee_bps(self) -> float:
        """Fee of one side."""
        return self.taker_fee_bps * self.multiplier

    @property
    def paid_half_spread_bps(self) -> float:
        """What one side that crosses the spread pays for it: half of it, times the multiplier."""
        return self.half_spread_bps * self.multiplier


def slippage_bps(
    costs: CostAssumptions, notional_usd: Floats, volatility_bps: Floats, traded_value_usd: Floats
) -> Floats:
    """Slippage of one side: coefficient x bar volatility x sqrt(notional / traded value of a bar).

    The square-root law of impact (Almgren et al. 2005, Tóth et al. 2011). `traded_value_usd` is the trailing
    mean of closed bars: the volume of the bar that fills the order is not known when it is sent. No volume at
    all costs the cap. All arrays broadcast; the result is never negative.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        participation = np.asarray(notional_usd / traded_value_usd, dtype=np.float64)
        raw = costs.slippage_coefficient * volatility_bps * np.sqrt(participation)
    capped = np.fmin(np.where(traded_value_usd > 0, raw, np.inf), costs.maximum_slippage_bps)
    zero_volatility = np.where(np.isnan(volatility_bps), costs.maximum_slippage_bps, capped)
    return np.asarray(zero_volatility * costs.multiplier, dtype=np.float64)
