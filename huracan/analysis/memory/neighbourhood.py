"""How far the trades that look alike can be relied upon. Finding them is the memory's work, not done here."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from huracan.analysis.outcome import Floats, Integers, floats, milliseconds
from huracan.candles.schema import TIME

HALF_LIFE_DAYS = 180.0
"""After so long a trade says half as much about the next one like it."""

LEAST_SIMILARITY = 0.3
"""The cosine from which on a trade counts as one like it."""

_DAY_MS = 86_400_000

NEIGHBOURS_SCHEMA = pa.schema(
    [
        ("query", pa.int64()),  # row of the batch that was searched with
        ("rank", pa.int64()),  # 1 is the nearest
        ("trade_id", pa.string()),
        ("symbol", pa.string()),
        ("regime", pa.string()),
        ("closed_at", TIME),
        ("similarity", pa.float64()),  # cosine
        ("net_bps", pa.float64()),
        ("is_winner", pa.bool_()),
    ]
)
"""Similar trades of a batch of queries, in the order of query and rank."""


@dataclass(frozen=True, eq=False)
class Neighbourhoods:
    """Arrays [queries]. NaN where a query has no neighbour (the prior alone gives the interval)."""

    count: Integers
    effective_trades: Floats
    """Kish's effective sample size of the weights (similarity, recency): (sum w)^2 / sum w^2."""
    win_probability: Floats
    """Mean of the Beta posterior."""
    win_probability_low: Floats
    win_probability_high: Floats
    mean_net_bps: Floats
    """Weighted by similarity and recency."""


def no_neighbours() -> pa.Table:
    """An empty table of neighbours: the memory's answer on the first night."""
    return NEIGHBOURS_SCHEMA.empty_table()


def judge_neighbourhoods(
    neighbours: pa.Table,
    as_of_ms: Integers,
    *,
    minimum_similarity: float = LEAST_SIMILARITY,
    half_life_days: float = HALF_LIFE_DAYS,
    prior_trades: float = 2.0,
    confidence: float = 0.9,
) -> Neighbourhoods:
    """Reliability per query from NEIGHBOURS_SCHEMA; neighbours less alike than the minimum do not count.

    `as_of_ms` [queries] is when each query was made. A neighbour weighs its cosine, halved for every
    half-life since it closed: markets change. With effective size n and weighted win rate p the posterior is
    Beta(a + n p, a + n (1 - p)), a = prior_trades / 2 (2 is the uniform prior): mean and central interval.
    """
    queries = len(as_of_ms)
    from scipy.stats import beta

    similarity = floats(neighbours, "similarity")
    keep = similarity >= minimum_similarity
    query = neighbours.column("query").to_numpy()[keep]
    age_days = (as_of_ms[query] - milliseconds(neighbours, "closed_at")[keep]) / _DAY_MS
    weights = similarity[keep] * 0.5 ** (age_days / half_life_days)
    wins = neighbours.column("is_winner").to_numpy()[keep].astype(np.float64)
    net_bps = floats(neighbours, "net_bps")[keep]

    def total(values: Floats) -> Floats:
        return np.bincount(query, weights=values, minlength=queries).astype(np.float64)

    count = np.bincount(query, minlength=queries).astype(np.int64)
    weight = total(weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        effective = np.where(count > 0, weight**2 / total(weights**2), 0.0)
        win_rate = np.where(count > 0, total(weights * wins) / weight, 0.0)
        mean_net_bps = np.asarray(total(weights * net_bps) / weight, dtype=np.float64)
    alpha = prior_trades / 2 + effective * win_rate
    beta_ = prior_trades / 2 + effective * (1.0 - win_rate)
    tail = (1.0 - confidence) / 2
    return Neighbourhoods(
        count=count,
        effective_trades=effective,
        win_probability=np.where(count > 0, alpha / (alpha + beta_), np.nan),
        win_probability_low=np.asarray(beta.ppf(tail, alpha, beta_), dtype=np.float64),
        win_probability_high=np.asarray(beta.ppf(1.0 - tail, alpha, beta_), dtype=np.float64),
        mean_net_bps=mean_net_bps,
    )
