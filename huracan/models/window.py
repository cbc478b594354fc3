"""Which closed trades a model of a day may learn from, in one order, and how they are split by time.

The only place that decides what is past. Outcomes are cut here; inputs are made in `inputs`.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.candles.schema import TIME, day_end
from huracan.durations import Duration, minutes_of
from huracan.evaluation.splits import split_tail
from huracan.models.config import ModelConfig, Unfit

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class TradeSplit:
    """Row numbers by purpose, oldest first. Outcomes of `fit` precede `validation`, both precede `tail`."""

    fit: Integers
    validation: Integers
    tail: Integers


def trailing_trades(trades: pa.Table, day: date, trailing_days: int, maximum_holding: Duration) -> pa.Table:
    """The trades signalled in the `trailing_days` ending with `day`, `maximum_holding` before `day` 24:00 at
    the latest, whose exit was known at `day` 24:00.

    A younger signal waits: of those only what ended fast is closed, and where the stop is nearer than the
    target that is mostly what lost. Sorted by signal time, symbol and id, so the order of the input does not
    matter.
    """
    end = day_end(day)
    ripe = end - timedelta(minutes=minutes_of(maximum_holding))
    signal, left = trades["signal_time"], trades["exit_time"]
    kept = trades.filter(
        pc.and_(
            pc.and_(
                pc.greater_equal(signal, pa.scalar(end - timedelta(days=trailing_days), TIME)),
                pc.less_equal(signal, pa.scalar(ripe, TIME)),
            ),
            pc.less(left, pa.scalar(end, TIME)),
        )
    )
    return order_trades(kept)


def order_trades(trades: pa.Table) -> pa.Table:
    """`trades` by signal time, symbol and id."""
    keys = [("signal_time", "ascending"), ("symbol", "ascending"), ("trade_id", "ascending")]
    return trades.take(pc.sort_indices(trades, sort_keys=keys))


def won(trades: pa.Table) -> NDArray[np.bool_]:
    """[n] the label of every model: the trade made money after all costs."""
    label: NDArray[np.bool_] = trades["net_bps"].to_numpy(zero_copy_only=False) > 0.0
    return label


def split_trades(trades: pa.Table, config: ModelConfig, maximum_holding: Duration) -> TradeSplit | Unfit:
    """Purged split of ordered `trades` into fit, validation and tail; Unfit where a part cannot teach.

    A signal lasts for `maximum_holding` even if its trade ended sooner: purged by their own ends, the last
    trades before a later part would be the short ones alone.
    """
    count = trades.num_rows
    if count < config.minimum_trades:
        return Unfit(f"{count} closed trades, {config.minimum_trades} are needed.", count)
    start = _stamps(trades, "signal_time")
    end = np.maximum(_stamps(trades, "exit_time"), start + minutes_of(maximum_holding) * 60_000)
    embargo = config.embargo_minutes * 60_000
    outer = split_tail(start, end, config.tail_fraction, embargo)
    if len(outer.train) < 2:
        return Unfit("No trade ended before the held-out tail began.", count)
    inner = split_tail(start[outer.train], end[outer.train], config.validation_fraction, embargo)
    split = TradeSplit(outer.train[inner.train], outer.train[inner.test], outer.test)
    label = won(trades)
    for name, rows in (("fitted", split.fit), ("validation", split.validation)):
        if len(np.unique(label[rows])) < 2:
            kind = "no trade" if len(rows) == 0 else "only winners" if label[rows].all() else "only losers"
            return Unfit(f"The {name} part of {len(rows)} trades holds {kind}.", count)
    return split


def _stamps(trades: pa.Table, name: str) -> Integers:
    stamps: Integers = pc.cast(trades[name], pa.int64()).to_numpy(zero_copy_only=False)
    return stamps
