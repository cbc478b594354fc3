"""Models of past trades never read entry features of other names as their own."""

import json
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from huracan.errors import InputRefused
from huracan.models.confidence import ConfidenceModel
from huracan.models.config import Unfit
from huracan.models.conformal import ConformalModel
from huracan_assets.inputs.file_names import MODEL_FILE
from huracan_assets.inputs.named_features import named_trades_until, names_of_day
from huracan_assets.inputs.past_trades import confidence_of
from huracan_assets.learning.confidence_model import confidence_model
from huracan_assets.learning.conformal_model import conformal_model
from huracan_assets.learning.feature_importance import feature_importance
from huracan_assets.reads import Inputs, resolve_all
from huracan_assets.stage import Stage, StageContext
from huracan_resources.lake.entry_features import TRACE_FILE
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.huracan.conftest import hourly_ledger

FIRST, LAST = date(2025, 5, 1), date(2025, 5, 10)
NEW, OLD = ("a", "b", "c", "d"), ("b", "a", "c", "d")


@pytest.fixture
def ledger() -> pa.Table:
    return hourly_ledger(240)


@pytest.fixture
def resources(tmp_path: Path) -> Resources:
    return Resources(load_settings({"models.trailing_days": 10}, {"HURACAN_HOME": str(tmp_path)}))


def _trade_days(
    resources: Resources, ledger: pa.Table, names: Callable[[date], Sequence[str] | None], days: int = 10
) -> None:
    """Ten days of 24 trades; a day whose names are None was traded before ledgers named their features."""
    for number in range(days):
        day = FIRST + timedelta(days=number)
        trace = {} if names(day) is None else {"entry_features": list(names(day))}
        files = {"data.parquet": encode_table(ledger.slice(24 * number, 24))}
        resources.lake.write("shadow_trades", day, files | {TRACE_FILE: json.dumps(trace).encode()})


def _of(resources: Resources, stage: Stage) -> tuple[Inputs, StageContext]:
    inputs = resolve_all(resources.lake, stage.reads, LAST, resources.settings)
    return inputs, StageContext(stage.name, LAST, resources.settings, resources, "")


def test_days_of_other_names_are_left_out_and_named(resources: Resources, ledger: pa.Table) -> None:
    unnamed, other = FIRST + timedelta(days=2), FIRST + timedelta(days=5)
    _trade_days(resources, ledger, lambda day: {unnamed: None, other: OLD}.get(day, NEW))
    inputs, context = _of(resources, confidence_model)
    past = named_trades_until(inputs, context)
    assert (
        past.feature_names == NEW and len(past.past.trades) == 8 * 24 - 2
    )  # the last two could still be open
    days = {moment.date() for moment in past.past.trades["signal_time"].to_pylist()}
    assert not days & {unnamed, other}
    assert f"The trades of {unnamed}, {other} have entry features of other names" in past.left_out
    outcome = confidence_model.body(inputs, context)
    assert outcome.note == past.left_out
    model = ConfidenceModel.from_bytes(outcome.files[MODEL_FILE])
    assert model.feature_names == NEW and model.trades == 8 * 24 - 2


def test_days_that_were_decided_on_bars_of_another_length_are_left_out(
    resources: Resources, ledger: pa.Table
) -> None:
    _trade_days(resources, ledger, lambda day: NEW)
    other, files = FIRST + timedelta(days=4), {"data.parquet": encode_table(ledger.slice(96, 24))}
    trace = {"entry_features": list(NEW), "decision_timeframe": "5m"}
    resources.lake.write("shadow_trades", other, files | {TRACE_FILE: json.dumps(trace).encode()})
    past = named_trades_until(*_of(resources, confidence_model))
    assert len(past.past.trades) == 9 * 24 - 2
    assert f"The trades of {other} have entry features of other names or bars" in past.left_out


def test_the_model_and_its_importance_are_of_the_same_trades(resources: Resources, ledger: pa.Table) -> None:
    _trade_days(resources, ledger, lambda day: NEW if day >= FIRST + timedelta(days=4) else OLD)
    outcome = confidence_model.body(*_of(resources, confidence_model))
    resources.lake.write("confidence_model", LAST, outcome.files)
    table = feature_importance.body(*_of(resources, feature_importance)).tables["data"]
    assert set(NEW) < set(table["feature"].to_pylist())


def test_importance_knows_the_nights_before(resources: Resources, ledger: pa.Table) -> None:
    _trade_days(resources, ledger, lambda day: NEW)
    resources.lake.write(
        "confidence_model", LAST, confidence_model.body(*_of(resources, confidence_model)).files
    )
    first = feature_importance.body(*_of(resources, feature_importance)).tables["data"]
    assert set(first["nights"].to_pylist()) == {1}
    for ago in (2, 5):
        resources.lake.write(
            "feature_importance", LAST - timedelta(days=ago), {"data.parquet": encode_table(first)}
        )
    again = feature_importance.body(*_of(resources, feature_importance)).tables["data"]
    assert set(again["nights"].to_pylist()) == {3}
    assert again["trend_per_night"].to_pylist() == pytest.approx([0.0] * again.num_rows, abs=1e-12)


def test_the_interval_is_fitted_on_the_same_trades(resources: Resources, ledger: pa.Table) -> None:
    _trade_days(resources, ledger, lambda day: NEW)
    outcome = conformal_model.body(*_of(resources, conformal_model))
    model = ConformalModel.from_bytes(outcome.files[MODEL_FILE])
    assert model.feature_names == NEW and model.trades == 238
    low, high = model.interval(ledger)
    assert (low < high).all() and outcome.metadata["has_skill"] == model.has_skill


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"kind": "confidence", "form": 99}', "is of form 99"),
        (b'{"kind": "meta_label"}', "kind 'meta_label'"),
        (b"\x00", "not readable as JSON"),
    ],
)
def test_a_model_that_this_version_cannot_read_is_none_and_says_why(
    resources: Resources, ledger: pa.Table, content: bytes, told: str
) -> None:
    """A gate then abstains with that reason; the night goes on."""
    _trade_days(resources, ledger, lambda day: NEW)
    resources.lake.write("confidence_model", LAST, {MODEL_FILE: content})
    inputs, context = _of(resources, feature_importance)
    found = confidence_of(inputs, context)
    assert isinstance(found, Unfit) and told in found.reason
    outcome = feature_importance.body(inputs, context)
    assert not outcome.tables and told in outcome.note


def test_of_one_set_of_names_nothing_is_left_out(resources: Resources, ledger: pa.Table) -> None:
    _trade_days(resources, ledger, lambda day: NEW)
    inputs, context = _of(resources, confidence_model)
    past = named_trades_until(inputs, context)
    assert past.left_out == "" and past.past.trades.equals(ledger.slice(0, 238))


def test_where_too_few_trades_have_the_newest_names_the_model_says_both(
    resources: Resources, ledger: pa.Table
) -> None:
    _trade_days(resources, ledger, lambda day: NEW if day == LAST else OLD)
    outcome = confidence_model.body(*_of(resources, confidence_model))
    assert not outcome.files
    assert outcome.note.startswith("22 closed trades, 60 are needed. The trades of 2025-05-01, ")


def test_a_model_of_other_features_is_none_for_the_trades(resources: Resources, ledger: pa.Table) -> None:
    _trade_days(resources, ledger, lambda day: OLD)
    outcome = confidence_model.body(*_of(resources, confidence_model))
    resources.lake.write("confidence_model", LAST, outcome.files)
    assert isinstance(confidence_of(*_of(resources, feature_importance)), ConfidenceModel)
    for names, why in ((NEW, "fitted on other entry features"), (None, "does not name its entry features")):
        _trade_days(resources, ledger, lambda day, names=names: names if day == LAST else OLD)
        found = confidence_of(*_of(resources, feature_importance))
        assert isinstance(found, Unfit) and why in found.reason


def test_a_days_own_trades_without_names_are_refused(resources: Resources, ledger: pa.Table) -> None:
    _trade_days(resources, ledger, lambda day: None)
    with pytest.raises(InputRefused, match=f"shadow_trades/{LAST} does not name its entry features"):
        names_of_day(*_of(resources, confidence_model))
