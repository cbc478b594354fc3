"""Rows of the table of open positions as the lanes and fills that they were made of."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.market.block import MarketBlock
from huracan.market.engine.lane import LANE, NOTHING_PENDING
from huracan.market.engine.records import FILL
from huracan.market.ledger import EXIT_REASONS, FILL_KINDS, SHORT
from huracan.market.paper.open_positions import AS_TOLD, OF_ACCOUNT, TIMES
from huracan.market.paper.trade_log import BUY


def lanes_of(accounts: pa.Table, block: MarketBlock) -> NDArray[np.void]:
    """LANE of accounts, in their order: what the table says, bars counted from the block's first."""
    state = np.zeros(accounts.num_rows, LANE)
    state["order_factor"] = 1.0
    for name in (*OF_ACCOUNT, *AS_TOLD):
        nothing = pa.scalar(0).cast(accounts[name].type)
        state[name] = pc.fill_null(accounts[name], nothing).to_numpy()
    for name, column in TIMES.items():
        state[name] = bars_at(milliseconds(accounts, column), block)
    state["signal_bar"] = bars_at(milliseconds(accounts, "signal_time"), block) - 1
    state["side"] = np.where(pc.fill_null(pc.equal(accounts["side"], SHORT), False).to_numpy(), -1, 1)
    code = pc.index_in(accounts["pending"], value_set=pa.array(EXIT_REASONS))
    state["pending"] = pc.fill_null(code, NOTHING_PENDING).to_numpy()
    return state


def fills_of(accounts: pa.Table, keys: NDArray[np.int64], block: MarketBlock) -> NDArray[np.void]:
    """FILL records of accounts that hold something, whose lanes and positions are `keys`."""
    lists = accounts["fills"].combine_chunks()
    rows = pa.Table.from_struct_array(lists.flatten())
    owner = np.repeat(keys, lists.value_lengths().to_numpy())
    fills = np.zeros(rows.num_rows, FILL)
    fills["lane"], fills["trade"] = owner >> 32, owner & 0xFFFFFFFF
    fills["bar"] = bars_at(milliseconds(rows, "time"), block)
    fills["kind"] = pc.index_in(rows["kind"], value_set=pa.array(FILL_KINDS)).to_numpy()
    fills["is_buy"] = pc.equal(rows["side"], BUY).to_numpy()
    fills["reference"] = rows["reference_price"].to_numpy()
    for name in FILL.names or ():
        if name in rows.column_names and name != "kind":
            fills[name] = rows[name].to_numpy()
    return fills


def bars_at(times_ms: NDArray[np.int64], block: MarketBlock) -> NDArray[np.int64]:
    """The bars that open at those times, counted from the block's first; below 0 before it."""
    return np.asarray((times_ms - block.open_time_ms[0]) // block.bar_ms, dtype=np.int64)


def milliseconds(table: pa.Table, name: str) -> NDArray[np.int64]:
    """A column of times, 0 where null."""
    return np.asarray(pc.fill_null(table[name].cast(pa.int64()), 0).to_numpy())
