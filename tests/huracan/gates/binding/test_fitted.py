"""A fitted gate that is written down and read back is the same to the bit."""

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from huracan.errors import InputRefused, InvalidInput
from huracan.gates.binding.fitted import MODELS, fitted_as_plain, fitted_from_plain, gates_of_bundle
from huracan.gates.contract import Answers, SignalGate
from huracan.gates.roster import gate_kinds
from huracan.models.canonical import canonical_json
from tests.huracan.gates.columns import positions, shown
from tests.huracan.gates.positions.made_marks import taught
from tests.huracan.gates.test_prefix_invariance import OF_SIGNALS, _market, _trades, gates

__all__ = ["gates"]


def _models(fitted: dict[str, Any]) -> dict[str, Any]:
    """As a bundle keeps them: written and read."""
    own = {
        "confidence": fitted["confidence"].model,
        "meta_label": fitted["meta_label"].model,
        "conformal": fitted["uncertainty"].model,
    }
    return {name: MODELS[name].from_bytes(model.to_bytes()) for name, model in own.items()}


def _again(name: str, gate: Any, models: dict[str, Any]) -> Any:
    return fitted_from_plain(name, json.loads(canonical_json(fitted_as_plain(gate))), models)


@pytest.mark.parametrize("name", OF_SIGNALS)
def test_a_gate_read_back_says_the_same_of_every_signal_to_the_bit(name: str, gates: dict[str, Any]) -> None:
    models = _models(gates)
    again = _again(name, gates[name], models)
    assert type(again) is type(gates[name])
    signals = shown(_trades(90, 5), **_market(90, 6))
    one, other = gates[name].judge(signals), again.judge(signals)
    assert one.answer == other.answer and one.reason == other.reason
    assert np.array_equal(one.value, other.value, equal_nan=True)
    assert np.array_equal(one.threshold, other.threshold, equal_nan=True)
    assert again.describe() == gates[name].describe()


@pytest.mark.parametrize("name", ["scratch", "runner_unlock", "action_masks"])
def test_so_does_one_that_judges_positions(name: str, gates: dict[str, Any]) -> None:
    gate = gates[name] if name == "action_masks" else taught(name)
    again, rows = _again(name, gate, {}), positions(np.linspace(-2, 3, 40), [0.05] * 40, imbalance=-0.5)
    one, other = gate.tend(rows), again.tend(rows)
    assert np.array_equal(one.closes, other.closes) and one.reason == other.reason
    assert one.forbids == other.forbids and np.array_equal(one.value, other.value, equal_nan=True)


def test_every_gate_there_is_can_be_written_down_without_a_past(fit_all: Any, make_ledger: Any) -> None:
    """Errors are infinite then, and models are missing."""
    fitted = fit_all(make_ledger(0))
    modes = {name: "binding" if name == "cost" else "advisory" for name in fitted}
    plain = json.loads(canonical_json(gates_of_bundle(fitted, modes)))
    assert set(fitted) == set(gate_kinds()) == set(plain["gates"])
    assert plain["gates"]["cost"]["mode"] == "binding"
    for name, gate in fitted.items():
        assert fitted_from_plain(name, plain["gates"][name]["fitted"], {}) == gate, name


def test_a_gate_of_another_version_and_one_that_is_not_there_are_refused_by_name(
    gates: dict[str, Any],
) -> None:
    plain = fitted_as_plain(gates["cost"])
    with pytest.raises(
        InputRefused, match=r"gate cost is not as it is fitted here \(CostGate has other parts"
    ):
        fitted_from_plain("cost", {**plain, "state": plain["state"] | {"more": 1}}, {})
    with pytest.raises(InputRefused, match="gate mine is not known here"):
        fitted_from_plain("mine", plain, {})
    with pytest.raises(InputRefused, match=r"gate confidence is not as it is fitted here \('confidence'\)"):
        fitted_from_plain("confidence", fitted_as_plain(gates["confidence"]), {})


def test_what_has_no_plain_form_is_refused_when_it_is_written() -> None:
    with pytest.raises(InvalidInput, match="A fitted gate holds a set"):
        fitted_as_plain({"kinds": {1, 2}})  # type: ignore[arg-type]


def test_the_gates_of_signals_are_those_that_judge_them(gates: dict[str, Any]) -> None:
    assert [name for name, gate in gates.items() if isinstance(gate, SignalGate)] == OF_SIGNALS


@dataclass(frozen=True)
class Odd:
    """Holds what is not read back as it is: names that are numbers."""

    by_number: dict[int, float]

    def judge(self, signals: pa.Table) -> Answers:
        raise NotImplementedError

    def describe(self) -> dict[str, object]:
        return {}


def test_a_gate_that_would_not_be_read_back_stops_no_brain_unless_it_binds(
    gates: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"cost": gates["cost"], "regret": Odd({1: 2.0})}
    told = gates_of_bundle(own, {"cost": "binding", "regret": "advisory"})["gates"]
    assert told["cost"]["fitted"] and told["regret"]["fitted"] is None
    assert "A fitted gate holds a dict" in told["regret"]["why_not_fitted"]
    with pytest.raises(InvalidInput, match="The gate regret binds, and a brain cannot carry it"):
        gates_of_bundle(own, {"cost": "binding", "regret": "binding"})
    kind = replace(gate_kinds()["cost"], fit=lambda context: gates["cost"])
    monkeypatch.setattr("huracan.gates.binding.fitted.gate_kinds", lambda: {"cost": kind})
    plain = fitted_as_plain(gates["cost"])
    with pytest.raises(InputRefused, match="its `fit` does not say which dataclass it returns"):
        fitted_from_plain("cost", plain, {})
