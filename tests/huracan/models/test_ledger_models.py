"""Confidence, meta-label and importance on ledgers whose truth is known."""

import json
from collections.abc import Callable
from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from huracan.errors import InputRefused, InvalidInput
from huracan.models import confidence as confidence_module
from huracan.models import inputs as inputs_module
from huracan.models.canonical import canonical_json
from huracan.models.confidence import ConfidenceModel, fit_confidence_model
from huracan.models.config import ModelConfig, Unfit
from huracan.models.importance import feature_importance
from huracan.models.importance_columns import IMPORTANCE_SCHEMA
from huracan.models.inputs import SIGNAL_COLUMNS
from huracan.models.meta_label import MetaLabelModel, fit_meta_label_model
from huracan.models.past import past_trades
from huracan.models.window import trailing_trades

Maker = Callable[..., pa.Table]
NAMES = ("signal", "noise_b", "noise_c", "noise_d")
CONFIG, NIGHT = ModelConfig(), date(2025, 6, 1)


def fit_both(trades: pa.Table) -> list[ConfidenceModel | MetaLabelModel]:
    past = past_trades(trades)
    models = [fit_confidence_model(past, NAMES, CONFIG, "2h"), fit_meta_label_model(past, CONFIG, "2h")]
    assert not any(isinstance(model, Unfit) for model in models)
    return models


def test_a_planted_edge_is_found_out_of_time(make_ledger: Maker) -> None:
    confidence, meta_label = fit_both(make_ledger(600))
    assert confidence.has_skill and confidence.tail.auc > 0.75
    assert meta_label.has_skill and meta_label.tail.auc > 0.58
    assert confidence.tail.brier < confidence.tail.base_brier


def test_pure_noise_shows_no_ranking(make_ledger: Maker) -> None:
    scores, skilled = [], 0
    for seed in range(8):
        confidence, meta_label = fit_both(make_ledger(300, seed=seed, edge=0.0))
        scores += [confidence.tail.auc, meta_label.tail.auc]
        skilled += confidence.has_skill + meta_label.has_skill
    assert np.mean(scores) == pytest.approx(0.5, abs=0.08)
    assert skilled <= 2


def test_the_same_trades_give_the_same_bytes_in_any_order(make_ledger: Maker) -> None:
    ledger = make_ledger(200)
    shuffled = ledger.take(np.random.default_rng(4).permutation(200))
    for one, other in zip(fit_both(ledger), fit_both(shuffled), strict=True):
        assert one.to_bytes() == other.to_bytes()


def test_trades_of_later_days_change_nothing(make_ledger: Maker) -> None:
    past, day = make_ledger(24 * 8), date(2025, 5, 8)
    future = make_ledger(24 * 8 + 90, seed=99).slice(24 * 8)
    both = pa.concat_tables([future, past])
    for one, other in zip(
        fit_both(trailing_trades(past, day, 30, "2h")),
        fit_both(trailing_trades(both, day, 30, "2h")),
        strict=True,
    ):
        assert one.to_bytes() == other.to_bytes()


def test_a_prediction_needs_no_outcome_and_no_neighbour(make_ledger: Maker) -> None:
    ledger = make_ledger(150)
    for model in fit_both(ledger):
        whole = model.predict(ledger)
        assert np.array_equal(model.predict(ledger.select(SIGNAL_COLUMNS)), whole)
        assert np.array_equal(model.predict(ledger.slice(17, 1)), whole[17:18])
        assert ((whole > 0.0) & (whole < 1.0)).all()
        assert len(model.predict(ledger.slice(0, 0))) == 0


def test_contributions_sum_to_the_raw_score_and_know_no_neighbour(make_ledger: Maker) -> None:
    import lightgbm

    ledger = make_ledger(300)
    confidence, _ = fit_both(ledger)
    matrix = confidence.inputs(ledger)
    parts = confidence.contributions(matrix)
    assert parts.shape == (300, len(confidence.columns) + 1)
    raw = lightgbm.Booster(model_str=confidence.booster_text).predict(matrix, raw_score=True)
    assert parts.sum(axis=1) == pytest.approx(raw, abs=1e-12)
    assert confidence.calibration.apply(parts.sum(axis=1)) == pytest.approx(
        confidence.predict(ledger), abs=1e-9
    )
    assert np.unique(parts[:, -1]).size == 1
    assert np.array_equal(confidence.contributions(matrix[40:41]), parts[40:41])
    again = ConfidenceModel.from_bytes(confidence.to_bytes())
    assert np.array_equal(again.contributions(matrix), parts)
    assert confidence.contributions(matrix[:0]).shape == (0, len(confidence.columns) + 1)


def test_models_survive_the_way_through_bytes(make_ledger: Maker) -> None:
    ledger = make_ledger(150)
    confidence, meta_label = fit_both(ledger)
    for model, kind in ((confidence, ConfidenceModel), (meta_label, MetaLabelModel)):
        again = kind.from_bytes(model.to_bytes())
        assert again == model
        assert np.array_equal(again.predict(ledger), model.predict(ledger))
        with pytest.raises(InputRefused):
            kind.from_bytes(model.to_bytes()[:-20])
    with pytest.raises(InputRefused):
        ConfidenceModel.from_bytes(meta_label.to_bytes())


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_ledger_of_one_class_is_refused_with_the_reason(make_ledger: Maker, sign: float) -> None:
    ledger = make_ledger(100)
    index = ledger.schema.get_field_index("net_bps")
    one_class = ledger.set_column(index, ledger.schema.field(index), pa.array(np.full(100, 5.0 * sign)))
    for answer in (
        fit_confidence_model(past_trades(one_class), NAMES, CONFIG, "2h"),
        fit_meta_label_model(past_trades(one_class), CONFIG, "2h"),
    ):
        assert isinstance(answer, Unfit)
        assert answer.trades == 100
        assert ("only winners" if sign > 0 else "only losers") in answer.reason


def test_a_feature_that_is_not_defined_is_no_error(make_ledger: Maker) -> None:
    ledger = make_ledger(120)
    rows = ledger.to_pylist()
    for row in rows[::3]:
        row["entry_features"][2] = float("nan")
        row["value_estimate"] = None
    for model in fit_both(pa.Table.from_pylist(rows, schema=ledger.schema)):
        assert np.isfinite(model.predict(pa.Table.from_pylist(rows, schema=ledger.schema))).all()


def test_the_feature_that_decides_ranks_first(make_ledger: Maker) -> None:
    ledger = make_ledger(600)
    model = fit_confidence_model(past_trades(ledger), NAMES, CONFIG, "2h")
    table = feature_importance(past_trades(ledger), model, CONFIG, "2h", NIGHT, {})
    assert table.schema == IMPORTANCE_SCHEMA
    first = table.slice(0, 1).to_pylist()[0]
    assert first["feature"] == "signal" and first["rank"] == 1
    assert first["permutation_importance"] > 0.1
    assert sum(table["gain"].to_pylist()) == pytest.approx(1.0)
    assert table.equals(feature_importance(past_trades(ledger), model, CONFIG, "2h", NIGHT, {}))


def test_without_a_model_there_is_no_importance(make_ledger: Maker) -> None:
    table = feature_importance(
        past_trades(make_ledger(5)), Unfit("5 closed trades, 60 are needed.", 5), CONFIG, "2h", NIGHT, {}
    )
    assert table.num_rows == 0 and table.schema == IMPORTANCE_SCHEMA


def test_a_model_that_was_fitted_on_fewer_columns_still_predicts(
    make_ledger: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = make_ledger(150)
    with monkeypatch.context() as before:
        names, inputs = inputs_module.confidence_names, inputs_module.confidence_inputs
        before.setattr(confidence_module, "confidence_names", lambda features: names(features)[:-1])
        before.setattr(confidence_module, "confidence_inputs", lambda *args: inputs(*args)[:, :-1])
        old = fit_confidence_model(past_trades(ledger), NAMES, CONFIG, "2h")
        expected = old.predict(ledger)
    assert "is_short" not in old.columns
    assert np.array_equal(old.predict(ledger), expected)


def test_a_value_that_json_lacks_is_refused() -> None:
    with pytest.raises(InvalidInput):
        canonical_json({"a": float("nan")})
    assert canonical_json({"b": np.float64(0.1), "a": np.arange(2)}) == (
        b'{\n "a": [\n  0,\n  1\n ],\n "b": 0.1\n}\n'
    )


def test_models_of_the_form_before_still_load(make_ledger: Maker) -> None:
    """Form 1 knew neither weights nor a calibration: what its trees say is its answer."""
    import lightgbm

    ledger = make_ledger(300)
    for model, kind in zip(fit_both(ledger), (ConfidenceModel, MetaLabelModel), strict=True):
        value = json.loads(model.to_bytes())
        for name in ("form", "effective_trades", "own_tail", "calibration"):
            value.pop(name, None)
        value["tail"] = {name: value["tail"][name] for name in ("auc", "auc_error", "brier", "base_brier")}
        old = kind.from_bytes(canonical_json(value))
        assert old.effective_trades is None and old.own_tail is None
        assert old.has_skill == model.has_skill
        if isinstance(old, ConfidenceModel):
            trees = lightgbm.Booster(model_str=old.booster_text).predict(old.inputs(ledger))
            assert np.array_equal(old.predict(ledger), trees)
        else:
            assert np.array_equal(old.predict(ledger), model.predict(ledger))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"kind": "conformal"}, "a model of the kind 'conformal', not"),
        ({"kind": None}, "no model of past trades"),
        ({"kind": "unfit", "reason": "5 closed trades, 60 are needed."}, "5 closed trades, 60 are needed"),
        ({"form": 3}, "is of form 3, this version reads 1 to 2"),
        ({"form": "new"}, "is of form 'new'"),
        ({"trades": ...}, "lacks trades"),
        ({"odd": 1}, "holds odd, which nobody reads"),
        ({"columns": ["odd"]}, "looks at odd, which this version does not make of a trade"),
    ],
)
def test_a_foreign_model_is_refused_in_a_sentence_of_its_own(
    make_ledger: Maker, changed: dict[str, object], told: str
) -> None:
    for model, kind in zip(fit_both(make_ledger(150)), (ConfidenceModel, MetaLabelModel), strict=True):
        value = json.loads(model.to_bytes()) | changed
        value = {name: each for name, each in value.items() if each is not ...}
        with pytest.raises(InputRefused, match=told):
            kind.from_bytes(canonical_json(value))
