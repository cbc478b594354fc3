"""The market as a learner steps it: lanes that begin again by themselves at drawn moments."""

import json
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.durations import Duration, minutes_of
from huracan.errors import InputRefused
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.engine.lane import LANE
from huracan.market.reward import RewardTerms
from huracan.market.rules import TradingRules


@dataclass(frozen=True)
class LaneStarts:
    """How it is drawn where a lane begins and for how long it trades."""

    generator: np.random.Generator
    episode: Duration = "1d"
    """Lengths are drawn evenly from half to one and a half of it, so that lanes do not end together."""
    recency_half_life_days: float | None = None
    """A day is drawn half as often as one that many days later; None: all alike."""


class TrainingLanes:
    """Batched environment over a block. Every draw comes from the generator of `starts`.

    A lane begins flat at the close of any decision bar of any symbol and runs over midnights, to the end of
    its drawn length or of the block. That ends no position: what it saw last is told by `cut`.
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
        if block.decision_count < 2:
            raise InputRefused("The block has no two decisions.", "Widen the window.")
        self._closes = block.decision_closes
        self._below = _chances_below(block.day_index[self._closes[:-1]], starts.recency_half_life_days)
        decisions = minutes_of(starts.episode) / (block.bar_minutes * block.decision_bars)
        self._lengths = max(1, math.ceil(decisions / 2)), max(1, math.floor(1.5 * decisions))
        self._costs, self._generator = costs, starts.generator
        self.environment = MarketEnvironment(block, rules, costs, lanes, reward)
        self.action_names = self.environment.action_names
        self.observation_names = self.environment.observation_names
        self.lanes, self.action_count = lanes, len(self.action_names)
        self.observation_width = len(self.observation_names)
        self._nobody = np.zeros(0, np.int64), np.zeros((0, self.observation_width), np.float32)
        self._cut = self._nobody

    def set_progress(self, share: float, cost_ramp_share: float) -> None:
        """Costs grow from 0 to their full size over the first `cost_ramp_share` of the training."""
        level = 1.0 if cost_ramp_share <= 0 else min(1.0, share / cost_ramp_share)
        multiplier = self._costs.multiplier * level
        if multiplier != self.environment.costs.multiplier:
            self.environment.set_costs(replace(self._costs, multiplier=multiplier))

    def reset(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Begins every lane; observations [lanes, width] and masks [lanes, actions]."""
        # As if each had been trading for a while.
        self._begin(np.arange(self.lanes), 1.0 - self._generator.random(self.lanes))
        return self.environment.observe(), self.environment.masks()

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float64], NDArray[np.bool_]]:
        """Observations, masks, rewards and whether the lane's episode ended (then it has begun another)."""
        outcome = self.environment.advance(actions)
        ended = np.flatnonzero(outcome.has_ended)
        self._cut = self._nobody
        if ended.size:
            self._cut = ended, self.environment.observe_only(ended)
            self._begin(ended)
        return self.environment.observe(), self.environment.masks(), outcome.rewards, outcome.has_ended

    def cut(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The lanes [n] that the last step ended, and what they saw at their end [n, width]."""
        return self._cut

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

    def _begin(self, lanes: NDArray[np.int64], left: NDArray[np.float64] | float = 1.0) -> None:
        """At drawn symbols and decisions, to the end of what is `left` of a drawn length, or of the block."""
        symbol, decision, length = self._generator.random((3, lanes.size))
        symbols = (symbol * self.environment.block.symbol_count).astype(np.int64)
        first = np.searchsorted(self._below, decision, side="right")
        shortest, longest = self._lengths
        lengths = np.ceil(left * (shortest + np.floor(length * (longest - shortest + 1)))).astype(np.int64)
        last = np.minimum(first + lengths, self._closes.size - 1)
        self.environment.begin(lanes, symbols, self._closes[first], ends=self._closes[last])


def _chances_below(day_index: NDArray[np.int64], half_life_days: float | None) -> NDArray[np.float64]:
    """Of a decision on each of these days: the share of the draws that fall on it or earlier, up to 1."""
    age = (day_index[-1] - day_index) / (np.inf if half_life_days is None else half_life_days)
    below = np.cumsum(0.5**age)
    # Divided by itself the last is 1 exactly, which no draw reaches.
    return np.asarray(below / below[-1], dtype=np.float64)
