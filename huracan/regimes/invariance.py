"""The check that no label of a day knows a later bar: neither the filtered regime nor the absolute one."""

from collections.abc import Callable
from datetime import date
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.schema import TIME, day_start
from huracan.regimes.observations import KEYS
from huracan.verdict import Verdict

CHECK = "regimes_prefix_invariance"
CUTS = 16
"""Of a day; all symbols are looked at at each."""

Label = Callable[[pa.Table], tuple[pa.Table, pa.Table]]
"""Features (the day's, with earlier rows that lead in) to what is stored: regimes and absolute regimes."""


def judge_regime_prefix(
    features: pa.Table,
    stored: tuple[pa.Table, pa.Table],
    day: date,
    label: Label,
    cuts: int | None,
    seed: int,
) -> Verdict:
    """Check "regimes_prefix_invariance", blocking.

    At the first bar of the day and others drawn evenly from it, `cuts` in all (None: at every one), the
    feature rows after it are cut off or replaced by invented ones; what `label` then says of all symbols up
    to there must be the `stored` answer, to the bit.
    """
    random = np.random.default_rng(seed)
    times = np.unique(features["open_time"].cast(pa.int64()).to_numpy())
    of_day = times[times >= int(day_start(day).timestamp() * 1000)]
    bars = _bars(of_day.size, cuts, random)
    for number, bar in enumerate(bars, start=1):
        last = int(of_day[bar])
        altered = _cut(features, last) if random.random() < 0.5 else _scramble(features, last, random)
        for kept, again in zip(stored, label(altered), strict=True):
            if different := _different(_cut(kept, last), _cut(again, last)):
                time = np.datetime64(last, "ms")
                reason = (
                    f"{', '.join(different[:5])} change at or before {time} when the features after it do:"
                    " they know the future, or were not made from these features."
                )
                return Verdict(CHECK, False, reason, {"bar": bar, "cuts": number})
    reason = f"The regimes up to {len(bars)} bars stay the same to the bit whatever follows."
    return Verdict(CHECK, True, reason, {"cuts": len(bars)})


def _bars(count: int, cuts: int | None, random: np.random.Generator) -> list[int]:
    """The first of `count` bars, and one drawn from each of so many even parts."""
    if cuts is None or cuts >= count:
        return list(range(count))
    edges = np.linspace(0, count, cuts).astype(np.int64)
    drawn = [int(random.integers(first, end)) for first, end in pairwise(edges)]
    return list(dict.fromkeys([0, *drawn]))


def _cut(table: pa.Table, last: int) -> pa.Table:
    return table.filter(pc.less_equal(table["open_time"], pa.scalar(last).cast(TIME)))


def _scramble(features: pa.Table, last: int, random: np.random.Generator) -> pa.Table:
    """The rows after `last` with values of other rows, larger or smaller, some of them not ready."""
    is_later = features["open_time"].cast(pa.int64()).to_numpy() > last
    for name in features.column_names:
        if name in KEYS:
            continue
        values = features[name].to_numpy().copy()
        count = int(is_later.sum())
        values[is_later] = random.choice(values, count) * np.exp(random.normal(0.0, 1.0, count))
        features = features.set_column(
            features.column_names.index(name), features.schema.field(name), pa.array(values)
        )
    is_ready = features["is_ready"].to_numpy().copy()
    is_ready[is_later] = random.random(int(is_later.sum())) < 0.9
    place = features.column_names.index("is_ready")
    return features.set_column(place, features.schema.field("is_ready"), pa.array(is_ready))


def _different(kept: pa.Table, again: pa.Table) -> list[str]:
    if kept.num_rows != again.num_rows:
        return ["rows"]
    return [name for name in kept.column_names if not _is_same(kept[name], again[name])]


def _is_same(kept: pa.ChunkedArray, again: pa.ChunkedArray) -> bool:
    if not pa.types.is_floating(kept.type):
        return bool(kept.equals(again))
    left, right = (pc.fill_null(each, float("nan")).to_numpy() for each in (kept, again))
    return np.array_equal(left, right, equal_nan=True)
