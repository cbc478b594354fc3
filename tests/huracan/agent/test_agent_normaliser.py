"""Running statistics, against numpy's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.agent.normaliser import Normaliser
from huracan.errors import InputRefused


@given(st.lists(st.integers(0, 19), unique=True).map(sorted))
def test_some_columns_are_scaled_as_among_all(columns: list[int]) -> None:
    rows = np.random.default_rng(4).normal(7.0, 3.0, (30, 20)).astype(np.float32)
    rows[3, 5] = np.nan
    normaliser = Normaliser(20)
    normaliser.update(rows)
    found = normaliser.apply(rows, columns=np.array(columns, np.int64))
    assert np.array_equal(found, normaliser.apply(rows)[:, columns])


@given(st.integers(0, 1000), st.lists(st.integers(1, 50), min_size=1, max_size=5))
def test_batches_merge_to_the_statistics_of_the_whole(seed: int, sizes: list[int]) -> None:
    values = np.random.default_rng(seed).normal(50.0, 3.0, (sum(sizes), 2))
    normaliser = Normaliser(2)
    for part in np.split(values, np.cumsum(sizes)[:-1]):
        normaliser.update(part)
    assert normaliser.mean == pytest.approx(values.mean(axis=0))
    assert normaliser.variance == pytest.approx(values.var(axis=0), abs=1e-9)
    assert normaliser.lowest.tolist() == values.min(axis=0).tolist()


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


def test_scaled_values_are_the_formula_in_float32() -> None:
    generator = np.random.default_rng(3)
    seen = generator.normal(7.0, 3.0, (333, 5)).astype(np.float32)
    normaliser = Normaliser(5, [True, True, True, False, False], clip=2.0)
    normaliser.update(seen)
    expected = np.clip((seen - normaliser.shift) * normaliser.scale, np.float32(-2), np.float32(2))
    assert np.array_equal(normaliser.apply(seen), expected)
    out = np.empty_like(seen)
    assert normaliser.apply(seen, out=out) is out
    assert np.array_equal(out, expected)


def test_a_column_that_never_varied_is_ignored_ever_after() -> None:
    normaliser = Normaliser(2)
    normaliser.update(np.array([[0.1, 1.0], [0.1, 2.0]]))
    normaliser.update(np.array([[0.1, 3.0]]))
    assert normaliser.scale[0] == 0.0
    assert normaliser.apply(np.array([[1e6, 2.0]], np.float32)).tolist() == [[0.0, 0.0]]
    normaliser.update(np.array([[0.2, 1.0]]))
    assert normaliser.scale[0] > 0.0


@pytest.mark.parametrize(("column", "value"), [(0, np.inf), (1, -np.inf), (1, np.nan)])
def test_an_infinity_anywhere_and_a_state_that_is_not_known_are_refused(column: int, value: float) -> None:
    normaliser = Normaliser(2, [True, False])
    normaliser.update(np.array([[1.0, 1.0], [2.0, 2.0]]))
    rows = np.ones((20, 2), np.float32)
    rows[11, column] = value
    with pytest.raises(InputRefused, match=f"Column {column} of observation 11 is"):
        normaliser.apply(rows)


def test_deciding_changes_no_statistic() -> None:
    normaliser = Normaliser(2)
    normaliser.update(np.random.default_rng(0).standard_normal((10, 2)))
    before = normaliser.state()
    normaliser.apply(np.full((5, 2), 9.0, np.float32))
    assert all(np.array_equal(values, before[name]) for name, values in normaliser.state().items())


def test_restored_it_scales_and_learns_on_to_the_same_bits() -> None:
    generator = np.random.default_rng(1)
    first, second = Normaliser(3, [True, False, True]), Normaliser(3)
    first.update(generator.standard_normal((40, 3)))
    second.restore(first.state())
    more = generator.standard_normal((40, 3))
    for normaliser in (first, second):
        normaliser.update(more)
    rows = more.astype(np.float32)
    assert np.array_equal(first.apply(rows), second.apply(rows))
