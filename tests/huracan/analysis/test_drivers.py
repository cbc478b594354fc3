"""Drivers: exact shares of the model's log-odds, or the most unusual features and a word that says so."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from huracan.analysis.memory.embedding import EmbeddingStatistics
from huracan.analysis.trades.drivers import explain_by_night, explain_trades
from huracan.models.confidence import ConfidenceModel, fit_confidence_model
from huracan.models.config import ModelConfig, Unfit
from huracan.models.past import past_trades
from huracan.models.scores import TailScores

NAMES = ("signal", "noise_b", "noise_c", "noise_d")
PLAIN = EmbeddingStatistics(NAMES, np.zeros(4), np.full(4, 2.0), np.eye(4), 100, date(2025, 5, 1))
NO_MODEL = Unfit("There is no model.", 0)


@pytest.fixture
def ledger(make_ledger: Callable[..., pa.Table]) -> pa.Table:
    return make_ledger(500)


@pytest.fixture
def model(ledger: pa.Table) -> ConfidenceModel:
    fitted = fit_confidence_model(past_trades(ledger), NAMES, ModelConfig(), "2h")
    assert isinstance(fitted, ConfidenceModel)
    return fitted


def test_contributions_and_the_base_sum_to_the_raw_score(ledger, model) -> None:
    import lightgbm

    booster = lightgbm.Booster(model_str=model.booster_text)
    raw = booster.predict(model.inputs(ledger), raw_score=True)
    drivers = explain_trades(ledger, PLAIN, model)
    assert drivers.log_odds == pytest.approx(raw, abs=1e-12)
    assert model.calibration.apply(drivers.log_odds) == pytest.approx(model.predict(ledger), abs=1e-9)
    # And row by row, from what is listed: of few columns that contribute, five are nearly all.
    parts = model.contributions(model.inputs(ledger))
    assert parts.shape == (500, len(model.columns) + 1)
    assert np.unique(drivers.base_log_odds).size == 1
    for row in (0, 17, 499):
        listed = {
            each["feature"]: each["contribution"] for each in json.loads(drivers.strongest[row].as_py())
        }
        rest = sum(parts[row, index] for index, name in enumerate(model.columns) if name not in listed)
        total = sum(listed.values()) + rest + drivers.base_log_odds[row]
        assert total == pytest.approx(raw[row], abs=5e-4)  # listed with four decimals


def test_the_planted_feature_drives_and_its_sign_is_that_of_its_value(ledger, model) -> None:
    drivers = explain_trades(ledger, PLAIN, model)
    first = [json.loads(text)[0] for text in drivers.strongest.to_pylist()]
    share = np.mean([each["feature"] == "signal" for each in first])
    assert share > 0.6
    strong = [each for each in first if each["feature"] == "signal" and abs(each["value"]) > 0.7]
    assert all(each["contribution"] * each["value"] > 0 for each in strong) and len(strong) > 50
    each = strong[0]
    assert each["standard_deviations"] == pytest.approx(each["value"] / 2.0, abs=1e-3)
    assert drivers.named[0].as_py().startswith(first[0]["feature"])


def test_lists_are_of_five_by_size_and_what_spoke_for_is_positive(ledger, model) -> None:
    drivers = explain_trades(ledger, PLAIN, model)
    for text in drivers.strongest.to_pylist():
        sizes = [abs(each["contribution"]) for each in json.loads(text)]
        assert 1 <= len(sizes) <= 5 and sizes == sorted(sizes, reverse=True)
    for text in drivers.speaking_for.to_pylist():
        contributions = [each["contribution"] for each in json.loads(text)]
        assert contributions == sorted(contributions, reverse=True)
        assert all(value >= 0 for value in contributions)
    against = [
        index
        for index, text in enumerate(drivers.strongest.to_pylist())
        if json.loads(text)[0]["contribution"] < 0
    ]
    assert against and all(
        drivers.strongest[index].as_py() != drivers.speaking_for[index].as_py() for index in against
    )


def test_a_column_says_which_kind_of_driver_it_is(ledger, model) -> None:
    few = ledger.slice(0, 5)
    unskilled = replace(model, tail=TailScores(0.5, 0.1, 0.3, 0.25))
    other_recipe = replace(PLAIN, feature_names=("signal", "b", "c", "d"))
    sources = [
        explain_trades(few, statistics, each).source.unique().to_pylist()
        for statistics, each in ((PLAIN, model), (PLAIN, unskilled), (PLAIN, NO_MODEL), (other_recipe, model))
    ]
    assert sources == [["confidence_model"], ["unskilled_model"], ["unusual_features"], ["unusual_features"]]


def test_each_trade_is_explained_by_the_model_that_was_in_force_at_its_signal(ledger, model) -> None:
    few, nights = ledger.slice(0, 6), np.array([20_001, 20_000, 20_001, 19_999, 20_000, 20_001])
    unskilled = replace(model, tail=TailScores(0.5, 0.1, 0.3, 0.25))
    models = {20_001: model, 20_000: unskilled, 19_999: NO_MODEL}
    found = explain_by_night(few, nights, PLAIN, lambda night: models[night])
    kinds = {20_001: "confidence_model", 20_000: "unskilled_model", 19_999: "unusual_features"}
    assert found.source.to_pylist() == [kinds[int(night)] for night in nights]
    for row, night in enumerate(nights):
        alone = explain_trades(few.slice(row, 1), PLAIN, models[int(night)])
        assert found.strongest[row] == alone.strongest[0] and found.named[row] == alone.named[0]
        assert np.array_equal(found.log_odds[row : row + 1], alone.log_odds, equal_nan=True)
    empty = explain_by_night(few.slice(0, 0), nights[:0], PLAIN, lambda _night: model)
    assert len(empty.source) == len(empty.log_odds) == 0


def test_without_a_model_the_most_unusual_features_are_named_and_contribute_nothing(ledger) -> None:
    drivers = explain_trades(ledger.slice(0, 3), PLAIN, NO_MODEL)
    features = np.array(ledger["entry_features"][1].as_py())
    listed = json.loads(drivers.strongest[1].as_py())
    order = np.argsort(-np.abs(features))
    assert [each["feature"] for each in listed] == [NAMES[index] for index in order]
    assert listed[0]["standard_deviations"] == pytest.approx(features[order[0]] / 2.0, abs=1e-3)
    assert {each["contribution"] for each in listed} == {None}
    assert np.isnan(drivers.log_odds).all() and np.isnan(drivers.base_log_odds).all()
    assert drivers.speaking_for.equals(drivers.strongest)


def test_drivers_know_no_outcome_and_no_other_trade(ledger, model) -> None:
    whole = explain_trades(ledger, PLAIN, model)
    alone = explain_trades(ledger.slice(40, 1), PLAIN, model)
    assert alone.strongest[0] == whole.strongest[40] and alone.log_odds[0] == whole.log_odds[40]
    spoilt = ledger.drop_columns(["net_bps", "net_usd", "gross_bps", "exit_time"])
    assert explain_trades(spoilt, PLAIN, model).strongest.equals(whole.strongest)
    assert len(explain_trades(ledger.slice(0, 0), PLAIN, model).strongest) == 0
