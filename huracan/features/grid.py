"""From a table of candles to one grid of bars per symbol, and from there to the observed bars.

A grid has a slot for every bar of the window; a slot without a candle stays empty and is never filled.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.schema import FLAT, TRADED, Timeframe, day_end, day_start
from huracan.errors import InvalidInput
from huracan.features.bars import Bars
from huracan.features.context import LEADERS
from huracan.features.rolling import FloatArray
from huracan.units import WHOLE_BPS

_PRICES = ("open", "high", "low", "close")
_MINUTE_MS = 60_000


@dataclass(frozen=True)
class CandleGrid:
    """Candles of the window, sorted by symbol and time.

    `symbols` are those of the day, in the table's order. `rows[symbol]` are the table rows of its observed
    bars and `slots[symbol]` their indices on the grid; slot `first_slot_of_day` is the day's 00:00.
    """

    symbols: tuple[str, ...]
    first_slot_of_day: int
    bars_per_day: int
    start_minute: int
    timeframe_minutes: int
    columns: dict[str, npt.NDArray[np.float64]]
    rows: dict[str, npt.NDArray[np.int64]]
    slots: dict[str, npt.NDArray[np.int64]]

    def bars(self, symbol: str) -> Bars:
        """The observed bars of `symbol`, prices in units of its first close / 10,000, with its leaders."""
        leaders = {base: self._bars(name) for base, name in self._leader_symbols().items()}
        return self._bars(symbol, leaders)

    def closes_of_day(self) -> dict[str, FloatArray]:
        """[bars of the day] the closes of each of the day's symbols, as they are; NaN without a candle."""
        closes = {}
        for symbol in self.symbols:
            rows, slots = self.rows[symbol], self.slots[symbol] - self.first_slot_of_day
            closes[symbol] = np.full(self.bars_per_day, np.nan)
            closes[symbol][slots[slots >= 0]] = self.columns["close"][rows[slots >= 0]]
        return closes

    def _leader_symbols(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for symbol in self.rows:
            base = symbol.replace("-", "/").split("/")[0]
            if base in LEADERS:
                found.setdefault(base, symbol)
        return found

    def _bars(self, symbol: str, leaders: dict[str, Bars] | None = None) -> Bars:
        rows, slots = self.rows[symbol], self.slots[symbol]
        taken: dict[str, FloatArray] = {name: values[rows] for name, values in self.columns.items()}
        unit = taken["close"][0] / WHOLE_BPS if len(rows) else 1.0
        return Bars(
            slots=slots,
            minutes=self.start_minute + slots * self.timeframe_minutes,
            open=taken["open"] / unit,
            high=taken["high"] / unit,
            low=taken["low"] / unit,
            close=taken["close"] / unit,
            volume=taken["volume"],
            trade_count=taken["trade_count"],
            taker_buy_volume=taken["taker_buy_volume"],
            bar_minutes=self.timeframe_minutes,
            leaders=leaders or {},
        )


def lay_on_grid(ohlcv: pa.Table, day: date, timeframe: Timeframe) -> CandleGrid:
    """Sort the candles of the days up to and including `day` by symbol and time; later rows are refused.

    Raises InvalidInput when the table lacks `day`, or a bar is off the grid, repeated or later than `day`.
    """
    minutes = ohlcv["open_time"].cast(pa.int64()).to_numpy() // _MINUTE_MS
    day_minute = int(day_start(day).timestamp()) // 60
    end_minute = int(day_end(day).timestamp()) // 60
    if not len(minutes) or minutes.max() < day_minute:
        raise InvalidInput(f"There are no candles of {day}.", "Make the ohlcv partition of that day first.")
    if minutes.max() >= end_minute:
        raise InvalidInput(
            f"There are candles after {day} in the window of that day.",
            f"Give the days up to {day}, and none of {day + timedelta(days=1)}.",
        )
    start_minute = day_minute - -(-(day_minute - int(minutes.min())) // 1440) * 1440
    slots = (minutes - start_minute) // timeframe.minutes
    if ((minutes - start_minute) % timeframe.minutes).any():
        raise InvalidInput(
            f"A candle of the window of {day} does not open on the {timeframe.name} grid.",
            "Check that the candles and the configuration have the same timeframe.",
        )
    encoded = pc.dictionary_encode(ohlcv["symbol"].combine_chunks())
    names, codes = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
    of_day = tuple(names[code] for code in dict.fromkeys(codes[minutes >= day_minute].tolist()))
    rows, indices = _observed_rows(ohlcv, names, codes, slots)
    return CandleGrid(
        symbols=of_day,
        first_slot_of_day=(day_minute - start_minute) // timeframe.minutes,
        bars_per_day=timeframe.bars_per_day,
        start_minute=start_minute,
        timeframe_minutes=timeframe.minutes,
        columns={name: _float_column(ohlcv, name) for name in (*_PRICES, *_VOLUMES)},
        rows=rows,
        slots=indices,
    )


_VOLUMES = ("volume", "trade_count", "taker_buy_volume")


def _observed_rows(
    ohlcv: pa.Table,
    names: list[str],
    codes: npt.NDArray[np.int32],
    slots: npt.NDArray[np.int64],
) -> tuple[dict[str, npt.NDArray[np.int64]], dict[str, npt.NDArray[np.int64]]]:
    has_candle = pc.is_in(ohlcv["status"], pa.array([TRADED, FLAT]))
    is_observed = pc.and_(has_candle, pc.is_valid(ohlcv["close"])).to_numpy()
    order = np.lexsort((slots, codes))
    is_repeated = (np.diff(codes[order]) == 0) & (np.diff(slots[order]) == 0)
    if is_repeated.any():
        row = order[1:][is_repeated][0]
        raise InvalidInput(
            f"The bar {ohlcv['open_time'][int(row)]} of {names[codes[row]]} occurs twice in the window.",
            "Give every day once.",
        )
    order = order[is_observed[order]]
    bounds = np.searchsorted(codes[order], np.arange(len(names) + 1))
    rows = {name: order[bounds[i] : bounds[i + 1]] for i, name in enumerate(names)}
    return rows, {name: slots[taken] for name, taken in rows.items()}


def _float_column(ohlcv: pa.Table, name: str) -> npt.NDArray[np.float64]:
    values = ohlcv[name].cast(pa.float64()).combine_chunks()
    return np.asarray(values.fill_null(float("nan")).to_numpy(zero_copy_only=False), dtype=np.float64)
