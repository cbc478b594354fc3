"""Agreement of near trades: found where it is, not found where it is not, and blind to the same day."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from huracan.analysis.memory.agreement import agreement_lift, judge_agreement
from huracan.analysis.memory.rows import vector_column
from huracan.candles.schema import TIME

FIRST = date(2023, 6, 1)


def _memory(vectors: np.ndarray, wins: np.ndarray, regimes: list[str], per_day: int = 20) -> pa.Table:
    count = len(vectors)
    days = [FIRST + timedelta(days=row // per_day) for row in range(count)]
    closed = [datetime(day.year, day.month, day.day, 1, tzinfo=UTC) for day in days]
    return pa.table(
        {
            "day": pa.array(days),
            "trade_id": [f"t{row}" for row in range(count)],
            "symbol": ["BTC/USDT"] * count,
            "side": ["long"] * count,
            "regime": pa.array(regimes, pa.string()),
            "closed_at": pa.array(closed, TIME),
            "net_bps": np.where(wins, 5.0, -5.0),
            "is_winner": wins.astype(bool),
            "embedding_version": ["v1"] * count,
            "embedding": vector_column(vectors),
        }
    )


def _unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def contexts() -> np.ndarray:
    return _unit(np.random.default_rng(1).normal(size=(300, 8)))


def test_agreement_that_lies_in_the_vectors_is_found(contexts) -> None:
    wins = contexts[:, 0] > 0
    regimes = ["trend" if value > 0 else "range" for value in contexts[:, 1]]
    verdict = judge_agreement(_memory(contexts, wins, regimes), "v1")
    assert verdict.passed and not verdict.blocking and verdict.check == "memory_agreement"
    assert verdict.numbers["outcome_near"] > 0.6 > verdict.numbers["outcome_random"] > 0.4
    assert verdict.numbers["regime_lift_low"] > 0


def test_chance_is_rarely_taken_for_agreement(contexts) -> None:
    generator = np.random.default_rng(2)
    taken = 0
    for _ in range(40):
        lift, trades, days = agreement_lift(
            _memory(contexts, np.zeros(300), ["range"] * 300), generator.integers(0, 2, 300)
        )
        assert (trades, days) == (240, 12)
        taken += lift.low > 0
    assert taken <= 6  # Of 40 at 5%: more than 6 comes once in a hundred.


def test_an_outcome_that_the_vectors_do_not_know_fails_the_check(contexts) -> None:
    regimes = ["trend" if value > 0 else "range" for value in contexts[:, 1]]
    verdict = judge_agreement(_memory(contexts, np.random.default_rng(5).random(300) > 0.5, regimes), "v1")
    assert not verdict.passed and "outcome" in verdict.reason


def test_a_single_regime_says_nothing_and_fails_nothing(contexts) -> None:
    verdict = judge_agreement(_memory(contexts, contexts[:, 0] > 0, ["range"] * 300), "v1")
    assert verdict.passed and "regime: the same for every trade" in verdict.reason


def test_trades_of_the_same_day_are_no_neighbours() -> None:
    # Each day has a corner of its own and a result of its own: within the day all agree, across days none.
    vectors = np.repeat(np.eye(16, dtype=np.float32), 20, axis=0)
    lift, _, _ = agreement_lift(
        _memory(vectors, np.zeros(320), ["range"] * 320), np.repeat(np.arange(16), 20)
    )
    assert lift.near == 0.0 and lift.random == 0.0


def test_too_few_trades_are_not_judged(contexts) -> None:
    verdict = judge_agreement(_memory(contexts[:60], np.ones(60), ["range"] * 60), "v1")
    assert verdict.passed and "too few" in verdict.reason
    other = judge_agreement(_memory(contexts, np.ones(300), ["range"] * 300), "v2")
    assert other.numbers["trades"] == 0


def test_what_came_later_changes_nothing_of_what_was_measured_before(contexts) -> None:
    attribute = (contexts[:, 0] > 0).astype(np.int64)
    whole = _memory(contexts, attribute, ["range"] * 300)
    changed = pa.concat_tables(
        [whole.slice(0, 200), _memory(-contexts, 1 - attribute, ["trend"] * 300).slice(200)]
    )
    for table in (whole, changed):
        assert agreement_lift(table.slice(0, 200), attribute[:200]) == agreement_lift(
            whole.slice(0, 200), attribute[:200]
        )
