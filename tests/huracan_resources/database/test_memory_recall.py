"""Over 100,000 trades the index finds what an exact search finds, with filters and without."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pytest

from huracan.analysis.memory.embedding import fit_embedding
from huracan.analysis.memory.rows import MEMORY_SCHEMA, vector_column
from huracan_resources.database.database import Database
from huracan_resources.database.memory import EXACT_ROWS, Queries, similar_trades
from huracan_resources.database.memory_filter import MemoryFilter
from huracan_resources.database.migrate import shipped_migrations
from huracan_resources.database.tables import replace_partition

ROWS, DAY = 100_000, date(2023, 6, 2)
START = datetime(2023, 6, 2, tzinfo=UTC)
QUERIES, K = 40, 20


def _contexts(count: int) -> np.ndarray:
    """Embeddings of contexts as markets make them: a dozen slow, fat-tailed causes behind 77 features."""
    generator = np.random.default_rng(7)
    causes = generator.standard_t(4, size=(count, 12))
    features = np.tanh(causes @ generator.normal(size=(12, 77)) * 0.5)
    features += 0.1 * generator.normal(size=features.shape)
    names = tuple(f"f{number}" for number in range(77))
    before = [START - timedelta(days=1)] * 5_000
    columns = {name: features[:5_000, index] for index, name in enumerate(names)}
    past = pa.table({"symbol": ["B"] * 5_000, "open_time": before, "is_ready": [True] * 5_000} | columns)
    return fit_embedding(past, names, DAY).embed(features)


def _rows(vectors: np.ndarray) -> pa.Table:
    number = np.arange(len(vectors))
    closed = np.datetime64("2023-06-02T00:00", "ms") + number * np.timedelta64(1, "s")
    texts = {
        "trade_id": np.char.add("t", number.astype(str)),
        "symbol": np.where(number % 2, "ETH/USDT", "BTC/USDT"),
        "side": np.where(number % 5, "long", "short"),
        "regime": np.where(number % 50, np.where(vectors[:, 0] > 0, "trend", "range"), "panic"),
    }
    given: dict[str, Any] = {name: pa.array(values.tolist()) for name, values in texts.items()}
    given |= {name: pa.array(closed) for name in ("signal_time", "entry_time", "closed_at")}
    given |= {
        "day": pa.array([DAY] * len(vectors)),
        "exit_reason": pa.array(["STOP"] * len(vectors)),
        "is_end_of_session": pa.array([False] * len(vectors)),
        "is_winner": pa.array(number % 3 == 0),
        "net_bps": pa.array(number.astype(np.float64)),
        "net_usd": pa.array(number.astype(np.float64)),
        "is_simulated": pa.array([True] * len(vectors)),
        "embedding_version": pa.array(["v1"] * len(vectors)),
        "embedding": vector_column(vectors),
    }
    columns = [
        given[name].cast(MEMORY_SCHEMA.field(name).type)
        if name in given
        else pa.nulls(len(vectors), MEMORY_SCHEMA.field(name).type)
        for name in MEMORY_SCHEMA.names
    ]
    return pa.table(columns, schema=MEMORY_SCHEMA)


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return _contexts(ROWS + QUERIES)


@pytest.fixture(scope="module")
def full(database: Database, vectors: np.ndarray) -> Iterator[psycopg.Connection]:
    """A memory of 100,000 trades, undone at the end; its index is built after the load to save time."""
    *_, made = shipped_migrations()["0004_memory.sql"].partition("CREATE INDEX trade_memory_nearest")
    with database.connect() as connection:
        connection.execute("SET LOCAL maintenance_work_mem = '256MB'")
        connection.execute("DROP INDEX trade_memory_nearest")
        replace_partition(connection, "trade_memory", DAY, _rows(vectors[:ROWS]))
        connection.execute(b"CREATE INDEX trade_memory_nearest" + made.encode())
        connection.execute("ANALYZE trade_memory")
        yield connection
        connection.rollback()


def _recall(found: pa.Table, exact: pa.Table) -> float:
    def pairs(table: pa.Table) -> set[tuple[int, str]]:
        return set(zip(table["query"].to_pylist(), table["trade_id"].to_pylist(), strict=True))

    assert len(exact)
    return len(pairs(found) & pairs(exact)) / len(exact)


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"symbol": "ETH/USDT"},
        {"side": "short"},
        {"regime": "trend"},
        {"regime": "panic"},
        {"symbol": "BTC/USDT", "outcome": "win", "regime": "range"},
        {"outcome": "loss", "side": "long", "first_day": DAY, "last_day": DAY},
    ],
)
def test_of_the_twenty_nearest_at_least_98_of_100_are_found(full, vectors, filters) -> None:
    among, as_of = MemoryFilter("v1", **filters), START + timedelta(seconds=90_000)
    queries = vectors[ROWS:]
    exact = similar_trades(full, Queries(queries, as_of), among, k=K, is_exact=True)
    found = [similar_trades(full, Queries(queries[[each]], as_of), among, k=K) for each in range(QUERIES)]
    numbered = [
        table.set_column(0, "query", pa.array([each] * len(table))) for each, table in enumerate(found)
    ]
    assert _recall(pa.concat_tables(numbered), exact) >= 0.98
    assert all(table["rank"].to_pylist() == list(range(1, K + 1)) for table in found)


def test_a_query_that_may_see_little_of_a_large_memory_is_answered_exactly(full, vectors) -> None:
    moments = [START + timedelta(seconds=15), START + timedelta(seconds=400), START + timedelta(days=2)]
    found = similar_trades(full, Queries(vectors[ROWS : ROWS + 3], moments), MemoryFilter("v1"), k=K)
    exact = similar_trades(
        full, Queries(vectors[ROWS : ROWS + 3], moments), MemoryFilter("v1"), k=K, is_exact=True
    )
    for query in (0, 1):
        mine = pa.array([query])
        assert found.filter(pa.compute.is_in(found["query"], mine)).equals(
            exact.filter(pa.compute.is_in(exact["query"], mine))
        )
    assert np.bincount(found["query"].to_numpy()).tolist() == [15, K, K]


def test_a_large_memory_is_searched_by_its_index_and_a_small_part_of_it_is_not(full, vectors) -> None:
    def scans() -> int:
        found = full.execute("SELECT pg_stat_get_xact_numscans('trade_memory_nearest'::regclass)").fetchone()
        assert found
        return int(found[0])

    later, query = START + timedelta(days=2), vectors[ROWS:][:1]
    before = scans()
    similar_trades(full, Queries(query, later), MemoryFilter("v1", regime="panic"))
    assert scans() == before and ROWS / 50 < EXACT_ROWS
    similar_trades(full, Queries(query, later), MemoryFilter("v1"))
    assert scans() == before + 1
    assert full.execute("SHOW hnsw.iterative_scan").fetchone() == ("off",)
    assert full.execute("SHOW enable_sort").fetchone() == ("on",)
