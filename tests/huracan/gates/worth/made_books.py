"""Signals with answers of gates and outcomes, made up."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from huracan.candles.schema import TIME
from huracan.gates.worth.judged import JudgedBook, judged_book
from huracan.market.block import MS_PER_DAY
from huracan.market.ledger import POLICY

HOUR_MS = 3_600_000


def made_trades(net_bps: Sequence[float], nights: Sequence[int], holding_ms: int = HOUR_MS) -> pa.Table:
    """One trade each, that closed at noon of its night."""
    closed = np.array(nights, dtype=np.int64) * MS_PER_DAY + MS_PER_DAY // 2
    return pa.table(
        {
            "trade_id": [f"t{number}" for number in range(len(net_bps))],
            "signal_time": pa.array(closed - holding_ms).cast(TIME),
            "exit_time": pa.array(closed).cast(TIME),
            "net_bps": np.array(net_bps, dtype=np.float64),
            "entry_volatility_bps": np.full(len(net_bps), 4.0),
        }
    )


def made_decisions(
    verdicts: Mapping[str, Sequence[str | None]], margins: Mapping[str, Sequence[float]] | None = None
) -> pa.Table:
    """What each gate said of the trades in turn; None: it was not asked."""
    rows = [
        {"trade_id": f"t{number}", "gate": gate, "verdict": text, "margin": (margins or {}).get(gate, {})}
        for number in range(len(next(iter(verdicts.values()))))
        for gate, texts in verdicts.items()
        if (text := texts[number]) is not None
    ]
    for row in rows:
        row["margin"] = row["margin"][int(row["trade_id"][1:])] if row["margin"] else None
    schema = [
        ("trade_id", pa.string()),
        ("gate", pa.string()),
        ("verdict", pa.string()),
        ("margin", pa.float64()),
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema(schema))


def made_book(
    verdicts: Mapping[str, Sequence[str | None]],
    net_bps: Sequence[float],
    nights: Sequence[int] | None = None,
    weight: Sequence[float] | None = None,
    margins: Mapping[str, Sequence[float]] | None = None,
    stake: Sequence[float] | None = None,
) -> JudgedBook:
    """All of the policy, on night 100 where none is said."""
    trades = made_trades(net_bps, [100] * len(net_bps) if nights is None else nights)
    counts, part = (None if each is None else np.array(each, np.float64) for each in (weight, stake))
    return judged_book(made_decisions(verdicts, margins), trades, counts, POLICY, part)
