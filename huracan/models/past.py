"""The closed trades that a model or a gate learns from, of both books, each with its weight.

The exploration book draws entries by a probability of its own. What it says of the policy's signals it says
by weights: the density that the policy, softened, gives to an entry, over the propensity with which that was
drawn (Horvitz & Thompson 1952).
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.evaluation.jackknife import effective_count
from huracan.market.ledger import TRADES_SCHEMA
from huracan.models.window import order_trades

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MOST_WEIGHT = 10.0
"""In units of the mean weight: a single rare draw must not speak for all others."""
_ROUNDS = 200


@dataclass(frozen=True, eq=False)
class PastTrades:
    """Closed trades in the order of `window.order_trades`."""

    trades: pa.Table
    """TRADES_SCHEMA"""
    weight: Floats
    """[n] what each counts for; of the policy's own trades 1, of explored ones 1 in the mean, at most
    MOST_WEIGHT."""
    is_explored: Bools
    """[n]"""

    @property
    def effective_count(self) -> float:
        """So many equally weighted trades would say as much: (sum w)^2 / sum w^2 (Kish 1965)."""
        return effective_count(self.weight)

    def take(self, rows: NDArray[np.int64]) -> "PastTrades":
        """Those of the rows."""
        return PastTrades(self.trades.take(pa.array(rows)), self.weight[rows], self.is_explored[rows])


def past_trades(own: pa.Table, explored: pa.Table | None = None) -> PastTrades:
    """The trades of both books: `own` TRADES_SCHEMA, `explored` EXPLORED_SCHEMA, each cut to what is past,
    also of versions that knew fewer columns.

    An explored entry of which the policy's density is not known says nothing of signals, and is left out.
    """
    weight = np.zeros(0) if explored is None else weights_of(explored)
    books = [_of_now(own)]
    if explored is not None:
        books.append(_of_now(explored.filter(pa.array(weight > 0.0))))
    marked = pa.concat_tables(books)
    every = np.concatenate([np.ones(own.num_rows), weight[weight > 0.0]])
    is_explored = np.arange(marked.num_rows) >= own.num_rows
    named = marked.append_column("weight", pa.array(every)).append_column(
        "is_explored", pa.array(is_explored)
    )
    ordered = order_trades(named)
    return PastTrades(
        ordered.select(TRADES_SCHEMA.names),
        ordered["weight"].to_numpy(),
        ordered["is_explored"].to_numpy(zero_copy_only=False),
    )


def _of_now(trades: pa.Table) -> pa.Table:
    """With the columns of this version; what one of an earlier version did not write is null."""
    every = pa.concat_tables([TRADES_SCHEMA.empty_table(), trades], promote_options="permissive")
    return every.select(TRADES_SCHEMA.names).cast(TRADES_SCHEMA)


def weights_of(explored: pa.Table) -> Floats:
    """[n] density of the policy over propensity of EXPLORED_SCHEMA: 1 in the mean of those above 0, at most
    MOST_WEIGHT."""
    weight = pc.fill_null(explored["policy_density"], 0.0).to_numpy() / explored["propensity"].to_numpy()
    counts = weight > 0.0
    if not counts.any():
        return np.zeros(explored.num_rows)
    most = min(MOST_WEIGHT, float(counts.sum()))
    # What is clipped lowers the mean, by which all are divided: till nothing is clipped any more.
    for _ in range(_ROUNDS):
        weight = weight / weight[counts].mean()
        if weight.max() <= most * (1.0 + 1e-9):
            break
        weight = np.minimum(weight, most)
    found: Floats = weight / weight[counts].mean()
    return found
