"""Whether files that hold the same bars say the same of them, and a file what its dated name promises.

A few bars that differ, as where one file was cut while its last candle was open, are left to the quarantine.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huracan.candles.defects import floats, open_times_ms
from huracan.errors import InvalidInput
from huracan_resources.candles.file_names import CandleFile, range_of_days

_COMPARED = ("open", "high", "low", "close", "volume")

_MOST_OUTSIDE = 2  # some tools end a day or a month with the first bar of the next


def refuse_other_days(file: CandleFile, times_ms: npt.NDArray[np.int64]) -> None:
    """Raise InvalidInput where a name promises days and the rows are of others, which nobody would see."""
    if file.first_day is None or file.last_day is None:
        return
    start_ms, end_ms = range_of_days(file.first_day, file.last_day)
    outside = times_ms[(times_ms < start_ms) | (times_ms >= end_ms)]
    if len(outside) > _MOST_OUTSIDE:
        days = dict.fromkeys((str(file.first_day), str(file.last_day)))
        raise InvalidInput(
            f"{file.path} is dated {' to '.join(days)}, but {len(outside)} of its {len(times_ms)} rows are of"
            f" other days, as of {datetime.fromtimestamp(outside[0] / 1000, UTC):%Y-%m-%d %H:%M} UTC.",
            "Rename it without the date, or, if its times are local ones, write them in UTC.",
        )


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
