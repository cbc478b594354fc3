"""The pattern library: planted patterns are found, keep their identity, and know nothing of the future."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from huracan.analysis.embedding import EmbeddingStatistics, fit_embedding
from huracan.analysis.memory_rows import memory_rows
from huracan.analysis.patterns import PATTERNS_SCHEMA, pattern_library, wilson_interval
from huracan.candles.schema import Timeframe

DAY = date(2023, 6, 2)


def _memory(make_trades, statistics: EmbeddingStatistics, count: int, edge_bps: float, seed: int) -> pa.Table:
    """Half of the trades have high momentum and make `edge_bps`, the other half high volume and lose 30."""
    generator = np.random.default_rng(seed)
    changes = []
    for number in range(count):
        is_planted = number % 2 == 0
        z = generator.normal(0, 0.3, 4)
        z[0 if is_planted else 3] += 3.0
        net = generator.normal(edge_bps if is_planted else -30.0, 20.0)
        changes.append(
            {
                "net_bps": net,
                "gross_bps": net + 20,
                "entry_features": (statistics.mean + statistics.scale * z).tolist(),
                "exit_time": datetime(2023, 6, 1, tzinfo=UTC) + timedelta(minutes=number),
            }
        )
    trades = make_trades(*changes)
    vectors = statistics.embed(np.array([change["entry_features"] for change in changes]))
    return memory_rows(trades, vectors, statistics.version, DAY, Timeframe("1m"))


def _named(library: pa.Table, mark: str) -> list[dict]:
    return [row for row in library.to_pylist() if row["name"].startswith(mark)]


def test_a_planted_pattern_is_found_named_and_reliable(make_trades, statistics) -> None:
    library = pattern_library(_memory(make_trades, statistics, 100, 25.0, 1), statistics, DAY)
    assert library.table.schema == PATTERNS_SCHEMA and "1 reliable" in library.note
    assert sum(library.table.column("trades").to_pylist()) == 100
    (planted,) = (row for row in library.table.to_pylist() if row["state"] == "reliable")
    assert planted["trades"] == 50 and "high momentum" in planted["name"]
    assert planted["mean_net_bps"] == pytest.approx(25, abs=10) and planted["win_rate_low"] > 0.5
    assert planted["mean_holding_minutes"] == 60 and planted["main_regime"] == "range"


def test_identities_stay_from_night_to_night_and_a_lost_edge_degrades(make_trades, statistics) -> None:
    first = pattern_library(_memory(make_trades, statistics, 100, 25.0, 1), statistics, DAY).table
    tomorrow = DAY + timedelta(days=1)
    second = pattern_library(
        _memory(make_trades, statistics, 120, -5.0, 2), statistics, tomorrow, first
    ).table
    before = {row["pattern_id"]: row for row in first.to_pylist()}
    after = {row["pattern_id"]: row for row in second.to_pylist()}
    assert set(before) <= set(after)
    lost = [row for row in after.values() if before.get(row["pattern_id"], {}).get("state") == "reliable"]
    assert [row["state"] for row in lost] == ["degraded"]
    assert lost[0]["first_seen_day"] == DAY and lost[0]["match_cosine"] > 0.9


def test_identities_survive_new_embedding_statistics(make_trades, statistics, feature_rows) -> None:
    memory = _memory(make_trades, statistics, 100, 25.0, 1)
    first = pattern_library(memory, statistics, DAY).table
    names = statistics.feature_names
    refitted = fit_embedding(feature_rows(4, 1), names, DAY)
    assert refitted.version != statistics.version
    second = pattern_library(memory, refitted, DAY + timedelta(days=1), first).table
    assert set(first.column("pattern_id").to_pylist()) == set(second.column("pattern_id").to_pylist())


def test_trades_closed_after_the_day_change_nothing(make_trades, statistics) -> None:
    memory = _memory(make_trades, statistics, 100, 25.0, 1)
    future = _memory(make_trades, statistics, 60, 500.0, 3)
    closed = [value + timedelta(days=3) for value in future.column("closed_at").to_pylist()]
    place = future.column_names.index("closed_at")
    future = future.set_column(place, "closed_at", pa.array(closed, memory.schema.field("closed_at").type))
    alone = pattern_library(memory, statistics, DAY).table
    assert alone.equals(pattern_library(pa.concat_tables([future, memory]), statistics, DAY).table)


def test_too_few_trades_make_an_empty_library_that_says_why(make_trades, statistics) -> None:
    library = pattern_library(_memory(make_trades, statistics, 10, 25.0, 1), statistics, DAY)
    assert library.table.num_rows == 0 and library.table.schema == PATTERNS_SCHEMA
    assert library.note.startswith("10 closed trades")


def test_a_pattern_that_is_not_found_any_more_is_retired_and_later_dropped(make_trades, statistics) -> None:
    first = pattern_library(_memory(make_trades, statistics, 100, 25.0, 1), statistics, DAY).table
    few = _memory(make_trades, statistics, 10, 25.0, 1)
    second = pattern_library(few, statistics, DAY + timedelta(days=1), first).table
    assert set(second.column("state").to_pylist()) == {"retired"}
    assert pattern_library(few, statistics, DAY + timedelta(days=31), second).table.num_rows == 0


def test_without_an_edge_nothing_is_reliable(make_trades, statistics) -> None:
    states = [
        state
        for seed in range(8)
        for state in pattern_library(_memory(make_trades, statistics, 80, 0.0, seed), statistics, DAY)
        .table.column("state")
        .to_pylist()
    ]
    assert states.count("reliable") <= 1


def test_identical_trades_are_one_pattern(make_trades, statistics) -> None:
    memory = _memory(make_trades, statistics, 70, 25.0, 1)
    place = memory.column_names.index("entry_features")
    same = pa.array([[1.0, 2.0, 3.0, 4.0]] * 70, memory.schema.field("entry_features").type)
    assert (
        pattern_library(memory.set_column(place, "entry_features", same), statistics, DAY).table.num_rows == 1
    )


def test_the_wilson_interval_is_the_published_one() -> None:
    low, high = wilson_interval(8, 10, z=1.96)
    assert (low, high) == (pytest.approx(0.4902, abs=1e-3), pytest.approx(0.9433, abs=1e-3))
