"""Candles of longer bars from those of shorter ones: what a decision bar shows at its close.

Nothing is invented: a longer bar without any candle is missing, and says so.
"""

from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.schema import FLAT, MISSING, OHLCV_SCHEMA, QUARANTINED, TIME, TRADED, Timeframe

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_MINUTE_MS = 60_000
_SUMS = ("volume", "trade_count", "taker_buy_volume")


class BarGroups:
    """Rows of OHLCV_SCHEMA in groups: the bars of a symbol that open within the same `minutes` of the day.

    Rows are taken in the order of symbol and time; `starts` [groups] is where each group begins in it.
    """

    def __init__(self, ohlcv: pa.Table, minutes: int) -> None:
        self._ohlcv, self._minutes = ohlcv, minutes
        opened = ohlcv["open_time"].cast(pa.int64()).to_numpy() // _MINUTE_MS
        self._encoded = pc.dictionary_encode(ohlcv["symbol"].combine_chunks())
        codes = self._encoded.indices.to_numpy()
        self._order = np.lexsort((opened, codes))
        self.symbol_codes = codes[self._order]
        """Of each row, the place of its symbol among those of the table."""
        self.minutes = opened[self._order]
        buckets = self.minutes // minutes
        begins = np.ones(len(buckets), dtype=np.bool_)
        begins[1:] = (np.diff(self.symbol_codes) != 0) | (np.diff(buckets) != 0)
        self.starts = np.flatnonzero(begins)
        self._opened_ms = buckets[self.starts] * minutes * _MINUTE_MS

    def column(self, name: str) -> FloatArray:
        """Every row of a column as numbers, NaN where null."""
        column = pc.fill_null(self._ohlcv[name].cast(pa.float64()), float("nan")).combine_chunks()
        return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)[self._order]

    def has_status(self, status: str) -> BoolArray:
        """Of every row."""
        found = pc.fill_null(pc.equal(self._ohlcv["status"].combine_chunks(), status), False)
        return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.bool_)[self._order]

    def any(self, flags: BoolArray) -> BoolArray:
        """Whether any row of each group has the flag."""
        return np.asarray(np.logical_or.reduceat(flags, self.starts), dtype=np.bool_)

    def sum(self, values: FloatArray) -> FloatArray:
        """Of each group."""
        return np.asarray(np.add.reduceat(values, self.starts), dtype=np.float64)

    @cached_property
    def is_observed(self) -> BoolArray:
        """Of every row, whether it has a candle."""
        return (self.has_status(TRADED) | self.has_status(FLAT)) & ~np.isnan(self.column("close"))

    @cached_property
    def is_priced(self) -> BoolArray:
        """Of every row, whether it makes the prices of its group: one that was traded, or is flat in a group
        that was not traded. Beside a traded one a flat bar only repeats an earlier price."""
        traded = self.has_status(TRADED) & self.is_observed
        lengths = np.diff(np.append(self.starts, len(traded)))
        return traded | (self.is_observed & ~np.repeat(self.any(traded), lengths))

    def prices(self) -> dict[str, FloatArray]:
        """Open, high, low and close of each group, NaN where it has no candle."""
        rows = np.arange(len(self.is_priced))
        first = np.minimum.reduceat(np.where(self.is_priced, rows, len(rows)), self.starts)
        last = np.maximum.reduceat(np.where(self.is_priced, rows, -1), self.starts)
        is_empty = last < 0
        high, low = (np.where(self.is_priced, self.column(name), np.nan) for name in ("high", "low"))
        return {
            "open": np.where(is_empty, np.nan, self.column("open")[np.where(is_empty, 0, first)]),
            "high": np.fmax.reduceat(high, self.starts),
            "low": np.fmin.reduceat(low, self.starts),
            "close": np.where(is_empty, np.nan, self.column("close")[last]),
        }

    def keys(self) -> dict[str, pa.Array]:
        """Symbol and opening time of each group."""
        codes = self.symbol_codes[self.starts]
        return {
            "symbol": self._encoded.dictionary.take(pa.array(codes)),
            "open_time": pa.array(self._opened_ms).cast(TIME),
            "close_time": pa.array(self._opened_ms + self._minutes * _MINUTE_MS).cast(TIME),
        }

    def in_order(self, table: pa.Table) -> pa.Table:
        """A row for each group, as their first rows stood in the candles: the universe's order, by days."""
        return table.take(pa.array(np.argsort(np.minimum.reduceat(self._order, self.starts), kind="stable")))


def aggregate_candles(ohlcv: pa.Table, detail: Timeframe, decision: Timeframe) -> pa.Table:
    """The `decision` bars of a grid of `detail` bars (days of OHLCV_SCHEMA), in the order of the table.

    Open of the first traded detail bar, close of the last, highest high, lowest low, volumes added up; where
    none was traded, the same of the flat ones. Traded where any was, else flat, else quarantined where a bar
    of it is, else missing. `trade_count` and `taker_buy_volume` are null where one of its candles lacks them.
    `funding_rate`, which is settled at the open of a detail bar, is null. A bar is made of its own detail
    bars alone. Where both timeframes are one, the table is given back.
    """
    if detail == decision or not ohlcv.num_rows:
        return ohlcv
    groups = BarGroups(ohlcv, decision.minutes)
    is_known = groups.any(groups.is_observed)
    volumes = {name: groups.sum(np.where(groups.is_observed, groups.column(name), 0.0)) for name in _SUMS}
    status = np.select(
        [groups.any(groups.has_status(kind)) for kind in (TRADED, FLAT, QUARANTINED)],
        [TRADED, FLAT, QUARANTINED],
        MISSING,
    )
    numbers = groups.prices() | volumes
    columns = {name: pa.array(each, mask=~is_known | np.isnan(each)) for name, each in numbers.items()}
    columns |= groups.keys()
    columns["status"] = pa.array(status.tolist(), pa.string())
    columns["funding_rate"] = pa.nulls(len(status), pa.float64())
    made = [columns[field.name].cast(field.type) for field in OHLCV_SCHEMA]
    return groups.in_order(pa.Table.from_arrays(made, schema=OHLCV_SCHEMA))
