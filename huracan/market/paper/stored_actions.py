"""The actions that a session wrote down, read back as what `replay` plays."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.errors import InputRefused
from huracan.market.actions import action_names
from huracan.market.block import MarketBlock
from huracan.market.rules import TradingRules


@dataclass(frozen=True, eq=False)
class ActionLists:
    """What each lane does, bar after bar; of a stored session one lane per symbol and day."""

    symbols: NDArray[np.integer]
    """[lanes] index in the block."""
    first_bars: NDArray[np.integer]
    """[lanes]"""
    actions: NDArray[np.integer]
    """[lanes, bars] what is decided at the close of the lane's first bar and of each after it."""


def stored_actions(bars: pa.Table, block: MarketBlock, rules: TradingRules) -> ActionLists:
    """The lanes of `bars` (SESSION_SCHEMA, in its order; no columns but symbol, time and action are needed).

    InputRefused where the table holds an action or a symbol that the market does not know, or does not hold
    every bar of its sessions.
    """
    code = pc.index_in(bars["action"], value_set=pa.array(action_names(rules.allow_short)))
    symbol = pc.index_in(bars["symbol"], value_set=pa.array(block.symbols))
    if code.null_count or symbol.null_count:
        raise InputRefused(
            "The session holds an action or a symbol that the market does not know.", "Trade the day again."
        )
    index = np.searchsorted(block.open_time_ms, bars["open_time"].cast(pa.int64()).to_numpy())
    starts = np.flatnonzero(np.isin(index, block.session_first))
    first_bars, lanes = index[starts].astype(np.int64), starts.size
    if lanes and len(index) % lanes == 0:
        expected = first_bars[:, None] + np.arange(len(index) // lanes)
        times = block.open_time_ms[np.minimum(expected, block.bar_count - 1)]
        whole = np.array_equal(times.reshape(-1), bars["open_time"].cast(pa.int64()).to_numpy())
        whole &= np.array_equal(expected[:, -1], block.session_last[first_bars])
    else:
        whole = False
    if not whole:
        raise InputRefused("The session does not hold every bar of the market.", "Trade the day again.")
    rows = code.to_numpy().astype(np.int8).reshape(lanes, -1)
    return ActionLists(symbol.to_numpy().astype(np.int64)[starts], first_bars, rows)
