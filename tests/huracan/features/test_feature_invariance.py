"""The two rules pass on the real recipe and catch every planted leak."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from huracan.candles.hourly import hourly_summaries
from huracan.candles.schema import Timeframe
from huracan.features import invariance
from huracan.features.bars import Bars
from huracan.features.compute import compute_features
from huracan.features.hours import Weeks
from huracan.features.invariance import DayFeatures, judge_features, scramble
from huracan.features.recipe import recipe_of
from huracan.features.specification import FeatureRecipe, FeatureSpec

DAY = date(2024, 5, 4)
MINUTE = Timeframe("1m")
RECIPE = recipe_of(MINUTE, MINUTE)


@pytest.fixture(scope="module")
def candles(make_candles):
    gap = {"SOL/USDT": list(range(3300, 3400))}
    return make_candles(DAY, 3, gaps=gap)


@pytest.fixture(scope="module")
def hourly(make_candles, candles):
    """Thirty days of other candles, and the day's own hours."""
    before = hours_of(make_candles(DAY - timedelta(days=1), 30), MINUTE)
    return pa.concat_tables([before, of_the_day(candles)])


def of_the_day(candles):
    return hourly_summaries(candles.slice(2 * 3 * 1440), MINUTE)


@pytest.fixture(scope="module")
def features(candles, hourly):
    return compute_features(candles, DAY, RECIPE, hourly=hourly)


def hours_of(candles, detail):
    per_day = 3 * detail.bars_per_day
    days = range(0, candles.num_rows, per_day)
    return pa.concat_tables([hourly_summaries(candles.slice(day, per_day), detail) for day in days])


def verdicts(candles, features, recipe=RECIPE, seed=0, hourly=None):
    prefix, labels = judge_features(DayFeatures(features, DAY, recipe, candles, hourly), seed)
    assert (prefix.check, labels.check) == ("features_prefix_invariance", "no_label_among_features")
    return prefix, labels


def with_column(name: str, compute) -> FeatureRecipe:
    specs = (*RECIPE.specs[:5], FeatureSpec(name, "returns", "planted", 1, compute))
    return FeatureRecipe("planted", specs, MINUTE, MINUTE)


def ahead(bars: Bars, horizon: int) -> np.ndarray:
    values = np.full(len(bars), np.nan)
    values[:-horizon] = np.log(bars.close[horizon:] / bars.close[:-horizon])
    return values


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_recipe_passes_both_rules(candles, hourly, features, seed):
    prefix, labels = verdicts(candles, features, seed=seed, hourly=hourly)
    assert prefix.passed and labels.passed, (prefix.reason, labels.reason)
    assert prefix.blocking and labels.blocking


def test_every_bar_of_a_scrambled_future_leaves_the_past_as_it_was(candles, hourly, features):
    for bar in (1, 700, 1438):
        moment, random = (
            int(features["open_time"][bar].as_py().timestamp() * 1000),
            np.random.default_rng(bar),
        )
        scrambled = scramble(candles, moment, random)
        hours = pa.concat_tables([hourly.slice(0, 30 * 72), of_the_day(scrambled)])
        again = compute_features(scrambled, DAY, RECIPE, hourly=hours)
        for symbol in range(3):
            for name in RECIPE.names:
                left = features[name].to_numpy()[symbol * 1440 : symbol * 1440 + bar + 1]
                right = again[name].to_numpy()[symbol * 1440 : symbol * 1440 + bar + 1]
                assert np.array_equal(left, right, equal_nan=True), (name, bar)


@pytest.mark.parametrize(
    ("name", "leak"),
    [
        ("centred_mean", lambda b: np.convolve(b.log_return(3), np.ones(5) / 5, "same")),
        ("full_sample_z", lambda b: (b.close - b.close.mean()) / b.close.std()),
        ("forecast", lambda b: ahead(b, 5)),
    ],
)
def test_a_column_that_looks_ahead_is_caught(candles, name, leak):
    recipe = with_column(name, leak)
    prefix, _ = verdicts(candles, compute_features(candles, DAY, recipe), recipe)
    assert not prefix.passed and name in prefix.reason


def test_a_backward_fill_of_missing_bars_is_caught(make_candles):
    # Missing from 01:40 on, for half a day: whatever the random bar, some of the filling lies before it.
    candles = make_candles(DAY, 3, symbols=("SOL/USDT",), gaps={"SOL/USDT": list(range(2885, 3700))})
    features = compute_features(candles, DAY, RECIPE)
    values = features["return_1_bps"].to_numpy().copy()
    is_gap = np.isnan(values)
    values[is_gap] = values[
        np.flatnonzero(~is_gap)[np.searchsorted(np.flatnonzero(~is_gap), np.flatnonzero(is_gap))]
    ]
    filled = features.set_column(
        features.column_names.index("return_1_bps"), "return_1_bps", pa.array(values)
    )
    prefix, _ = verdicts(candles, filled)
    assert not prefix.passed and "return_1_bps" in prefix.reason


def test_a_stored_value_that_differs_in_its_last_bit_is_caught(candles, hourly, features):
    values = features["rsi_14"].to_numpy().copy()
    values[::1440] = np.nextafter(values[::1440], np.float32(2.0))
    index = features.column_names.index("rsi_14")
    prefix, _ = verdicts(candles, features.set_column(index, "rsi_14", pa.array(values)), hourly=hourly)
    assert not prefix.passed and "rsi_14" in prefix.reason


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("horizon", [1, 5, 15, 60])
def test_a_label_under_an_innocent_name_is_caught_by_its_correlation(candles, horizon, sign):
    recipe = with_column("momentum_quality", lambda b: np.tanh(sign * 10.0 * ahead(b, horizon)))
    _, labels = verdicts(candles, compute_features(candles, DAY, recipe), recipe)
    assert not labels.passed and "momentum_quality" in labels.reason


def test_a_column_named_like_a_label_is_caught(candles):
    recipe = with_column("return_next_5_bps", lambda b: b.log_return(5))
    _, labels = verdicts(candles, compute_features(candles, DAY, recipe), recipe)
    assert not labels.passed and "return_next_5_bps" in labels.reason


def test_real_candles_of_the_outage_pass(real_ohlcv):
    candles = real_ohlcv(date(2023, 3, 24), 3)
    features = compute_features(candles, date(2023, 3, 24), RECIPE)
    for verdict in judge_features(DayFeatures(features, date(2023, 3, 24), RECIPE, candles), seed=4):
        assert verdict.passed, verdict.reason


@pytest.mark.parametrize(("detail", "decision"), [("1m", "5m"), ("1m", "1h"), ("15m", "4h"), ("2h", "4h")])
def test_decision_bars_know_no_later_detail_bar_and_no_later_hour(make_candles, detail, decision):
    stored, decided = Timeframe(detail), Timeframe(decision)
    recipe = recipe_of(stored, decided)
    candles = make_candles(DAY, 31, timeframe=detail)
    hourly = hours_of(candles, stored)
    features = compute_features(candles, DAY, recipe, hourly=hourly)
    assert features.num_rows == 3 * decided.bars_per_day and all(features["is_ready"].to_pylist())
    for seed in range(3):
        for verdict in verdicts(candles, features, recipe, seed, hourly):
            assert verdict.passed, verdict.reason


def test_a_horizon_that_uses_an_hour_before_it_has_closed_is_caught(candles, hourly, features, monkeypatch):
    monkeypatch.setattr(Weeks, "ends", property(lambda weeks: np.arange(1440) // 60 + 1))
    leaking = compute_features(candles, DAY, RECIPE, hourly=hourly)
    prefix, _ = verdicts(candles, leaking, hourly=hourly)
    assert not prefix.passed and "_1h" in prefix.reason


def test_hours_that_were_made_with_later_bars_of_the_day_are_caught(candles, hourly, monkeypatch):
    name = "realised_variance"

    def of_the_whole_day(ohlcv, detail):
        hours = hourly_summaries(ohlcv, detail)
        index, all_of_it = hours.column_names.index(name), pc.sum(hours[name]).as_py()
        return hours.set_column(index, name, pa.array([all_of_it] * hours.num_rows))

    monkeypatch.setattr(invariance, "hourly_summaries", of_the_whole_day)
    hourly = pa.concat_tables(
        [hourly.slice(0, 30 * 72), of_the_whole_day(candles.slice(2 * 3 * 1440), MINUTE)]
    )
    leaking = compute_features(candles, DAY, RECIPE, hourly=hourly)
    prefix, _ = verdicts(candles, leaking, hourly=hourly)
    assert not prefix.passed and "volatility_1h_bps" in prefix.reason, prefix.reason


def test_days_of_few_bars_say_that_labels_were_looked_for_by_name_alone(make_candles):
    hour = Timeframe("1h")
    candles, recipe = make_candles(DAY, 31, timeframe="1h"), recipe_of(hour, hour)
    hourly = hours_of(candles, hour)
    features = compute_features(candles, DAY, recipe, hourly=hourly)
    labels = judge_features(DayFeatures(features, DAY, recipe, candles, hourly), seed=0)[1]
    assert labels.passed and labels.reason.startswith("Judged by names alone")
    named = features.append_column("next_return_bps", pa.array(np.zeros(features.num_rows, np.float32)))
    assert not judge_features(DayFeatures(named, DAY, recipe, candles, hourly), seed=0)[1].passed
