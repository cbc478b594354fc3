"""The rules every position obeys: its size, its stop and target, how long it may last.

Limits are in time or in volatility, never in bars, so that they mean the same on candles of any length. What
an order costs is in `costs`; which actions the rules allow at a bar is in `actions`.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

from huracan.durations import Duration, minutes_of
from huracan.errors import InvalidInput
from huracan.market.actions import ACTIONS

MOST_ADDS, MOST_TIERS = 100, 8
SIZES = tuple(action for action in ACTIONS if action.size_slot is not None)


@dataclass(frozen=True)
class MaintenanceTier:
    """What an exchange wants to see left of positions up to a value, as a share of it."""

    up_to_usd: float
    rate: float
    """Of the part of the position above the tier before, as exchanges count it."""


@dataclass(frozen=True)
class TradingRules:
    """Sizes in USD, distances in volatility units of the signal bar, times such as `90m`, `2h` or `1d`."""

    starting_cash_usd: float = 10_000.0
    """Cash with which each symbol's account begins; from then on it keeps what it has."""
    notional_usd: float = 1_000.0
    """Value of an entry of size 1, at the reference price."""
    size_multipliers: tuple[float, ...] = (0.5, 1.0, 1.5)
    """The three entry sizes, by an action's `size_slot`."""
    minimum_notional_usd: float = 10.0
    """Smaller orders are refused, as an exchange would; the larger of this and the market's own counts."""
    allow_short: bool = False
    """Adds the three short entries to the action list, legal where the market may be sold short: a perpetual,
    or a spot market with a borrow rate.

    A short is opened, and added to, only where the account covers its value once more, and its stop lies less
    than that away. A price that jumps over the stop to about twice what it was can therefore cost more than
    the account: such a loss is booked in full, cash is negative from then on, and the account can open
    nothing more. No gap costs a long position without leverage more than its account."""
    entries_are_maker: bool = False
    """An entry rests at the open it is for and fills only where the bar trades strictly through it."""
    targets_are_maker: bool = False
    """A target rests at its price and fills only where the bar trades strictly through it."""
    stop_volatilities: float = 1.5
    """Stop distance in units of one-bar volatility x sqrt(bars of volatility_horizon)."""
    stop_floor_bps: float = 30.0
    target_volatilities: float = 2.5
    """Target distance, in the same units."""
    target_floor_bps: float = 45.0
    volatility_horizon: Duration = "1h"
    """The time over which one-bar volatility is scaled up, by its square root, to a trade's horizon. It is
    measured over as long, and over 60 bars at least."""
    minimum_volatility_bps: float = 0.5
    """Floor of the one-bar volatility as a unit: a frozen price must not make infinite units."""
    maximum_holding: Duration = "2h"
    """Time-out: the position is left at the first tradable open this long after its entry. Where no bar is
    traded for longer, it is closed at the last traded price."""
    scratch_volatilities: float = 0.5
    """SCRATCH is for a loss of at most this many units."""
    scratch_age: Duration = "15m"
    """SCRATCH is for positions of at most this age."""
    add_multiplier: float = 0.5
    """Value of an ADD, as a share of `notional_usd`."""
    maximum_adds: int = 3
    trail_volatilities: float = 1.0
    """Distance of a trailing stop from the best price met, in units."""
    maximum_participation: float = 0.05
    """Share of a bar's traded value that one order gets. The rest of an entry lapses, an exit goes on at the
    next bar that is traded."""
    maximum_leverage: float = 1.0
    """What may be held of a perpetual for every USD of equity; spot markets lend nothing. Above 1 maintenance
    tiers are needed."""
    maintenance_tiers: tuple[MaintenanceTier, ...] = ()
    """Where equity falls below what they want of a perpetual's position, it is liquidated. None: nothing ever
    is."""

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
        for duration in (self.volatility_horizon, self.maximum_holding, self.scratch_age):
            minutes_of(duration)
        if not 0 < self.maximum_participation <= 1:
            raise InvalidInput(
                f"maximum_participation of the trading rules was {self.maximum_participation}.",
                "Give a share above 0, at most 1.",
            )
        self._check_leverage()
        if not 0 <= self.maximum_adds <= MOST_ADDS:
            raise InvalidInput(
                f"maximum_adds of the trading rules was {self.maximum_adds}.", f"Give 0 to {MOST_ADDS}."
            )
        sizes = len(self.size_multipliers)
        if sizes != len(SIZES):
            raise InvalidInput(
                f"size_multipliers of the trading rules were {sizes}.", f"Give {len(SIZES)}: one per entry."
            )

    def _check_leverage(self) -> None:
        leverage, tiers = self.maximum_leverage, self.maintenance_tiers
        if not (math.isfinite(leverage) and leverage >= 1):
            raise InvalidInput(
                f"maximum_leverage of the trading rules was {leverage}.", "Give 1 (none) or more."
            )
        if leverage > 1 and not tiers:
            raise InvalidInput(
                f"maximum_leverage of the trading rules is {leverage:g}, without maintenance_tiers.",
                "Give the exchange's tiers, or keep it at 1.",
            )
        rising = all(one.up_to_usd < two.up_to_usd and one.rate <= two.rate for one, two in pairwise(tiers))
        sound = all(each.up_to_usd > 0 and 0 < each.rate < 1 for each in tiers)
        if not (rising and sound and len(tiers) <= MOST_TIERS):
            raise InvalidInput(
                "maintenance_tiers of the trading rules do not rise.",
                f"Give at most {MOST_TIERS}, each of a larger up_to_usd and of a rate from 0 to 1, not below"
                " the one before.",
            )

    def horizon_factor(self, bar_minutes: float) -> float:
        """Square root of the bars of the volatility horizon: one-bar volatility x this = that of a trade."""
        return math.sqrt(minutes_of(self.volatility_horizon) / bar_minutes)


def bars_of(duration: Duration, bar_minutes: float) -> int:
    """The bars that a duration lasts, the last one begun counted whole; at least one."""
    return max(1, math.ceil(minutes_of(duration) / bar_minutes - 1e-9))
