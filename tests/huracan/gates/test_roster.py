"""The gates are found, judge in a fixed order, and tell of themselves."""

from collections.abc import Callable

import pyarrow as pa

from huracan.gates.contract import ABSTAIN, Gate
from huracan.gates.roster import describe_gates, gate_kinds
from huracan.models.canonical import canonical_json
from tests.huracan.gates.conftest import Fitter

Maker = Callable[..., pa.Table]


def test_the_gates_judge_in_the_order_in_which_they_always_did() -> None:
    assert list(gate_kinds()) == ["cost", "meta_label", "confidence"]


def test_the_settings_of_a_gate_are_declared_in_its_own_file() -> None:
    for kind in gate_kinds().values():
        assert kind.settings.__module__ == kind.fit.__module__


def test_without_a_past_every_gate_abstains_and_says_why(make_ledger: Maker, fit_all: Fitter) -> None:
    for gate in fit_all(make_ledger(0)).values():
        given = gate.judge(make_ledger(6))
        assert given.answer == (ABSTAIN,) * 6
        assert all(given.reason)


def test_the_gates_describe_themselves_in_plain_json(learned_gates: dict[str, Gate]) -> None:
    described = describe_gates(learned_gates)
    assert described["order"] == ["cost", "meta_label", "confidence"]
    content = canonical_json(described)
    assert content == canonical_json(describe_gates(learned_gates))
    assert all(kind.why.encode() in content for kind in gate_kinds().values())
