"""Running spread of the discounted return, by which rewards may be scaled. Part of every checkpoint.

A policy that decides never changes it; it only turns values back into the units of the reward with it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_STATE = ("carried", "moments")


class ReturnScale:
    """Divides rewards by the standard deviation of every lane's discounted return so far, and clips them.

    As VecNormalize of OpenAI's baselines does; the mean is left alone, so that no reward changes its sign.
    """

    def __init__(self, lanes: int, gamma: float, clip: float = 10.0) -> None:
        self._gamma, self._clip = gamma, clip
        self.carried: Floats = np.zeros(lanes)
        """Each lane's discounted return up to its last step."""
        self.moments: Floats = np.array([0.0, 1.0, 0.0])
        """Mean, variance and count of the discounted returns met."""

    @property
    def deviation(self) -> float:
        """What rewards are divided by."""
        return float(np.sqrt(self.moments[1] + 1e-8))

    def scale(self, rewards: Floats, ended: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Rewards [steps, lanes] scaled, after their returns are merged into the statistics."""
        returns = np.empty_like(rewards)
        for step in range(rewards.shape[0]):
            self.carried = self.carried * self._gamma + rewards[step]
            returns[step] = self.carried
            self.carried = np.where(ended[step], 0.0, self.carried)
        self._merge(returns)
        return np.clip(rewards / self.deviation, -self._clip, self._clip).astype(np.float32)

    def state(self) -> dict[str, NDArray[Any]]:
        """Copies of the lanes' returns and of the statistics."""
        return {name: getattr(self, name).copy() for name in _STATE}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Takes over what `state` gave."""
        for name in _STATE:
            setattr(self, name, state[name].copy())

    def _merge(self, returns: Floats) -> None:
        """Parallel variance of Chan, Golub and LeVeque (1979)."""
        mean, variance, count = self.moments
        total = count + returns.size
        distance = returns.mean() - mean
        summed = variance * count + returns.var() * returns.size + distance**2 * count * returns.size / total
        self.moments = np.array([mean + distance * returns.size / total, summed / total, total])
