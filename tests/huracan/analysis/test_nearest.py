"""Exact search: against hand-computed answers and brute force, in any cut, blind to what is not closed."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.analysis.memory.nearest import NearestTrades
from huracan.analysis.outcome import as_milliseconds
from huracan.candles.schema import TIME

START = datetime(2023, 6, 2, tzinfo=UTC)


def _trades(count: int) -> pa.Table:
    closed = [START + timedelta(minutes=number) for number in range(count)]
    return pa.table(
        {
            "trade_id": [f"t{number:03d}" for number in range(count)],
            "symbol": ["BTC/USDT"] * count,
            "side": [("long", "short")[number % 2] for number in range(count)],
            "regime": ["range"] * count,
            "closed_at": pa.array(closed, TIME),
            "net_bps": np.arange(count, dtype=np.float64),
            "is_winner": [True] * count,
        }
    )


def _moments(*minutes: int) -> np.ndarray:
    return np.array([as_milliseconds(START + timedelta(minutes=each)) for each in minutes], dtype=np.int64)


def test_the_nearest_are_found_by_hand_and_equals_go_by_identity() -> None:
    vectors = np.array([[0, 1], [1, 0], [0.6, 0.8], [1, 0]], np.float32)
    found = NearestTrades(np.array([[1, 0]], np.float32), _moments(9), None, 3)
    found.add(_trades(4), vectors)
    rows = found.neighbours()
    assert rows["trade_id"].to_pylist() == ["t001", "t003", "t002"]
    assert rows["rank"].to_pylist() == [1, 2, 3]
    np.testing.assert_allclose(rows["similarity"].to_numpy(), [1, 1, 0.6], atol=1e-7)


def test_only_the_side_asked_for_and_only_what_was_closed_before_is_found() -> None:
    vectors = np.tile(np.array([[1, 0]], np.float32), (10, 1))
    found = NearestTrades(vectors[:2], _moments(4, 7), ["long", "short"], 9)
    found.add(_trades(10), vectors)
    rows = found.neighbours()
    assert rows["query"].to_pylist() == [0, 0, 1, 1, 1]
    assert rows["trade_id"].to_pylist() == ["t000", "t002", "t001", "t003", "t005"]


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(1, 60),
    k=st.integers(1, 8),
    cuts=st.lists(st.integers(0, 60), max_size=12),
    seed=st.integers(0, 2**32 - 1),
    coarse=st.booleans(),
)
def test_any_cut_into_blocks_gives_the_answer_of_brute_force(
    count: int, k: int, cuts: list[int], seed: int, coarse: bool
) -> None:
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(count, 3))
    vectors = (np.round(vectors) if coarse else vectors).astype(np.float32)
    queries, minutes = generator.normal(size=(4, 3)).astype(np.float32), generator.integers(0, 70, 4)
    found = NearestTrades(queries, _moments(*minutes.tolist()), None, k)
    edges = sorted({0, count, *(cut for cut in cuts if cut < count)})
    for first, last in pairwise(edges):
        found.add(_trades(count).slice(first, last - first), vectors[first:last])
    rows = found.neighbours()
    for query, minute in enumerate(minutes):
        similarity = np.sum(queries[query].astype(np.float64) * vectors.astype(np.float64), axis=1)
        order = sorted(range(min(count, int(minute))), key=lambda row: (-similarity[row], row))[:k]
        mine = rows.filter(pa.array(rows["query"].to_numpy() == query))
        assert mine["trade_id"].to_pylist() == [f"t{row:03d}" for row in order]


def test_later_trades_change_not_a_byte() -> None:
    vectors = np.random.default_rng(1).normal(size=(500, 64)).astype(np.float32)
    answers = []
    for count in (200, 500):
        found = NearestTrades(vectors[:5], _moments(*[200] * 5), None, 20)
        found.add(_trades(count), vectors[:count])
        answers.append(found.neighbours())
    assert answers[0].equals(answers[1])
