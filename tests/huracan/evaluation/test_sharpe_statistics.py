"""The published figures of the Sharpe statistics, at their printed precision."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.errors import InvalidInput
from huracan.evaluation.pbo import estimate_overfitting
from huracan.evaluation.sharpe import (
    ReturnMoments,
    deflated_sharpe,
    expected_maximum_sharpe,
    measure_returns,
    minimum_backtest_years,
    minimum_track_record,
    probabilistic_sharpe,
    sharpe_standard_error,
)


@pytest.mark.parametrize(("trials", "printed"), [(10, 1.5746), (45, 2.2356), (100, 2.5306), (1000, 3.2551)])
def test_the_expected_maximum_is_the_published_one(trials: int, printed: float) -> None:
    assert round(expected_maximum_sharpe(trials), 4) == printed


def test_one_trial_expects_no_luck() -> None:
    assert expected_maximum_sharpe(1) == 0.0


def test_the_probabilistic_sharpe_is_the_published_one() -> None:
    ratio = 1.585 / math.sqrt(12)
    assert probabilistic_sharpe(ReturnMoments(24, ratio, -2.448, 10.164)) == pytest.approx(
        0.913234306885, abs=1e-12
    )
    assert round(probabilistic_sharpe(ReturnMoments(24, ratio, 0.0, 3.0)), 6) == 0.981591


@pytest.mark.parametrize(
    ("skewness", "kurtosis", "trials", "printed"),
    [(-3.0, 10.0, 100, 0.900396834), (-3.0, 10.0, 46, 0.950501707), (0.0, 3.0, 88, 0.950490817)],
)
def test_the_deflated_sharpe_is_the_published_one(
    skewness: float, kurtosis: float, trials: int, printed: float
) -> None:
    moments = ReturnMoments(1250, 2.5 / math.sqrt(250), skewness, kurtosis)
    assert round(deflated_sharpe(moments, trials, 0.5 / 250), 9) == printed


def test_the_deflation_threshold_is_the_published_one() -> None:
    assert round(expected_maximum_sharpe(100, 0.5 / 250), 6) == 0.113172


@pytest.mark.parametrize(("per_year", "printed"), [(250, 2.7312), (52, 2.8288)])
def test_the_minimum_track_record_is_the_published_one(per_year: int, printed: float) -> None:
    moments = ReturnMoments(2, 2.0 / math.sqrt(per_year), 0.0, 3.0)
    years = minimum_track_record(moments, 1.0 / math.sqrt(per_year)) / per_year
    assert round(years, 4) == printed


def test_a_ratio_below_its_benchmark_never_has_a_long_enough_record() -> None:
    assert minimum_track_record(ReturnMoments(100, 0.1, 0.0, 3.0), 0.2) == math.inf


def test_the_minimum_backtest_length_is_the_published_one() -> None:
    assert round(minimum_backtest_years(45, 1.0), 3) == 4.998


def test_moments_by_hand() -> None:
    moments = measure_returns(np.array([1.0, 2.0, 3.0, 6.0]))
    assert moments.sharpe == pytest.approx(3.0 / math.sqrt(14.0 / 3.0))
    assert moments.skewness == pytest.approx((-8 - 1 + 0 + 27) / 4 / 3.5**1.5)
    assert moments.kurtosis == pytest.approx((16 + 1 + 0 + 81) / 4 / 3.5**2)


def test_returns_that_do_not_vary_have_no_ratio() -> None:
    assert measure_returns(np.full(10, 0.1)).sharpe == 0.0


@pytest.mark.parametrize("bad", [np.array([1.0]), np.array([1.0, np.nan]), np.ones((2, 2))])
def test_returns_that_are_no_series_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(InvalidInput):
        measure_returns(bad)


def test_the_standard_error_matches_the_spread_of_simulated_estimates() -> None:
    generator = np.random.default_rng(3)
    drawn = generator.normal(0.1, 1.0, size=(2000, 250))
    estimates = drawn.mean(axis=1) / drawn.std(axis=1, ddof=1)
    assert sharpe_standard_error(ReturnMoments(250, 0.1, 0.0, 3.0)) == pytest.approx(
        estimates.std(), rel=0.06
    )


@given(st.integers(2, 2000), st.floats(0.0001, 0.1))
def test_more_trials_never_raise_the_deflated_sharpe(trials: int, variance: float) -> None:
    moments = ReturnMoments(500, 0.1, -0.5, 5.0)
    assert deflated_sharpe(moments, trials + 1, variance) <= deflated_sharpe(moments, trials, variance)


def test_overfitting_of_pure_noise_is_near_one_half() -> None:
    generator = np.random.default_rng(11)
    found = [estimate_overfitting(generator.normal(size=(1000, 200)), 16) for _ in range(10)]
    assert found[0].splits == 12870
    assert np.mean([each.probability for each in found]) == pytest.approx(0.49, abs=0.12)


def test_a_strategy_that_is_truly_better_is_not_called_overfit() -> None:
    returns = np.random.default_rng(5).normal(size=(800, 20))
    returns[:, 7] += 0.5
    assert estimate_overfitting(returns, 8).probability == 0.0


def test_an_odd_number_of_blocks_is_refused() -> None:
    with pytest.raises(InvalidInput):
        estimate_overfitting(np.zeros((100, 3)), 5)
