"""What a gate says where a model is missing, and where a signal has no regime: each in its own sentence."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from huracan.analysis.patterns.table import PATTERNS_SCHEMA
from huracan.errors import InvalidInput
from huracan.gates.contract import ABSTAIN, Gate
from huracan.gates.roster import fit_gates, gate_kinds
from huracan.gates.uncertainty import UncertaintyGateSettings
from huracan.models.confidence import fit_confidence_model
from huracan.models.config import ModelConfig, Unfit
from huracan.models.conformal import fit_conformal_model
from huracan.models.inputs import REGIME_COLUMNS
from huracan.models.meta_label import fit_meta_label_model
from huracan.models.past import past_trades
from tests.huracan.conftest import hourly_ledger
from tests.huracan.gates.columns import positions, shown, with_column
from tests.huracan.gates.conftest import NAMES, Fitter, context
from tests.huracan.gates.positions.made_marks import taught
from tests.huracan.gates.test_pattern_evidence import LOSING, WINNING

Maker = Callable[..., pa.Table]

INSTEAD = {
    "cost": "the edge of all regimes is taken",
    "fill_probability": "the edge of all regimes is taken",
    "meta_label": "the break-even of all is taken, with the largest margin",
    "confidence": "the break-even of all is taken, with the largest margin",
    "regret": "the mean of all is taken",
    "uncertainty": "the model is asked without one",
    "scalp_ranking": "edge and holding time of all are taken",
    "action_masks": "the smallest of the regimes' sizes is the largest",
    "triple_barrier": "no past trade is like it",
}
"""What a gate that looks at the regime takes where there is none; the others do not look at it."""


@pytest.fixture(scope="module")
def gates() -> dict[str, Gate]:
    past = _ended(hourly_ledger(600))
    own = {name: kind.settings() for name, kind in gate_kinds().items()}
    own["uncertainty"] = UncertaintyGateSettings(require_skill=False)
    for name in ("meta_label", "confidence"):
        own[name] = type(own[name])(require_skill=False)  # type: ignore[call-arg]
    trades, config = past_trades(past), ModelConfig()
    learnt = fit_confidence_model(trades, NAMES, config, "2h"), fit_meta_label_model(trades, config, "2h")
    library = pa.Table.from_pylist([LOSING, WINNING], schema=PATTERNS_SCHEMA)
    conformal = fit_conformal_model(trades, NAMES, config, "2h")
    return fit_gates(context(past, *learnt, own, None, library, conformal=conformal))


def _ended(trades: pa.Table) -> pa.Table:
    ends = np.where(trades["net_bps"].to_numpy() > 0.0, "TARGET", "STOP")
    return with_column(trades, "exit_reason", ends.tolist())


def _without_regime(trades: pa.Table) -> pa.Table:
    for name in ("regime", *REGIME_COLUMNS):
        trades = with_column(trades, name, [None] * trades.num_rows)
    return trades


OF_POSITIONS = ("scratch", "runner_unlock")


@pytest.mark.parametrize("name", [name for name in gate_kinds() if name not in OF_POSITIONS])
def test_of_a_signal_without_a_regime_each_gate_says_what_it_takes_instead(
    name: str, gates: dict[str, Gate]
) -> None:
    trades = hourly_ledger(20, seed=7)
    known, lost = (gates[name].judge(shown(each)) for each in (trades, _without_regime(trades)))
    if name in INSTEAD:
        assert not any("has no regime" in reason for reason in known.reason)
        assert all(f"The signal has no regime: {INSTEAD[name]}." in reason for reason in lost.reason)
    else:
        assert (lost.answer, lost.reason) == (known.answer, known.reason)


@pytest.mark.parametrize("name", OF_POSITIONS)
def test_a_position_without_a_regime_is_judged_as_with_one(name: str) -> None:
    gate, gain, age = taught(name), np.linspace(-2.0, 3.0, 40), np.full(40, 0.05)
    lost = dict.fromkeys(("regime", *REGIME_COLUMNS))
    known, unknown = (gate.tend(positions(gain, age, **each)) for each in ({}, lost))
    assert known.speaks.any() and known.reason == unknown.reason
    assert np.array_equal(known.closes, unknown.closes)


@pytest.mark.parametrize("name", ["confidence", "meta_label", "uncertainty"])
def test_without_a_fitted_model_a_gate_abstains_with_the_models_own_reason(
    name: str, make_ledger: Maker, fit_all: Fitter
) -> None:
    unfit = Unfit(f"Of the {name} gate's model 5 closed trades, 60 are needed.", 5)
    models = {"confidence": unfit, "meta_label": unfit, "conformal": unfit}
    whole = replace(context(make_ledger(300)), **models)
    given = fit_gates(whole)[name].judge(shown(make_ledger(3, seed=5)))
    assert set(given.answer) == {ABSTAIN} and np.isnan(given.value).all()
    assert set(given.reason) == {f"There is no model: {unfit.reason}"}


@pytest.mark.parametrize("name", ["confidence", "uncertainty"])
def test_a_model_of_other_features_than_the_signals_is_refused(name: str, gates: dict[str, Gate]) -> None:
    trades = hourly_ledger(3, seed=5)
    fewer = with_column(trades, "entry_features", [[0.0, 1.0]] * 3)
    wanted = re.escape(
        "entry_features does not hold 4 values. Use the recipe that the trades were made with."
    )
    with pytest.raises(InvalidInput, match=wanted):
        gates[name].judge(shown(fewer))
