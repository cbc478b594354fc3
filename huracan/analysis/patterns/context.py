"""What the pattern library in force knows of each bar: part of what the policy observes.

A bar is compared with the library of the night whose brain decides at its close, and with no other. The
library itself is made in `library`; nothing is fitted here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.memory.embedding import EmbeddingStatistics
from huracan.analysis.outcome import Floats, floats
from huracan.analysis.patterns.identity import previous_centroids
from huracan.analysis.patterns.table import RETIRED
from huracan.market.block import PATTERN_CONTEXT, MarketBlock
from huracan.market.handover import as_date, brain_days
from huracan.market.ledger import SHORT

PRIOR_TRADES = 30.0
"""At so many trades a pattern is half relied upon."""
NET_UNIT_BPS = 100.0


@dataclass(frozen=True, eq=False)
class KnownPatterns:
    """One library, made ready for comparing: P patterns in the vector space of `statistics`."""

    statistics: EmbeddingStatistics
    centroids: Floats
    """[P, dimensions] of length one."""
    outcomes: Floats
    """[P, 2] win rate - 0.5 and mean net in bps / 100; with the other sign for a pattern of short entries, so
    that what speaks for a long entry is positive, whichever side found it."""
    trust: Floats
    """[P] trades / (trades + PRIOR_TRADES)"""

    @staticmethod
    def of(library: pa.Table, statistics: EmbeddingStatistics) -> "KnownPatterns":
        """The patterns of `library` (PATTERNS_SCHEMA) that its night found; retired ones are left out.

        `statistics` are those that the library was made with; a pattern of another version is embedded anew
        from its mean features. A library may be empty.
        """
        found = library.filter(pc.not_equal(library["state"], RETIRED))
        trades = floats(found, "trades")
        outcomes = (floats(found, "win_rate") - 0.5, floats(found, "mean_net_bps") / NET_UNIT_BPS)
        direction = np.where(np.array(found["side"].to_pylist(), dtype=object) == SHORT, -1.0, 1.0)
        return KnownPatterns(
            statistics,
            previous_centroids(found, statistics),
            direction[:, None] * np.stack(outcomes, axis=1),
            trades / (trades + PRIOR_TRADES),
        )

    def context(self, rows: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """PATTERN_CONTEXT of feature rows [n, features], float32 [n, 3]: of the nearest centroid by cosine.

        Reliability = trust x the cosine: a pattern of few trades counts little, and so does one that the bar
        hardly resembles. All 0 where there is no pattern, or none on the bar's side (cosine <= 0). A row
        depends on that row alone.
        """
        known = np.zeros((len(rows), len(PATTERN_CONTEXT)), np.float32)
        if not len(self.trust):
            return known
        cosines = self.statistics.embed(rows) @ self.centroids.T.astype(np.float32)
        nearest = np.argmax(cosines, axis=1)
        nearness = np.clip(np.take_along_axis(cosines, nearest[:, None], axis=1)[:, 0], 0.0, 1.0)
        known[:, :2] = self.outcomes[nearest]
        known[:, 2] = self.trust[nearest] * nearness
        known[nearness == 0] = 0.0
        return known


def with_pattern_context(
    block: MarketBlock, libraries: Mapping[date, KnownPatterns], handover_minute: int
) -> MarketBlock:
    """The block with `pattern_context` from `libraries`, by the library's own day.

    A decision bar that closes on day D at the minute `handover_minute` or later takes the library of D-1, one
    that closes earlier that of D-2; where that is not given, where its statistics are of other features or
    younger than the library, and where a bar is not ready, nothing is known (0).
    """
    known = np.zeros((block.symbol_count, block.decision_count, len(PATTERN_CONTEXT)), np.float32)
    nights = brain_days(block.time_of(block.decision_closes + 1), handover_minute)
    begins = np.flatnonzero(np.append(True, nights[1:] != nights[:-1]))
    for first, end in zip(begins, np.append(begins[1:], nights.size), strict=True):
        night = as_date(nights[first])
        library = libraries.get(night)
        if library is None or not _may_serve(library.statistics, block, night + timedelta(days=1)):
            continue
        for symbol in range(block.symbol_count):
            # Symbol by symbol: a day of all of them in double precision would not stay in cache.
            found = library.context(block.features[symbol, first:end])
            known[symbol, first:end] = np.where(block.is_ready[symbol, first:end, None], found, 0.0)
    return replace(block, pattern_context=known)


def _may_serve(statistics: EmbeddingStatistics, block: MarketBlock, day: date) -> bool:
    return statistics.feature_names == block.feature_names and statistics.before_day < day
