"""Past positions whose way is known: what going on made from each of their closes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from huracan.gates.roster import gate_kinds
from huracan.market.facts.marks_columns import MARKS_SCHEMA
from tests.huracan.conftest import hourly_ledger
from tests.huracan.gates.conftest import context

_USUAL = {
    "gain": 0.0, "age": 0.05, "would_net_bps": 0.0, "remaining_bps": 0.0, "imbalance": 0.0, "activity": 1.0,
    "short_move": 1.0, "long_move": 1.0,
}  # fmt: skip


def marks_of(trades: pa.Table, rows: Sequence[dict[str, Any]]) -> pa.Table:
    """MARKS_SCHEMA: every trade stood as each of `rows` says, a quarter of an hour after the last; a number
    may be a list by trade."""
    made = []
    entries = zip(trades["trade_id"].to_pylist(), trades["entry_time"].to_pylist(), strict=True)
    for trade, (name, start) in enumerate(entries):
        for place, row in enumerate(rows):
            own = {key: value[trade] if isinstance(value, list) else value for key, value in row.items()}
            moment = start + timedelta(minutes=15 * (place + 1))
            made.append({"trade_id": name, "moment": moment, **_USUAL, **own})
    return pa.Table.from_pylist(made, schema=MARKS_SCHEMA)


def fitted(name: str, marks: Sequence[dict[str, Any]], trades: int = 60, **settings: Any) -> Any:
    """The gate, on a past of so many trades of which each stood as `marks` say."""
    past = hourly_ledger(trades)
    whole = replace(context(past), marks=marks_of(past, marks))
    kind = gate_kinds()[name]
    return kind.fit(replace(whole, settings=kind.settings(**settings)))


def taught(name: str) -> Any:
    """From some places going on lost 40 bps, give or take 10, from others it made as much."""
    noise = np.random.default_rng(1).normal(0.0, 10.0, 60)
    lost, made = (noise - 40.0).tolist(), (noise + 40.0).tolist()
    against, with_it = {"imbalance": -0.5}, {"imbalance": 0.5}
    if name == "scratch":
        return fitted(
            name,
            [
                {"gain": -0.5, **against, "remaining_bps": lost},
                {"gain": -0.5, **with_it, "remaining_bps": made},
                {"gain": -1.0, **against, "remaining_bps": lost},
                {"gain": -1.0, **with_it, "remaining_bps": made},
            ],
        )
    falls = {"gain": 1.2, "short_move": -1.0, **against}
    return fitted(
        name,
        [
            {**falls, "long_move": 0.0, "activity": 0.5, "remaining_bps": lost},
            {**falls, "long_move": 0.0, "remaining_bps": lost},
            {**falls, "remaining_bps": made},
            {"gain": 1.2, **against, "remaining_bps": made},
            {"gain": 1.2, **with_it, "remaining_bps": made},
        ],
    )
