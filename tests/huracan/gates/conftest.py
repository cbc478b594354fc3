"""A made-up ledger in which the first feature decides, in part, who wins."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from huracan.market.ledger import TRADES_SCHEMA

REGIMES = ("trend", "range", "high_volatility", "panic")


def _make_ledger(count: int, seed: int = 1, edge: float = 3.0, minutes_apart: int = 60) -> pa.Table:
    generator = np.random.default_rng(seed)
    start = datetime(2025, 5, 1, tzinfo=UTC)
    rows = []
    for number in range(count):
        features = generator.normal(size=4).astype(np.float32)
        sure = float(generator.uniform(0.4, 0.95))
        chance = 1.0 / (1.0 + np.exp(-edge * float(features[0]) - 3.0 * edge * (sure - 0.675)))
        net = float(generator.uniform(1, 40)) * (1.0 if generator.uniform() < chance else -1.0)
        regime = number % 4
        signal = start + timedelta(minutes=minutes_apart * number)
        rows.append(
            {
                "trade_id": f"trade-{number:05d}",
                "symbol": "BTC/USDT",
                "side": "long",
                "size_multiplier": 1.0,
                "notional_usd": 1000.0,
                "signal_time": signal,
                "entry_time": signal,
                "exit_time": signal + timedelta(minutes=20),
                "net_bps": net,
                "gross_bps": net + 22.0,
                "net_usd": net / 10.0,
                "estimated_cost_bps": 22.0,
                "entry_volatility_bps": float(generator.uniform(5, 20)),
                "regime": REGIMES[regime],
                **{f"probability_{name}": float(regime == place) for place, name in enumerate(REGIMES)},
                "entry_features": features.tolist(),
                "action": "enter_full",
                "action_probabilities": [sure, (1 - sure) * 0.7, (1 - sure) * 0.3],
                "value_estimate": float(generator.normal()),
            }
        )
    return pa.Table.from_pylist(rows, schema=TRADES_SCHEMA)


@pytest.fixture
def make_ledger() -> Callable[..., pa.Table]:
    """(count, seed, edge, minutes_apart) -> TRADES_SCHEMA, one trade per `minutes_apart` from 2025-05-01."""
    return _make_ledger
