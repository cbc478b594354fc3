"""The dynamic program against values worked out by hand, and the filter against its theory."""

from dataclasses import replace

import numpy as np
import pytest

from huracan.errors import InvalidInput
from huracan.proof.planted_market import PlantedMarketConfig, plant_market
from huracan.proof.signal_filter import SignalModel, filter_imbalance, filtered_signal
from huracan.proof.stopping_program import Grid, StoppingProblem, StoppingRules, solve

CERTAIN = SignalModel(
    edge_bps=1.0, persistence=1.0, return_std_bps=1e-9, return_gain=0.0, noise_std=0.0, signal_std=1.0
)
"""The signal never changes and the price follows it exactly: signal m earns m bps a bar."""
FAR = 1_000.0


def _solve(bars: int, places: int = 21, **changes: float) -> StoppingRules:
    problem = StoppingProblem(
        signal=CERTAIN,
        volatility_bps=1e-9,
        cost_bps=3.0,
        stop_bps=FAR,
        target_bps=FAR,
        maximum_holding_bars=50,
    )
    changed = {name: int(value) if name.endswith("bars") else value for name, value in changes.items()}
    return solve(replace(problem, **changed), Grid(signals=17, places=places, bars=bars, nodes=3))  # type: ignore[arg-type]


def test_a_certain_drift_is_held_to_the_end_if_it_pays_two_sides_of_costs() -> None:
    solved = _solve(bars=10)
    by_hand = np.maximum(0.0, 10 * solved.signals - 2 * 3.0)
    assert solved.flat_value_bps == pytest.approx(by_hand, abs=1e-6)
    # It pays above 6 / 10 with ten bars left and above 6 / 3 with three; signals are half a unit apart.
    assert 0.6 - 0.5 <= solved.entry[10] <= 0.6 + 0.5
    assert 2.0 - 0.5 <= solved.entry[3] <= 2.0 + 0.5


def test_nothing_is_entered_that_could_not_pay_before_the_end() -> None:
    # At most 4 bps a bar for two sides of 3: one bar is too few.
    assert np.isinf(_solve(bars=10).entry[:2]).all()
    assert np.isfinite(_solve(bars=10).entry[2:]).all()


def test_a_time_out_costs_another_round_trip() -> None:
    # 4 bps a bar, at most 5 bars: the bar after the time-out's close still belongs to the position's exit at
    # its open, so a bar is not held between two positions unless it is entered at once.
    solved = _solve(bars=12, maximum_holding_bars=5)
    strongest = solved.flat_value_bps[-1]
    # 12 bars: enter, 5 held, one flat while the exit fills, 5 held, one left: 10 x 4 - 4 x 3 = 28.
    # Waiting cannot add a bar, and a third position of one bar would cost 6 for 4.
    assert strongest == pytest.approx(28.0, abs=1e-6)


def test_a_target_is_left_at_and_entered_again() -> None:
    # 4 bps a bar to a target of 7: met in the second bar, 7 - 6 = 1 a position; entered again at once.
    solved = _solve(bars=8, target_bps=7.0, stop_bps=7.0, places=15)
    assert solved.flat_value_bps[-1] == pytest.approx(4.0, abs=1e-5)


def test_without_an_edge_nothing_is_ever_entered() -> None:
    signal = replace(CERTAIN, edge_bps=0.0, return_std_bps=5.0, noise_std=0.2, persistence=0.98)
    problem = StoppingProblem(signal, 5.0, 11.0, 60.0, 95.0, 40)
    solved = solve(problem, Grid(signals=31, places=15, bars=60))
    assert np.isinf(solved.entry).all()
    assert solved.flat_value_bps == pytest.approx(0.0)
    assert solved.gain_bps_per_bar == pytest.approx(0.0)


@pytest.mark.slow
def test_a_position_is_left_only_well_below_where_it_would_be_entered() -> None:
    # Costs make a band: what has been paid for is kept longer than it would be bought.
    config = PlantedMarketConfig(edge_bps=1.0)
    problem = StoppingProblem(filtered_signal(config), 5.0, 11.0, 58.0, 97.0, 120)
    solved = solve(problem, Grid(bars=200))
    middle = solved.leave[200, 15, 20]
    assert middle < -0.3 < 0.5 < solved.entry[200]
    # With few bars left nothing comes after the exit: it is left as soon as the drift is against it.
    assert solved.leave[1, 15, 20] == pytest.approx(0.0, abs=0.05)


def test_a_grid_coarser_than_the_signal_moves_is_refused() -> None:
    problem = StoppingProblem(filtered_signal(PlantedMarketConfig()), 5.0, 11.0, 58.0, 97.0, 40)
    with pytest.raises(InvalidInput, match="too coarse"):
        solve(problem, Grid(signals=11, places=15, bars=5))


def test_the_filter_knows_as_much_as_its_theory_says() -> None:
    config = PlantedMarketConfig(edge_bps=1.0, symbols=4, days=10, seed=8)
    market = plant_market(config)
    model, estimate = filtered_signal(config), filter_imbalance(market)
    settled = slice(500, None)
    error = ((estimate - market.latent)[:, settled] ** 2).mean()
    assert error == pytest.approx(1.0 - model.signal_std**2, rel=0.04)
    # Optimal: the error owes nothing to what was seen.
    assert abs(((estimate - market.latent) * estimate)[:, settled].mean()) < 0.03
    worse = 0.9 * estimate
    assert ((worse - market.latent)[:, settled] ** 2).mean() > error


def test_the_gain_of_a_filter_without_returns_solves_its_equation() -> None:
    config = PlantedMarketConfig(edge_bps=0.0, half_life_bars=30.0, measurement_noise=1.5)
    model = filtered_signal(config)
    persistence = config.persistence
    spread = 1.0 - model.signal_std**2
    ahead = persistence**2 * spread + 1.0 - persistence**2
    assert model.gain == pytest.approx(ahead / (ahead + 1.5**2))
    assert spread == pytest.approx((1.0 - model.gain) * ahead)
    assert model.return_gain == 0.0


def test_the_estimate_at_a_bar_needs_no_later_bar() -> None:
    long = plant_market(PlantedMarketConfig(symbols=1, days=3, seed=2))
    short = plant_market(PlantedMarketConfig(symbols=1, days=2, seed=2))
    assert np.array_equal(filter_imbalance(long)[:, : short.block.bar_count], filter_imbalance(short))
