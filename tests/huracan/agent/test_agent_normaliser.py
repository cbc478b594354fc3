"""Running statistics, against numpy's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.agent.normaliser import Normaliser


@given(st.integers(0, 1000), st.lists(st.integers(1, 50), min_size=1, max_size=5))
def test_batches_merge_to_the_statistics_of_the_whole(seed: int, sizes: list[int]) -> None:
    values = np.random.default_rng(seed).normal(50.0, 3.0, (sum(sizes), 2))
    normaliser = Normaliser(2)
    for part in np.split(values, np.cumsum(sizes)[:-1]):
        normaliser.update(part)
    assert normaliser.mean == pytest.approx(values.mean(axis=0))
    assert normaliser.variance == pytest.approx(values.var(axis=0), abs=1e-9)


def test_what_is_not_defined_does_not_count_and_becomes_the_mean() -> None:
    normaliser = Normaliser(2)
    normaliser.update(np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, 5.0]]))
    assert normaliser.mean.tolist() == [2.0, 5.0]
    assert normaliser.count.tolist() == [2.0, 1.0]
    assert normaliser.apply(np.array([[np.nan, np.nan]], np.float32)).tolist() == [[0.0, 0.0]]


def test_values_are_clipped_and_unscaled_columns_stay() -> None:
    normaliser = Normaliser(2, [True, False], clip=5.0)
    normaliser.update(np.random.default_rng(0).standard_normal((1000, 2)))
    found = normaliser.apply(np.array([[1e9, 0.25]], np.float32))
    assert found.tolist() == [[5.0, 0.25]]
