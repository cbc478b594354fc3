"""The gates are found, judge in a fixed order, and tell of themselves."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from huracan.errors import InvalidInput
from huracan.gates.contract import ABSTAIN, Gate, PositionGate, SignalGate
from huracan.gates.cost import CostGateSettings
from huracan.gates.roster import describe_gates, fit_gates, gate_kinds, modes_of
from huracan.models.canonical import canonical_json
from tests.huracan.gates.columns import positions, shown
from tests.huracan.gates.conftest import Fitter, context

Maker = Callable[..., pa.Table]
ORDER = [
    "cost",
    "fill_probability",
    "adverse_selection",
    "meta_label",
    "confidence",
    "regret",
    "pattern_evidence",
    "uncertainty",
    "setup_trigger",
    "scratch",
    "scalp_ranking",
    "runner_unlock",
    "action_masks",
    "triple_barrier",
    "engine_health",
]


def test_the_gates_judge_in_the_order_of_the_document() -> None:
    assert list(gate_kinds()) == ORDER


def test_the_settings_of_a_gate_are_declared_in_its_own_file() -> None:
    for kind in gate_kinds().values():
        assert kind.settings.__module__ == kind.fit.__module__


def test_without_a_past_every_gate_that_learns_abstains_and_says_why(
    make_ledger: Maker, fit_all: Fitter
) -> None:
    for name, gate in fit_all(make_ledger(0)).items():
        if not isinstance(gate, SignalGate):
            assert isinstance(gate, PositionGate)
            tended = gate.tend(positions(gain=np.linspace(-1.0, 1.5, 6), age=[0.05] * 6))
            assert not tended.speaks.any() and not tended.closes.any(), name
            continue
        given = gate.judge(shown(make_ledger(6)))
        assert (given.answer == (ABSTAIN,) * 6) == (name != "action_masks"), name
        assert all(reason.endswith(".") and len(reason) > 20 for reason in given.reason)


def test_a_gate_that_is_off_is_neither_fitted_nor_asked(make_ledger: Maker, fit_all: Fitter) -> None:
    gates = fit_all(make_ledger(0), settings={"cost": CostGateSettings(mode="off")})
    assert list(gates) == ORDER[1:]
    own = {name: kind.settings() for name, kind in gate_kinds().items()}
    assert modes_of(own | {"cost": CostGateSettings(mode="off")}) == dict.fromkeys(ORDER[1:], "advisory")


def test_facts_of_other_trades_than_the_past_ones_are_refused(make_ledger: Maker) -> None:
    whole = context(make_ledger(5))
    with pytest.raises(InvalidInput, match="facts of 4 past trades, and 5 trades"):
        fit_gates(replace(whole, facts=whole.facts.slice(1)))


def test_the_gates_describe_themselves_in_plain_json(learned_gates: dict[str, Gate]) -> None:
    described = describe_gates(learned_gates)
    assert described["order"] == ORDER
    content = canonical_json(described)
    assert content == canonical_json(describe_gates(learned_gates))
    assert all(kind.why.encode() in content for kind in gate_kinds().values())
