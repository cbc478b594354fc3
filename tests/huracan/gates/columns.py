"""A ledger with one column replaced, and the market at its signals."""

import numpy as np
import pyarrow as pa

from huracan.gates.judge import signals_shown
from huracan.market.facts.columns import FACTS_SCHEMA


def with_column(table: pa.Table, name: str, values: object) -> pa.Table:
    index = table.schema.get_field_index(name)
    return table.set_column(
        index, table.schema.field(index), pa.array(values, table.schema.field(index).type)
    )


CALM = {
    "bar_minutes": 1.0,
    "untraded_share": 0.0,
    "half_spread_bps": 1.0,
    "illiquidity_bps": 2.0,
    "imbalance": 0.0,
    "earlier_imbalance": 0.0,
    "toxicity": 0.2,
    "is_flow_estimated": False,
    "activity": 1.0,
    "compression": 1.0,
    "last_move": 0.0,
    "short_move": 0.0,
    "long_move": 0.0,
    "buy_fill_chance": 0.8,
    "sell_fill_chance": 0.8,
    "buy_fill_drift_bps": 0.0,
    "sell_fill_drift_bps": 0.0,
}


def facts(trades: pa.Table, **values: object) -> pa.Table:
    """FACTS_SCHEMA of a calm market at every trade, with some facts by row or for all."""
    told = CALM | values
    columns = {
        name: value if isinstance(value, list | np.ndarray) else [value] * trades.num_rows
        for name, value in told.items()
    }
    return pa.table({"trade_id": trades["trade_id"], **columns}).cast(FACTS_SCHEMA)


def shown(trades: pa.Table, book: str = "policy", **values: object) -> pa.Table:
    """The signals of the trades as a gate sees them, in a calm market but for `values`."""
    return signals_shown(trades, facts(trades, **values), book)
