"""Which known patterns an entry resembles: part of the trace of a decision.

The library is that of the day before; what the policy itself is told of it is in `context`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.memory.embedding import EmbeddingStatistics
from huracan.analysis.outcome import Floats
from huracan.analysis.patterns.identity import are_other_sides, previous_centroids
from huracan.analysis.patterns.table import RETIRED, current_library

SHOWN = 3
"""Patterns kept for each entry."""


@dataclass(frozen=True, eq=False)
class NamedPatterns:
    """A library's patterns by their identities, in the vector space of `statistics`."""

    statistics: EmbeddingStatistics
    identities: tuple[str, ...]
    sides: tuple[str | None, ...]
    """None of a library from before patterns had sides: then it may be either."""
    centroids: Floats
    """[patterns, dimensions] of length one."""

    @staticmethod
    def of(library: pa.Table, statistics: EmbeddingStatistics) -> "NamedPatterns":
        """The patterns of `library` (PATTERNS_SCHEMA) that are not retired; it may be empty."""
        found = current_library(library)
        found = found.filter(pc.not_equal(found["state"], RETIRED))
        identities, sides = (tuple(found[name].to_pylist()) for name in ("pattern_id", "side"))
        return NamedPatterns(statistics, identities, sides, previous_centroids(found, statistics))

    def as_plain(self) -> dict[str, object]:
        """Plain JSON values, and `from_plain` their inverse, to the bit."""
        return {
            "embedding": json.loads(self.statistics.to_json()),
            "identities": list(self.identities),
            "sides": list(self.sides),
            "centroids": self.centroids.tolist(),
        }

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> "NamedPatterns":
        """InvalidInput where the embedding is damaged."""
        statistics = EmbeddingStatistics.from_json(json.dumps(plain["embedding"]))
        shape = (len(plain["identities"]), statistics.dimensions)
        centroids = np.array(plain["centroids"], dtype=np.float64).reshape(shape)
        return NamedPatterns(statistics, tuple(plain["identities"]), tuple(plain["sides"]), centroids)

    def nearest(
        self, rows: npt.NDArray[np.float32], sides: npt.NDArray[np.object_]
    ) -> tuple[pa.Array, pa.Array]:
        """Per feature row of [n, features] up to three identities, nearest first, and their cosines.

        Only patterns of the entry's side (`sides` [n], long or short) whose cosine is above 0. A row's answer
        depends on that row and its side alone.
        """
        shown = min(SHOWN, len(self.identities))
        cosines = self.statistics.embed(rows).astype(np.float64) @ self.centroids.T
        cosines = np.where(are_other_sides(sides.tolist(), self.sides), 0.0, cosines)
        order = np.argsort(-cosines, axis=1, kind="stable")[:, :shown]
        chosen = np.take_along_axis(cosines, order, axis=1)
        is_alike = chosen > 0.0
        ends = np.concatenate([[0], np.cumsum(is_alike.sum(axis=1))]).astype(np.int32)
        names = pa.array(self.identities, pa.string()).take(pa.array(order[is_alike]))
        numbers = pa.array(chosen[is_alike].astype(np.float32))
        return pa.ListArray.from_arrays(ends, names), pa.ListArray.from_arrays(ends, numbers)
