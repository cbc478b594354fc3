"""Entry contexts of one side grouped into clusters that begin where those of the night before ended."""

import numpy as np

from huracan.analysis.outcome import Floats, Integers
from huracan.analysis.patterns.config import PatternConfig


def cluster_entries(vectors: Floats, known: Floats, config: PatternConfig) -> tuple[Integers, Floats]:
    """Labels [n] and centroids of length one [patterns, dimensions]; no pattern is empty.

    `vectors` [n, dimensions] of length one, n at least 1. K-means (Lloyd) that starts from the `known`
    centroids [k, dimensions] and, where more are wanted, from the entries that lie farthest from all of
    them: so a cluster moves from night to night and does not jump.
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    wanted = int(np.clip(len(vectors) // config.trades_per_pattern, 1, config.maximum_patterns))
    wanted = min(wanted, len(np.unique(vectors, axis=0)))
    # One thread: the order of the sums, and so the last bits, would depend on the number of cores.
    with threadpool_limits(limits=1):
        if len(known):
            model = KMeans(wanted, init=_beginnings(vectors, known, wanted), n_init=1, algorithm="lloyd")
        else:
            model = KMeans(wanted, n_init=4, random_state=config.seed, algorithm="lloyd")
        labels = model.fit_predict(vectors)
    used, labels = np.unique(labels, return_inverse=True)
    centroids = np.stack([vectors[labels == index].mean(axis=0) for index in range(len(used))])
    lengths = np.maximum(np.linalg.norm(centroids, axis=1, keepdims=True), 1e-12)
    return labels.astype(np.int64), centroids / lengths


def _beginnings(vectors: Floats, known: Floats, wanted: int) -> Floats:
    """[wanted, dimensions]: the known centroids that most entries are nearest to, then far entries."""
    nearest = np.argmax(vectors @ known.T, axis=1)
    popular = np.argsort(-np.bincount(nearest, minlength=len(known)), kind="stable")
    begin = [known[index] for index in popular[:wanted]]
    while len(begin) < wanted:
        cosines = (vectors @ np.stack(begin).T).max(axis=1)
        begin.append(vectors[int(np.argmin(cosines))])
    return np.stack(begin)
