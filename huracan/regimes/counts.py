"""How often a symbol was how volatile, fell how deep and moved how straight, on all days so far.

The bins are fixed for ever, a sixteenth of an octave wide and in units that no fit changes: so the counts of
days add up, and each day's partition carries those of all days before it on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.schema import SYMBOL
from huracan.regimes.model import FloatArray
from huracan.regimes.observations import MEASURES, FeatureGrid, lay_features_on_grid, measure
from huracan.tables import DATE, INTEGER, TEXT, Column, arrow_schema

BINS_PER_OCTAVE = 16
LOWEST_BIN, HIGHEST_BIN = -6 * BINS_PER_OCTAVE, 14 * BINS_PER_OCTAVE
"""From 2^-6 to 2^14: of one bar's volatility 0.016 bps to 164 %. The outermost hold what lies beyond, too."""
_BINS = HIGHEST_BIN - LOWEST_BIN + 1

Counts = npt.NDArray[np.int64]

COUNTS_COLUMNS = (
    SYMBOL,
    Column("measure", TEXT, "volatility_bps, fall_bps or direction, which the percentiles in regimes rank"),
    Column(
        "bin",
        INTEGER,
        f"values from 2^(bin / {BINS_PER_OCTAVE}) up to the next; those below and above all in the outermost",
    ),
    Column("bars", INTEGER, "ready bars of the symbol in it, from since to the day of the partition", "bars"),
    Column("since", DATE, "first day of the symbol that is counted", "UTC day"),
    Column("recipe", TEXT, "digest of the feature recipe that all of them were measured by"),
)
COUNTS_SCHEMA = arrow_schema(COUNTS_COLUMNS)
"""Table `counts` of partition D of `regimes`: one row for each bin that is not empty, by symbol, measure and
bin."""


@dataclass(frozen=True)
class ObservationCounts:
    """Of every symbol that was ever counted [measures, bins], in the order of MEASURES, and since when."""

    counts: Mapping[str, Counts]
    since: Mapping[str, date]

    @classmethod
    def of(cls, grid: FeatureGrid) -> Self:
        """Of the ready bars of a grid; a symbol without any is not among them."""
        values, counts, since = measure(grid), {}, {}
        for row, symbol in enumerate(grid.symbols):
            ready = np.flatnonzero(grid.is_ready[row])
            if len(ready):
                counts[symbol] = _counted(values[row, ready])
                since[symbol] = datetime.fromtimestamp(grid.times[ready[0]] / 1000, UTC).date()
        return cls(counts, since)

    @classmethod
    def from_table(cls, table: pa.Table) -> Self:
        """The inverse of `to_table`."""
        counts, since = {}, {}
        for symbol in table["symbol"].unique().to_pylist():
            rows = table.filter(pc.equal(table["symbol"], symbol))
            since[symbol] = rows["since"][0].as_py()
            counts[symbol] = np.zeros((len(MEASURES), _BINS), np.int64)
            of_measure = pc.index_in(rows["measure"], pa.array(MEASURES)).to_numpy()
            counts[symbol][of_measure, rows["bin"].to_numpy() - LOWEST_BIN] = rows["bars"].to_numpy()
        return cls(counts, since)

    def to_table(self, recipe: str) -> pa.Table:
        """COUNTS_SCHEMA; symbols in the order of their names, so that equal counts are equal bytes."""
        rows: list[tuple[str, str, int, int, date, str]] = []
        for symbol in sorted(self.counts):
            for number, name in enumerate(MEASURES):
                own = self.counts[symbol][number]
                rows += [
                    (symbol, name, int(each) + LOWEST_BIN, int(own[each]), self.since[symbol], recipe)
                    for each in np.flatnonzero(own)
                ]
        columns = zip(*rows, strict=True) if rows else [[]] * len(COUNTS_SCHEMA)
        arrays = [pa.array(each, kind) for each, kind in zip(columns, COUNTS_SCHEMA.types, strict=True)]
        return pa.Table.from_arrays(arrays, schema=COUNTS_SCHEMA)

    def __add__(self, other: Self) -> Self:
        """Both together. They must not have counted the same bars."""
        symbols = [*self.counts, *(symbol for symbol in other.counts if symbol not in self.counts)]
        counts = {symbol: self._of(symbol) + other._of(symbol) for symbol in symbols}
        since = {
            symbol: min(each.since[symbol] for each in (self, other) if symbol in each.since)
            for symbol in symbols
        }
        return type(self)(counts, since)

    def bars(self, symbol: str) -> int:
        """How many bars of it were counted."""
        return int(self._of(symbol)[0].sum())

    @property
    def told(self) -> str:
        """How much was counted, in words."""
        bars = sum(map(self.bars, self.counts))
        return f"{bars:,} bars since {min(self.since.values())}" if bars else "no bar"

    def percentiles(self, symbols: Sequence[str], values: FloatArray, minimum_bars: int) -> FloatArray:
        """Share of the counted bars with a smaller measure, 0 to 100: of `values`
        [symbols, times, measures], and NaN where they are.

        Within a bin a value lies as far up as its logarithm does; below the lowest bin in the middle of it,
        for there all are alike. A symbol of fewer than `minimum_bars` is measured against all symbols
        together.
        """
        pooled = sum(self.counts.values(), np.zeros((len(MEASURES), _BINS), np.int64))
        shares = np.empty_like(values)
        for row, symbol in enumerate(symbols):
            known = self._of(symbol) if self.bars(symbol) >= minimum_bars else pooled
            for number in range(len(MEASURES)):
                shares[row, :, number] = _share_below(known[number], values[row, :, number])
        return shares

    def _of(self, symbol: str) -> Counts:
        return self.counts.get(symbol, np.zeros((len(MEASURES), _BINS), np.int64))


def counts_before(carried: pa.Table | None, past: pa.Table, recipe: str) -> tuple[ObservationCounts, str]:
    """The counts that the day before left (COUNTS_SCHEMA), and an empty text; or, where it left none or those
    of another recipe, new ones of the features `past`, and why they begin anew."""
    if carried is not None and set(carried["recipe"].unique().to_pylist()) == {recipe}:
        return ObservationCounts.from_table(carried), ""
    why = "no day before it was counted" if carried is None else "those of before are of another recipe"
    return ObservationCounts.of(lay_features_on_grid(past)), why


def _positions(values: FloatArray) -> FloatArray:
    """Place of each value among the bins, from 0 up; the fraction says how far up in its bin."""
    with np.errstate(divide="ignore", invalid="ignore"):
        places = BINS_PER_OCTAVE * np.log2(values) - LOWEST_BIN
    below, above = places < 0.0, places >= _BINS
    return np.select([below, above], [0.5, _BINS - 0.5], places)


def _counted(values: FloatArray) -> Counts:
    """[measures, bins] of values [bars, measures]."""
    bins = np.floor(_positions(values)).astype(np.int64)
    return np.stack([np.bincount(column, minlength=_BINS) for column in bins.T]).astype(np.int64)


def _share_below(counts: Counts, values: FloatArray) -> FloatArray:
    cumulative = np.concatenate([[0], np.cumsum(counts)])
    total = max(int(cumulative[-1]), 1)
    places = np.interp(_positions(values), np.arange(_BINS + 1), 100.0 * cumulative / total)
    shares: FloatArray = np.where(np.isfinite(values), places, np.nan)
    return shares
