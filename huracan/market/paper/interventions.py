"""What guards made of a session's decisions, as tables."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.market.actions import actions_of
from huracan.market.block import MarketBlock
from huracan.market.engine.order_terms import BY_THE_RULES, RESTS, TAKES
from huracan.market.paper.guarded_columns import (
    INTERVENTIONS_SCHEMA,
    LIMIT,
    MARKET,
    ORDER_COLUMNS,
    ORDER_TYPE,
    SIZE_FACTOR,
)
from huracan.market.paper.session_arrays import SessionArrays

_SENT_AS = {RESTS: LIMIT, TAKES: MARKET, BY_THE_RULES: None}


def with_orders(
    bars: pa.Table, arrays: SessionArrays, lane: NDArray[np.int64], at: NDArray[np.int64]
) -> pa.Table:
    """The rows of a session, of decisions `at` [n] of lanes [n], with ORDER_COLUMNS where guards decided."""
    if arrays.terms is None:
        return bars
    sides = np.array([action.side for action in actions_of(True)])
    is_entry = sides[arrays.action[lane, at]] != 0
    rests = arrays.terms.rests[lane, at].tolist()
    orders = {
        SIZE_FACTOR: pa.array(arrays.terms.factor[lane, at], mask=~is_entry),
        ORDER_TYPE: [
            _SENT_AS[each] if entered else None for each, entered in zip(rests, is_entry, strict=True)
        ],
    }
    for column in ORDER_COLUMNS:
        bars = bars.append_column(column.name, pa.array(orders[column.name], column.type))
    return bars


def interventions_table(arrays: SessionArrays, block: MarketBlock, names: Sequence[str]) -> pa.Table:
    """INTERVENTIONS_SCHEMA of a session, by time and symbol; `names` are those of the actions."""
    entries = {index for index, action in enumerate(actions_of(True)) if action.side}
    rows = list[dict[str, Any]]()
    for at, each in arrays.interventions:
        is_sent = each.taken in entries
        rows.append(
            {
                "symbol": block.symbols[arrays.symbol[each.row]],
                "moment": int(block.time_of(block.decision_closes[at : at + 1] + 1)[0]),
                "wanted": names[each.wanted],
                "taken": names[each.taken],
                SIZE_FACTOR: each.factor if is_sent else None,
                ORDER_TYPE: _SENT_AS[each.rests] if is_sent else None,
                "forbidden": ", ".join(names[index] for index in each.forbidden) or None,
                "gates": ", ".join(each.gates),
                "abstained": each.abstained,
                "reason": each.reason,
            }
        )
    columns = {
        field.name: pa.array([row[field.name] for row in rows], field.type)
        if field.name != "moment"
        else pa.array([row["moment"] for row in rows], pa.int64()).cast(field.type)
        for field in INTERVENTIONS_SCHEMA
    }
    return pa.table(columns, schema=INTERVENTIONS_SCHEMA)
