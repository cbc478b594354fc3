"""What gates are shown of signals that were traded: what was known then, and never what came of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.errors import InvalidInput
from huracan.gates.contract import Tended
from huracan.gates.judging.tending import rows_of
from huracan.market.facts.columns import FACT_NAMES, FACTS_SCHEMA, facts_of
from huracan.market.facts.marks import Stood
from huracan.models.inputs import SIGNAL_COLUMNS

_PROVENANCE = ("model_id", "data_hash", "configuration_digest", "is_simulated")
OF_TRADES = tuple(name for name in SIGNAL_COLUMNS if name not in _PROVENANCE)
"""Columns of TRADES_SCHEMA that gates see."""
SIGNALS_SHOWN = (*OF_TRADES, *FACT_NAMES, "book", "positions_held")
"""What gates see of a signal."""


@dataclass(frozen=True, eq=False)
class Told:
    """What is told of n signals beside what the ledger says of them, row by row."""

    facts: pa.Table | None = None
    """FACTS_SCHEMA; None: nothing is known of the market."""
    held: NDArray[np.int64] | None = None
    """[n] positions of the book that were open at each, over all symbols; None: none was."""
    stood: Stood | None = None
    """How their own positions stood later; None: nothing is told of that."""
    tended: Mapping[str, Tended] = field(default_factory=dict)
    """By gate what it says of those closes."""

    def take(self, rows: NDArray[np.int64]) -> "Told":
        """Of the signals of these rows, in that order."""
        return Told(
            None if self.facts is None else self.facts.take(pa.array(rows)),
            None if self.held is None else self.held[rows],
            None if self.stood is None else self.stood.take(rows),
            {} if self.stood is None else self._tended_at(self.stood.rows_of(rows)),
        )

    def _tended_at(self, closes: NDArray[np.int64]) -> dict[str, Tended]:
        return {name: rows_of(said, closes) for name, said in self.tended.items()}


def signals_shown(trades: pa.Table, book: str, told: Told) -> pa.Table:
    """SIGNALS_SHOWN of `trades` of the `book`; InvalidInput where the facts are of other signals."""
    facts, held = told.facts, told.held
    if facts is None:
        facts = facts_of(FACTS_SCHEMA.empty_table(), trades["trade_id"])
    if not facts["trade_id"].equals(trades["trade_id"]):
        raise InvalidInput(
            "The facts of the market are of other signals than those that are judged.",
            "Measure them with `signal_facts` of these trades.",
        )
    said = pa.array([book] * trades.num_rows, pa.string())
    open_then = pa.array(np.zeros(trades.num_rows, np.int64) if held is None else held)
    columns = [*trades.select(OF_TRADES).columns, *facts.select(FACT_NAMES).columns, said, open_then]
    return pa.table(columns, names=SIGNALS_SHOWN)
