"""What tests of the ensemble make of the made-up ledger."""

import numpy as np
import pyarrow as pa

from huracan.ensemble.night import DaySignals
from tests.huracan.conftest import hourly_ledger
from tests.huracan.gates.columns import with_column


def with_ends(trades: pa.Table, seed: int, minutes: int = 400) -> pa.Table:
    """Each trade ends after up to so many minutes."""
    held = np.random.default_rng(seed).integers(1, minutes, trades.num_rows) * 60_000
    return with_column(trades, "exit_time", trades["signal_time"].cast(pa.int64()).to_numpy() + held)


def asked(trades: pa.Table, chances: dict[str, np.ndarray], seed: int = 3) -> DaySignals:
    """The signals of trades that members say `chances` of."""
    count = trades.num_rows
    table = trades.select(["trade_id", "symbol", "signal_time"])
    weight = np.random.default_rng(seed).uniform(0.0, 1.0, 10_000)[:count]
    for name, values in (("book", ["policy"] * count), ("night", pa.array([0] * count, pa.date32()))):
        table = table.append_column(name, pa.array(values))
    return DaySignals(table.append_column("signal_weight", pa.array(weight)), {}, chances)


def made_day(count: int, seed: int = 1) -> tuple[pa.Table, dict[str, np.ndarray]]:
    """Trades, and what three members say of them: one of whom sleeps at a third."""
    random = np.random.default_rng(seed)
    chances = {name: random.uniform(0.0, 1.0, 10_000)[:count] for name in ("a", "b", "c")}
    chances["c"] = np.where(np.arange(count) % 3 == 0, np.nan, chances["c"])
    return with_ends(hourly_ledger(count, seed=seed), seed), chances
