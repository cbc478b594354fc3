"""The memory's search against brute force, in a real PostgreSQL with pgvector, and what it must not see."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pytest

from huracan.analysis.memory.neighbourhood import NEIGHBOURS_SCHEMA
from huracan.analysis.memory.rows import MEMORY_SCHEMA, vector_column
from huracan.analysis.patterns.table import NIGHTS_SCHEMA, PATTERNS_SCHEMA
from huracan.analysis.trades.losses import LOSSES_SCHEMA
from huracan.analysis.trades.post_exit import POST_EXIT_SCHEMA
from huracan.analysis.trades.wins import WINS_SCHEMA
from huracan.errors import InvalidInput
from huracan.evaluation.performance import PERFORMANCE_SCHEMA
from huracan.gates.worth.changes import CHANGES_SCHEMA
from huracan.gates.worth.proposals import PROPOSALS_SCHEMA
from huracan.gates.worth.statistics import GATE_STATISTICS_SCHEMA
from huracan.gates.worth.trailing_columns import TRAILING_SCHEMA
from huracan.models.importance_columns import IMPORTANCE_SCHEMA
from huracan_resources.database import memory as memory_search
from huracan_resources.database.database import Database
from huracan_resources.database.memory import Queries, similar_trades, trades_like
from huracan_resources.database.memory_filter import MemoryFilter
from huracan_resources.database.tables import column_types, read_partition, replace_partition

DAY = date(2023, 6, 2)
START = datetime(2023, 6, 2, tzinfo=UTC)
VERSION = "v1"
ALL = MemoryFilter(VERSION)


def _vectors(count: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, 64)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _rows(vectors: np.ndarray, version: str = VERSION, prefix: str = "t") -> pa.Table:
    """One trade closed per minute, alternating between two symbols; every third is in a panic."""
    rows: list[dict[str, Any]] = [
        {
            "day": DAY,
            "trade_id": f"{prefix}{number:04d}",
            "symbol": ("BTCUSDT", "ETHUSDT")[number % 2],
            "side": "short" if number % 5 == 0 else "long",
            "regime": "panic" if number % 3 == 0 else "range",
            "signal_time": START,
            "entry_time": START,
            "closed_at": START + timedelta(minutes=number),
            "exit_reason": "TARGET",
            "is_end_of_session": False,
            "is_winner": number % 2 == 0,
            "bars_held": 5,
            "net_bps": float(number),
            "net_usd": 1.0,
            "is_simulated": False,
            "entry_features": [1.5, float("nan")],
            "embedding_version": version,
        }
        for number in range(len(vectors))
    ]
    table = pa.Table.from_pylist(rows, schema=MEMORY_SCHEMA)
    return table.set_column(
        table.column_names.index("embedding"), MEMORY_SCHEMA.field("embedding"), vector_column(vectors)
    )


@pytest.fixture
def memory(database: Database) -> Iterator[psycopg.Connection]:
    """300 trades of version v1 and 50 of another, in a transaction that is rolled back."""
    with database.connect() as connection:
        rows = pa.concat_tables([_rows(_vectors(300, 1)), _rows(_vectors(50, 2), "v2", "other")])
        replace_partition(connection, "trade_memory", DAY, rows)
        yield connection
        connection.rollback()


def _brute_force(query: np.ndarray, as_of: datetime, keep: Any, k: int) -> list[str]:
    vectors = _vectors(300, 1).astype(np.float64)
    near = [
        (-(vectors[number] @ query.astype(np.float64)), f"t{number:04d}")
        for number in range(300)
        if START + timedelta(minutes=number) < as_of and keep(number)
    ]
    return [trade for _, trade in sorted(near)[:k]]


@pytest.mark.parametrize(
    ("filters", "keep"),
    [
        ({}, lambda number: True),
        ({"symbol": "ETHUSDT"}, lambda number: number % 2 == 1),
        ({"regime": "panic"}, lambda number: number % 3 == 0),
        ({"symbol": "BTCUSDT", "regime": "panic"}, lambda number: number % 6 == 0),
        ({"side": "short"}, lambda number: number % 5 == 0),
        ({"side": "long", "regime": "panic"}, lambda number: number % 5 and number % 3 == 0),
        ({"outcome": "win"}, lambda number: number % 2 == 0),
        ({"outcome": "loss", "last_day": DAY}, lambda number: number % 2 == 1),
        ({"first_day": DAY + timedelta(days=1)}, lambda number: False),
    ],
)
@pytest.mark.parametrize("way", ["in memory", "by scan", "by index"])
def test_each_way_to_search_finds_the_nearest_with_and_without_filters(
    memory, filters, keep, way, monkeypatch
) -> None:
    monkeypatch.setattr(memory_search, "FEW_QUERIES", 0 if way == "in memory" else 100)
    monkeypatch.setattr(memory_search, "EXACT_ROWS", 0 if way == "by index" else 1_000)
    queries = _vectors(7, 3)
    as_of = [START + timedelta(minutes=40 * (index + 1)) for index in range(7)]
    found = similar_trades(memory, Queries(queries, as_of), MemoryFilter(VERSION, **filters), k=10)
    assert found.schema == NEIGHBOURS_SCHEMA
    for index in range(7):
        mine = found.filter(pa.array(found.column("query").to_numpy() == index))
        assert mine.column("trade_id").to_pylist() == _brute_force(queries[index], as_of[index], keep, 10)
        assert mine.column("rank").to_pylist() == list(range(1, len(mine) + 1))


@pytest.mark.parametrize("way", ["by scan", "by index"])
def test_one_search_without_arrow_finds_the_same_trades_and_values(memory, way, monkeypatch) -> None:
    monkeypatch.setattr(memory_search, "EXACT_ROWS", 0 if way == "by index" else 1_000)
    query, as_of = _vectors(1, 3)[0], START + timedelta(minutes=200)
    for among in (ALL, MemoryFilter(VERSION, side="short"), MemoryFilter("nothing is of this version")):
        table = similar_trades(memory, Queries(query[np.newaxis], as_of), among, k=10)
        rows = table.drop_columns(["query"]).to_pylist()
        assert trades_like(memory, query, among, as_of=as_of, k=10) == rows
    assert len(similar_trades(memory, Queries(query[np.newaxis], as_of), ALL, k=10)) == 10


def test_each_search_finds_its_own_side(memory) -> None:
    sides, later = ["long", "short", "long"], START + timedelta(days=1)
    found = similar_trades(memory, Queries(_vectors(3, 4), later, sides), ALL, k=5)
    of_query = dict(zip(found["trade_id"].to_pylist(), found["query"].to_pylist(), strict=True))
    for trade, query in of_query.items():
        assert (int(trade[1:]) % 5 == 0) == (sides[query] == "short")


def test_a_trade_closed_at_the_moment_itself_or_later_is_never_seen(memory) -> None:
    moment = START + timedelta(minutes=5)
    found = similar_trades(memory, Queries(_vectors(3, 4), moment), ALL, k=300)
    assert max(found.column("closed_at").to_pylist()) < moment
    assert len(found) == 3 * 5


def test_later_trades_change_no_answer(memory) -> None:
    moment = START + timedelta(minutes=100)
    before = similar_trades(memory, Queries(_vectors(5, 4), moment), ALL)
    memory.execute(
        "UPDATE trade_memory SET net_bps = -999, regime = 'panic' WHERE closed_at >= %s", (moment,)
    )
    assert before.equals(similar_trades(memory, Queries(_vectors(5, 4), moment), ALL))
    memory.execute("DELETE FROM trade_memory WHERE closed_at >= %s", (moment,))
    assert before.equals(similar_trades(memory, Queries(_vectors(5, 4), moment), ALL))


def test_only_vectors_of_the_same_version_are_compared(memory) -> None:
    later = START + timedelta(days=1)
    found = similar_trades(memory, Queries(_vectors(1, 4), later), MemoryFilter("v2"), k=500)
    assert len(found) == 50 and all(name.startswith("other") for name in found.column("trade_id").to_pylist())
    assert similar_trades(memory, Queries(_vectors(1, 4), later), MemoryFilter("v3")).num_rows == 0


def test_a_stored_vector_finds_itself_with_similarity_one(memory) -> None:
    found = similar_trades(memory, Queries(_vectors(300, 1)[17:18], START + timedelta(days=1)), ALL, k=1)
    row = found.to_pylist()[0]
    assert row["trade_id"] == "t0017" and row["similarity"] == pytest.approx(1.0, abs=1e-6)
    assert row["net_bps"] == 17.0 and row["is_winner"] is False


def test_the_moment_is_not_optional_and_must_have_a_zone(memory) -> None:
    with pytest.raises(TypeError):
        Queries(_vectors(1, 4))  # type: ignore[call-arg]
    with pytest.raises(InvalidInput):
        Queries(_vectors(1, 4), START.replace(tzinfo=None))
    with pytest.raises(InvalidInput):
        Queries(_vectors(2, 4), [START])


@pytest.mark.parametrize(
    "wrong", [{"outcome": "draw"}, {"side": "up"}, {"first_day": DAY, "last_day": date(2023, 6, 1)}]
)
def test_a_filter_that_no_trade_could_pass_is_refused(wrong) -> None:
    with pytest.raises(InvalidInput):
        MemoryFilter(VERSION, **wrong)


def test_no_queries_give_no_neighbours(memory) -> None:
    assert similar_trades(memory, Queries(np.zeros((0, 64), np.float32), START), ALL).num_rows == 0


def test_a_text_that_looks_like_sql_is_only_a_text(memory) -> None:
    evil = "'; DROP TABLE trade_memory; --"
    found = similar_trades(
        memory, Queries(_vectors(1, 4), START + timedelta(days=1)), MemoryFilter(VERSION, symbol=evil)
    )
    assert found.num_rows == 0
    assert memory.execute("SELECT count(*) FROM trade_memory").fetchone() == (350,)


def test_a_partition_comes_back_as_it_was_stored(memory) -> None:
    stored = read_partition(memory, "trade_memory", DAY).slice(0, 0).schema
    assert stored.names == MEMORY_SCHEMA.names
    row = next(r for r in read_partition(memory, "trade_memory", DAY).to_pylist() if r["trade_id"] == "t0003")
    assert row["entry_features"][0] == 1.5 and np.isnan(row["entry_features"][1])
    assert np.allclose(row["embedding"], _vectors(300, 1)[3], atol=1e-6)


@pytest.mark.parametrize(
    ("table", "schema"),
    [
        ("trade_memory", MEMORY_SCHEMA),
        ("post_exit_tracking", POST_EXIT_SCHEMA),
        ("win_analysis", WINS_SCHEMA),
        ("loss_analysis", LOSSES_SCHEMA),
        ("pattern_library", PATTERNS_SCHEMA),
        ("pattern_nights", NIGHTS_SCHEMA),
        ("model_performance", PERFORMANCE_SCHEMA),
        ("feature_importance", IMPORTANCE_SCHEMA),
        ("gate_stats", GATE_STATISTICS_SCHEMA),
        ("gate_stats_trailing", TRAILING_SCHEMA),
        ("gate_stats_proposals", PROPOSALS_SCHEMA),
        ("gate_changes", CHANGES_SCHEMA),
    ],
)
def test_every_table_has_the_columns_that_are_written_to_it_and_takes_an_empty_day(
    memory, table, schema
) -> None:
    columns = column_types(memory, table)
    assert columns["day"] == "date"
    assert set(schema.names) <= set(columns)
    assert replace_partition(memory, table, DAY, schema.empty_table()) == 0


def test_the_tables_of_the_analyses_come_back_with_their_texts(memory) -> None:
    losses = pa.Table.from_pylist(
        [
            {
                **dict.fromkeys(LOSSES_SCHEMA.names),
                "day": DAY,
                "trade_id": "t'; DROP",
                "symbol": "BTCUSDT",
                "exit_reason": "STOP",
                "is_end_of_session": False,
                "net_bps": -1.5,
                "net_usd": -0.15,
                "primary_reason": "bad_luck",
                "further_reasons": "[]",
                "evidence": '[{"reason": "bad_luck", "net_score": null}]',
                "severity": "minor",
                "is_preventable": False,
                "avoidance_rule": 'None: "1.5", said it.\n',
                "similar_trades": 0,
            }
        ],
        schema=LOSSES_SCHEMA,
    )
    replace_partition(memory, "loss_analysis", DAY, losses)
    assert read_partition(memory, "loss_analysis", DAY).to_pylist() == losses.to_pylist()
    found = memory.execute("SELECT evidence -> 0 ->> 'reason' FROM loss_analysis").fetchone()
    assert found == ("bad_luck",)
