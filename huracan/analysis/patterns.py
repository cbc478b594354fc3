"""Recurring entry contexts and what came of them: clusters of the memory with identities that last.

Numbers are in sample: they say what a pattern was, not what it will be. Matching by night is in
`pattern_identity`.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.embedding import EmbeddingStatistics, entry_features
from huracan.analysis.outcome import Floats, Integers, as_milliseconds, floats, milliseconds
from huracan.analysis.pattern_identity import match_patterns, new_identity
from huracan.candles.schema import day_end

CANDIDATE, RELIABLE, DEGRADED, RETIRED = "candidate", "reliable", "degraded", "retired"

PATTERNS_SCHEMA = pa.schema(
    [
        ("day", pa.date32()),
        ("pattern_id", pa.string()),
        ("name", pa.string()),
        ("state", pa.string()),  # candidate | reliable | degraded | retired
        ("trades", pa.int64()),
        ("wins", pa.int64()),
        ("win_rate", pa.float64()),
        ("win_rate_low", pa.float64()),  # Wilson interval, 90 %
        ("win_rate_high", pa.float64()),
        ("mean_net_bps", pa.float64()),
        ("mean_net_standard_error_bps", pa.float64()),
        ("mean_holding_minutes", pa.float64()),
        ("max_drawdown_bps", pa.float64()),  # of the summed net results, >= 0
        ("profit_factor", pa.float64()),  # null without a loss
        ("main_regime", pa.string()),
        ("first_seen_day", pa.date32()),
        ("last_seen_day", pa.date32()),
        ("match_cosine", pa.float64()),  # to the same pattern of the night before; null for a new one
        ("embedding_version", pa.string()),
        ("centroid", pa.list_(pa.float32())),
        ("feature_means", pa.list_(pa.float32())),
    ]
)


@dataclass(frozen=True)
class PatternConfig:
    """Sizes of the clustering and the rule of the states."""

    minimum_trades: int = 60
    trades_per_pattern: int = 40
    maximum_patterns: int = 12
    seed: int = 7
    reliable_trades: int = 30
    reliable_score: float = 2.33
    """Mean net over its standard error (one-sided 1 %)."""
    retired_days: int = 30
    """A pattern not seen for longer is dropped from the library."""


@dataclass(frozen=True)
class PatternLibrary:
    """The table (PATTERNS_SCHEMA, by identity) and one sentence about it, also when it is empty."""

    table: pa.Table
    note: str


def pattern_library(
    memory: pa.Table,
    statistics: EmbeddingStatistics,
    day: date,
    previous: pa.Table | None = None,
    config: PatternConfig | None = None,
) -> PatternLibrary:
    """The library of `day` from the memory's rows (MEMORY_SCHEMA) closed up to `day` 24:00.

    Later rows are not looked at. Entry features are embedded with `statistics`, whatever version the rows
    were stored with, so that all vectors are comparable. `previous`: the library of the night before.
    """
    config = config or PatternConfig()
    known = memory.filter(pa.array(milliseconds(memory, "closed_at") <= as_milliseconds(day_end(day))))
    known = known.sort_by([("closed_at", "ascending"), ("trade_id", "ascending")])
    if known.num_rows < config.minimum_trades:
        kept = [] if previous is None else _retired(previous, set(), day, config)
        note = f"{known.num_rows} closed trades; patterns are looked for from {config.minimum_trades} on."
        return PatternLibrary(_library(kept), note)
    rows = entry_features(known, statistics.feature_names)
    vectors = statistics.embed(rows).astype(np.float64)
    labels, centroids = _cluster(vectors, config)
    matches, cosines = match_patterns(centroids, previous, statistics)
    scores = statistics.standardise(rows)
    found: list[dict[str, Any]] = []
    for pattern, centroid in enumerate(centroids):
        match = matches[pattern]
        before = None if previous is None or match is None else previous.slice(match, 1).to_pylist()[0]
        members = labels == pattern
        numbers = _numbers(known.filter(pa.array(members)))
        found.append(
            {
                "day": day,
                "pattern_id": before["pattern_id"] if before else new_identity(centroid, day),
                "name": _name(scores[members].mean(axis=0) - scores.mean(axis=0), statistics.feature_names),
                "state": _state(numbers, before, config),
                **numbers,
                "first_seen_day": before["first_seen_day"] if before else day,
                "last_seen_day": day,
                "match_cosine": cosines[pattern],
                "embedding_version": statistics.version,
                "centroid": centroid.tolist(),
                "feature_means": _means(rows[members]),
            }
        )
    if previous is not None:
        found += _retired(previous, {row["pattern_id"] for row in found}, day, config)
    reliable = sum(row["state"] == RELIABLE for row in found)
    note = f"{len(centroids)} patterns in {known.num_rows} closed trades, {reliable} reliable."
    return PatternLibrary(_library(found), note)


def _cluster(vectors: Floats, config: PatternConfig) -> tuple[Integers, Floats]:
    """Labels [n] and centroids of length one [patterns, dimensions]; no pattern is empty."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    distinct = len(np.unique(vectors, axis=0))
    wanted = int(np.clip(len(vectors) // config.trades_per_pattern, 2, config.maximum_patterns))
    # One thread: the order of the sums, and so the last bits, would depend on the number of cores.
    with threadpool_limits(limits=1):
        model = KMeans(min(wanted, distinct), n_init=4, random_state=config.seed, algorithm="lloyd")
        labels = model.fit_predict(vectors)
    used, labels = np.unique(labels, return_inverse=True)
    centroids = np.stack([vectors[labels == place].mean(axis=0) for place in range(len(used))])
    lengths = np.maximum(np.linalg.norm(centroids, axis=1, keepdims=True), 1e-12)
    return labels.astype(np.int64), centroids / lengths


def _numbers(trades: pa.Table) -> dict[str, Any]:
    """What a pattern's trades made, in the order in which they closed."""
    net = floats(trades, "net_bps")
    count, wins = len(net), int(np.sum(net > 0))
    low, high = wilson_interval(wins, count)
    curve = np.concatenate([[0.0], np.cumsum(net)])
    lost = -float(net[net < 0].sum())
    regimes = pc.value_counts(trades.column("regime")).to_pylist()
    main = min(regimes, key=lambda entry: (-entry["counts"], str(entry["values"])))
    return {
        "trades": count,
        "wins": wins,
        "win_rate": wins / count,
        "win_rate_low": low,
        "win_rate_high": high,
        "mean_net_bps": float(net.mean()),
        "mean_net_standard_error_bps": float(net.std(ddof=1) / np.sqrt(count)) if count > 1 else None,
        "mean_holding_minutes": float(floats(trades, "holding_minutes").mean()),
        "max_drawdown_bps": float(np.max(np.maximum.accumulate(curve) - curve)),
        "profit_factor": float(net[net > 0].sum()) / lost if lost > 0 else None,
        "main_regime": main["values"],
    }


def wilson_interval(wins: int, count: int, z: float = 1.645) -> tuple[float, float]:
    """Interval of a win rate (Wilson 1927), 90 % by default. `count` must be positive."""
    rate, weight = wins / count, z * z / count
    middle = (rate + weight / 2) / (1 + weight)
    half = z / (1 + weight) * float(np.sqrt(rate * (1 - rate) / count + weight / (4 * count)))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def _state(numbers: dict[str, Any], before: dict[str, Any] | None, config: PatternConfig) -> str:
    """Reliable with enough trades and a mean net clearly above zero; degraded when it was and is not."""
    error = numbers["mean_net_standard_error_bps"]
    is_clear = error is not None and numbers["mean_net_bps"] > config.reliable_score * error
    if numbers["trades"] >= config.reliable_trades and is_clear and numbers["mean_net_bps"] > 0:
        return RELIABLE
    return DEGRADED if before is not None and before["state"] in (RELIABLE, DEGRADED) else CANDIDATE


def _retired(previous: pa.Table, found: set[str], day: date, config: PatternConfig) -> list[dict[str, Any]]:
    """The previous library's patterns that were not found tonight, kept for some days with their numbers."""
    oldest = day - timedelta(days=config.retired_days)
    return [
        {**row, "day": day, "state": RETIRED, "match_cosine": None}
        for row in previous.to_pylist()
        if row["pattern_id"] not in found and row["last_seen_day"] >= oldest
    ]


def _library(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(sorted(rows, key=lambda row: row["pattern_id"]), schema=PATTERNS_SCHEMA)


def _name(marks: Floats, feature_names: tuple[str, ...]) -> str:
    """The two features that differ most from all trades, as `high x, low y`."""
    order = np.argsort(-np.abs(marks), kind="stable")[:2]
    return ", ".join(f"{'high' if marks[place] > 0 else 'low'} {feature_names[place]}" for place in order)


def _means(rows: npt.NDArray[np.float32]) -> list[float]:
    """Mean of each feature over its known values; NaN where none is known."""
    known = np.isfinite(rows)
    total = np.where(known, rows, 0.0).sum(axis=0, dtype=np.float64)
    counts = known.sum(axis=0)
    means = np.divide(total, counts, out=np.full(rows.shape[1], np.nan), where=counts > 0)
    return [float(value) for value in means]
