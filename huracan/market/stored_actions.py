"""The actions that a session wrote down, as lists that the market can be given again."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.errors import InputRefused
from huracan.market.actions import action_names
from huracan.market.block import MarketBlock
from huracan.market.rules import TradingRules


def stored_actions(
    bars: pa.Table, block: MarketBlock, rules: TradingRules
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int8]]:
    """Symbols [lanes], first bars [lanes] and actions [lanes, bars] of `bars` (SESSION_SCHEMA), for `replay`.

    InputRefused where an action or a symbol is not the market's.
    """
    code = pc.index_in(bars["action"], value_set=pa.array(action_names(rules.allow_short)))
    symbol = pc.index_in(bars["symbol"], value_set=pa.array(block.symbols))
    if code.null_count or symbol.null_count:
        raise InputRefused(
            "The session holds an action or a symbol that the market does not know.", "Trade the day again."
        )
    place = np.searchsorted(block.open_time_ms, bars["open_time"].cast(pa.int64()).to_numpy())
    starts = np.flatnonzero(np.isin(place, block.session_first))
    rows = code.to_numpy().astype(np.int8).reshape(starts.size, -1)
    return symbol.to_numpy().astype(np.int64)[starts], place[starts].astype(np.int64), rows
