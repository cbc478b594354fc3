"""Evidence by betting: worked out by hand, never more than fair, and blind to the order of the rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.evidence.betting import STAKES, evidence, new_wealth, play, results_in_units


def test_trades_one_after_another_compound_what_is_free() -> None:
    opened, closed = np.array([0, 10]), np.array([10, 20])
    after = play(new_wealth(), opened, closed, np.array([0.5, -0.2]))
    assert after == pytest.approx((1 + 0.5 * STAKES) * (1 - 0.2 * STAKES))


def test_a_trade_that_is_open_leaves_less_to_stake_on_the_next() -> None:
    after = play(new_wealth(), np.array([0, 5]), np.array([10, 20]), np.array([1.0, 1.0]))
    assert after == pytest.approx(1 + STAKES + (1 - STAKES) * STAKES)


def test_the_unit_is_known_at_the_entry_and_bounds_the_loss() -> None:
    results = results_in_units(np.array([40.0, -500.0, 40.0, 900.0]), np.array([np.nan, 1.0, 8.0, 1.0]))
    assert results == pytest.approx([0.5, -1.0, 0.25, 2.0])


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50), st.floats(-1, 2)), max_size=30))
def test_wealth_is_never_negative_and_the_order_of_rows_is_nothing(trades) -> None:
    opened = np.array([start for start, _, _ in trades], dtype=np.int64)
    closed = opened + np.array([held for _, held, _ in trades], dtype=np.int64)
    results = np.array([result for _, _, result in trades])
    after = play(new_wealth(), opened, closed, results)
    assert np.all(after >= 0)
    assert np.all(play(new_wealth(), opened, closed, np.zeros(len(trades))) == pytest.approx(1.0))
    # Rows that open and close together are exchangeable only with equal results: make all distinct.
    shuffled = np.random.default_rng(0).permutation(len(trades))
    distinct = opened * 1000 + np.arange(len(trades))
    later = distinct + 37 + (closed - opened) * 1000
    one = play(new_wealth(), distinct, later, results)
    two = play(new_wealth(), distinct[shuffled], later[shuffled], results[shuffled])
    assert one == pytest.approx(two)


def test_in_a_fair_game_few_ever_reach_twenty_however_often_they_look() -> None:
    generator = np.random.default_rng(5)
    reached = 0
    for _ in range(400):
        wealth, best = new_wealth(), 0.0
        for night in range(10):
            opened = np.sort(generator.integers(0, 1000, 20)) + 10_000 * night
            closed = opened + generator.integers(1, 300, 20)
            # Stops and targets of a driftless walk: -0.4 or +0.6 with mean 0.
            results = np.where(generator.random(20) < 0.6, -0.4, 0.6)
            wealth = play(wealth, opened, closed, results)
            best = max(best, evidence(wealth))
        reached += best >= 20
    assert reached <= 400 / 20


def test_an_edge_is_seen_in_some_nights() -> None:
    generator = np.random.default_rng(6)
    wealth = new_wealth()
    opened = np.arange(150) * 100
    results = generator.normal(0.2, 0.4, 150).clip(-1, 2)
    assert evidence(play(wealth, opened, opened + 90, results)) > 1_000
