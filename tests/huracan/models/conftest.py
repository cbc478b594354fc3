"""Simulated signals of a known truth, fast to make by the thousand."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from huracan.candles.schema import TIME
from huracan.market.ledger import TRADES_SCHEMA
from huracan.models.past import PastTrades, past_trades
from huracan.regimes.model import REGIMES

SIGNAL_NAMES = ("edge_a", "edge_b", "spread", "noise")
START_MS = int(datetime(2025, 5, 1, tzinfo=UTC).timestamp() * 1000)


def simulated_signals(
    count: int, seed: int = 1, first: int = 0, edge: float = 1.0, wild: float = 1.0, minutes_apart: int = 20
) -> pa.Table:
    """TRADES_SCHEMA: the log-odds of a win are planted in two features, the size of a result in the
    volatility and a third. `first` is the number of signals before these, `wild` multiplies all results."""
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(count, 4)).astype(np.float32)
    volatility = np.exp(generator.normal(np.log(10.0), 0.5, count))
    won = generator.random(count) < planted_chance(features, edge)
    size = volatility * np.exp(0.5 * features[:, 2]) * generator.gamma(4.0, 0.25, count) * wild
    signal = START_MS + (first + np.arange(count)) * minutes_apart * 60_000
    sure = generator.uniform(0.4, 0.95, count)
    columns = {
        "trade_id": [f"signal-{first + number:06d}" for number in range(count)],
        "symbol": ["BTC/USDT"] * count,
        "side": ["long"] * count,
        "size_multiplier": np.ones(count),
        "signal_time": pa.array(signal).cast(TIME),
        "entry_time": pa.array(signal).cast(TIME),
        "exit_time": pa.array(signal + 20 * 60_000).cast(TIME),
        "net_bps": np.where(won, size, -size),
        "estimated_cost_bps": np.full(count, 22.0),
        "entry_volatility_bps": volatility,
        "regime": np.array(REGIMES)[np.arange(count) % 4].tolist(),
        **{f"probability_{name}": (np.arange(count) % 4 == k) * 1.0 for k, name in enumerate(REGIMES)},
        "entry_features": pa.array(list(features), pa.list_(pa.float32())),
        "action_probabilities": np.column_stack([sure, (1 - sure) * 0.7, (1 - sure) * 0.3]).tolist(),
        "value_estimate": generator.normal(size=count),
    }
    arrays = [
        pa.array(columns[field.name]).cast(field.type)
        if field.name in columns
        else pa.nulls(count, field.type)
        for field in TRADES_SCHEMA
    ]
    return pa.table(arrays, schema=TRADES_SCHEMA)


def planted_chance(features: np.ndarray, edge: float = 1.0) -> np.ndarray:
    """The true probability of a win."""
    return 1.0 / (1.0 + np.exp(-edge * (features[:, 0].astype(float) - 0.7 * features[:, 1])))


@pytest.fixture
def make_signals() -> Callable[..., pa.Table]:
    return simulated_signals


@pytest.fixture
def make_past() -> Callable[..., PastTrades]:
    """The same as past trades of the policy alone."""
    return lambda *args, **named: past_trades(simulated_signals(*args, **named))
