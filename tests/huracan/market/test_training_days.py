"""Which days a training draws: all alike, or the recent ones more often."""

import numpy as np
import pytest

from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.training_lanes import LaneStarts, TrainingLanes
from huracan.market.rules import TradingRules

LANES = 40_000


def _share_of_days(block: MarketBlock, half_life_days: float | None) -> np.ndarray:
    starts = LaneStarts(np.random.default_rng(3), half_life_days)
    lanes = TrainingLanes(block, TradingRules(), CostAssumptions(), LANES, starts)
    lanes.reset()
    days = np.searchsorted(block.day_first, lanes.environment.bar, side="right") - 1
    return np.bincount(days, minlength=block.day_first.size) / LANES


def test_without_a_half_life_all_days_are_drawn_alike(random_market) -> None:
    block = random_market(3, bars=320)
    shares = _share_of_days(block, None)
    assert shares == pytest.approx(np.full(shares.size, 1.0 / shares.size), abs=0.03)


def test_a_day_one_half_life_older_is_drawn_half_as_often(random_market) -> None:
    shares = _share_of_days(random_market(3, bars=320), 1.0)
    assert shares[1:] / shares[:-1] == pytest.approx(np.full(shares.size - 1, 2.0), rel=0.15)
