"""The market as a learner steps it: lanes that begin again by themselves at drawn sessions."""

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.errors import InputRefused
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.engine.lane import LANE
from huracan.market.reward import RewardTerms
from huracan.market.rules import TradingRules


@dataclass(frozen=True)
class LaneStarts:
    """How the symbol and day are drawn at which a lane begins."""

    generator: np.random.Generator
    recency_half_life_days: float | None = None
    """A day is drawn half as often as one that many days later; None: all alike."""


class TrainingLanes:
    """Batched environment over a block's sessions. Every draw comes from the generator of `starts`.

    A lane first begins anywhere in a day and then at the start of one day after another, so that at any
    moment the lanes are spread evenly over the hours.
    """

    def __init__(
        self,
        block: MarketBlock,
        rules: TradingRules,
        costs: CostAssumptions,
        lanes: int,
        starts: LaneStarts,
        reward: RewardTerms | None = None,
    ) -> None:
        lengths = np.diff(np.append(block.session_first, block.bar_count))
        self._first = block.session_first[lengths > 1]
        if self._first.size == 0:
            raise InputRefused("The block has no day of at least two bars.", "Widen the window.")
        self._chances = _chances_by_age(block.day_index[self._first], starts.recency_half_life_days)
        self._costs, self._generator = costs, starts.generator
        self.environment = MarketEnvironment(block, rules, costs, lanes, reward)
        self.action_names = self.environment.action_names
        self.observation_names = self.environment.observation_names
        self.lanes, self.action_count = lanes, len(self.action_names)
        self.observation_width = len(self.observation_names)

    def set_progress(self, share: float, cost_ramp_share: float) -> None:
        """Costs grow from 0 to their full size over the first `cost_ramp_share` of the training."""
        level = 1.0 if cost_ramp_share <= 0 else min(1.0, share / cost_ramp_share)
        multiplier = self._costs.multiplier * level
        if multiplier != self.environment.costs.multiplier:
            self.environment.set_costs(replace(self._costs, multiplier=multiplier))

    def reset(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Begins every lane; observations [lanes, width] and masks [lanes, actions]."""
        every = np.arange(self.lanes)
        self._begin(every)
        starts = self.environment.bar
        room = self.environment.block.session_last[starts] - starts
        self.environment.begin(every, self.environment.symbol, starts + self._generator.integers(0, room))
        return self.environment.observe(), self.environment.masks()

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float64], NDArray[np.bool_]]:
        """Observations, masks, rewards and whether the lane's session ended (then it has begun another)."""
        outcome = self.environment.advance(actions)
        ended = np.flatnonzero(outcome.has_ended)
        if ended.size:
            self._begin(ended)
        return self.environment.observe(), self.environment.masks(), outcome.rewards, outcome.has_ended

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """All that goes on from here: the lanes, the costs' level and the generator, as plain arrays."""
        drawn = json.dumps(self._generator.bit_generator.state, default=np.ndarray.tolist).encode()
        return {
            "lanes": np.ascontiguousarray(self.environment.state).view(np.uint8).copy(),
            "cost_multiplier": np.array([self.environment.costs.multiplier]),
            "generator": np.frombuffer(drawn, np.uint8).copy(),
        }

    def restore(self, snapshot: dict[str, NDArray[Any]]) -> None:
        """Goes on as the lanes of the snapshot would have. InputRefused where it is of other lanes."""
        if snapshot["lanes"].size != self.lanes * LANE.itemsize:
            raise InputRefused("The snapshot is of another number of lanes.", "Begin the training anew.")
        self.environment.restore(snapshot["lanes"].view(LANE))
        self.environment.set_costs(replace(self._costs, multiplier=float(snapshot["cost_multiplier"][0])))
        self._generator.bit_generator.state = json.loads(snapshot["generator"].tobytes())

    def _begin(self, lanes: NDArray[np.int64]) -> None:
        symbols = self._generator.integers(0, self.environment.block.symbol_count, lanes.size)
        days = self._generator.choice(self._first.size, lanes.size, p=self._chances)
        self.environment.begin(lanes, symbols, self._first[days])


def _chances_by_age(day_index: NDArray[np.int64], half_life_days: float | None) -> NDArray[np.float64] | None:
    if half_life_days is None:
        return None
    weights = 0.5 ** ((day_index[-1] - day_index) / half_life_days)
    return np.asarray(weights / weights.sum(), dtype=np.float64)
