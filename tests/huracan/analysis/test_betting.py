"""Evidence by betting: worked out by hand, never more than fair, and blind to the order of the rows."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.evidence.betting import STAKES, Purse, evidence, new_wealth, results_in_units
from huracan.evidence.betting import play as play_until

END = 10**12


def play(wealth: np.ndarray, opened: np.ndarray, closed: np.ndarray, results: np.ndarray) -> np.ndarray:
    """The wealth when all bets have come back."""
    return play_until(Purse(wealth), opened, closed, results, END).total


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


@given(
    st.lists(st.tuples(st.integers(0, 99), st.integers(1, 60), st.floats(-1, 2)), max_size=30),
    st.integers(1, 9),
)
def test_looking_while_bets_are_open_changes_no_stake(trades, nights: int) -> None:
    opened = np.array([start * 31 + row for row, (start, _, _) in enumerate(trades)], dtype=np.int64)
    closed = opened + np.array([held * 31 for _, held, _ in trades], dtype=np.int64)
    results = np.array([result for _, _, result in trades])
    purse = Purse(new_wealth())
    for night in range(nights):
        first, last = (round(4_000 * edge / nights) for edge in (night, night + 1))
        own = (opened >= first) & (opened < last)
        purse = play_until(purse, opened[own], closed[own], results[own], last - 1)
        purse = Purse.read(json.loads(json.dumps(purse.plain())))
    assert purse.total == pytest.approx(play(new_wealth(), opened, closed, results))
    # And each night's total is what all signals so far come to.
    assert (purse.closed_ms > 3_999).all()


def test_a_bet_that_is_open_at_a_look_leaves_less_for_the_next_night() -> None:
    purse = play_until(Purse(new_wealth()), np.array([0]), np.array([20]), np.array([1.0]), 10)
    assert purse.free == pytest.approx(1 - STAKES) and purse.total == pytest.approx(1 + STAKES)
    after = play_until(purse, np.array([15]), np.array([30]), np.array([1.0]), 40)
    assert after.total == pytest.approx(1 + STAKES + (1 - STAKES) * STAKES)


def test_who_begins_anew_stakes_on_nothing_that_was_open_before() -> None:
    purse = Purse(new_wealth(), from_ms=100)
    opened, closed = np.array([99, 100]), np.array([120, 130])
    assert play_until(purse, opened, closed, np.array([1.0, 0.5]), END).total == pytest.approx(
        1 + 0.5 * STAKES
    )
