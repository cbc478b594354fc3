"""What gates are worth together: by hand, and by the laws that make Shapley's division the only one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from huracan.gates.worth.together import (
    most_overlapping,
    saved_by_all,
    saved_when_added_last,
    shapley_values,
)

PARTS = st.sampled_from([0.0, 0.5, 1.0, 1.5])


def _generator() -> np.random.Generator:
    return np.random.default_rng(3)


def test_two_gates_that_refuse_the_same_share_it_and_neither_is_missed() -> None:
    kept = np.array([[0.0, 0.0, 1.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    outcome = np.array([-12.0, 5.0, 40.0])
    assert saved_by_all(kept, outcome) == 12.0 - 5.0
    assert saved_when_added_last(kept, outcome).tolist() == [0.0, 0.0, -5.0]
    assert shapley_values(kept, outcome, _generator()) == pytest.approx([6.0, 6.0, -5.0])


def test_three_orders_of_resizing_are_averaged_by_hand() -> None:
    # Halving then refusing saves 5 and 5, refusing then halving 10 and 0.
    values = shapley_values(np.array([[0.5, 0.0]]), np.array([-10.0]), _generator())
    assert values == pytest.approx([2.5, 7.5])


@given(
    st.integers(1, 4).flatmap(
        lambda gates: st.tuples(
            arrays(np.float64, (12, gates), elements=PARTS),
            arrays(np.float64, 12, elements=st.floats(-100.0, 100.0)),
        )
    )
)
def test_the_shares_add_up_to_what_all_save_and_who_changes_nothing_has_none(
    made: tuple[np.ndarray, np.ndarray],
) -> None:
    kept, outcome = made
    idle = np.hstack([kept, np.ones((12, 1)), kept[:, :1]])
    values = shapley_values(idle, outcome, _generator())
    assert values.sum() == pytest.approx(saved_by_all(idle, outcome), abs=1e-6)
    assert values[-2] == 0.0
    assert values[-1] == pytest.approx(values[0], abs=1e-6)


def test_of_many_gates_drawn_orders_come_near_and_are_the_same_again() -> None:
    generator = np.random.default_rng(8)
    kept = np.where(generator.random((300, 9)) < 0.3, 0.0, 1.0)
    outcome = generator.normal(0.0, 30.0, 300)
    values = shapley_values(kept, outcome, _generator())
    assert values.sum() == pytest.approx(saved_by_all(kept, outcome))
    assert np.array_equal(values, shapley_values(kept, outcome, _generator()))
    # Refusing is a game with a known value: a refused trade is divided among those that refuse it.
    refusing = (kept == 0.0).sum(axis=1, keepdims=True)
    exact = ((kept == 0.0) / np.maximum(refusing, 1) * -outcome[:, None]).sum(axis=0)
    assert np.abs(values - exact).max() < 0.05 * np.abs(exact).max()


def test_the_gate_whose_refusals_are_most_alike_is_named() -> None:
    refused = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 1, 0]], dtype=np.bool_)
    nearest, overlap = most_overlapping(refused)
    assert nearest == [1, 0, 0, None] and overlap.tolist() == [0.5, 0.5, 0.25, 0.0]
    assert most_overlapping(refused[:, :1]) == ([None], [0.0])
