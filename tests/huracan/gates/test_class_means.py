"""Means of kinds by hand, and by property."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.gates.evidence.class_means import fit_class_means, repetition

ONES = np.ones(6)


def test_a_kind_is_pulled_towards_all_by_its_number() -> None:
    values = np.array([10.0, 10.0, 10.0, 0.0, 0.0, 0.0])
    found = fit_class_means(values, ONES, ["a", "a", "a", "b", "b", "b"], 3.0)
    assert found.usual.mean == 5.0 and found.usual.error == pytest.approx(5.0 / np.sqrt(6))
    assert found.of("a").mean == pytest.approx(7.5) and found.of("b").mean == pytest.approx(2.5)
    assert found.of("a").error == pytest.approx(5.0 / np.sqrt(6)) and found.of("a").trades == 3.0
    unseen = found.of("c")
    assert unseen.mean == 5.0 and unseen.error == pytest.approx(5.0 / np.sqrt(3)) and unseen.trades == 0.0
    assert found.of(None) == unseen


def test_a_weight_counts_and_a_trade_of_none_is_left_out() -> None:
    values, weight = np.array([10.0, 0.0, 99.0]), np.array([3.0, 1.0, 0.0])
    found = fit_class_means(values, weight, ["a", "a", "a"], 1e-9)
    assert found.usual.mean == pytest.approx(7.5) and found.usual.trades == pytest.approx(16 / 10)
    nothing = fit_class_means(values, np.zeros(3), ["a", "a", "a"], 20.0)
    assert nothing.usual.trades == 0.0 and nothing.upper(["a"], 0.9).tolist() == [np.inf]


def test_days_that_are_alike_repeat_themselves() -> None:
    off, days = np.array([1.0, 1.0, 1.0, -1.0, -1.0, -1.0]), np.array([1, 1, 1, 2, 2, 2])
    # Sums of days 3 and -3: 18 x 2 over the 6 of independent trades.
    assert repetition(off, ONES, days) == pytest.approx(6.0)
    assert repetition(np.tile([1.0, -1.0], 3), ONES, np.array([1, 1, 2, 2, 3, 3])) == 1.0
    assert repetition(off, ONES, np.ones(6, int)) == 1.0


@given(
    st.lists(st.tuples(st.floats(-100, 100), st.floats(0.01, 10), st.sampled_from("abc")), min_size=2),
    st.floats(0.1, 100),
)
def test_a_kind_lies_between_its_own_mean_and_that_of_all(
    rows: list[tuple[float, float, str]], shrinkage: float
) -> None:
    values, weight = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    names = [row[2] for row in rows]
    found = fit_class_means(values, weight, names, shrinkage)
    for name in set(names):
        own = np.array(names) == name
        mean = float(np.average(values[own], weights=weight[own]))
        low, high = sorted((mean, found.usual.mean))
        assert low - 1e-6 <= found.of(name).mean <= high + 1e-6
    assert (found.upper(names, 0.9) >= found.upper(names, 0.6) - 1e-9).all()
