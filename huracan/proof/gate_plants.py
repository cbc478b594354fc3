"""What a market of candles with a planted harm is made of: its stretches, its looks, and what the harm is.

A market is cut into stretches of twelve hours by symbol. A driver that nobody sees pushes each stretch's
prices one way after certain moments; who enters at those moments on that side earns more than it costs.
Stretches look different: with takers on the driver's side or against it, or volatile. In a market without a
plant nothing of that does harm; a plant lets one thing do harm, and changes nothing else. The candles are in
`planted_candles`.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from huracan.durations import MINUTES_PER_DAY
from huracan.errors import InvalidInput

Floats = NDArray[np.float64]
Plant = Literal["toxic_flow", "cost_trap", "false_pattern", "broken_feed", "losing_regime", "none"]
PLANTS: tuple[Plant, ...] = (
    *("toxic_flow", "cost_trap", "false_pattern", "broken_feed", "losing_regime"),
    "none",
)

STRETCH = 720
"""Bars of a stretch: two a day."""
MOMENTS_APART, MOMENT_WITHIN = 80, 20
"""A stretch has a moment in each 80 bars, at random within the first 20 of them, so that an hour is over
before the next one."""
PAYS_IN = 60
"""Bars after a moment over which the driver pushes."""
FREEZE = 700
"""Bars of a stretch over which a broken feed stands still, from its beginning on."""

PLAIN, FLOW_FOR, FLOW_AGAINST, VOLATILE = range(4)
LOOKS = ("plain", "flow_for", "flow_against", "volatile")


@dataclass(frozen=True)
class PlantedCandlesConfig:
    """Bars are minutes. Distances are log returns in bps."""

    plant: Plant = "none"
    seed: int = 1
    symbols: int = 8
    days: int = 26
    first_day: date = date(2025, 1, 1)
    turn_day: int = 9
    """Index of the first day on which the false pattern loses; before it, it wins."""
    volatility_bps: float = 4.0
    """Of one bar of a plain stretch."""
    edge_bps: float = 40.0
    """By how much the driver moves the price in the hour after a moment."""
    harm_bps: float = 80.0
    """By how much the price moves against the driver's side where the plant does harm."""
    look_shares: tuple[float, ...] = (0.45, 0.15, 0.15, 0.25)
    """Of the stretches, in the order of LOOKS."""
    volatile_factor: float = 2.5
    quiet_factor: float = 0.6
    """Of the volatility where takers are on the driver's side."""
    flow: float = 0.35
    """Half of the logit of takers' buying where the flow is one-sided; its noise is 0.15 a bar."""
    traded_value_usd: float = 1_000_000.0
    """Median of a bar; twice as much where the flow is one-sided."""
    half_spread_bps: float = 1.0
    """By which trades bounce around the middle."""
    trap_half_spread_bps: float = 35.0
    trap_share: float = 0.25
    """Of the symbols, those that the cost trap is in."""
    broken_share: float = 0.2
    """Of the stretches, those over which a broken feed stands still."""

    def __post_init__(self) -> None:
        if self.plant not in PLANTS:
            raise InvalidInput(f"There is no plant {self.plant!r}.", f"Use one of {', '.join(PLANTS)}.")
        if min(self.symbols, self.days) < 1 or not self.volatility_bps > 0.0:
            raise InvalidInput(
                "A market of planted candles had no symbol, no day or no volatility.",
                "Give numbers above 0.",
            )
        if len(self.look_shares) != len(LOOKS) or abs(sum(self.look_shares) - 1.0) > 1e-9:
            raise InvalidInput(
                f"The shares of looks were {self.look_shares}.", f"Give {len(LOOKS)}, 1 in all."
            )

    @property
    def trapped(self) -> NDArray[np.bool_]:
        """[symbols] which of them the cost trap is in, if it is what is planted."""
        count = max(1, round(self.trap_share * self.symbols))
        order = np.random.default_rng([self.seed, 1]).permutation(self.symbols)
        return (order < count) & (self.plant == "cost_trap")


@dataclass(frozen=True, eq=False)
class DayPlan:
    """One symbol's day before any price is drawn. Arrays [1440] by bar."""

    side: NDArray[np.int8]
    """Which way the driver pushes, 1 or -1."""
    look: NDArray[np.int8]
    """Index into LOOKS."""
    moments: NDArray[np.bool_]
    """At whose close the push begins."""
    planted: NDArray[np.bool_]
    """Where the plant does harm to who enters there."""
    frozen: NDArray[np.bool_]
    """The feed stands still."""


def plan_day(config: PlantedCandlesConfig, symbol: int, day: int) -> DayPlan:
    """The plan of the day at index `day`, from a stream of its own: it depends on no other day.

    The same is drawn whatever is planted, so that a market differs from that without a plant by its plant
    alone.
    """
    generator = np.random.default_rng([config.seed, 2, symbol, day])
    stretches = MINUTES_PER_DAY // STRETCH
    edges = np.cumsum(config.look_shares)[:-1]
    look = np.searchsorted(edges, generator.random(stretches), side="right")
    side = np.where(generator.random(stretches) < 0.5, 1, -1)
    is_broken = (generator.random(stretches) < config.broken_share) & (config.plant == "broken_feed")
    slots = np.arange(0, MINUTES_PER_DAY, MOMENTS_APART)
    moments = np.zeros(MINUTES_PER_DAY, bool)
    moments[slots + generator.integers(0, MOMENT_WITHIN, slots.size)] = True
    frozen = np.repeat(is_broken, STRETCH) & (np.arange(MINUTES_PER_DAY) % STRETCH < FREEZE)
    looks = np.repeat(look, STRETCH).astype(np.int8)
    planted = {
        "toxic_flow": looks == FLOW_AGAINST,
        "cost_trap": np.full(MINUTES_PER_DAY, config.trapped[symbol]),
        "false_pattern": (looks == FLOW_FOR) & (day >= config.turn_day),
        "broken_feed": frozen,
        "losing_regime": looks == VOLATILE,
        "none": np.zeros(MINUTES_PER_DAY, bool),
    }[config.plant]
    return DayPlan(np.repeat(side, STRETCH).astype(np.int8), looks, moments, planted, frozen)


def drift_bps(config: PlantedCandlesConfig, plan: DayPlan) -> Floats:
    """[1440] what the driver adds to each bar's return.

    The edge after each moment over PAYS_IN bars; against its side, and by the harm, where the moment is
    planted and the harm is a move (the cost trap's is not). A frozen feed shows none of it, and the price
    that it comes back with has moved by the harm against the driver's side.
    """
    moves_against = plan.planted & (config.plant in ("toxic_flow", "false_pattern", "losing_regime"))
    push = np.where(moves_against, -config.harm_bps, config.edge_bps) * plan.side
    each = np.where(plan.moments & ~plan.frozen, push, 0.0) / PAYS_IN
    drift = np.convolve(each, np.concatenate([[0.0], np.ones(PAYS_IN)]))[:MINUTES_PER_DAY]
    ends = np.flatnonzero(np.diff(plan.frozen.astype(np.int8)) < 0) + 1
    drift[ends] -= config.harm_bps * plan.side[ends]
    return np.asarray(np.where(plan.frozen, 0.0, drift), dtype=np.float64)
