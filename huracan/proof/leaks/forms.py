"""Where a planted leak is: everywhere, or in so little of a table that a glance does not meet it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.market.block import MS_PER_DAY

Mask = NDArray[np.bool_]
WHOLE, ONE_COLUMN, ONE_SYMBOL, FEW_BARS, MIDNIGHT = (
    "everywhere",
    "one column",
    "one symbol",
    "5 % of bars",
    "midnight",
)
FORMS = (WHOLE, ONE_COLUMN, ONE_SYMBOL, FEW_BARS, MIDNIGHT)
"""Midnight: the first bar of a day alone, which follows on what the day before left."""
_SHARE = 0.05
_SCATTER = 2_654_435_761
"""Knuth's multiplicative hash: the same bars, whatever else the table holds."""


@dataclass(frozen=True)
class Form:
    """One of FORMS."""

    name: str

    def bars(self, open_ms: NDArray[np.int64]) -> Mask:
        """[bars] those that are spoiled, by when they open."""
        if self.name == FEW_BARS:
            minutes = (open_ms // 60_000).astype(np.uint64)
            return np.asarray((minutes * np.uint64(_SCATTER)) % np.uint64(2**32) < _SHARE * 2**32)
        if self.name == MIDNIGHT:
            return np.asarray(open_ms % MS_PER_DAY == 0)
        return np.ones(open_ms.size, np.bool_)

    def symbols(self, symbols: Sequence[str]) -> Mask:
        """[symbols]"""
        last = sorted(symbols)[-1]
        return np.array([self.name != ONE_SYMBOL or each == last for each in symbols], np.bool_)

    def columns(self, count: int) -> Mask:
        """[columns] the middle one where it is one."""
        return np.array([self.name != ONE_COLUMN or index == count // 2 for index in range(count)], np.bool_)

    def rows(self, table: pa.Table) -> Mask:
        """[rows] of a table with `symbol` and `open_time`."""
        symbols = table["symbol"].combine_chunks().dictionary_encode()
        of_symbol = self.symbols(symbols.dictionary.to_pylist())[symbols.indices.to_numpy()]
        return np.asarray(of_symbol & self.bars(table["open_time"].cast(pa.int64()).to_numpy()))

    def mixed(self, honest: pa.Table, spoiled: pa.Table, names: Sequence[str]) -> pa.Table:
        """`honest` with what is `spoiled` where the form says, in the columns of `names`."""
        rows = self.rows(honest)
        for name, is_spoiled in zip(names, self.columns(len(names)).tolist(), strict=True):
            if is_spoiled:
                values = np.where(rows, spoiled[name].to_numpy(), honest[name].to_numpy())
                place, field = honest.column_names.index(name), honest.schema.field(name)
                honest = honest.set_column(place, field, pa.array(values, field.type))
        return honest
