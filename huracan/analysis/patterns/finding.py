"""Tonight's clusters of entry contexts as rows of the library: their numbers, names and identities."""

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from huracan.analysis.memory.embedding import EmbeddingStatistics, entry_features
from huracan.analysis.outcome import Floats
from huracan.analysis.patterns.clusters import cluster_entries
from huracan.analysis.patterns.config import PatternConfig
from huracan.analysis.patterns.evidence import nothing_forward
from huracan.analysis.patterns.identity import match_patterns, new_identity, previous_centroids
from huracan.analysis.patterns.numbers import mean_features, pattern_name, pattern_numbers
from huracan.analysis.patterns.table import PATTERNS_SCHEMA, RETIRED
from huracan.analysis.patterns.trials import no_trials

Row = dict[str, Any]


def find_patterns(
    known: pa.Table, statistics: EmbeddingStatistics, day: date, judged: list[Row], config: PatternConfig
) -> list[Row]:
    """Tonight's clusters of both sides under the identities they had, new ones numbered on.

    `known` (MEMORY_SCHEMA): the trades closed by the day's end, in the order in which they closed; `judged`:
    the rows of the library before (PATTERNS_SCHEMA). None where there are too few trades. The rows have no
    state of tonight yet.
    """
    if known.num_rows < config.minimum_trades:
        return []
    features = entry_features(known, statistics.feature_names)
    vectors, scores = statistics.embed(features).astype(np.float64), statistics.standardise(features)
    before: Floats = np.zeros((0, statistics.dimensions))
    if judged:
        before = previous_centroids(pa.Table.from_pylist(judged, schema=PATTERNS_SCHEMA), statistics)
    sides, found = np.array(known["side"].to_pylist()), []
    for side in np.unique(sides).tolist():
        own = np.flatnonzero(sides == side)
        starts = [n for n, row in enumerate(judged) if row["side"] == side and row["state"] != RETIRED]
        labels, centroids = cluster_entries(vectors[own], before[starts], config)
        trades = known.take(own)
        for label, centroid in enumerate(centroids):
            members = labels == label
            found.append(
                {
                    "side": side,
                    "name": pattern_name(side, trades, scores[own], members, statistics.feature_names),
                    **pattern_numbers(trades.filter(pa.array(members))),
                    "last_seen_day": day,
                    "embedding_version": statistics.version,
                    "centroid": centroid.tolist(),
                    "feature_means": mean_features(features[own][members]),
                }
            )
    return _with_identities(found, judged, before, day)


def _with_identities(found: list[Row], judged: list[Row], before: Floats, day: date) -> list[Row]:
    centroids = np.array([row["centroid"] for row in found])
    sides = [row["side"] for row in found]
    matches, cosines = match_patterns(centroids, sides, before, [row["side"] for row in judged])
    number = max([row["number"] for row in judged], default=0)
    named = []
    # Those that most trades are in are named first: a later name needs more evidence.
    for index in sorted(range(len(found)), key=lambda n: (-found[n]["trades"], sides[n], n)):
        match, row = matches[index], {**found[index], "match_cosine": cosines[index]}
        if match is None:
            number += 1
            identity = new_identity(centroids[index], sides[index], day)
            past = {"pattern_id": identity, "number": number, "first_seen_day": day, "state": None}
            past |= nothing_forward() | no_trials()
        else:
            past = judged[match]
        named.append({**dict.fromkeys(PATTERNS_SCHEMA.names), **past, **row})
    return named
