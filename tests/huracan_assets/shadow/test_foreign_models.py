"""A model that is foreign costs a judgement and not the night: its gate says whose it is and what to do."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from huracan.gates.contract import ABSTAIN
from huracan.gates.roster import fit_gates
from huracan.models.confidence import fit_confidence_model
from huracan.models.config import ModelConfig, Unfit
from huracan.models.conformal import fit_conformal_model
from huracan.models.meta_label import fit_meta_label_model
from huracan.models.past import past_trades
from huracan_assets.inputs.file_names import MODEL_FILE
from huracan_assets.inputs.gate_context import PAST_MARKET, gate_context
from huracan_assets.inputs.past_trades import BOTH_BOOKS
from huracan_assets.reads import Read, resolve_all
from huracan_assets.stage import StageContext
from huracan_resources.lake.entry_features import TRACE_FILE
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.huracan.conftest import hourly_ledger
from tests.huracan.gates.columns import shown

BEGIN, LAST = date(2025, 5, 1), date(2025, 5, 10)
NAMES, OTHERS = ("a", "b", "c", "d"), ("b", "a", "c", "d")
MODELS = ("confidence_model", "meta_label_model", "conformal_model", "pattern_library")
GATES = {"confidence": "confidence_model", "meta_label": "meta_label_model", "uncertainty": "conformal_model"}
WORDS = {"confidence": "confidence model", "meta_label": "meta-label model", "uncertainty": "conformal model"}
LEDGER = hourly_ledger(240)


@pytest.fixture
def resources(tmp_path: Path) -> Resources:
    made = Resources(load_settings({"models.trailing_days": 10}, {"HURACAN_HOME": str(tmp_path)}))
    trace = json.dumps({"entry_features": list(NAMES)}).encode()
    for number in range(10):
        files = {"data.parquet": encode_table(LEDGER.slice(24 * number, 24)), TRACE_FILE: trace}
        made.lake.write("shadow_trades", BEGIN + timedelta(days=number), files)
    for model in MODELS:
        made.lake.write(model, LAST, {}, note="too few trades")
    return made


def _fitted(gate: str, names: tuple[str, ...] = NAMES) -> dict[str, Any]:
    past, config = past_trades(LEDGER), ModelConfig()
    models = {
        "confidence": lambda: fit_confidence_model(past, names, config, "2h"),
        "meta_label": lambda: fit_meta_label_model(past, config, "2h"),
        "uncertainty": lambda: fit_conformal_model(past, names, config, "2h"),
    }
    model = models[gate]()
    assert not isinstance(model, Unfit)
    plain: dict[str, Any] = json.loads(model.to_bytes())
    return plain


def _said(resources: Resources, gate: str, content: bytes) -> str:
    """What the gate says of a signal, abstaining."""
    resources.lake.write(GATES[gate], LAST, {MODEL_FILE: content})
    reads = [*BOTH_BOOKS, *PAST_MARKET, *(Read(model) for model in MODELS)]
    inputs = resolve_all(resources.lake, reads, LAST, resources.settings)
    context = StageContext("baseline_brain", LAST, resources.settings, resources, "")
    given = fit_gates(gate_context(inputs, context))[gate].judge(shown(LEDGER.slice(0, 1)))
    assert given.answer == (ABSTAIN,)
    return given.reason[0]


Change = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.mark.parametrize("gate", list(GATES))
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda plain: plain | {"form": 3}, "is of form 3, this version reads"),
        (lambda plain: plain | {"kind": "odd"}, "is a model of the kind 'odd'"),
        (lambda plain: plain | {"odd": 1}, "holds odd, which nobody reads"),
    ],
)
def test_a_model_of_another_version_is_told_by_its_name(
    resources: Resources, gate: str, change: Change, told: str
) -> None:
    reason = _said(resources, gate, json.dumps(change(_fitted(gate))).encode())
    assert reason.startswith(f"There is no model: The {WORDS[gate]} {told}"), reason


@pytest.mark.parametrize("gate", ["confidence", "uncertainty"])
def test_a_model_of_other_feature_names_is_told_by_its_name(resources: Resources, gate: str) -> None:
    reason = _said(resources, gate, json.dumps(_fitted(gate, OTHERS)).encode())
    words = f"The {WORDS[gate]} was fitted on other entry features than those of the trades."
    assert reason == f"There is no model: {words}"


def test_a_night_that_fitted_none_is_told_with_its_reason(resources: Resources) -> None:
    reads = [*BOTH_BOOKS, *PAST_MARKET, *(Read(model) for model in MODELS)]
    inputs = resolve_all(resources.lake, reads, LAST, resources.settings)
    context = StageContext("baseline_brain", LAST, resources.settings, resources, "")
    gates = fit_gates(gate_context(inputs, context))
    for gate in GATES:
        given = gates[gate].judge(shown(LEDGER.slice(0, 1)))
        assert given.reason == ("There is no model: too few trades",)
