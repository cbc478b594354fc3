"""The best causal policy in the market: it earns what the program promised, and no simple rule beats it."""

from dataclasses import replace

import numpy as np
import pytest

from huracan.market.costs import CostAssumptions
from huracan.market.observation import observation_names
from huracan.market.rules import TradingRules
from huracan.proof.best_policy import Ceiling, follow_levels, follow_rules, measure_ceiling, problem_of
from huracan.proof.exam import Exam, take_exam
from huracan.proof.planted_market import PlantedMarket, PlantedMarketConfig, plant_market
from huracan.proof.signal_filter import filter_imbalance
from huracan.proof.stopping_program import Grid, solve

pytestmark = pytest.mark.slow  # the program solves the market once, for seconds

RULES, COSTS, GRID = TradingRules(), CostAssumptions(), Grid(signals=25, places=25, bars=300)
CONFIG = PlantedMarketConfig(edge_bps=1.0, symbols=3, days=10, seed=21)


@pytest.fixture(scope="module")
def market() -> PlantedMarket:
    return plant_market(CONFIG)


@pytest.fixture(scope="module")
def ceiling(market: PlantedMarket) -> Ceiling:
    return measure_ceiling(market, RULES, COSTS, GRID)


def _standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(values.size))


def test_it_earns_in_the_market_what_the_program_promised(ceiling: Ceiling) -> None:
    solved = solve(problem_of(CONFIG, RULES, COSTS, knows_latent=False), GRID)
    # 1.5 at the entry and three adds of a half, of which the last is there three bars later.
    promised = solved.gain_bps_per_bar * 1_440 * 3.0
    noise = _standard_error(ceiling.visible.expected_net_bps)
    assert abs(ceiling.visible.expected_net_bps_per_day - promised) < 3 * noise + 0.1 * promised
    assert promised > 500


def test_who_knows_the_imbalance_itself_earns_more(ceiling: Ceiling) -> None:
    assert ceiling.latent.expected_net_bps_per_day > ceiling.visible.expected_net_bps_per_day > 0


def test_no_rule_of_two_levels_beats_it_beyond_noise(market: PlantedMarket, ceiling: Ceiling) -> None:
    signal = filter_imbalance(market)
    for enter_above in (0.5, 0.8, 1.1):
        for leave_below in (-0.6, -0.2):
            decide = follow_levels(enter_above, leave_below, signal, market.block)
            simple = take_exam(market.block, decide, RULES, COSTS, market.drift_bps)
            gap = ceiling.visible.expected_net_bps - simple.expected_net_bps
            assert gap.mean() > -2 * _standard_error(gap), (enter_above, leave_below)


def test_a_careless_rule_earns_clearly_less(market: PlantedMarket, ceiling: Ceiling) -> None:
    decide = follow_levels(0.1, 0.0, filter_imbalance(market), market.block)
    careless = take_exam(market.block, decide, RULES, COSTS, market.drift_bps)
    gap = ceiling.visible.expected_net_bps - careless.expected_net_bps
    assert gap.mean() > 5 * _standard_error(gap)


def test_taking_the_luck_out_changes_no_mean(market: PlantedMarket, ceiling: Ceiling) -> None:
    luck = ceiling.visible.net_bps - ceiling.visible.expected_net_bps
    assert abs(luck.mean()) < 3 * _standard_error(luck)
    spread = ceiling.visible.net_bps.std() / ceiling.visible.expected_net_bps.std()
    assert spread > 1.1


def _nothing(bar: int, observations: np.ndarray, masks: np.ndarray) -> np.ndarray:
    return np.zeros(len(observations), np.int64)


def test_doing_nothing_earns_nothing(market: PlantedMarket) -> None:
    exam: Exam = take_exam(market.block, _nothing, RULES, COSTS, market.drift_bps)
    assert not exam.net_bps.any()
    assert not exam.expected_net_bps.any()
    assert not exam.trades.any()
    assert exam.net_bps.shape == (3, 10)


def test_without_an_edge_it_stays_out() -> None:
    config = PlantedMarketConfig(edge_bps=0.0, symbols=1, days=2)
    ceiling = measure_ceiling(plant_market(config), RULES, COSTS, replace(GRID, bars=150))
    assert not ceiling.visible.trades.any()


def test_its_decisions_at_a_bar_need_no_later_bar(market: PlantedMarket) -> None:
    solved = solve(problem_of(CONFIG, RULES, COSTS, knows_latent=False), GRID)
    scrambled = filter_imbalance(market)
    scrambled[:, 700:] = 9.0
    lanes = market.block.symbol_count
    observed = np.zeros((lanes, len(observation_names(market.block.feature_names))), np.float32)
    masks = np.ones((lanes, 10), bool)
    before = follow_rules(solved, filter_imbalance(market), market.block)
    after = follow_rules(solved, scrambled, market.block)
    for bar in (0, 350, 699):
        assert np.array_equal(before(bar, observed, masks), after(bar, observed, masks))
