"""Whether files that hold the same bars say the same of them.

A few bars that differ, as where one file was cut while its last candle was open, are left to the quarantine.
"""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa

from huracan.candles.defects import floats, open_times_ms
from huracan.errors import InvalidInput

_COMPARED = ("open", "high", "low", "close", "volume")


def refuse_contradictions(held: Sequence[tuple[Path, pa.Table]], most: int) -> None:
    """Raise InvalidInput, naming both, where two files differ in more than `most` bars (RAW_SCHEMA each)."""
    by_file: dict[Path, list[pa.Table]] = {}
    for path, rows in held:
        by_file.setdefault(path, []).append(rows)
    tables = {path: pa.concat_tables(parts) for path, parts in by_file.items()}
    for (first, ours), (second, theirs) in combinations(tables.items(), 2):
        _, left, right = np.intersect1d(open_times_ms(ours), open_times_ms(theirs), return_indices=True)
        differs = np.zeros(len(left), dtype=np.bool_)
        for name in _COMPARED:
            values, others = floats(ours, name)[left], floats(theirs, name)[right]
            differs |= (values != others) & ~(np.isnan(values) & np.isnan(others))
        if differs.sum() > most:
            row = int(left[np.argmax(differs)])
            raise InvalidInput(
                f"{first.name} and {second.name} in {first.parent} hold different candles of the same"
                f" {int(differs.sum())} bars, as of {ours['open_time'][row].as_py():%Y-%m-%d %H:%M} UTC.",
                "Keep the right one there and move the other away.",
            )
