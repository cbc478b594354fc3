"""The gates that ask a model: right more often than not, and silent where the model has no skill."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from huracan.gates.contract import ABSTAIN, BLOCK, PASS, Gate
from huracan.gates.evidence.break_even import RegimeMargins, fit_break_even
from huracan.gates.judging.judge import judge_signals
from huracan.gates.probability import ProbabilitySettings
from huracan.gates.worth.statistics import gate_statistics
from huracan.models.confidence import fit_confidence_model
from huracan.models.config import ModelConfig
from huracan.models.past import past_trades
from tests.huracan.gates.columns import with_column
from tests.huracan.gates.conftest import NAMES, Fitter

Maker = Callable[..., pa.Table]


def test_they_block_and_pass_and_are_right_more_often_than_not(
    make_ledger: Maker, learned_gates: dict[str, Gate]
) -> None:
    fresh = make_ledger(300, seed=42)
    decisions = judge_signals(fresh, learned_gates)
    rows = {row["gate"]: row for row in gate_statistics(decisions, fresh).to_pylist()}
    for name in ("confidence", "meta_label"):
        assert rows[name]["passed"] > 20 and rows[name]["blocked"] > 20
        assert rows[name]["passed_mean_net_bps"] > rows[name]["blocked_mean_net_bps"]
    assert rows["confidence"]["saved_usd"] > 0.0


def test_a_model_without_skill_is_not_asked(make_ledger: Maker, fit_all: Fitter) -> None:
    past = make_ledger(300)
    model = fit_confidence_model(past_trades(past), NAMES, ModelConfig(), "2h")
    blind = replace(model, tail=replace(model.tail, auc=0.49))
    given = fit_all(past, blind)["confidence"].judge(past)
    assert set(given.answer) == {ABSTAIN} and "AUC 0.490" in given.reason[0]
    anyhow = {"confidence": ProbabilitySettings(require_skill=False)}
    willing = fit_all(past, blind, settings=anyhow)["confidence"]
    assert {PASS, BLOCK} == set(willing.judge(past).answer)


def test_break_even_by_hand_and_the_strictest_margin_for_an_unknown_regime(make_ledger: Maker) -> None:
    past = with_column(make_ledger(40), "net_bps", np.tile([10.0] * 4 + [-20.0] * 4, 5))
    even = fit_break_even(past_trades(past), shrinkage_trades=20.0)
    assert even.overall == pytest.approx(2 / 3)
    assert all(value == pytest.approx(2 / 3) for _, value in even.by_regime)
    signals = with_column(make_ledger(3), "regime", ["trend", "panic", None])
    assert even.thresholds(signals, RegimeMargins()) == pytest.approx(2 / 3 + np.array([0.0, 0.05, 0.05]))
    no_losers = with_column(past, "net_bps", np.full(40, 5.0))
    assert fit_break_even(past_trades(no_losers), shrinkage_trades=20.0).overall is None
