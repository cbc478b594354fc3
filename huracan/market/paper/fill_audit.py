"""The audit of a ledger's fills: they add up to their trades, and each was possible in its candle."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.candles.schema import TRADED
from huracan.market.ledger import (
    ADD,
    DATA_GAP,
    DELISTED,
    ENTRY,
    LEFT_UNIVERSE,
    POLICY_EXIT,
    SCALE_OUT,
    SCRATCH,
    TARGET,
    TIME_OUT,
    TIMEFRAME_CHANGED,
)

CENT = 0.005
_SHARE = 1e-9
"""Room for rounding, relative."""
AT_MARK = (DATA_GAP, DELISTED, LEFT_UNIVERSE, TIMEFRAME_CHANGED)
"""Exits at the last known price because there was no candle to leave in."""
AT_THE_OPEN = (ENTRY, ADD, SCALE_OUT, POLICY_EXIT, SCRATCH, TIME_OUT)
"""Orders that were decided at a close: they meet the next open, and no price that the close knew."""

Floats = NDArray[np.float64]


def fill_faults(trades: pa.Table, fills: pa.Table) -> Iterator[str]:
    """Where the fills of a trade do not give its quantities, prices, costs, times and reason."""
    owner = pc.index_in(fills["trade_id"], value_set=trades["trade_id"].combine_chunks())
    if owner.null_count:
        yield f"{owner.null_count} fills belong to no trade."
        return
    own = _Fills(owner.to_numpy().astype(np.int64), trades.num_rows)
    for row in np.flatnonzero(np.bincount(own.index, minlength=own.trades) == 0):
        yield f"Trade {trades['trade_id'][int(row)]} has no fill."
        return
    column = {name: fills[name].to_numpy(zero_copy_only=False) for name in fills.column_names[2:]}
    trade = {name: trades[name].to_numpy(zero_copy_only=False) for name in trades.column_names}
    opens = np.isin(column["kind"], (ENTRY, ADD))
    for name, wrong in _compared(own, column, trade, opens):
        for row in np.flatnonzero(wrong):
            yield f"Trade {trade['trade_id'][row]}: its fills do not add up to its {name}."
    early = (column["kind"] == ENTRY) & (column["time"] < trade["signal_time"][own.index])
    for row in np.flatnonzero(early):
        yield f"Trade {fills['trade_id'][int(row)]}: it was filled in the bar that it was decided by."
    for row in np.flatnonzero(column["quantity"] > column["ordered_quantity"] * (1 + _SHARE)):
        yield f"Trade {fills['trade_id'][int(row)]}: a fill is larger than its order."


@dataclass(frozen=True)
class _Fills:
    """Which trade each fill belongs to: `index` [fills] among `trades`."""

    index: NDArray[np.int64]
    trades: int

    def total(self, values: NDArray[Any]) -> Floats:
        """[trades] sums over the fills."""
        found = np.bincount(self.index, weights=values.astype(np.float64), minlength=self.trades)
        return np.asarray(found, dtype=np.float64)

    def first(self, values: NDArray[Any]) -> NDArray[Any]:
        """[trades] the value of each trade's first fill."""
        return self._chosen(values, slice(None, None, -1))

    def last(self, values: NDArray[Any]) -> NDArray[Any]:
        return self._chosen(values, slice(None))

    def _chosen(self, values: NDArray[Any], direction: slice) -> NDArray[Any]:
        ends = np.zeros(self.trades, np.int64)
        # Of repeated indices the last one written stays.
        ends[self.index[direction]] = np.arange(self.index.size)[direction]
        return values[ends]


def _compared(
    own: _Fills, fill: dict[str, NDArray[Any]], trade: dict[str, NDArray[Any]], opens: NDArray[np.bool_]
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    quantity, direction = fill["quantity"], np.where(trade["side"] == "short", -1.0, 1.0)
    for leg, name, price in (
        (opens, "entry_reference_price", "reference_price"),
        (opens, "entry_price", "price"),
        (~opens, "exit_reference_price", "reference_price"),
        (~opens, "exit_price", "price"),
    ):
        whole = own.total(quantity * leg)
        yield "quantity", ~np.isclose(whole, trade["quantity"], rtol=_SHARE, atol=0.0)
        value = own.total(quantity * leg * fill[price])
        yield name, ~np.isclose(value, trade["quantity"] * trade[name], rtol=_SHARE, atol=0.0)
    moved = own.total(quantity * fill["reference_price"] * np.where(opens, -1.0, 1.0)) * direction
    yield "gross_usd", ~(np.abs(moved - trade["gross_usd"]) <= CENT)
    for name in ("fee_usd", "spread_usd", "slippage_usd"):
        yield name, ~(np.abs(own.total(fill[name]) - trade[name]) <= CENT)
    lengthens = (fill["side"] == "buy") == opens
    yield "side", own.total(lengthens != (direction > 0)[own.index]) > 0
    for kind, name in ((ADD, "adds"), (SCALE_OUT, "scale_outs")):
        yield name, own.total(fill["kind"] == kind) != trade[name]
    yield "entry", own.total(fill["kind"] == ENTRY) != 1
    if own.trades:
        yield "entry_time", own.first(fill["time"]) != trade["entry_time"]
        yield "exit_time", own.last(fill["time"]) != trade["exit_time"]
        yield "exit_reason", own.last(fill["kind"]) != trade["exit_reason"]


def candle_faults(fills: pa.Table, ohlcv: pa.Table) -> Iterator[str]:
    """Fills on a bar that was not traded, at a reference price outside the candle's range, or of an order for
    the open at another price than that.

    Those of days before the candles are not asked, nor those at the last known price for want of a candle.
    """
    begins = pc.min(ohlcv["open_time"])
    is_asked = pc.and_(
        pc.greater_equal(fills["time"], begins.cast(fills["time"].type)),
        pc.invert(pc.is_in(fills["kind"], value_set=pa.array(AT_MARK))),
    )
    fills = fills.filter(is_asked)
    symbols = pc.unique(ohlcv["symbol"])
    candle, wanted = _keys(ohlcv, "open_time", symbols), _keys(fills, "time", symbols)
    order = np.argsort(candle, kind="stable")
    found = order[np.searchsorted(candle[order], wanted).clip(0, max(candle.size - 1, 0))]
    known = candle[found] == wanted
    traded = pc.fill_null(pc.equal(ohlcv["status"], TRADED), False).to_numpy(zero_copy_only=False)
    opened, low, high = (
        pc.fill_null(ohlcv[name].cast(pa.float64()), float("nan")).to_numpy()[found]
        for name in ("open", "low", "high")
    )
    price = fills["reference_price"].to_numpy()
    silent = ~(known & traded[found] & np.isfinite(low) & np.isfinite(high))
    # A bar that opens beyond the target fills at the target all the same: worse than any price in the bar.
    waived = pc.equal(fills["kind"], TARGET).to_numpy(zero_copy_only=False)
    buys = pc.equal(fills["side"], "buy").to_numpy(zero_copy_only=False)
    low_enough = (price <= high * (1 + _SHARE)) | (waived & buys)
    high_enough = (price >= low * (1 - _SHARE)) | (waived & ~buys)
    outside = ~(low_enough & high_enough) & ~silent
    is_for_open = pc.is_in(fills["kind"], value_set=pa.array(AT_THE_OPEN)).to_numpy(zero_copy_only=False)
    elsewhere = is_for_open & ~silent & ~outside & ~(np.abs(price - opened) <= opened * _SHARE)
    for wrong, why in (
        (silent, "is on a bar that was not traded"),
        (outside, "is outside the candle's range"),
        (elsewhere, "is not at the candle's open"),
    ):
        for row in np.flatnonzero(wrong).tolist():
            yield f"Trade {fills['trade_id'][row]}: its {fills['kind'][row]} {why}."


def _keys(table: pa.Table, time: str, symbols: pa.Array) -> NDArray[np.int64]:
    symbol = pc.fill_null(pc.index_in(table["symbol"], value_set=symbols), -1)
    moment = table[time].cast(pa.int64()).to_numpy()
    return np.asarray(symbol.to_numpy().astype(np.int64) * 10**14 + moment, dtype=np.int64)
