"""The markets that are measured on: the planted one in which everybody learns, and a wide one for memory.

Peers know no masks, so an action that is illegal in a lane becomes waiting there (or holding, with a position
open). What a peer's library wants around it is in the peer's own module.
"""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.agent.normaliser import Normaliser
from huracan.market.actions import HOLD_INDEX, WAIT_INDEX
from huracan.market.block import EPOCH, MS_PER_MINUTE, MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.training_lanes import LaneStarts, TrainingLanes
from huracan.market.observation import observation_names
from huracan.market.rules import TradingRules
from huracan.proof.planted_market import BARS_PER_DAY, PlantedMarketConfig, plant_market
from huracan.regimes.model import REGIMES
from huracan.units import BASIS_POINT

CONTEST_COLUMNS = 36
_FIRST_DAY = date(2025, 1, 1)


def contest_block(symbols: int = 4, days: int = 20) -> MarketBlock:
    """A planted market of minutes, of whose features as many are seen as make 36 observation columns."""
    block = plant_market(PlantedMarketConfig(symbols=symbols, days=days)).block
    names = block.feature_names[: CONTEST_COLUMNS - len(observation_names(()))]
    return replace(
        block, feature_names=names, features=np.ascontiguousarray(block.features[:, :, : len(names)])
    )


def wide_block(symbols: int, days: int, columns: int, volatility_bps: float = 5.0) -> MarketBlock:
    """Random walks of minutes with as many features as a real recipe has, made symbol by symbol."""
    shape = (symbols, days * BARS_PER_DAY)
    generator = np.random.default_rng(1)
    features = np.empty((*shape, columns), np.float32)
    prices: dict[str, Any] = {name: np.empty(shape) for name in ("open", "high", "low", "close")}
    for index in range(symbols):
        generator.standard_normal(out=features[index], dtype=np.float32)
        returns = volatility_bps * BASIS_POINT * generator.standard_normal(shape[1])
        close = np.exp(np.cumsum(returns))
        open_ = close * np.exp(-returns)
        wick = 1.0 + BASIS_POINT * np.abs(generator.standard_normal(shape[1]))
        prices["open"][index], prices["close"][index] = open_, close
        prices["high"][index] = np.maximum(open_, close) * wick
        prices["low"][index] = np.minimum(open_, close) / wick
    open_time = (_FIRST_DAY - EPOCH).days * 86_400_000 + np.arange(shape[1]) * MS_PER_MINUTE
    return MarketBlock(
        symbols=tuple(f"W{index + 1}/USDT" for index in range(symbols)),
        feature_names=tuple(f"column_{index}" for index in range(columns)),
        open_time_ms=open_time.astype(np.int64),
        features=features,
        **prices,
        is_tradable=np.ones(shape, bool),
        is_ready=np.ones(shape, bool),
        volatility_bps=np.full(shape, volatility_bps),
        traded_value_usd=np.full(shape, 1_000_000.0),
        regime=np.zeros(shape, np.int8),
        regime_probabilities=np.full((*shape, len(REGIMES)), 1.0 / len(REGIMES), np.float32),
        day_index=(open_time // 86_400_000).astype(np.int64),
    )


class UnmaskedLanes:
    """TrainingLanes for a learner without masks. Arrays are float32 [lanes, width], rewards float32.

    With a `normaliser` the observations are scaled as Huracan's network sees them.
    """

    def __init__(
        self,
        block: MarketBlock,
        lanes: int,
        seed: int,
        *,
        costs: CostAssumptions | None = None,
        normaliser: Normaliser | None = None,
    ) -> None:
        self._inner = TrainingLanes(
            block, TradingRules(), costs or CostAssumptions(), lanes, LaneStarts(np.random.default_rng(seed))
        )
        self.lanes, self.width = lanes, self._inner.observation_width
        self.actions = self._inner.action_count
        self.set_progress = self._inner.set_progress
        self._normaliser = normaliser
        self._every = np.arange(lanes)
        self._masks = np.zeros((lanes, self.actions), bool)

    def reset(self) -> NDArray[np.float32]:
        observations, self._masks = self._inner.reset()
        return self._scaled(observations)

    def step(
        self, actions: NDArray[np.integer]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
        """Observations (of the next episode where one ended), rewards and whether the episode ended."""
        idle = np.where(self._masks[:, WAIT_INDEX], WAIT_INDEX, HOLD_INDEX)
        legal = np.where(self._masks[self._every, actions], actions, idle)
        observations, self._masks, rewards, ended = self._inner.step(legal)
        return self._scaled(observations), rewards.astype(np.float32), ended

    def _scaled(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        return observations if self._normaliser is None else self._normaliser.apply(observations)
