"""What a column looks like that knows later rows of its symbol; every change is made of the real values."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Change = Callable[[Floats], Floats]
_REACH = 2


def shifted(values: Floats) -> Floats:
    """[rows] every value stands one bar too early."""
    return np.append(values[1:], values[-1:])


def centred(values: Floats) -> Floats:
    """The mean of a window around each bar, where known."""
    padded = np.pad(values, _REACH, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * _REACH + 1)
    known = np.isfinite(windows)
    total = np.where(known, windows, 0.0).sum(axis=1)
    return np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan)


def filled_backwards(values: Floats) -> Floats:
    """A gap holds the next value that comes."""
    places = np.where(np.isfinite(values), np.arange(values.size), values.size)
    following = np.minimum.accumulate(places[::-1])[::-1]
    return np.append(values, np.nan)[following]


def scaled_by_all(values: Floats) -> Floats:
    """Standardised by the mean and deviation of all rows, later ones among them."""
    if not np.isfinite(values).any():
        return values
    deviation = float(np.nanstd(values))
    return (values - np.nanmean(values)) / (deviation if deviation > 0.0 else 1.0)


def closed_up(values: Floats) -> Floats:
    """Gaps are dropped and the rest is laid beside the times by position: after a gap all stand too early."""
    known = values[np.isfinite(values)]
    return np.append(known, np.full(values.size - known.size, np.nan))


def changed(table: pa.Table, names: Sequence[str], change: Change) -> pa.Table:
    """The columns `names` of a table that is sorted by symbol, then time, changed symbol by symbol."""
    symbols = table["symbol"].combine_chunks().dictionary_encode().indices.to_numpy()
    edges = np.flatnonzero(np.diff(symbols, prepend=-1, append=-1))
    for name in names:
        values = table[name].to_numpy().astype(np.float64)
        parts = [change(values[first:end]) for first, end in pairwise(edges)]
        place, field = table.column_names.index(name), table.schema.field(name)
        made = np.concatenate(parts).astype(field.type.to_pandas_dtype())
        table = table.set_column(place, field, pa.array(made))
    return table
