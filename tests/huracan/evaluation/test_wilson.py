"""The interval of a share."""

import pytest

from huracan.evaluation.wilson import wilson_interval


def test_the_interval_is_the_textbook_one() -> None:
    low, high = wilson_interval(8, 10)  # type: ignore[misc]
    assert (low, high) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))


def test_without_trials_there_is_no_interval_and_without_successes_it_begins_at_zero() -> None:
    assert wilson_interval(0, 0) is None
    low, high = wilson_interval(0, 5)  # type: ignore[misc]
    assert low == 0.0 and 0.0 < high < 1.0
