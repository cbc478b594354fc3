"""A probability is met as often as it says: on later signals of a planted truth, and by hand."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.models.calibration import Calibration, chance_of, fit_calibration
from huracan.models.confidence import ConfidenceModel, fit_confidence_model
from huracan.models.config import ModelConfig
from huracan.models.past import PastTrades, past_trades
from huracan.models.scores import reliability_bins, score_tail
from huracan.models.split import blocks_of_time, lifetimes
from tests.huracan.models.conftest import SIGNAL_NAMES, planted_chance

Maker = Callable[..., pa.Table]
CONFIG = ModelConfig()


def fitted(past: PastTrades) -> ConfidenceModel:
    model = fit_confidence_model(past, SIGNAL_NAMES, CONFIG, "2h")
    assert isinstance(model, ConfidenceModel)
    return model


@pytest.mark.parametrize(("count", "kind"), [(3000, "platt"), (8000, "isotonic")])
def test_on_later_signals_the_probability_is_calibrated_and_beats_the_base_rate(
    make_signals: Maker, count: int, kind: str
) -> None:
    model = fitted(past_trades(make_signals(count)))
    later = make_signals(2500, seed=2, first=count)
    won = later["net_bps"].to_numpy() > 0.0
    block = blocks_of_time(lifetimes(later, "2h")[0], "2h")
    scores = score_tail(won, model.predict(later), model.base_rate, None, block)
    assert model.calibration.kind == kind
    assert scores.calibration_error <= 0.05
    assert 0.0 < scores.brier_skill_low < scores.brier_skill < scores.brier_skill_high
    # The model cannot beat the truth, and comes near it.
    chance = planted_chance(np.stack(later["entry_features"].to_numpy(zero_copy_only=False)))
    truth = score_tail(won, chance, model.base_rate).brier_skill
    assert 0.8 * truth < scores.brier_skill < truth + 0.01


def test_without_calibration_the_trees_are_too_timid(make_signals: Maker) -> None:
    """The test above can fail: few rounds at a small rate pull all answers to the middle."""
    timid = replace(CONFIG, maximum_rounds=12)
    model = fit_confidence_model(past_trades(make_signals(3000)), SIGNAL_NAMES, timid, "2h")
    later = make_signals(2500, seed=2, first=3000)
    won = later["net_bps"].to_numpy() > 0.0
    raw, calibrated = (
        score_tail(won, each.predict(later), model.base_rate).calibration_error
        for each in (replace(model, calibration=None), model)
    )
    assert raw > 0.05 > calibrated


def test_no_skill_is_claimed_where_there_is_none(make_signals: Maker) -> None:
    models = [fitted(past_trades(make_signals(1500, seed=seed, edge=0.0))) for seed in range(6)]
    assert sum(model.has_skill for model in models) <= 2
    assert sum(model.tail.brier_skill_low > 0.0 for model in models) <= 2


def test_the_policys_own_skill_is_told_apart(make_signals: Maker) -> None:
    """Explored signals hold an edge, the policy's own none: the whole shows skill, the own tail does not."""
    explored, own = make_signals(3000), make_signals(3000, seed=9, edge=0.0)
    trades = pa.concat_tables([explored, own])
    mixed = PastTrades(trades, np.ones(6000), np.arange(6000) < 3000)
    order = np.argsort(np.tile(np.arange(3000), 2), kind="stable")
    model = fitted(mixed.take(order))
    assert model.has_skill and not model.own_tail.show_skill
    assert model.own_tail.trades == 600 and model.tail.trades == 1200
    only = fitted(PastTrades(explored, np.ones(3000), np.ones(3000, dtype=bool)))
    assert only.own_tail is None and only.has_skill


def test_weights_decide_whom_the_model_believes(make_signals: Maker) -> None:
    """Half of the trades say the opposite of the other half; the heavy ones are believed."""
    right, wrong = make_signals(2000), make_signals(2000, seed=5, edge=-1.0)
    trades = pa.concat_tables([right, wrong])
    order = np.argsort(np.tile(np.arange(2000), 2), kind="stable")
    weight = np.repeat([1.5, 0.1], 2000)
    model = fitted(PastTrades(trades, weight, np.ones(4000, dtype=bool)).take(order))
    later = make_signals(1500, seed=6, first=2000)
    won = later["net_bps"].to_numpy() > 0.0
    assert score_tail(won, model.predict(later), model.base_rate).auc > 0.7
    assert model.effective_trades == pytest.approx(1.6**2 / (1.5**2 + 0.1**2) * 2000)


def test_few_trades_leave_the_score_as_it_is_and_none_change_nothing() -> None:
    none = fit_calibration(np.zeros(0), np.zeros(0), np.zeros(0))
    assert (none.kind, none.slope, none.intercept) == ("platt", 1.0, 0.0)
    few = fit_calibration(np.array([1.0, 2.0, -1.0]), np.array([1.0, 1.0, 0.0]), np.ones(3))
    assert few.slope == pytest.approx(1.0, abs=0.5) and abs(few.intercept) < 0.35
    losers = fit_calibration(np.linspace(-1, 1, 20), np.zeros(20), np.ones(20))
    assert (losers.apply(np.array([0.0])) < 0.5).all() and losers.slope >= 0.0


def test_a_line_finds_slope_and_intercept() -> None:
    generator = np.random.default_rng(0)
    score = generator.normal(size=900)
    won = (generator.random(900) < chance_of(2.5 * score - 0.5)).astype(float)
    found = fit_calibration(score, won, np.ones(900))
    assert found.kind == "platt"
    assert found.slope == pytest.approx(2.5, abs=0.4) and found.intercept == pytest.approx(-0.5, abs=0.25)
    turned = fit_calibration(-score, won, np.ones(900))
    assert turned.slope == 0.0  # a ranking that is the wrong way round is given no say


def test_steps_are_the_weighted_shares_of_winners() -> None:
    score = np.repeat([-1.0, 0.0, 1.0], 800)
    won = np.r_[np.arange(800) < 200, np.arange(800) < 400, np.arange(800) < 800].astype(float)
    found = fit_calibration(score, won, np.ones(2400))
    assert found.kind == "isotonic"
    assert found.apply(np.array([-9.0, -1.0, -0.5, 0.0, 1.0, 9.0])) == pytest.approx(
        [0.25, 0.25, 0.375, 0.5, 1.0 - 0.5 / 2400, 1.0 - 0.5 / 2400]
    )
    doubled = fit_calibration(score, won, np.where(won > 0.5, 3.0, 1.0))
    assert doubled.apply(np.array([-1.0])) == pytest.approx([0.5])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 5, 200, 1500]))
def test_a_calibration_never_turns_a_ranking_round_and_stays_within_0_and_1(seed: int, count: int) -> None:
    generator = np.random.default_rng(seed)
    score = generator.normal(size=count)
    won = (generator.random(count) < generator.random()).astype(float)
    found = fit_calibration(score, won, generator.gamma(2.0, 0.5, count))
    said = found.apply(np.linspace(-20, 20, 201))
    assert (np.diff(said) >= 0.0).all() and (said > 0.0).all() and (said < 1.0).all()
    again = Calibration.read(json.loads(json.dumps(asdict(found))))
    assert np.array_equal(again.apply(np.linspace(-20, 20, 201)), said)


def test_scores_count_by_weight_as_if_rows_were_repeated() -> None:
    generator = np.random.default_rng(3)
    won, said = generator.random(80) < 0.4, np.round(generator.random(80), 1)
    times = generator.integers(1, 4, 80)
    weighted = score_tail(won, said, 0.4, times.astype(float))
    repeated = score_tail(np.repeat(won, times), np.repeat(said, times), 0.4)
    for name in ("auc", "brier", "base_brier", "brier_skill"):
        assert getattr(weighted, name) == pytest.approx(getattr(repeated, name))
    assert weighted.auc_error > repeated.auc_error  # fewer trades than repeated ones, and it knows
    unsure = score_tail(np.full(80, 0.4), said, 0.4)
    assert unsure.auc == pytest.approx(0.5)


def test_calibration_error_by_hand() -> None:
    said = np.repeat([0.2, 0.7], 10)
    won = np.r_[np.arange(10) < 3, np.arange(10) < 7]
    scores = score_tail(won, said, 0.5)
    assert scores.calibration_error == pytest.approx(0.05)  # 0.1 off on one half, 0 on the other
    assert [(each.trades, each.won) for each in scores.reliability] == [(10, 0.3), (10, 0.7)]
    bins = reliability_bins(won.astype(float), said, np.r_[np.zeros(10), np.ones(10)])
    assert [(each.probability, share) for each, share in bins] == [(pytest.approx(0.7), 1.0)]


def test_trades_that_fare_alike_make_the_interval_wide() -> None:
    """Sixteen hours that win or lose as a whole are sixteen observations, not sixteen hundred."""
    generator = np.random.default_rng(1)
    hour = np.repeat(np.arange(16), 100)
    won, said = (generator.random(16) < 0.5)[hour], generator.random(16)[hour]
    by_hour = score_tail(won, said, 0.5, None, hour)
    alone = score_tail(won, said, 0.5)
    assert by_hour.auc == alone.auc and by_hour.auc_error > 5.0 * alone.auc_error
    assert by_hour.brier_skill_high - by_hour.brier_skill_low > 0.3
    assert by_hour.effective_blocks == pytest.approx(16.0)


def test_few_blocks_of_time_show_no_skill_however_many_trades_they_hold() -> None:
    won = np.arange(1600) % 2 == 0
    said = np.where(won, 0.55, 0.45)
    four, seven = (score_tail(won, said, 0.5, None, np.arange(1600) * count // 1600) for count in (4, 7))
    assert four.auc == 1.0 and four.auc_error is None and four.brier_skill_low is None
    assert not four.show_skill and seven.show_skill
    # As far above one half, seven blocks must be surer of it than thirty.
    near = replace(seven, auc=0.5 + 1.8 * seven.auc_error)
    assert not near.show_skill and replace(near, effective_blocks=30.0).show_skill


def test_models_that_know_nothing_rarely_show_skill_where_holdings_are_long() -> None:
    """What half a day brings, and what is said in it, lasts for all of it; a base rate of 0 leaves it to the
    ranking alone."""
    generator = np.random.default_rng(2)
    start = np.arange(6 * 96) * 900_000
    block, shown = blocks_of_time(start, "12h"), np.zeros(2)
    for _ in range(300):
        market, said = generator.normal(size=(2, 12)).repeat(48, axis=1)
        won = market + generator.normal(size=start.size) > 0.0
        chance = 0.5 + 0.02 * np.clip(said + 0.5 * generator.normal(size=start.size), -2.0, 2.0)
        shown += [score_tail(won, chance, 0.0, None, each).show_skill for each in (None, block)]
    independent, by_blocks = shown
    assert independent > 60 and by_blocks <= 24


def test_an_outcome_that_is_not_sure_is_one_trade() -> None:
    said = np.linspace(0.1, 0.9, 100)
    sure = score_tail(np.arange(100) % 2, said, 0.5).auc_error
    assert score_tail(np.full(100, 0.5), said, 0.5).auc_error == pytest.approx(sure)
    assert sure == pytest.approx(np.sqrt(101 / (12 * 50 * 50)))
