"""The rules every position obeys: its size, its stop and target, how long it may last.

What an order costs is in `costs`; which actions the rules allow at a bar is in `actions`.
"""

import math
from dataclasses import dataclass

import numpy as np

from huracan.errors import InvalidInput
from huracan.market.actions import ACTIONS
from huracan.market.costs import Floats

MOST_ADDS = 100
SIZES = tuple(action for action in ACTIONS if action.size_slot is not None)


@dataclass(frozen=True)
class TradingRules:
    """Sizes in USD, distances in volatility units of the signal bar, times in bars."""

    starting_cash_usd: float = 10_000.0
    """Cash of each symbol's account at the start of a session."""
    notional_usd: float = 1_000.0
    """Value of an entry of size 1, at the reference price."""
    size_multipliers: tuple[float, ...] = (0.5, 1.0, 1.5)
    """The three entry sizes, by an action's `size_slot`."""
    minimum_notional_usd: float = 10.0
    """Smaller orders are refused, as an exchange would; the larger of this and the market's own counts."""
    allow_short: bool = False
    """Adds the three short entries to the action list.

    A short is opened, and added to, only where the account covers its value once more, and its stop lies less
    than that away. A price that jumps over the stop to about twice what it was can therefore cost more than
    the account: such a loss is booked in full, cash is negative from then on, and the account can open
    nothing more in its session. No gap costs a long position more than its account."""
    entries_are_maker: bool = False
    """An entry rests at the open it is for and fills only where the bar trades strictly through it."""
    targets_are_maker: bool = False
    """A target rests at its price and fills only where the bar trades strictly through it."""
    stop_volatilities: float = 1.5
    """Stop distance in units of return_std_60_bps x sqrt(volatility_horizon_bars)."""
    stop_floor_bps: float = 30.0
    target_volatilities: float = 2.5
    """Target distance, in the same units."""
    target_floor_bps: float = 45.0
    volatility_horizon_bars: int = 60
    """The bars over which one-bar volatility is scaled up, by its square root, to a trade's horizon."""
    minimum_volatility_bps: float = 0.5
    """Floor of the one-bar volatility as a unit: a frozen price must not make infinite units."""
    maximum_holding_bars: int = 120
    """Time-out: the position is left at the first tradable open this many bars after its entry bar."""
    entry_margin_bars: int = 30
    """No entry is decided in the last bars of a session: it would be closed before it could work."""
    scratch_volatilities: float = 0.5
    """SCRATCH is for a loss of at most this many units."""
    scratch_bars: int = 15
    """SCRATCH is for positions of at most this age."""
    add_multiplier: float = 0.5
    """Value of an ADD, as a share of `notional_usd`."""
    maximum_adds: int = 3
    trail_volatilities: float = 1.0
    """Distance of a trailing stop from the best price met, in units."""

    def __post_init__(self) -> None:
        positive = (
            self.starting_cash_usd,
            self.notional_usd,
            *self.size_multipliers,
            self.stop_volatilities + self.stop_floor_bps,
            self.target_volatilities + self.target_floor_bps,
            self.minimum_volatility_bps,
            self.scratch_volatilities,
            self.add_multiplier,
            self.trail_volatilities,
        )
        if not all(math.isfinite(value) and value > 0 for value in positive):
            raise InvalidInput(
                "A size or distance of the trading rules was not positive.", "Give positive numbers."
            )
        if not (math.isfinite(self.minimum_notional_usd) and self.minimum_notional_usd >= 0):
            raise InvalidInput(
                f"minimum_notional_usd of the trading rules was {self.minimum_notional_usd}.",
                "Give a number of USD that is not negative.",
            )
        bars = (
            self.maximum_holding_bars, self.volatility_horizon_bars, self.entry_margin_bars, self.scratch_bars
        )  # fmt: skip
        if min(bars) < 1:
            raise InvalidInput("A number of bars of the trading rules was below 1.", "Give at least one bar.")
        if not 0 <= self.maximum_adds <= MOST_ADDS:
            raise InvalidInput(
                f"maximum_adds of the trading rules was {self.maximum_adds}.", f"Give 0 to {MOST_ADDS}."
            )
        sizes = len(self.size_multipliers)
        if sizes != len(SIZES):
            raise InvalidInput(
                f"size_multipliers of the trading rules were {sizes}.", f"Give {len(SIZES)}: one per entry."
            )

    @property
    def horizon_factor(self) -> float:
        """Square root of the volatility horizon: one-bar volatility x this = volatility of a trade."""
        return math.sqrt(self.volatility_horizon_bars)

    def volatility_unit_bps(self, volatility_bps: Floats) -> Floats:
        """The unit of distances, observations and rewards: volatility over the horizon, with its floor."""
        return np.asarray(
            np.fmax(volatility_bps, self.minimum_volatility_bps) * self.horizon_factor, dtype=np.float64
        )

    def stop_distance_bps(self, volatility_bps: Floats) -> Floats:
        """From the entry's reference price; fixed when the position is opened. Always below 10,000."""
        wanted = self.stop_volatilities * self.volatility_unit_bps(volatility_bps)
        return np.asarray(np.clip(wanted, self.stop_floor_bps, 9_000.0), dtype=np.float64)

    def target_distance_bps(self, volatility_bps: Floats) -> Floats:
        """From the entry's reference price; fixed when the position is opened."""
        wanted = self.target_volatilities * self.volatility_unit_bps(volatility_bps)
        return np.asarray(np.maximum(wanted, self.target_floor_bps), dtype=np.float64)
