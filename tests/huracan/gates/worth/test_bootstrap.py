"""Intervals of means per signal: days are drawn in blocks, and cover what they promise."""

import numpy as np
import pytest

from huracan.gates.worth.bootstrap import LEAST_DAYS, mean_interval, stationary_resamples


def test_a_day_is_followed_by_the_next_unless_a_block_begins() -> None:
    drawn = stationary_resamples(27, 4_000, np.random.default_rng(1))
    assert drawn.min() == 0 and drawn.max() == 26
    follows = drawn[:, 1:] == (drawn[:, :-1] + 1) % 27
    # Blocks of 3 days in the mean; a block that begins by chance where it would have gone on counts as well.
    assert follows.mean() == pytest.approx(1 - 1 / 3 + 1 / 3 / 27, abs=0.01)
    assert np.bincount(drawn.ravel(), minlength=27) / drawn.size == pytest.approx(
        np.full(27, 1 / 27), abs=0.003
    )


def test_the_mean_is_of_signals_and_not_of_days() -> None:
    night = np.array([1, 1, 1, 2, 3, 4, 5])
    value = np.array([1.0, 1.0, 1.0, 8.0, 0.0, 0.0, 0.0])[:, None]
    weight = np.array([2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])[:, None]
    mean, low, high = mean_interval(night, value, weight, np.random.default_rng(0))
    assert mean.tolist() == [12.0 / 8.0] and low[0] < 1.5 < high[0]
    again = mean_interval(night, value, weight, np.random.default_rng(0))
    assert (low, high) == (again[1], again[2])


def test_few_days_and_no_weight_have_no_interval_and_equal_days_one_without_width() -> None:
    night = np.arange(LEAST_DAYS)
    value = np.ones((LEAST_DAYS, 3))
    weight = np.ones((LEAST_DAYS, 3))
    weight[0, 1], weight[:, 2] = 0.0, 0.0
    mean, low, high = mean_interval(night, value, weight, np.random.default_rng(0))
    assert mean[:2].tolist() == [1.0, 1.0] and np.isnan(mean[2])
    assert low[0] == high[0] == 1.0 and np.isnan(low[1:]).all() and np.isnan(high[1:]).all()


@pytest.mark.parametrize(("days", "least"), [(7, 0.9), (30, 0.9)])
def test_the_interval_covers_the_truth_though_the_signals_of_a_day_are_alike(days: int, least: float) -> None:
    generator, covered, cases = np.random.default_rng(days), 0, 200
    for _ in range(cases):
        counts = generator.integers(1, 15, days)
        night = np.repeat(np.arange(days), counts)
        common = np.repeat(generator.normal(0.0, 10.0, days), counts)
        value = 2.0 + common + generator.normal(0.0, 30.0, night.size)
        _, low, high = mean_interval(night, value[:, None], np.ones((night.size, 1)), generator)
        covered += low[0] <= 2.0 <= high[0]
    assert least <= covered / cases <= 0.995
