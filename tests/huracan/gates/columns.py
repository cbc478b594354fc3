"""A ledger with one column replaced, and the market at its signals."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from huracan.gates.judging.told import Told, signals_shown
from huracan.market.facts.columns import FACTS_SCHEMA
from huracan.market.facts.marks_columns import POSITIONS_SCHEMA
from huracan.regimes.model import REGIMES


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


def shown(trades: pa.Table, book: str = "policy", *, held: int = 0, **values: object) -> pa.Table:
    """The signals of the trades as a gate sees them, in a calm market but for `values`, with so many others
    `held`."""
    told = Told(facts(trades, **values), np.full(trades.num_rows, held, np.int64))
    return signals_shown(trades, book, told)


def positions(gain: Sequence[float] | np.ndarray, age: Sequence[float], **values: object) -> pa.Table:
    """POSITIONS_SCHEMA of long positions in a calm market, but for `values`."""
    count = len(age)
    start = datetime(2024, 5, 1, tzinfo=UTC)
    told: dict[str, object] = {
        "trade_id": [f"p{row}" for row in range(count)],
        "symbol": ["BTC/USDT"] * count,
        "moment": [start + timedelta(minutes=15 * row) for row in range(count)],
        "side": ["long"] * count,
        "gain": np.asarray(gain, np.float32),
        "age": np.asarray(age, np.float32),
        "regime": ["trend"] * count,
        **{f"probability_{name}": [float(name == "trend")] * count for name in REGIMES},
        **{name: [value] * count for name, value in CALM.items()},
    }
    for name, value in values.items():
        told[name] = value if isinstance(value, list | np.ndarray) else [value] * count
    return pa.table({field.name: pa.array(told[field.name], field.type) for field in POSITIONS_SCHEMA})
