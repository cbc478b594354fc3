"""Who is who from night to night: tonight's patterns matched to those of the library before."""

import hashlib
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.embedding import EmbeddingStatistics
from huracan.analysis.outcome import Floats

MINIMUM_COSINE = 0.7
"""Centroids less alike than this are different patterns."""


def list_matrix(column: pa.ChunkedArray, width: int) -> Floats:
    """A column of equally long lists as float64 [rows, width]."""
    flat = pc.fill_null(pc.list_flatten(column.combine_chunks()), float("nan"))
    return np.asarray(flat.to_numpy(zero_copy_only=False), dtype=np.float64).reshape(len(column), width)


def previous_centroids(previous: pa.Table, statistics: EmbeddingStatistics) -> Floats:
    """Centroids [patterns, dimensions] of the library before, in tonight's vector space.

    Those of another embedding version are embedded again from their mean features.
    """
    stored = list_matrix(previous.column("centroid"), statistics.dimensions)
    means = list_matrix(previous.column("feature_means"), len(statistics.feature_names))
    is_same = pc.equal(previous.column("embedding_version"), statistics.version)
    same = is_same.to_numpy(zero_copy_only=False).astype(bool)
    return np.where(same[:, None], stored, statistics.embed(means).astype(np.float64))


def match_patterns(
    centroids: Floats, previous: pa.Table | None, statistics: EmbeddingStatistics
) -> tuple[list[int | None], list[float | None]]:
    """For each centroid the row of its predecessor in `previous` with their cosine, or None.

    The assignment of the largest total cosine; pairs below MINIMUM_COSINE are not the same pattern.
    """
    matches: list[int | None] = [None] * len(centroids)
    cosines: list[float | None] = [None] * len(centroids)
    if previous is None or previous.num_rows == 0:
        return matches, cosines
    from scipy.optimize import linear_sum_assignment

    table = centroids @ previous_centroids(previous, statistics).T
    for row, column in zip(*linear_sum_assignment(-table), strict=True):
        if table[row, column] >= MINIMUM_COSINE:
            matches[row], cosines[row] = int(column), float(table[row, column])
    return matches, cosines


def new_identity(centroid: Floats, day: date) -> str:
    """The identity of a pattern first seen on `day`: the same for the same centroid and day."""
    content = f"{day.isoformat()} {np.round(centroid, 3).tolist()}"
    return "pattern-" + hashlib.sha256(content.encode()).hexdigest()[:10]
