"""Every gate is asked about every trade, and sees neither an outcome nor a later signal."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from huracan.errors import InvalidInput
from huracan.gates.contract import (
    ABSTAIN,
    BLOCK,
    COMBINED,
    PASS,
    Answer,
    Answers,
    Gate,
    OrderType,
    order,
    resize,
)
from huracan.gates.judging.coverage import judge_gate_coverage
from huracan.gates.judging.judge import (
    DECISIONS_SCHEMA,
    judge_by_night,
    judge_signals,
)
from huracan.gates.judging.told import SIGNALS_SHOWN
from tests.huracan.gates.columns import with_column

Maker = Callable[..., pa.Table]
OUTCOMES = (
    "quantity", "entry_time", "entry_reference_price", "entry_price", "stop_price", "target_price",
    "exit_time", "exit_reference_price", "exit_price", "exit_reason", "exit_regime",
    "exit_volatility_bps", "exit_model_id", "adds", "scale_outs", "bars_held", "gross_bps", "fee_bps",
    "spread_bps", "slippage_bps", "funding_bps", "net_bps", "gross_usd", "fee_usd", "spread_usd",
    "slippage_usd", "funding_usd", "net_usd", "paid_cost_bps", "max_favourable_bps",
    "max_favourable_time", "max_adverse_bps", "max_adverse_time",
)  # fmt: skip
"""What nobody knows when a signal is judged."""


@dataclass(frozen=True)
class FixedGate:
    """Gives the answers in turn."""

    answers: tuple[Answer, ...]

    def judge(self, signals: pa.Table) -> Answers:
        nan = np.full(len(self.answers), np.nan)
        return Answers(self.answers, nan, nan, ("said",) * len(self.answers))

    def describe(self) -> dict[str, object]:
        return {}


def test_decisions_do_not_depend_on_outcomes_or_on_later_signals(
    make_ledger: Maker, learned_gates: dict[str, Gate]
) -> None:
    gates, fresh = learned_gates, make_ledger(60, seed=5)
    whole = judge_signals(fresh, gates)
    rows = len(gates) + 1
    assert whole.schema == DECISIONS_SCHEMA and whole.num_rows == 60 * rows
    assert set(OUTCOMES).isdisjoint(SIGNALS_SHOWN)
    scrambled = fresh
    for name in OUTCOMES:
        scrambled = with_column(scrambled, name, [None] * 60)
    assert judge_signals(scrambled, gates).equals(whole)
    assert judge_signals(fresh.slice(0, 20), gates).equals(whole.slice(0, 20 * rows))


def test_the_combined_answer_blocks_on_one_and_never_calls_silence_a_pass(make_ledger: Maker) -> None:
    first = FixedGate((PASS, PASS, ABSTAIN, ABSTAIN, BLOCK))
    second = FixedGate((PASS, BLOCK, PASS, ABSTAIN, ABSTAIN))
    decisions = judge_signals(make_ledger(5), {"first": first, "second": second})
    combined = decisions.filter(pc.equal(decisions["gate"], COMBINED)).to_pylist()
    assert [row["verdict"] for row in combined] == ["pass", "block", "pass", "abstain", "block"]
    assert [row["abstained"] for row in combined] == [0, 0, 1, 2, 1]
    assert [row["value"] for row in combined] == [0.0, 1.0, 0.0, 0.0, 1.0]
    assert combined[1]["reason"] == "Blocked by second."
    assert combined[2]["reason"] == "No gate blocked it; abstained: first."
    assert decisions["gate"].to_pylist()[:3] == ["first", "second", COMBINED]
    # Neither gate measured anything.
    silent = decisions.filter(pc.not_equal(decisions["gate"], COMBINED))
    for name in ("value", "threshold", "margin"):
        assert silent[name].null_count == silent.num_rows


def test_a_condition_is_kept_in_the_verdict_and_conditions_add_up(make_ledger: Maker) -> None:
    limit, market = order(OrderType.LIMIT), order(OrderType.MARKET)
    first = FixedGate((resize(0.5), resize(0.5), limit, limit, resize(1.2), resize(1.0)))
    second = FixedGate((ABSTAIN, resize(0.5), resize(2.0), market, BLOCK, PASS))
    decisions = judge_signals(make_ledger(6), {"first": first, "second": second})
    said = {
        name: decisions.filter(pc.equal(decisions["gate"], name))["verdict"].to_pylist()
        for name in ("first", COMBINED)
    }
    assert said["first"] == [
        "pass, resize 0.5",
        "pass, resize 0.5",
        "pass, order limit",
        "pass, order limit",
        "pass, resize 1.2",
        "pass",
    ]
    assert said[COMBINED] == [
        "pass, resize 0.5",
        "pass, resize 0.25",
        "pass, resize 2.0, order limit",
        "pass, order limit",
        "block",
        "pass",
    ]
    assert judge_gate_coverage(decisions, make_ledger(6), ["first", "second"]).passed


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), float("inf")])
def test_a_size_that_no_order_can_have_is_refused(factor: float) -> None:
    with pytest.raises(InvalidInput, match="or BLOCK"):
        resize(factor)


@pytest.mark.parametrize("words", [("maybe",), ("block", 0.5), ("abstain", 1.0, OrderType.LIMIT)])
def test_an_answer_that_means_nothing_is_refused(words: tuple) -> None:
    with pytest.raises(InvalidInput, match="Use PASS, BLOCK"):
        Answer(*words)


def test_a_gate_that_skips_a_signal_or_answers_in_words_of_its_own_is_refused(make_ledger: Maker) -> None:
    with pytest.raises(InvalidInput, match="brief did not answer 3 signals"):
        judge_signals(make_ledger(3), {"brief": FixedGate((PASS, PASS))})
    with pytest.raises(InvalidInput, match="loose did not answer"):
        judge_signals(make_ledger(1), {"loose": FixedGate(("pass",))})  # type: ignore[arg-type]


def test_coverage_passes_whole_decisions_and_fails_each_damage(make_ledger: Maker) -> None:
    trades, gates = make_ledger(4), {"fixed": FixedGate((PASS,) * 4)}
    decisions = judge_signals(trades, gates)
    good = judge_gate_coverage(decisions, trades, gates)
    assert good.passed and good.check == "gate_coverage" and good.blocking
    assert not judge_gate_coverage(decisions.slice(1), trades, gates).passed
    assert not judge_gate_coverage(pa.concat_tables([decisions, decisions.slice(0, 1)]), trades, gates).passed
    assert not judge_gate_coverage(decisions, trades.slice(1), gates).passed
    damaged = with_column(decisions, "verdict", ["maybe"] * decisions.num_rows)
    assert not judge_gate_coverage(damaged, trades, gates).passed
    empty = judge_signals(trades.slice(0, 0), {"fixed": FixedGate(())})
    assert judge_gate_coverage(empty, trades.slice(0, 0), gates).passed


def test_a_signal_is_judged_by_the_gates_of_its_own_night_and_shown_to_no_others(make_ledger: Maker) -> None:
    trades, nights = make_ledger(5), np.array([9, 8, 9, 8, 9])
    by_night = {8: {"fixed": FixedGate((BLOCK, PASS))}, 9: {"fixed": FixedGate((PASS, ABSTAIN, BLOCK))}}
    decisions = judge_by_night(trades, nights, by_night)
    own = decisions.filter(pc.equal(decisions["gate"], "fixed"))
    assert own["trade_id"].to_pylist() == trades["trade_id"].to_pylist()
    assert own["verdict"].to_pylist() == ["pass", "block", "abstain", "pass", "block"]
    assert decisions["gate"].to_pylist() == ["fixed", COMBINED] * 5
    assert judge_by_night(trades.slice(0, 0), nights[:0], {}).equals(DECISIONS_SCHEMA.empty_table())
    with pytest.raises(InvalidInput, match="gates of 1 nights that were in force"):
        judge_by_night(trades, nights, {9: by_night[9]})
