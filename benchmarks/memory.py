"""How fast trades enter the memory and how fast and how well they are found again.

    python benchmarks/memory.py --rows 100000
    python benchmarks/memory.py --rows 1000000     # the index takes minutes to build

In a fresh embedded PostgreSQL. Vectors are those of fat-tailed contexts with a dozen causes; `--vectors FILE`
takes an array of one's own (npy, float32 [rows, 64] of length one; repeated with some noise if it is short).
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa

from huracan.analysis.memory.rows import MEMORY_SCHEMA, vector_column
from huracan_resources.database import memory
from huracan_resources.database.database import Database
from huracan_resources.database.embedded_postgres import stop_embedded
from huracan_resources.database.memory import Queries, similar_trades
from huracan_resources.database.memory_filter import MemoryFilter
from huracan_resources.database.migrate import shipped_migrations
from huracan_resources.database.tables import replace_partition

DIMENSIONS, FEATURES, K = 64, 77, 20
FIRST = date(2023, 6, 2)
START = datetime(2023, 6, 2, tzinfo=UTC)
DAY_ROWS, LATER = 100_000, START + timedelta(days=3650)


def unit(vectors: np.ndarray) -> np.ndarray:
    units: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return units.astype(np.float32)


def contexts(count: int, file: Path | None) -> np.ndarray:
    generator = np.random.default_rng(7)
    if file is not None:
        known = np.load(file)
        chosen = known[np.arange(count) % len(known)]
        noise = generator.normal(size=chosen.shape) * (np.arange(count) >= len(known))[:, None] * 0.02
        return unit(chosen + noise)[generator.permutation(count)]
    mix = generator.normal(size=(12, DIMENSIONS)) * 0.5
    blocks = []
    for first in range(0, count, DAY_ROWS):
        causes = generator.standard_t(4, size=(min(DAY_ROWS, count - first), 12))
        blocks.append(unit(np.tanh(causes @ mix) + 0.1 * generator.normal(size=(len(causes), DIMENSIONS))))
    return np.concatenate(blocks)


def rows(vectors: np.ndarray, first: int, day: date) -> pa.Table:
    number = np.arange(first, first + len(vectors))
    features = np.random.default_rng(first).normal(size=(len(vectors), FEATURES)).astype(np.float32)
    closed = np.datetime64("2023-06-02T00:00", "ms") + number * np.timedelta64(1, "s")
    columns: dict[str, Any] = {}
    for field in MEMORY_SCHEMA:
        if pa.types.is_timestamp(field.type):
            columns[field.name] = pa.array(closed).cast(field.type)
        elif pa.types.is_boolean(field.type):
            columns[field.name] = pa.array(number % 3 == 0)
        elif pa.types.is_integer(field.type) or pa.types.is_floating(field.type):
            columns[field.name] = pa.array(number % 97).cast(field.type)
        elif pa.types.is_string(field.type):
            columns[field.name] = pa.array([field.name] * len(number))
    columns |= {
        "day": pa.array([day] * len(number)),
        "trade_id": pa.array([f"t{each}" for each in number]),
        "side": pa.array(np.where(number % 5, "long", "short").tolist()),
        "regime": pa.array([("trend", "range", "panic")[each % 3] for each in number]),
        "symbol": pa.array([("BTC/USDT", "ETH/USDT")[each % 2] for each in number]),
        "embedding_version": pa.array(["v1"] * len(number)),
        "entry_features": vector_column(features),
        "embedding": vector_column(vectors),
    }
    return pa.table({name: columns[name] for name in MEMORY_SCHEMA.names}).cast(MEMORY_SCHEMA)


def load(connection: psycopg.Connection, vectors: np.ndarray) -> dict[str, float]:
    """Bare vectors and whole trades by the same COPY, side by side; no vector index stands yet."""
    connection.execute("CREATE TABLE bare (embedding vector(64), day date)")
    seconds = {"trades": 0.0, "bare": 0.0}
    for index, first in enumerate(range(0, len(vectors), DAY_ROWS)):
        day, block = FIRST + timedelta(days=index), vectors[first : first + DAY_ROWS]
        table = rows(block, first, day)
        for name, into, part in (
            ("bare", "bare", table.select(["embedding"])),
            ("trades", "trade_memory", table),
        ):
            began = time.perf_counter()
            replace_partition(connection, into, day, part)
            seconds[name] += time.perf_counter() - began
    connection.execute("DROP TABLE bare")
    return {
        "copy_trades_per_s": len(vectors) / seconds["trades"],
        "copy_bare_vectors_per_s": len(vectors) / seconds["bare"],
    }


def timed(answer: Callable[[], Any]) -> tuple[Any, float]:
    began = time.perf_counter()
    return answer(), 1e3 * (time.perf_counter() - began)


def search(connection: psycopg.Connection, queries: np.ndarray, filters: dict[str, str]) -> dict[str, float]:
    """One query at a time on one connection, and all of them at once and exactly."""
    among = MemoryFilter("v1", **filters)  # type: ignore[arg-type]
    exact, batch_ms = timed(
        lambda: similar_trades(connection, Queries(queries, LATER), among, k=K, is_exact=True)
    )
    best = [set(exact.filter(pa.array(exact["query"].to_numpy() == each))["trade_id"].to_pylist())
            for each in range(len(queries))]  # fmt: skip
    found, times = [], []
    for each in range(len(queries)):
        one = queries[each : each + 1]
        table, ms = timed(lambda one=one: similar_trades(connection, Queries(one, LATER), among, k=K))  # type: ignore[misc]
        found.append(len(best[each] & set(table["trade_id"].to_pylist())))
        times.append(ms)
    return {
        "recall_at_20": sum(found) / sum(map(len, best)),
        "median_ms": float(np.median(times)),
        "p99_ms": float(np.quantile(times, 0.99)),
        "exact_batch_ms_per_query": batch_ms / len(queries),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--build-memory", default="512MB", help="maintenance_work_mem of the index's build")
    given = parser.parse_args()
    night = 500
    vectors = contexts(given.rows + night + given.queries, given.vectors)
    stored, fresh = vectors[: given.rows], vectors[given.rows : given.rows + night]
    queries = vectors[given.rows + night :]
    result: dict[str, Any] = {"rows": given.rows}
    *_, index = shipped_migrations()["0004_memory.sql"].partition("CREATE INDEX trade_memory_nearest")
    with tempfile.TemporaryDirectory(prefix="huracan-bench-") as name:
        database = Database(Path(name))
        with database.connect() as connection:
            connection.execute("DROP INDEX trade_memory_nearest")
            result |= load(connection, stored)
            connection.execute("SELECT set_config('maintenance_work_mem', %s, true)", (given.build_memory,))
            _, ms = timed(lambda: connection.execute(f"CREATE INDEX trade_memory_nearest{index}".encode()))
            result["index_build_s"] = ms / 1e3
        with psycopg.connect(database.url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE trade_memory")
        with database.connect() as connection:
            table = rows(fresh, given.rows, FIRST + timedelta(days=3000))
            _, ms = timed(
                lambda: replace_partition(connection, "trade_memory", table["day"][0].as_py(), table)
            )
            result["indexed_trades_per_s"] = night / ms * 1e3
            search(connection, queries[:20], {})  # warms the cache
            result["search"] = search(connection, queries, {})
            result["search_of_a_side"] = search(connection, queries, {"side": "short"})
            memory.EXACT_ROWS = given.rows * 2
            result["scan_of_all"] = search(connection, queries[:30], {})
        stop_embedded(Path(name))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
