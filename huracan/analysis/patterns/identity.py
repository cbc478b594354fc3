"""Who is who from night to night: tonight's patterns matched to those of the library before."""

import hashlib
from collections.abc import Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.memory.embedding import EmbeddingStatistics
from huracan.analysis.memory.rows import vector_column
from huracan.analysis.outcome import Booleans, Floats
from huracan.features.naming import reordered

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


def with_features(library: pa.Table, before: tuple[str, ...] | None, after: tuple[str, ...]) -> pa.Table:
    """The library with its mean features under the names `after`, NaN where a feature was not known then.

    `before`: the names they were stored under; None where nobody knows them, and then none is known.
    """
    if before == after:
        return library
    names, rows = before or (), len(library)
    means = list_matrix(library.column("feature_means"), len(names)) if names else np.zeros((rows, 0))
    column = vector_column(reordered(means, names, after))
    return library.set_column(library.column_names.index("feature_means"), "feature_means", column)


def are_other_sides(sides: Sequence[str], known: Sequence[str | None]) -> Booleans:
    """[n, k] True where a side is not that of the known pattern. A known side None (stored before patterns
    had sides) may be either."""
    is_other = [[before not in (None, side) for before in known] for side in sides]
    return np.array(is_other, dtype=bool).reshape(len(sides), len(known))


def match_patterns(
    centroids: Floats, sides: Sequence[str], known: Floats, known_sides: Sequence[str | None]
) -> tuple[list[int | None], list[float | None]]:
    """For each centroid [n, dimensions] the row of its predecessor among `known` [k, dimensions] and their
    cosine, or None and None.

    The assignment of the largest total cosine; pairs of two sides and pairs below MINIMUM_COSINE are not the
    same pattern.
    """
    matches: list[int | None] = [None] * len(centroids)
    cosines: list[float | None] = [None] * len(centroids)
    if len(known) == 0 or len(centroids) == 0:
        return matches, cosines
    from scipy.optimize import linear_sum_assignment

    table = centroids @ known.T
    is_other = are_other_sides(sides, known_sides)
    table = np.where(is_other | (table < MINIMUM_COSINE), 0.0, table)
    for row, column in zip(*linear_sum_assignment(-table), strict=True):
        if table[row, column] > 0.0:
            matches[row], cosines[row] = int(column), float(table[row, column])
    return matches, cosines


def new_identity(centroid: Floats, side: str, day: date) -> str:
    """The identity of a pattern first seen on `day`: the same for the same centroid, side and day."""
    content = f"{day.isoformat()} {side} {np.round(centroid, 3).tolist()}"
    return "pattern-" + hashlib.sha256(content.encode()).hexdigest()[:10]
