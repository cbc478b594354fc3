"""Is a nominal test of 5 % one of 5 %? Policies without skill among their random rivals."""

from dataclasses import dataclass

import numpy as np

from huracan.market.what_if.shifted_schedule import Schedule, rivals_of
from huracan.proof.promotion.null_markets import Kind, NullMarketConfig, null_market
from huracan.proof.promotion.nulls import FREE
from huracan.proof.promotion.skillless import Skillless, play

DRAWN: tuple[tuple[Skillless, Kind], ...] = (
    ("spread", "still"),
    ("clustered", "still"),
    ("mixed", "still"),
    ("volatile", "clustered"),
)
"""Entries that are spread, come at common moments, are held for mixed times, or are timed by volatility."""
NOMINAL = 0.05


@dataclass(frozen=True)
class RivalRow:
    """One policy over all markets."""

    policy: str
    markets: int
    passed: float
    """Share whose chance was the nominal one or less."""


def rival_row(
    name: Skillless, kind: Kind, markets: int, days: int = 14, first_seed: int = 60_001
) -> RivalRow:
    """The same numbers give the same row."""
    passed = 0
    for seed in range(first_seed, first_seed + markets):
        block = null_market(NullMarketConfig(kind=kind, days=days, seed=seed))
        played = play(name, block, FREE, np.random.default_rng([seed, 5]))
        schedule = Schedule.of_closed(played.closed)
        rivals = rivals_of(schedule, block, played.rules, np.random.default_rng([seed, 6]))
        passed += rivals.chance <= NOMINAL
    return RivalRow(name, markets, passed / markets)
