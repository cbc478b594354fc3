"""How long all models of a night take on as many past trades as a busy universe leaves in a month.

    python benchmarks/models.py [--trades 200000] [--features 53]

53 features make 60 inputs with regime, volatility, cost and side. A third of the trades are the policy's own,
the others explored, with weights as the exploration book gives them. Prints seconds by model, those of a core
beside, and a digest of all of them: the same on any machine with the same libraries.
"""

import argparse
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa

from huracan.candles.schema import TIME
from huracan.market.ledger import TRADES_SCHEMA
from huracan.models.canonical import canonical_json
from huracan.models.confidence import fit_confidence_model
from huracan.models.config import ModelConfig, Unfit
from huracan.models.conformal import fit_conformal_model
from huracan.models.importance import feature_importance
from huracan.models.meta_label import fit_meta_label_model
from huracan.models.past import PastTrades
from huracan.regimes.model import REGIMES

DAY, HOLDING = date(2025, 6, 30), "2h"


def simulated_past(count: int, features: int, days: int = 30) -> PastTrades:
    """Signals over the trailing days; log-odds of a win are planted in two features, sizes in volatility."""
    generator = np.random.default_rng(0)
    matrix = generator.normal(size=(count, features)).astype(np.float32)
    chance = 1.0 / (1.0 + np.exp(-(0.5 * matrix[:, 0] - 0.3 * matrix[:, 1])))
    volatility = np.exp(generator.normal(np.log(10.0), 0.5, count))
    size = volatility * generator.gamma(4.0, 0.25, count)
    first = int(datetime(2025, 6, 1, tzinfo=UTC).timestamp() * 1000)
    signal = first + np.sort(generator.integers(0, days * 1440, count)) * 60_000
    sure = generator.uniform(0.4, 0.95, count)
    regimes = generator.dirichlet(np.ones(len(REGIMES)), count)
    arrays = {
        "trade_id": [f"signal-{number:07d}" for number in range(count)],
        "symbol": ["BTC/USDT"] * count,
        "side": ["long"] * count,
        "mode": ["scalp"] * count,
        "size_multiplier": np.ones(count),
        "signal_time": pa.array(signal).cast(TIME),
        "exit_time": pa.array(signal + generator.integers(1, 121, count) * 60_000).cast(TIME),
        "exit_reason": np.array(["STOP", "TARGET", "TIME_OUT"])[generator.integers(0, 3, count)].tolist(),
        "net_bps": np.where(generator.random(count) < chance, size, -size),
        "estimated_cost_bps": np.full(count, 22.0),
        "entry_volatility_bps": volatility,
        **{f"probability_{name}": regimes[:, k] for k, name in enumerate(REGIMES)},
        "entry_features": pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), features),
        "action_probabilities": pa.FixedSizeListArray.from_arrays(
            pa.array(np.column_stack([sure, 1.0 - sure]).ravel()), 2
        ),
        "value_estimate": generator.normal(size=count),
    }
    columns = [
        pa.array(arrays[field.name]).cast(field.type) if field.name in arrays else pa.nulls(count, field.type)
        for field in TRADES_SCHEMA
    ]
    is_explored = generator.random(count) < 2.0 / 3.0
    weight = np.where(is_explored, np.minimum(generator.gamma(0.5, 2.0, count), 10.0), 1.0)
    return PastTrades(pa.table(columns, schema=TRADES_SCHEMA), weight, is_explored)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--trades", type=int, default=200_000)
    parser.add_argument("--features", type=int, default=53)
    asked = parser.parse_args()
    names, config = tuple(f"feature_{k}" for k in range(asked.features)), ModelConfig()
    past = simulated_past(asked.trades, asked.features)
    seconds: dict[str, tuple[float, float]] = {}

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        started, used = time.perf_counter(), time.process_time()
        yield
        seconds[name] = time.perf_counter() - started, time.process_time() - used

    with timed("confidence"):
        confidence = fit_confidence_model(past, names, config, HOLDING)
    with timed("meta_label"):
        meta_label = fit_meta_label_model(past, config, HOLDING)
    with timed("conformal"):
        conformal = fit_conformal_model(past, names, config, HOLDING)
    with timed("importance"):
        importance = feature_importance(past, confidence, config, HOLDING, DAY, {})
    digest = hashlib.sha256(canonical_json(importance.to_pylist()))
    for model in (confidence, meta_label, conformal):
        if isinstance(model, Unfit):
            raise SystemExit(model.reason)
        digest.update(model.to_bytes())
    seconds["all"] = tuple(np.sum(list(seconds.values()), axis=0))
    for name, (passed, used) in seconds.items():
        print(f"{name:<12}{passed:8.1f} s, {used:6.1f} s of a core")
    effective = f"{past.effective_count:,.0f}"
    print(f"{asked.trades:,} trades that count for {effective}, digest {digest.hexdigest()[:16]}")


if __name__ == "__main__":
    main()
