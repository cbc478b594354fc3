"""The trades nearest to a batch of vectors, by exact search. Where they come from is the memory's affair."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.memory.neighbourhood import NEIGHBOURS_SCHEMA, no_neighbours
from huracan.analysis.outcome import Floats, Integers, milliseconds

_NEAR = 1e-9
"""How far two sums of the same products may lie apart; what is that close to the last is looked at again."""

_KEPT_BLOCKS = 8
"""After so many the best of them are kept and the others let go."""


class NearestTrades:
    """Collects the `k` nearest of every query over any number of blocks of trades.

    `queries` float32 [queries, dimensions] of length one; `as_of_ms` [queries]: only trades closed before it
    count; `sides`: only trades of that side. The answer depends neither on how the trades are cut into blocks
    nor on trades that no query may see.
    """

    def __init__(
        self,
        queries: npt.NDArray[np.float32],
        as_of_ms: Integers,
        sides: Sequence[str] | None,
        k: int,
    ) -> None:
        self._queries = np.asarray(queries, dtype=np.float64)
        self._as_of_ms, self._sides, self._k = as_of_ms, sides, k
        self._found: list[pa.Table] = []

    def add(self, trades: pa.Table, vectors: npt.NDArray[np.float32]) -> None:
        """`trades`: trade_id, symbol, regime, closed_at, net_bps, is_winner and side; `vectors` of the same
        rows, [trades, dimensions]."""
        closed_ms = milliseconds(trades, "closed_at")
        wide = np.asarray(vectors, dtype=np.float64)
        scores = self._queries @ wide.T
        of_side = {side: _is_side(trades, side) for side in set(self._sides or ())}
        picked: list[tuple[int, Integers]] = []
        for query, moment in enumerate(self._as_of_ms):
            visible = closed_ms < moment
            if self._sides is not None:
                visible &= of_side[self._sides[query]]
            picked.append((query, _nearly_best(scores[query], visible, self._k)))
        rows = np.concatenate([chosen for _, chosen in picked]).astype(np.int64)
        queries = np.repeat([query for query, _ in picked], [len(chosen) for _, chosen in picked])
        if len(rows):
            self.add_pairs(trades.take(pa.array(rows)), wide[rows], queries)

    def add_pairs(self, trades: pa.Table, vectors: npt.NDArray[np.floating], queries: Integers) -> None:
        """Trades, their vectors [pairs, dimensions] and the query that each was found for already."""
        self._found.append(self._described(trades, np.asarray(vectors, dtype=np.float64), queries))
        if len(self._found) > _KEPT_BLOCKS:
            self._found = [self.neighbours().drop_columns("rank")]

    def _described(self, trades: pa.Table, vectors: Floats, queries: Integers) -> pa.Table:
        similarity = similarities(self._queries[queries], vectors)
        columns = {"query": pa.array(queries, pa.int64()), "similarity": pa.array(similarity)}
        names = [name for name in NEIGHBOURS_SCHEMA.names if name != "rank"]
        return pa.table({name: columns[name] if name in columns else trades[name] for name in names})

    def neighbours(self) -> pa.Table:
        """NEIGHBOURS_SCHEMA: per query the nearest first, equally near ones by their identity."""
        if not self._found:
            return no_neighbours()
        order = [("query", "ascending"), ("similarity", "descending"), ("trade_id", "ascending")]
        found = pa.concat_tables(self._found).sort_by(order)
        query = found["query"].to_numpy()
        rank = np.arange(len(query)) - np.searchsorted(query, query) + 1
        found = found.append_column("rank", pa.array(rank)).filter(pa.array(rank <= self._k))
        return found.select(NEIGHBOURS_SCHEMA.names).cast(NEIGHBOURS_SCHEMA)


def similarities(queries: Floats, vectors: Floats) -> Floats:
    """Cosine of each pair of vectors of length one, [pairs, dimensions].

    Summed pair by pair: a matrix product rounds by the shape of the matrices.
    """
    return np.asarray(np.sum(queries * vectors, axis=1))


def _is_side(trades: pa.Table, side: str) -> npt.NDArray[np.bool_]:
    matches = pc.fill_null(pc.equal(trades["side"], side), False)
    return np.asarray(matches.to_numpy(), dtype=bool)


def _nearly_best(scores: Floats, visible: npt.NDArray[np.bool_], k: int) -> Integers:
    """Rows that may be among the `k` best: those, and whatever is as good as the last of them."""
    rows = np.flatnonzero(visible)
    if len(rows) <= k:
        return rows
    mine = scores[rows]
    least = np.partition(mine, len(mine) - k)[len(mine) - k]
    return np.asarray(rows[mine >= least - _NEAR], dtype=np.int64)
