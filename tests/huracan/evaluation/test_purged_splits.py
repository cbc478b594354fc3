import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.errors import InvalidInput
from huracan.evaluation.splits import backtest_paths, combinatorial_splits, count_paths, split_tail


def test_six_groups_two_tested_make_fifteen_splits_and_five_paths() -> None:
    start = np.arange(60)
    splits = combinatorial_splits(start, start)
    assert len(splits) == 15
    assert count_paths(6, 2) == 5
    paths = backtest_paths(6, 2)
    assert paths.shape == (5, 6)
    for group in range(6):
        assert [group in splits[number].test_groups for number in paths[:, group]] == [True] * 5
        assert len(set(paths[:, group])) == 5


def test_a_trade_open_at_the_boundary_is_purged_from_training() -> None:
    start = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    end = np.array([1, 2, 3, 9, 5, 8, 7, 8, 9, 10])
    split = split_tail(start, end, 0.3)
    assert split.test.tolist() == [7, 8, 9]
    assert split.train.tolist() == [0, 1, 2, 4, 6]
    assert split.purged == 2
    assert split_tail(start, end, 0.3, embargo=3).train.tolist() == [0, 1, 2]


def test_a_combinatorial_split_purges_both_sides_and_keeps_the_embargo() -> None:
    start = np.arange(12)
    end = start + 1
    split = combinatorial_splits(start, end, groups=4, test_groups=1, embargo=2)[1]
    assert split.test.tolist() == [3, 4, 5]
    # Row 2 ends in the test group's first bar; 6 overlaps its last end; 7 and 8 start within the embargo.
    assert split.train.tolist() == [0, 1, 9, 10, 11]


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 40)), min_size=12, max_size=80),
    st.integers(0, 10),
    st.integers(0, 1),
)
def test_no_training_interval_overlaps_a_test_interval(
    rows: list[tuple[int, int]], embargo: int, kind: int
) -> None:
    start = np.array([row[0] for row in rows])
    end = start + np.array([row[1] for row in rows])
    splits = (
        [split_tail(start, end, 0.3, embargo)] if kind else combinatorial_splits(start, end, 6, 2, embargo)
    )
    for split in splits:
        assert not set(split.train) & set(split.test)
        for train in split.train:
            inside = (start[split.test] < end[train]) & (end[split.test] > start[train])
            assert not inside.any()


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.5])
def test_a_tail_that_is_nothing_or_everything_is_refused(fraction: float) -> None:
    with pytest.raises(InvalidInput):
        split_tail(np.arange(5), np.arange(5), fraction)


@pytest.mark.parametrize(("starts", "ends"), [(5, 4), (4, 5), (0, 0)])
def test_intervals_that_lack_a_start_or_an_end_or_all_are_refused(starts: int, ends: int) -> None:
    for split in (lambda *both: split_tail(*both, 0.5), lambda *both: combinatorial_splits(*both, 2, 1)):
        with pytest.raises(InvalidInput):
            split(np.arange(starts), np.arange(ends))


def test_an_interval_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(InvalidInput):
        split_tail(np.array([1, 2]), np.array([1, 1]), 0.5)
