"""A policy that acts by the clock and remembers nothing: each row of what it sees says where it stands."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from huracan.market.actions import HOLD_INDEX, WAIT_INDEX
from huracan.market.block import MarketBlock
from huracan.market.policy import Decision


class Timetable:
    """Does what `script` int [decisions, symbols] says, and nothing where its mask forbids that."""

    def __init__(self, script: NDArray[np.int64]) -> None:
        self._script = script

    @staticmethod
    def told(block: MarketBlock) -> MarketBlock:
        """The block, whose two features are the number of the decision and of the symbol."""
        places = np.meshgrid(np.arange(block.decision_count), np.arange(block.symbol_count))
        features = np.stack(places, axis=2).astype(np.float32)
        return replace(block, feature_names=("decision", "symbol"), features=features)

    def decide(self, observations: NDArray[np.float32], masks: NDArray[np.bool_]) -> Decision:
        at, symbol = observations[:, :2].astype(np.int64).T
        rows, actions = np.arange(at.size), self._script[at, symbol]
        idle = np.where(masks[:, WAIT_INDEX], WAIT_INDEX, HOLD_INDEX)
        nothing = np.zeros(masks.shape, np.float32)
        return Decision(
            np.where(masks[rows, actions], actions, idle),
            *(nothing, nothing, nothing[:, :0], nothing, nothing[:, 0]),
        )
