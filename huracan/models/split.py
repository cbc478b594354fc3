"""How past trades are split by time: what is fitted, where it stops, what calibrates, what measures.

Each part begins only after the outcomes of the parts before it were known.
Source: Lopez de Prado, "Advances in Financial Machine Learning" (2018), chapter 7.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.durations import Duration, minutes_of
from huracan.evaluation.jackknife import blocks_of
from huracan.evaluation.splits import split_tail
from huracan.models.config import ModelConfig, Unfit
from huracan.models.past import PastTrades

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

_MOST_BLOCKS = 30


@dataclass(frozen=True)
class TradeSplit:
    """Row numbers by purpose, oldest first; outcomes of each part precede the part after it."""

    fit: Integers
    validation: Integers
    calibration: Integers
    tail: Integers


def split_past(
    past: PastTrades, config: ModelConfig, maximum_holding: Duration, label: Floats | None = None
) -> TradeSplit | Unfit:
    """Purged split into fit, validation, calibration and tail; Unfit where a part cannot teach.

    A signal lasts for `maximum_holding` even if its trade ended sooner: purged by their own ends, the last
    trades before a later part would be the short ones alone. Of a `label` [n] (1 won, 0 lost, between them
    where it is not sure), what is fitted must hold both.
    """
    count, effective = past.trades.num_rows, past.effective_count
    if effective < config.minimum_trades:
        counts = "" if effective == count else f" that count for {effective:.1f}"
        return Unfit(f"{count} closed trades{counts}, {config.minimum_trades} are needed.", count)
    start, end = lifetimes(past.trades, maximum_holding)
    embargo = config.embargo_minutes * 60_000
    rows, parts = np.arange(count), []
    for name, fraction in (
        ("held-out tail", config.tail_fraction),
        ("calibration part", config.calibration_fraction),
        ("validation part", config.validation_fraction),
    ):
        found = split_tail(start[rows], end[rows], fraction, embargo)
        if len(found.train) < 2:
            return Unfit(f"No trade ended before the {name} began.", count)
        parts.append(rows[found.test])
        rows = rows[found.train]
    split = TradeSplit(rows, parts[2], parts[1], parts[0])
    for name, rows in (("fitted", split.fit), ("validation", split.validation)):
        if label is not None and len(np.unique(label[rows])) < 2:
            kind = "only winners" if label[rows][0] > 0.5 else "only losers"
            return Unfit(f"The {name} part of {len(rows)} trades holds {kind}.", count)
    return split


def lifetimes(trades: pa.Table, maximum_holding: Duration) -> tuple[Integers, Integers]:
    """[n] milliseconds since 1970: when each was signalled, and by when any trade of its signal is over."""
    start = pc.cast(trades["signal_time"], pa.int64()).to_numpy()
    left = pc.cast(trades["exit_time"], pa.int64()).to_numpy()
    return start, np.maximum(left, start + minutes_of(maximum_holding) * 60_000)


def blocks_of_time(start: Integers, maximum_holding: Duration) -> Integers:
    """[n] the number of the block of time that each signal, at `start` [n] in milliseconds, lies in.

    Blocks of two longest holdings, so that few trades reach into the next; longer where there were more than
    30, so that what lasts longer than a trade, such as a trend, stays within one.
    """
    if start.size == 0:
        return start
    span = int(start.max() - start.min())
    return blocks_of(start, max(2 * minutes_of(maximum_holding) * 60_000, span // _MOST_BLOCKS + 1))
