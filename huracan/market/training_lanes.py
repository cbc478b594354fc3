"""The market as a learner steps it: lanes that begin again by themselves at drawn sessions."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from huracan.errors import InputRefused
from huracan.market.actions import ACTIONS
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.environment import MarketEnvironment
from huracan.market.rules import TradingRules


class TrainingLanes:
    """Batched environment over a block's sessions. Every draw comes from `generator`.

    A lane first begins anywhere in a day and then at the start of one day after another, so that at any
    moment the lanes are spread evenly over the hours.
    """

    def __init__(
        self,
        block: MarketBlock,
        rules: TradingRules,
        costs: CostAssumptions,
        lanes: int,
        generator: np.random.Generator,
    ) -> None:
        lengths = np.diff(np.append(block.session_first, block.bar_count))
        self._first = block.session_first[lengths > 1]
        if self._first.size == 0:
            raise InputRefused("The block has no day of at least two bars.", "Widen the window.")
        self._costs, self._generator = costs, generator
        self.environment = MarketEnvironment(block, rules, costs, lanes)
        self.lanes, self.action_count = lanes, len(ACTIONS)
        self.observation_width = len(self.environment.observation_names)

    def set_progress(self, share: float, cost_ramp_share: float) -> None:
        """Costs grow from 0 to their full size over the first `cost_ramp_share` of the training."""
        level = 1.0 if cost_ramp_share <= 0 else min(1.0, share / cost_ramp_share)
        if level != self.environment.costs.multiplier / max(self._costs.multiplier, 1e-12):
            self.environment.set_costs(replace(self._costs, multiplier=self._costs.multiplier * level))

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

    def _begin(self, lanes: NDArray[np.int64]) -> None:
        symbols = self._generator.integers(0, self.environment.block.symbol_count, lanes.size)
        days = self._generator.integers(0, self._first.size, lanes.size)
        self.environment.begin(lanes, symbols, self._first[days])
