"""Regimes: named as they should be, causal to the bit, complete, and stored as plain text."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from huracan.candles.schema import TIME, Timeframe, day_start
from huracan.errors import InputRefused, InvalidInput
from huracan.features.compute import compute_features
from huracan.features.recipe import recipe_of
from huracan.regimes.coverage import judge_regimes
from huracan.regimes.filter import emission_log_weights, filter_regimes, forward_filter
from huracan.regimes.fit import fit_regimes
from huracan.regimes.model import REGIMES, RegimeConfig, RegimeParameters
from huracan.regimes.observations import read_columns
from tests.huracan.regimes.labelled_days import before, features_of_days, labelled, rule_before, since

DAY = date(2024, 5, 4)
MINUTE = Timeframe("1m")
SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
PROBABILITIES = [f"probability_{name}" for name in REGIMES]


def probabilities_of(regimes: pa.Table) -> np.ndarray:
    return np.column_stack([regimes[name].to_numpy() for name in PROBABILITIES])


@pytest.fixture(scope="module")
def features(make_candles):
    gaps = {"SOL/USDT": list(range(7 * 1440 + 600, 7 * 1440 + 680))}
    return features_of_days(make_candles(DAY, 8, gaps=gaps), DAY, 6)


@pytest.fixture(scope="module")
def parameters(features):
    return fit_regimes(before(features, DAY))


@pytest.fixture(scope="module")
def rule(features):
    return rule_before(features, DAY, MINUTE)


@pytest.fixture(scope="module")
def regimes(features, parameters, rule):
    return labelled(since(features, DAY - timedelta(days=1)), DAY, parameters, rule)


def test_every_bar_of_every_symbol_has_a_regime_and_the_rule_passes(regimes, parameters):
    assert regimes["symbol"].to_pylist() == [symbol for symbol in SYMBOLS for _ in range(1440)]
    np.testing.assert_allclose(probabilities_of(regimes).sum(axis=1), 1.0, atol=1e-6)
    verdict = judge_regimes(regimes, regimes, DAY, MINUTE, SYMBOLS, parameters)
    assert verdict.passed and verdict.blocking, verdict.reason


def test_the_fit_is_deterministic_and_survives_json(features, parameters):
    assert fit_regimes(before(features, DAY)) == parameters
    again = RegimeParameters.from_json(parameters.to_json())
    assert again == parameters and again.digest == parameters.digest
    assert replace(parameters, emission_weight=0.2).digest != parameters.digest
    with pytest.raises(InputRefused, match="cannot be read"):
        RegimeParameters.from_json('{"version": "1"}')


def test_the_fit_uses_its_days_and_no_others(features):
    config = RegimeConfig(fit_days=3)
    early = before(features, DAY)
    late = early.filter(pc.greater_equal(early["open_time"], pa.scalar(day_start(date(2024, 5, 1)), TIME)))
    assert fit_regimes(early, config) == fit_regimes(late, config)
    assert fit_regimes(early, config).first_fit_day == date(2024, 5, 1)


def test_names_mean_what_they_say(features, parameters):
    crash = date(2024, 5, 2)
    table = before(features, crash + timedelta(days=1))
    labels = filter_regimes(table, crash, replace(parameters, last_fit_day=date(2024, 5, 1)))
    day = since(table, crash)
    of = {name: day.filter(pa.array(np.array(labels["regime"].to_pylist()) == name)) for name in REGIMES}
    volatility = {name: pc.mean(rows["return_std_60_bps"]).as_py() for name, rows in of.items()}
    strength = {name: pc.mean(pc.abs(rows["trend_strength_60"])).as_py() for name, rows in of.items()}
    assert min(volatility["high_volatility"], volatility["panic"]) > max(
        volatility["trend"], volatility["range"]
    )
    assert strength["trend"] > strength["range"]
    fall = {name: pc.mean(rows["return_60_bps"]).as_py() for name, rows in of.items()}
    assert fall["panic"] == min(fall.values()) and fall["panic"] < 0.0


@pytest.mark.parametrize("bar", [0, 1, 63, 64, 641, 1000, 1438])
def test_later_bars_change_no_regime_at_or_before_t(features, parameters, rule, regimes, bar):
    lead_in = since(features, DAY - timedelta(days=1))
    moment = day_start(DAY) + timedelta(minutes=bar)
    is_kept = pc.less_equal(lead_in["open_time"], pa.scalar(moment, TIME))
    cut = labelled(lead_in.filter(is_kept), DAY, parameters, rule)
    random = np.random.default_rng(bar)
    scrambled = lead_in
    for name in ("return_std_60_bps", "return_60_bps", "trend_strength_60", "volatility_ratio_10_50"):
        values = lead_in[name].to_numpy().copy()
        later = ~is_kept.to_numpy()
        values[later] = random.normal(0.0, 50.0, later.sum())
        scrambled = scrambled.set_column(scrambled.column_names.index(name), name, pa.array(values))
    other = labelled(scrambled, DAY, parameters, rule)
    for index in range(len(SYMBOLS)):
        full = regimes.slice(index * 1440, bar + 1)
        assert cut.slice(index * (bar + 1), bar + 1).equals(full)
        assert other.slice(index * 1440, bar + 1).equals(full)


def test_the_filter_is_the_textbook_recursion(parameters):
    random = np.random.default_rng(0)
    vectors = random.normal(size=(2, 300, 5))
    vectors[1, 100:150] = np.nan
    weights, transitions = np.exp(emission_log_weights(vectors, parameters)), np.array(parameters.transitions)
    expected = np.empty((2, 300, 4))
    for row in range(2):
        state = np.array(parameters.initial)
        for t in range(300):
            state = (state @ transitions) * weights[row, t]
            state = state / state.sum()
            expected[row, t] = state
    np.testing.assert_allclose(forward_filter(vectors, parameters), expected, rtol=1e-9)


def test_a_missing_bar_is_carried_by_the_transitions_alone(regimes, parameters):
    sol = probabilities_of(regimes.filter(pc.equal(regimes["symbol"], "SOL/USDT")))
    expected = sol[600].astype(np.float64) @ np.array(parameters.transitions)
    np.testing.assert_allclose(sol[601], expected, atol=1e-6)


def test_extreme_observations_stay_finite(parameters):
    vectors = np.random.default_rng(2).normal(0.0, 1e6, (1, 2000, 5))
    probabilities = forward_filter(vectors, parameters)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1.0)


def test_parameters_that_know_the_day_are_refused(features, parameters):
    with pytest.raises(InvalidInput, match="cannot label 2024-05-03"):
        filter_regimes(features, DAY - timedelta(days=1), parameters)
    with pytest.raises(InvalidInput, match="is not of 2024-05-05"):
        filter_regimes(features, DAY + timedelta(days=1), parameters)


def test_too_few_days_and_a_foreign_table_are_refused(features):
    with pytest.raises(InputRefused, match=r"3 days of ready bars and the fit window has 2\.0"):
        fit_regimes(before(features, DAY - timedelta(days=3)))
    with pytest.raises(InputRefused, match="no features"):
        fit_regimes(features.slice(0, 0))
    with pytest.raises(InvalidInput, match="return_60_bps"):
        fit_regimes(features.drop(["return_60_bps"]))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t: t.slice(0, 4000), "4000 rows instead of 4320"),
        (lambda t: pa.concat_tables([t.slice(1440), t.slice(0, 1440)]), "in order"),
        (
            lambda t: t.set_column(3, "probability_trend", pa.array(np.full(4320, 0.9, np.float32))),
            "sum to 1",
        ),
        (lambda t: t.set_column(2, "regime", pa.array(["panic"] * 4320)), "not the likeliest"),
    ],
)
def test_the_rule_catches_damaged_regimes(regimes, parameters, change, reason):
    damaged = change(regimes)
    verdict = judge_regimes(damaged, damaged, DAY, MINUTE, SYMBOLS, parameters)
    assert not verdict.passed and reason in verdict.reason


def test_the_rule_catches_bad_parameters_and_a_filter_that_says_nothing(regimes, parameters):
    alone = replace(parameters, fit_shares={"trend": 0.0, "range": 1.0, "high_volatility": 0.0, "panic": 0.0})
    assert "range has 100.0 %" in judge_regimes(regimes, regimes, DAY, MINUTE, SYMBOLS, alone).reason
    late = replace(parameters, last_fit_day=DAY)
    assert "up to 2024-05-04" in judge_regimes(regimes, regimes, DAY, MINUTE, SYMBOLS, late).reason
    ranks = regimes["fall_percentile"].to_numpy().copy()
    ranks[7] = 100.5
    place = regimes.column_names.index("fall_percentile")
    beyond = regimes.set_column(place, "fall_percentile", pa.array(ranks))
    assert "At 1 bars the ranks" in judge_regimes(beyond, beyond, DAY, MINUTE, SYMBOLS, parameters).reason
    flat = regimes
    for index, name in enumerate(PROBABILITIES, start=3):
        flat = flat.set_column(index, name, pa.array(np.full(4320, 0.25, np.float32)))
    assert "says nothing" in judge_regimes(flat, flat, DAY, MINUTE, SYMBOLS, parameters).reason
    restless = regimes.take(np.random.default_rng(0).permutation(4320))
    assert "label changes" in judge_regimes(restless, restless, DAY, MINUTE, SYMBOLS, parameters).reason


def test_a_new_symbol_is_measured_against_the_pooled_volatility(features, parameters):
    pair = since(features, DAY).filter(pc.equal(since(features, DAY)["symbol"], "SOL/USDT"))
    new = pair.set_column(0, "symbol", pa.array(["NEW/USDT"] * 1440))
    as_pooled = replace(parameters, usual_volatility_bps={"SOL/USDT": parameters.pooled_volatility_bps})
    found = probabilities_of(filter_regimes(new, DAY, parameters))
    np.testing.assert_array_equal(found, probabilities_of(filter_regimes(pair, DAY, as_pooled)))


def test_the_wilder_a_bar_the_less_it_looks_calm_however_wild_the_fit_window_was(parameters):
    """Also beyond all that was fitted on, where a narrow regime would be the least likely of all."""
    random = np.random.default_rng(4)
    vectors = random.uniform(parameters.lower, parameters.upper, (1, 500, 5))
    wilder = vectors.copy()
    wilder[..., 0] += random.uniform(0.0, 3.0, 500)
    wide = replace(parameters, upper=tuple(bound + 3.0 for bound in parameters.upper))
    less, more = (emission_log_weights(each, wide)[0] for each in (vectors, wilder))
    for calm in ("trend", "range"):
        for volatile in ("high_volatility", "panic"):
            gain = [each[:, REGIMES.index(volatile)] - each[:, REGIMES.index(calm)] for each in (less, more)]
            assert (gain[1] >= gain[0]).all(), (calm, volatile)


def test_a_name_means_the_same_to_the_fit_of_the_night_after(features, parameters, regimes):
    """The same day, labelled by the parameters of the night before: most bars keep their name."""
    window = since(features, DAY - timedelta(days=1))
    of_before = filter_regimes(window, DAY, fit_regimes(before(features, DAY - timedelta(days=1))))
    kept = np.mean(np.array(of_before["regime"].to_pylist()) == np.array(regimes["regime"].to_pylist()))
    assert kept >= 0.9, kept


@pytest.mark.slow
def test_all_four_regimes_occur_in_a_month_of_real_candles(real_ohlcv):
    last_day = date(2023, 4, 10)
    features = features_of_days(real_ohlcv(last_day, 34), last_day, 32)
    counts = dict.fromkeys(REGIMES, 0)
    for back in range(17, -1, -1):
        day = last_day - timedelta(days=back)
        parameters = fit_regimes(before(features, day))
        assert all(share >= 0.02 for share in parameters.fit_shares.values()), parameters.fit_shares
        window = since(before(features, day + timedelta(days=1)), day - timedelta(days=1))
        regimes = labelled(window, day, parameters, rule_before(features, day, MINUTE))
        verdict = judge_regimes(regimes, regimes, day, MINUTE, SYMBOLS, parameters)
        assert verdict.passed, verdict.reason
        for name in regimes["regime"].to_pylist():
            counts[name] += 1
    shares = {name: round(count / sum(counts.values()), 3) for name, count in counts.items()}
    assert min(shares.values()) > 0.01 and max(shares.values()) < 0.8, shares
    print(f"shares of {last_day - timedelta(days=17)} to {last_day}: {shares}")  # noqa: T201


def test_decisions_of_four_hours_have_regimes_by_the_slowest_mean_that_they_wait_for(make_candles):
    hour, four = Timeframe("1h"), Timeframe("4h")
    recipe = recipe_of(hour, four)
    config = RegimeConfig(fit_days=60, minimum_days=50, stride_bars=1)
    columns = read_columns(recipe.names)
    assert columns[-1] == "ema_spread_8_34_bps"
    candles = make_candles(DAY, 61 + recipe.warmup_days, timeframe="1h")
    days = [DAY - timedelta(days=back) for back in range(60, -1, -1)]
    rows = 3 * 24 * (recipe.warmup_days + 1)
    tables = [
        compute_features(candles.slice(3 * 24 * index, rows), day, recipe).select(columns)
        for index, day in enumerate(days)
    ]
    parameters = fit_regimes(pa.concat_tables(tables[:-1]), config)
    rule = rule_before(pa.concat_tables(tables), DAY, four)
    table = labelled(pa.concat_tables(tables[-21:]), DAY, parameters, rule)
    assert table.num_rows == 3 * 6
    verdict = judge_regimes(table, table, DAY, four, SYMBOLS, parameters)
    assert verdict.passed, verdict.reason


@pytest.mark.parametrize(
    ("decision", "direction"),
    [("1m", "ema_spread_30_240_bps"), ("30m", "ema_spread_30_240_bps"), ("2h", "ema_spread_5_60_bps")],
)
def test_the_slowest_mean_of_the_recipe_tells_the_direction(decision, direction):
    names = recipe_of(MINUTE, Timeframe(decision)).names
    assert read_columns(names)[-1] == direction
    with pytest.raises(InvalidInput, match="lack return_60_bps"):
        read_columns([name for name in names if name != "return_60_bps"])
