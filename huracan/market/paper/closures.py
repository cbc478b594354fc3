"""Positions that a new day has no market for: closed at the last known price before its first decision."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.market.actions import HOLD_INDEX
from huracan.market.block import MS_PER_DAY, MS_PER_MINUTE, MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.engine.lane import LANE
from huracan.market.ledger import ENTRY_SCHEMA, FILLS_SCHEMA, SESSION_SCHEMA, TRADES_SCHEMA
from huracan.market.paper.lane_rows import fills_of, lanes_of
from huracan.market.paper.open_columns import OPEN_POSITIONS_SCHEMA
from huracan.market.paper.open_positions import OF_ACCOUNT
from huracan.market.paper.signal_context import Entries, keys_of
from huracan.market.paper.trade_log import fills_table, trades_table
from huracan.market.rules import TradingRules
from huracan.regimes.model import REGIMES
from huracan.units import WHOLE_BPS


@dataclass(frozen=True, eq=False)
class Closures:
    """What was closed, and what its accounts were left with."""

    trades: pa.Table
    """TRADES_SCHEMA"""
    fills: pa.Table
    """FILLS_SCHEMA"""
    accounts: pa.Table
    """OPEN_POSITIONS_SCHEMA of those that held it."""
    state: NDArray[np.void]
    """LANE [accounts] after it."""

    @property
    def symbols(self) -> list[str]:
        """Of the accounts, in their order."""
        return [str(each) for each in self.accounts["symbol"]]

    def bars(self, symbols: Sequence[str]) -> pa.Table:
        """SESSION_SCHEMA: the last row of each account whose symbol is not among `symbols`."""
        rows = [
            _last_row(account, lane)
            for account, lane in zip(self.accounts.to_pylist(), self.state, strict=True)
            if account["symbol"] not in symbols
        ]
        return pa.Table.from_pylist(rows, schema=SESSION_SCHEMA)

    def settle(self, state: NDArray[np.void], symbols: Sequence[str]) -> None:
        """Hands the money on to those of the lanes [symbols] that are theirs."""
        for lane, symbol in zip(self.state, self.symbols, strict=True):
            if symbol in symbols:
                for name in OF_ACCOUNT:
                    state[name][symbols.index(symbol)] = lane[name]


NO_CLOSURES = Closures(
    TRADES_SCHEMA.empty_table(),
    FILLS_SCHEMA.empty_table(),
    OPEN_POSITIONS_SCHEMA.empty_table(),
    np.zeros(0, LANE),
)


def _last_row(account: dict[str, Any], lane: np.void) -> dict[str, Any]:
    equity, peak = float(lane["cash_usd"]), account["peak_usd"]
    return {
        "symbol": account["symbol"],
        "open_time": account["as_of"],
        "action": None,
        "cash_usd": equity,
        "position_value_usd": 0.0,
        "equity_usd": equity,
        "result_usd": equity - account["equity_usd"],
        "exposure": 0.0,
        "costs_usd": float(lane["costs_usd"]),
        "drawdown_bps": max(peak - equity, 0.0) / peak * WHOLE_BPS,
    }


def close_at_mark(
    accounts: pa.Table, reasons: Sequence[int], at_ms: int, rules: TradingRules, costs: CostAssumptions
) -> Closures:
    """Closes what `accounts` (OPEN_POSITIONS_SCHEMA, each holding something) hold, by exit `reasons`, in a
    bar that opens at `at_ms`.

    The market's own step fills it, as an exit that waited, in a market of one bar at the last known price
    with the volatility, traded value, spread and fee of the day before.
    """
    found = list(_closed_by_timeframe(accounts, np.asarray(reasons, np.int8), at_ms, rules, costs))
    return Closures(
        trades=pa.concat_tables([TRADES_SCHEMA.empty_table(), *(each.trades for each in found)]),
        fills=pa.concat_tables([FILLS_SCHEMA.empty_table(), *(each.fills for each in found)]),
        accounts=pa.concat_tables([OPEN_POSITIONS_SCHEMA.empty_table(), *(each.accounts for each in found)]),
        state=np.concatenate([np.zeros(0, LANE), *(each.state for each in found)]),
    )


def _closed_by_timeframe(
    accounts: pa.Table, reasons: NDArray[np.int8], at_ms: int, rules: TradingRules, costs: CostAssumptions
) -> Iterator[Closures]:
    """Those whose bars are of one length at a time, because a block has bars of one length."""
    minutes = accounts["bar_minutes"].to_numpy()
    for length in np.unique(minutes).tolist():
        own = minutes == length
        held = accounts.filter(pa.array(own))
        block = _market_at_mark(held, at_ms, length)
        state = lanes_of(held, block)
        state["symbol"], state["end_bar"], state["pending"] = np.arange(state.size), 1, reasons[own]
        environment = MarketEnvironment(block, rules, costs, state.size, records=True)
        environment.restore(state)
        environment.advance(np.full(state.size, HOLD_INDEX))
        closed = environment.closed()
        entries = Entries(keys_of(closed), held.select(ENTRY_SCHEMA.names))
        before = fills_of(held, entries.keys, block)
        fills = np.concatenate([before, environment.fills()])
        fills = fills[np.argsort(fills["lane"], kind="stable")]
        yield Closures(
            trades=trades_table(closed, entries, block, [None] * closed.size),
            fills=fills_table(fills, closed, entries, block),
            accounts=held,
            state=environment.state.copy(),
        )


def _market_at_mark(accounts: pa.Table, at_ms: int, bar_minutes: int) -> MarketBlock:
    """Two bars of each account's market at its last known price: the last one known, and one to leave in."""
    times = at_ms + np.array([-1, 0]) * bar_minutes * MS_PER_MINUTE

    def twice(name: str) -> NDArray[np.float64]:
        values = accounts[name].cast(pa.float64()).to_numpy(zero_copy_only=False)
        return np.repeat(values[:, None], 2, axis=1)

    price, count = twice("mark_price"), accounts.num_rows
    regimes = [REGIMES.index(each) for each in accounts["mark_regime"].to_pylist()]
    return MarketBlock(
        symbols=tuple(accounts["symbol"].to_pylist()),
        feature_names=(),
        open_time_ms=times,
        features=np.zeros((count, 2, 0), np.float32),
        open=price,
        high=price,
        low=price,
        close=price,
        is_tradable=np.ones((count, 2), np.bool_),
        is_ready=np.zeros((count, 2), np.bool_),
        volatility_bps=twice("mark_volatility_bps"),
        slippage_volatility_bps=twice("mark_slippage_volatility_bps"),
        traded_value_usd=twice("mark_traded_value_usd"),
        regime=np.repeat(np.array(regimes, np.int8)[:, None], 2, axis=1),
        regime_probabilities=np.zeros((count, 2, len(REGIMES)), np.float32),
        day_index=at_ms // MS_PER_DAY + np.array([-1, 0]),
        half_spread_bps=twice("mark_half_spread_bps"),
        taker_fee_bps=twice("mark_taker_fee_bps"),
        tick_size=twice("mark_tick_size"),
    )
