"""What the same explored entries would have brought under other stops, targets and holdings.

They are replayed on the bars (`huracan.market.what_if`), so nothing about them is estimated; only which were
drawn is chance. Each counts 1 over its propensity: the mean is that of an entry at any moment.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.candles.schema import TIME
from huracan.evaluation.explored_moments import MS_PER_DAY, block_days
from huracan.evaluation.jackknife import blocks_of, effective_count, jackknife_error, ratios
from huracan.evaluation.off_policy import LEAST_EFFECTIVE_ENTRIES
from huracan.tables import FLOAT, INTEGER, TEXT, Column, arrow_schema

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

EXIT_ALTERNATIVES_COLUMNS = (
    Column(
        "scope", TEXT, "what is changed of the rules of leaving: as_is (nothing), stop, target or holding"
    ),
    Column("value", TEXT, "by which factor, such as x0.5"),
    Column("mean_net_bps", FLOAT, "mean net result of an explored entry, each weighed to any moment", "bps"),
    Column("low_bps", FLOAT, "lower end of its interval of 90 %; null where too little is known", "bps"),
    Column("high_bps", FLOAT, "upper end", "bps"),
    Column("gain_bps", FLOAT, "mean net result less that of the same entries under the rules as is", "bps"),
    Column("gain_low_bps", FLOAT, "lower end of its interval of 90 %", "bps"),
    Column("gain_high_bps", FLOAT, "upper end", "bps"),
    Column("entries", INTEGER, "explored entries that were replayed, filled under every setting"),
    Column("effective_entries", FLOAT, "as many of equal weight would say as much (Kish)"),
)
EXIT_ALTERNATIVES_SCHEMA = arrow_schema(EXIT_ALTERNATIVES_COLUMNS)
"""One row per setting, the rules as is first."""


def exit_alternatives(names: Sequence[tuple[str, str]], replayed: pa.Table, holding_minutes: int) -> pa.Table:
    """EXIT_ALTERNATIVES_SCHEMA of `replayed` entries (REPLAYED_SCHEMA), all under the same settings.

    `names` are scope and value of each setting, the rules as is first; `holding_minutes` is the longest
    holding of any of them. An entry that some setting did not fill is left out of all. No rows without an
    entry.
    """
    net = pc.list_flatten(replayed["net_bps_by_setting"]).to_numpy().reshape(-1, len(names))
    whole = np.isfinite(net).all(axis=1)
    if not whole.any():
        return EXIT_ALTERNATIVES_SCHEMA.empty_table()
    net, weight = net[whole], 1.0 / replayed["propensity"].to_numpy()[whole]
    day = replayed["signal_time"].cast(TIME).cast(pa.int64()).to_numpy()[whole] // MS_PER_DAY
    block = blocks_of(day, block_days(holding_minutes))
    counts = {"entries": int(whole.sum()), "effective_entries": effective_count(weight)}
    rows = []
    for (scope, value), own in zip(names, net.T, strict=True):
        mean, gain = (_interval(each, weight, block) for each in (own, own - net[:, 0]))
        told = dict(zip(("mean_net_bps", "low_bps", "high_bps"), mean, strict=True))
        gained = dict(zip(("gain_bps", "gain_low_bps", "gain_high_bps"), gain, strict=True))
        rows.append({"scope": scope, "value": value, **told, **gained, **counts})
    return pa.Table.from_pylist(rows, schema=EXIT_ALTERNATIVES_SCHEMA)


def _interval(values: Floats, weight: Floats, block: Integers) -> tuple[float, float | None, float | None]:
    """The weighted mean, and the ends of its interval where there is one."""
    sums = np.zeros((int(block.max()) + 1, 2))
    np.add.at(sums, block, np.column_stack([weight, weight * values]))
    mean = float(sums[:, 1].sum() / sums[:, 0].sum())
    if effective_count(weight) < LEAST_EFFECTIVE_ENTRIES:
        return mean, None, None
    error = jackknife_error(sums, ratios, sums[:, 0])
    return (mean, None, None) if error is None else (mean, mean - error.half_width, mean + error.half_width)
