"""Running mean and variance of observations, and the scaling by them. Part of every checkpoint."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
VARIANCE_FLOOR = 1e-8


class Normaliser:
    """Scales column by column to mean 0 and variance 1, clips, and turns NaN into 0 (the mean).

    `is_scaled` bool [width]: columns that stay as they are (a position's state, probabilities) are False;
    scaling a column that is nearly always 0 would blow its rare values up to the clip.
    """

    def __init__(self, width: int, is_scaled: Sequence[bool] | None = None, clip: float = 10.0) -> None:
        self.mean: Floats = np.zeros(width)
        self.variance: Floats = np.ones(width)
        self.count: Floats = np.zeros(width)
        self.is_scaled = np.ones(width, bool) if is_scaled is None else np.asarray(is_scaled, bool)
        self.clip = clip
        self._prepare()

    def update(self, batch: NDArray[np.floating]) -> None:
        """Merges a batch [rows, width] into the statistics, without its NaN.

        Parallel variance of Chan, Golub and LeVeque (1979): the same whatever the batches were.
        """
        values = np.asarray(batch, dtype=np.float64)
        known = np.isfinite(values)
        count = known.sum(axis=0).astype(np.float64)
        some = np.maximum(count, 1.0)
        mean = np.where(known, values, 0.0).sum(axis=0) / some
        variance = (np.where(known, values - mean, 0.0) ** 2).sum(axis=0) / some
        total = self.count + count
        safe = np.maximum(total, 1.0)
        difference = np.where(count > 0, mean - self.mean, 0.0)
        summed = self.variance * self.count + variance * count
        summed += difference**2 * self.count * count / safe
        self.mean = self.mean + difference * count / safe
        self.variance = np.where(total > 0, summed / safe, 1.0)
        self.count = total
        self._prepare()

    def restore(self, mean: Floats, variance: Floats, count: Floats, is_scaled: NDArray[np.bool_]) -> None:
        """Takes over stored statistics."""
        self.mean, self.variance, self.count, self.is_scaled = mean, variance, count, is_scaled
        self._prepare()

    def apply(self, observations: NDArray[np.floating]) -> NDArray[np.float32]:
        """float32 [rows, width], finite, within +-clip."""
        scaled: NDArray[np.float32] = (np.asarray(observations, dtype=np.float32) - self._shift) * self._scale
        np.clip(scaled, -self.clip, self.clip, out=scaled)
        np.nan_to_num(scaled, copy=False, nan=0.0)
        return scaled

    def _prepare(self) -> None:
        deviation = np.sqrt(np.maximum(self.variance, VARIANCE_FLOOR))
        self._shift = np.where(self.is_scaled, self.mean, 0.0).astype(np.float32)
        self._scale = np.where(self.is_scaled, 1.0 / deviation, 1.0).astype(np.float32)
