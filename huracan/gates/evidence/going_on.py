"""Whether a position of a kind should be left: where going on from such a place surely lost in the past.

Of every past position the first close at which it was of a kind counts, once for each kind: a position that
is left there never sees the later ones. What going on made is its net less what leaving at the next open
would have brought.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from huracan.analysis.outcome import Floats, directions, floats, milliseconds
from huracan.evaluation.jackknife import effective_count
from huracan.gates.contract import ABSTAIN, BLOCK, Tended
from huracan.gates.evidence.class_means import days_of, fit_class_means
from huracan.gates.evidence.losing_kinds import LosingKinds
from huracan.gates.settings import EvidenceSettings
from huracan.market.facts.columns import fact
from huracan.models.past import PastTrades

MEASURED = "going on"
Kinds = Sequence[str | None]


@dataclass(frozen=True, eq=False)
class Standing:
    """How n positions stand at closes, as arrays; NaN of what is not known."""

    gain: Floats
    """In horizon volatilities."""
    age: Floats
    """As a share of the longest holding."""
    flow_for: Floats
    """Imbalance of takers, the position's way."""
    short_move_for: Floats
    long_move_for: Floats
    activity: Floats

    @staticmethod
    def of(rows: pa.Table, way: Floats) -> "Standing":
        """Of POSITIONS_SCHEMA or MARKS_SCHEMA; `way` [n] is +1 of a long position, -1 of a short one."""
        return Standing(
            gain=floats(rows, "gain"),
            age=floats(rows, "age"),
            flow_for=way * fact(rows, "imbalance"),
            short_move_for=way * fact(rows, "short_move"),
            long_move_for=way * fact(rows, "long_move"),
            activity=fact(rows, "activity"),
        )


def fit_going_on(
    past: PastTrades, marks: pa.Table, kinds_of: Callable[[Standing], Kinds], settings: EvidenceSettings
) -> LosingKinds:
    """By MARKS_SCHEMA of past trades; marks of trades that are not among the past are left out."""
    index = {trade: row for row, trade in enumerate(past.trades["trade_id"].to_pylist())}
    owners = np.array([index.get(trade, -1) for trade in marks["trade_id"].to_pylist()], dtype=np.int64)
    remaining = floats(marks, "remaining_bps")
    known = np.flatnonzero((owners >= 0) & np.isfinite(remaining))
    order = known[np.lexsort((milliseconds(marks, "moment")[known], owners[known]))]
    owners, remaining, own = owners[order], remaining[order], marks.take(pa.array(order))
    kinds = kinds_of(Standing.of(own, directions(past.trades)[owners]))
    first: dict[tuple[int, str], int] = {}
    for row, (owner, kind) in enumerate(zip(owners.tolist(), kinds, strict=True)):
        if kind is not None:
            first.setdefault((owner, kind), row)
    rows = np.array(sorted(first.values()), dtype=np.int64)
    means = fit_class_means(
        remaining[rows],
        past.weight[owners[rows]],
        [kinds[row] for row in rows.tolist()],
        settings.shrinkage_trades,
        days_of(past)[owners[rows]],
    )
    # A position may have been of several kinds, and is still one past trade.
    trades = effective_count(past.weight[np.unique(owners[rows])])
    return LosingKinds(replace(means, usual=replace(means.usual, trades=trades)), settings, MEASURED)


def tend_by_kind(evidence: LosingKinds, kinds: Kinds, named: Callable[[str], str], idle: str) -> Tended:
    """Leaves a position of a kind from which going on surely loses. `named` tells a kind; of one without a
    kind `idle` is the reason."""
    count = len(kinds)
    rows = np.array([row for row, kind in enumerate(kinds) if kind is not None], dtype=np.int64)
    given = evidence.judge([kinds[row] for row in rows.tolist()], named, idle)
    closes, speaks = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    value, threshold = np.full(count, np.nan), np.full(count, np.nan)
    reasons = [idle] * count
    value[rows], threshold[rows] = given.value, given.threshold
    closes[rows] = [answer == BLOCK for answer in given.answer]
    speaks[rows] = [answer != ABSTAIN for answer in given.answer]
    for row, reason in zip(rows.tolist(), given.reason, strict=True):
        reasons[row] = reason
    return Tended(closes, speaks, value, threshold, tuple(reasons))
