"""Running mean and variance of observations, and the scaling by them. Part of every checkpoint.

Only a learner calls `update`; a policy that decides never does.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.agent.moments import Scaling, merge_rows, scale_rows
from huracan.errors import InputRefused, InvalidInput

Floats = NDArray[np.float64]
VARIANCE_FLOOR = 1e-8
STATISTICS = ("mean", "variance", "count", "lowest", "highest", "is_scaled")


class Normaliser:
    """Scales column by column to mean 0 and variance 1, clips, and turns NaN into 0 (the mean).

    `is_scaled` bool [width]: columns that stay as they are (a position's state, probabilities) are False;
    scaling a column that is nearly always 0 would blow its rare values up to the clip. They must be known:
    NaN there is refused, and an infinity everywhere.

    Once anything was seen, a scaled column that took one value only, or none, is ignored (scale 0): the
    network knows nothing about what it means when it moves.
    """

    def __init__(self, width: int, is_scaled: Sequence[bool] | None = None, clip: float = 10.0) -> None:
        self.mean: Floats = np.zeros(width)
        self.variance: Floats = np.ones(width)
        self.count: Floats = np.zeros(width)
        self.lowest: Floats = np.full(width, np.inf)
        self.highest: Floats = np.full(width, -np.inf)
        self.is_scaled = np.ones(width, bool) if is_scaled is None else np.asarray(is_scaled, bool)
        self.clip = clip
        self._every = np.arange(width, dtype=np.uintp)
        self._prepare()

    @property
    def width(self) -> int:
        return int(self.mean.size)

    def update(self, batch: NDArray[np.floating[Any]], columns: int | None = None) -> None:
        """Merges a batch [rows, columns] into the statistics of the first `columns` (all of them if None)."""
        some = slice(columns)
        numbers = (self.mean, self.variance, self.count, self.lowest, self.highest)
        merge_rows(batch, *(values[some] for values in numbers))
        self._prepare()

    def apply(
        self,
        observations: NDArray[np.floating[Any]],
        out: NDArray[np.float32] | None = None,
        columns: NDArray[np.integer] | None = None,
    ) -> NDArray[np.float32]:
        """float32 [rows, columns], finite, within +-clip; written to `out` where given.

        clip((raw - shift) * scale), NaN as 0, of the `columns` in rising order, or of all. InputRefused where
        any value is infinite, or is NaN in a column that is not scaled; InvalidInput where `out` is of
        another shape.
        """
        rows = np.ascontiguousarray(observations, dtype=np.float32)
        wanted = self._every if columns is None else columns.astype(np.uintp)
        scaled = np.empty((len(rows), wanted.size), np.float32) if out is None else out
        if scaled.shape != (len(rows), wanted.size):
            raise InvalidInput(f"`out` was {scaled.shape}.", f"Give {(len(rows), wanted.size)}.")
        scaling = Scaling(self.shift, self.scale, np.float32(self.clip), self.is_scaled, wanted)
        fault = scale_rows(rows, scaling, scaled)
        if fault >= 0:
            row, column = divmod(fault, rows.shape[1])
            raise InputRefused(
                f"Column {column} of observation {row} is {rows[row, column]}.",
                "Look for the feature or price that made it.",
            )
        return scaled

    def state(self) -> dict[str, NDArray[Any]]:
        """Copies of STATISTICS, each [width]."""
        return {name: getattr(self, name).copy() for name in STATISTICS}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Takes over what `state` gave."""
        for name in STATISTICS:
            setattr(self, name, state[name].copy())
        self._prepare()

    def _prepare(self) -> None:
        deviation = np.sqrt(np.maximum(self.variance, VARIANCE_FLOOR))
        # Of a column that was never seen, the range is empty: from infinity down.
        never_varied = (self.lowest >= self.highest) & self.count.any()
        scale = np.where(never_varied, 0.0, 1.0 / deviation)
        self.shift = np.where(self.is_scaled, self.mean, 0.0).astype(np.float32)
        self.scale = np.where(self.is_scaled, scale, 1.0).astype(np.float32)
