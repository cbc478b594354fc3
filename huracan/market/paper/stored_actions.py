"""The actions that a session wrote down, read back as what `replay` plays."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.errors import InputRefused
from huracan.market.actions import action_names
from huracan.market.block import MarketBlock
from huracan.market.engine.order_terms import BY_THE_RULES, RESTS, TAKES, OrderTerms
from huracan.market.paper.guarded_columns import LIMIT, MARKET, ORDER_TYPE, SIZE_FACTOR
from huracan.market.rules import TradingRules


@dataclass(frozen=True, eq=False)
class ActionLists:
    """What each lane does, decision after decision; of a stored session one lane per symbol."""

    symbols: NDArray[np.integer]
    """[lanes] index in the block."""
    first_bars: NDArray[np.integer]
    """[lanes] the detail bar at whose close the first decision is made."""
    actions: NDArray[np.integer]
    """[lanes, decisions] what is decided there, and at each decision bar's close after it."""
    terms: OrderTerms | None = None
    """[lanes, decisions] what the entries among them are sent as; None: as the rules have it."""


def stored_actions(bars: pa.Table, block: MarketBlock, rules: TradingRules) -> ActionLists:
    """One lane for every symbol of the block, in its order: the actions of `bars` (SESSION_SCHEMA in any
    order; no columns but symbol, time and action are needed).

    The rows are those of the block's decision bars but the first, whose close is where the lanes begin; those
    of a symbol that left the universe are no decisions. Where gates changed entries the columns ORDER_COLUMNS
    say how. InputRefused where the table holds an action that the
    market does not know, or lacks a decision.
    """
    decided = bars.filter(pc.is_in(bars["symbol"], value_set=pa.array(block.symbols)))
    code = pc.index_in(decided["action"], value_set=pa.array(action_names(rules.allow_short)))
    if code.null_count:
        raise InputRefused(
            "The session holds an action that the market does not know.", "Trade the day again."
        )
    symbol = pc.index_in(decided["symbol"], value_set=pa.array(block.symbols)).to_numpy()
    moment = decided["open_time"].cast(pa.int64()).to_numpy()
    order = np.lexsort((moment, symbol))
    expected = block.time_of(block.decision_closes[:-1] + 1)
    count = block.symbol_count
    if not (
        len(order) == count * expected.size
        and np.array_equal(symbol[order], np.repeat(np.arange(count), expected.size))
        and np.array_equal(moment[order], np.tile(expected, count))
    ):
        raise InputRefused("The session does not hold every decision of the market.", "Trade the day again.")
    rows = code.to_numpy().astype(np.int8)[order].reshape(count, -1)
    terms = _terms(decided.take(pa.array(order)), rows.shape)
    return ActionLists(np.arange(count), np.full(count, block.decision_closes[0]), rows, terms)


def _terms(ordered: pa.Table, shape: tuple[int, ...]) -> OrderTerms | None:
    if SIZE_FACTOR not in ordered.column_names:
        return None
    factor = pc.fill_null(ordered[SIZE_FACTOR], 1.0).to_numpy()
    code = pc.index_in(ordered[ORDER_TYPE], value_set=pa.array([LIMIT, MARKET]))
    rests = np.array([RESTS, TAKES, BY_THE_RULES], np.int8)[pc.fill_null(code, 2).to_numpy()]
    return OrderTerms(factor.reshape(shape), rests.reshape(shape))
