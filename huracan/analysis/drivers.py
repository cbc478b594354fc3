"""Which features of its entry stand out in a trade, and by how much. Not a causal claim."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.embedding import EmbeddingStatistics, entry_features
from huracan.analysis.outcome import Floats
from huracan.analysis.row_text import json_lists, json_objects

TOP_DRIVERS = 5


def feature_weights(feature_names: tuple[str, ...], importance: pa.Table | None) -> Floats:
    """Weights [features] from the table feature_importance (columns feature, permutation_importance, gain).

    Permutation importance where any of it is positive, else gain, scaled to a maximum of 1. All ones where
    neither says anything, so that a trade's drivers are then its most unusual features.
    """
    ones = np.ones(len(feature_names))
    if importance is None or importance.num_rows == 0:
        return ones
    names = importance.column("feature").to_pylist()
    for measure in ("permutation_importance", "gain"):
        values = dict(zip(names, importance.column(measure).to_pylist(), strict=True))
        weights = np.array([max(values.get(name) or 0.0, 0.0) for name in feature_names])
        if np.any(weights > 0):
            return np.asarray(weights / weights.max(), dtype=np.float64)
    return ones


def top_drivers(
    trades: pa.Table, statistics: EmbeddingStatistics, importance: pa.Table | None
) -> tuple[pa.Array, pa.Array]:
    """Per trade the largest contributions (standard deviations from the mean x weight), by absolute value.

    Returns JSON lists of {feature, standard_deviations, contribution} and the first three names as text.
    """
    rows = len(trades)
    scores = statistics.standardise(entry_features(trades, statistics.feature_names))
    contributions = scores * feature_weights(statistics.feature_names, importance)
    order = np.argsort(-np.abs(contributions), axis=1, kind="stable")[:, :TOP_DRIVERS]
    names = pa.array(statistics.feature_names, pa.string())
    objects, top = [], []
    for place in range(order.shape[1]):
        chosen = order[:, place]
        name = names.take(pa.array(chosen))
        parts = {
            "feature": name,
            "standard_deviations": scores[np.arange(rows), chosen],
            "contribution": contributions[np.arange(rows), chosen],
        }
        objects.append(json_objects(parts, rows))
        top.append(name)
    summary = pc.binary_join_element_wise(*top[:3], ", ") if top else pa.array([""] * rows, pa.string())
    return json_lists(objects, rows), summary
