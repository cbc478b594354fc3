"""Which closed trades a model of a day may learn from, in one order.

The only place that decides what is past. Inputs are made in `inputs`; how the past is split is in `split`.
"""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.candles.schema import TIME, day_end
from huracan.durations import Duration, minutes_of


def trailing_trades(trades: pa.Table, day: date, trailing_days: int, maximum_holding: Duration) -> pa.Table:
    """The trades signalled in the `trailing_days` ending with `day`, more than `maximum_holding` before `day`
    24:00, whose exit was known at `day` 24:00.

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
                pc.less(signal, pa.scalar(ripe, TIME)),
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
    """[n] whether the trade made money after all costs."""
    label: NDArray[np.bool_] = trades["net_bps"].to_numpy(zero_copy_only=False) > 0.0
    return label
