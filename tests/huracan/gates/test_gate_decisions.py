"""Each gate blocks and passes, abstains where it should, and sees no outcome."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from huracan.errors import InvalidInput
from huracan.gates.break_even import fit_break_even
from huracan.gates.config import GateConfig, RegimeMargins
from huracan.gates.cost import fit_cost_gate
from huracan.gates.gate import ABSTAIN, BLOCK, PASS, GateVerdicts
from huracan.gates.judge import COMBINED, DECISIONS_SCHEMA, judge_gate_coverage, judge_signals
from huracan.gates.roster import describe_gates, fit_gates
from huracan.gates.statistics import GATE_STATISTICS_SCHEMA, gate_statistics
from huracan.models.canonical import canonical_json
from huracan.models.confidence import fit_confidence_model
from huracan.models.config import ModelConfig, Unfit
from huracan.models.inputs import SIGNAL_COLUMNS
from huracan.models.meta_label import fit_meta_label_model

Maker = Callable[..., pa.Table]
NAMES = ("signal", "noise_b", "noise_c", "noise_d")
UNFIT = Unfit("5 closed trades, 60 are needed.", 5)


@dataclass(frozen=True)
class FixedGate:
    """Answers the given verdicts in turn."""

    verdicts: tuple[str, ...]
    name: str = "fixed"
    why: str = "A test."

    def judge(self, trades: pa.Table) -> GateVerdicts:
        nan = np.full(len(self.verdicts), np.nan)
        return GateVerdicts(self.verdicts, nan, nan, ("said",) * len(self.verdicts))

    def describe(self) -> dict[str, object]:
        return {}


def with_column(table: pa.Table, name: str, values: object) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.set_column(
        place, table.schema.field(place), pa.array(values, table.schema.field(place).type)
    )


def learned_gates(make_ledger: Maker) -> tuple:
    past = make_ledger(600)
    models = fit_confidence_model(past, NAMES, ModelConfig()), fit_meta_label_model(past, ModelConfig())
    return fit_gates(past, *models, GateConfig())


def test_the_cost_gate_passes_a_regime_that_pays_and_blocks_one_that_does_not(make_ledger: Maker) -> None:
    past = make_ledger(80)
    trending = pc.equal(past["regime"], "trend").to_numpy(zero_copy_only=False)
    gate = fit_cost_gate(with_column(past, "gross_bps", np.where(trending, 60.0, 0.0)), GateConfig())
    # 20 trades a regime, overall mean 15, weight 20: trend (1200 + 300) / 40, others 300 / 40.
    assert dict(gate.edge_bps)["trend"] == pytest.approx(37.5)
    assert dict(gate.edge_bps)["panic"] == pytest.approx(7.5)
    answer = gate.judge(make_ledger(8, seed=2))
    assert answer.verdict == (PASS, BLOCK, BLOCK, BLOCK) * 2
    assert answer.threshold.tolist() == [27.0] * 8
    assert "37.5 bps exceeds 27.0 bps" in answer.reason[0]


def test_an_edge_equal_to_its_cost_is_blocked(make_ledger: Maker) -> None:
    past = with_column(make_ledger(40), "gross_bps", np.full(40, 27.0))
    assert set(fit_cost_gate(past, GateConfig()).judge(make_ledger(4)).verdict) == {BLOCK}


def test_a_gate_without_a_past_abstains(make_ledger: Maker) -> None:
    signals = make_ledger(6)
    for gate in fit_gates(make_ledger(0), UNFIT, UNFIT, GateConfig()):
        answer = gate.judge(signals)
        assert answer.verdict == (ABSTAIN,) * 6
        assert all(answer.reason)
    assert set(fit_cost_gate(make_ledger(29), GateConfig()).judge(signals).verdict) == {ABSTAIN}
    assert ABSTAIN not in fit_cost_gate(make_ledger(30), GateConfig()).judge(signals).verdict


def test_the_model_gates_block_and_pass_and_are_right_more_often_than_not(make_ledger: Maker) -> None:
    fresh = make_ledger(300, seed=42)
    decisions = judge_signals(fresh, learned_gates(make_ledger))
    rows = {row["gate"]: row for row in gate_statistics(decisions, fresh).to_pylist()}
    for name in ("confidence", "meta_label"):
        assert rows[name]["passed"] > 20 and rows[name]["blocked"] > 20
        assert rows[name]["passed_mean_net_bps"] > rows[name]["blocked_mean_net_bps"]
    assert rows["confidence"]["saved_usd"] > 0.0


def test_a_model_without_skill_is_not_asked(make_ledger: Maker) -> None:
    past = make_ledger(300)
    model = fit_confidence_model(past, NAMES, ModelConfig())
    blind = replace(model, tail=replace(model.tail, auc=0.49))
    gates = fit_gates(past, blind, UNFIT, GateConfig())
    answer = gates[2].judge(past)
    assert set(answer.verdict) == {ABSTAIN} and "AUC 0.490" in answer.reason[0]
    willing = fit_gates(past, blind, UNFIT, GateConfig(require_skill=False))[2].judge(past)
    assert {PASS, BLOCK} == set(willing.verdict)


def test_break_even_by_hand_and_the_strictest_margin_for_an_unknown_regime(make_ledger: Maker) -> None:
    past = with_column(make_ledger(40), "net_bps", np.tile([10.0] * 4 + [-20.0] * 4, 5))
    even = fit_break_even(past, GateConfig())
    assert even.overall == pytest.approx(2 / 3)
    assert all(value == pytest.approx(2 / 3) for _, value in even.by_regime)
    margins = RegimeMargins()
    signals = with_column(make_ledger(3), "regime", ["trend", "panic", None])
    assert even.thresholds(signals, margins) == pytest.approx(2 / 3 + np.array([0.0, 0.05, 0.05]))
    no_losers = with_column(past, "net_bps", np.full(40, 5.0))
    assert fit_break_even(no_losers, GateConfig()).overall is None


def test_decisions_do_not_depend_on_outcomes_or_on_later_signals(make_ledger: Maker) -> None:
    gates, fresh = learned_gates(make_ledger), make_ledger(60, seed=5)
    whole = judge_signals(fresh, gates)
    assert whole.schema == DECISIONS_SCHEMA and whole.num_rows == 60 * 4
    scrambled = fresh
    for field in fresh.schema:
        if field.name not in SIGNAL_COLUMNS:
            scrambled = with_column(scrambled, field.name, [None] * 60)
    assert judge_signals(scrambled, gates).equals(whole)
    assert judge_signals(fresh.slice(0, 20), gates).equals(whole.slice(0, 80))


def test_the_combined_answer_blocks_on_one_and_never_calls_silence_a_pass(make_ledger: Maker) -> None:
    first = FixedGate((PASS, PASS, ABSTAIN, ABSTAIN, BLOCK), "first")
    second = FixedGate((PASS, BLOCK, PASS, ABSTAIN, ABSTAIN), "second")
    decisions = judge_signals(make_ledger(5), (first, second))
    combined = decisions.filter(pc.equal(decisions["gate"], COMBINED)).to_pylist()
    assert [row["verdict"] for row in combined] == [PASS, BLOCK, PASS, ABSTAIN, BLOCK]
    assert [row["abstained"] for row in combined] == [0, 0, 1, 2, 1]
    assert combined[1]["reason"] == "Blocked by second."
    assert combined[2]["reason"] == "No gate blocked it; abstained: first."
    assert decisions["gate"].to_pylist()[:3] == ["first", "second", COMBINED]


def test_a_gate_that_skips_a_signal_or_steals_a_name_is_refused(make_ledger: Maker) -> None:
    with pytest.raises(InvalidInput):
        judge_signals(make_ledger(3), (FixedGate((PASS, PASS)),))
    with pytest.raises(InvalidInput):
        judge_signals(make_ledger(1), (FixedGate((PASS,)), FixedGate((PASS,))))
    with pytest.raises(InvalidInput):
        judge_signals(make_ledger(1), (FixedGate((PASS,), COMBINED),))
    with pytest.raises(InvalidInput):
        judge_signals(make_ledger(1), (FixedGate(("maybe",)),))


def test_coverage_passes_whole_decisions_and_fails_each_damage(make_ledger: Maker) -> None:
    trades, gates = make_ledger(4), (FixedGate((PASS,) * 4),)
    decisions = judge_signals(trades, gates)
    good = judge_gate_coverage(decisions, trades, gates)
    assert good.passed and good.rule == "gate_coverage" and good.blocking
    assert not judge_gate_coverage(decisions.slice(1), trades, gates).passed
    assert not judge_gate_coverage(pa.concat_tables([decisions, decisions.slice(0, 1)]), trades, gates).passed
    assert not judge_gate_coverage(decisions, trades.slice(1), gates).passed
    empty = judge_signals(trades.slice(0, 0), (FixedGate(()),))
    assert judge_gate_coverage(empty, trades.slice(0, 0), (FixedGate(()),)).passed


def test_statistics_by_hand(make_ledger: Maker) -> None:
    trades = make_ledger(5)
    trades = with_column(trades, "net_bps", [10.0, -20.0, -30.0, 40.0, 7.0])
    trades = with_column(trades, "net_usd", [1.0, -2.0, -3.0, 4.0, 0.7])
    decisions = judge_signals(trades, (FixedGate((PASS, PASS, BLOCK, BLOCK, ABSTAIN)),))
    table = gate_statistics(decisions, trades)
    assert table.schema == GATE_STATISTICS_SCHEMA
    row = table.to_pylist()[0]
    assert (row["judged"], row["passed"], row["blocked"], row["abstained"]) == (5, 2, 2, 1)
    assert row["block_rate"] == 0.5
    assert row["passed_mean_net_bps"] == -5.0 and row["passed_net_usd"] == -1.0
    assert row["blocked_mean_net_bps"] == 5.0 and row["saved_usd"] == -1.0
    assert (row["good_blocks"], row["bad_blocks"]) == (1, 1)
    with pytest.raises(InvalidInput):
        gate_statistics(decisions, trades.slice(1))


def test_the_gates_describe_themselves_in_plain_json(make_ledger: Maker) -> None:
    gates = learned_gates(make_ledger)
    content = canonical_json(describe_gates(gates))
    assert content == canonical_json(describe_gates(learned_gates(make_ledger)))
    assert b'"cost",\n  "meta_label",\n  "confidence"' in content
