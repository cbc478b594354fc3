"""What each gate is for, shown on markets whose harm is known; and that the proof itself can fail."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from huracan.errors import InvalidInput
from huracan.gates.contract import BLOCK, PASS, Answer, Answers
from huracan.gates.judging.judge import judge_signals
from huracan.gates.roster import gate_kinds
from huracan.proof.candle_nights import CandleNights, play_nights
from huracan.proof.gate_nights import GateNights, JudgedDay
from huracan.proof.gate_plants import PlantedCandlesConfig
from huracan.proof.gate_proof import oracle_auc, prove_gates, row_of
from huracan.proof.gate_proof_settings import GateProofSettings
from huracan.proof.gate_proof_table import GateRow, bar_of
from huracan.proof.planted_candles import plant_candles

SETTINGS = MappingProxyType({name: kind.settings() for name, kind in gate_kinds().items()})
SMALL = GateProofSettings(
    markets=1,
    first_seed=5,
    market=PlantedCandlesConfig(symbols=4, days=12, turn_day=7),
    nights=GateNights(judged_days=2),
)


@dataclass(frozen=True)
class _Always:
    """A gate that says the same of every signal."""

    answer: Answer

    def judge(self, signals: pa.Table) -> Answers:
        nothing = np.zeros(signals.num_rows)
        return Answers((self.answer,) * signals.num_rows, nothing, nothing, ("",) * signals.num_rows)

    def describe(self) -> Mapping[str, Any]:
        return {}


def _judged_by(answer: Answer, plant: Any) -> GateRow:
    market = plant_candles(replace(SMALL.market, plant=plant, days=7, symbols=2, seed=4))
    nights = play_nights(market, CandleNights(patterns=None))
    gates = {"cost": _Always(PASS), "adverse_selection": _Always(answer)}
    days = [JudgedDay(night.day, night.trades, judge_signals(night.trades, gates)) for night in nights]
    return row_of(market, days)


def test_a_gate_that_refuses_nothing_and_one_that_refuses_everything_miss_the_bar() -> None:
    lazy, harsh = (_judged_by(answer, "toxic_flow") for answer in (PASS, BLOCK))
    assert (lazy.refused_of_oracle, lazy.refused_winners) == (0.0, 0.0)
    assert (harsh.refused_of_oracle, harsh.refused_winners) == (1.0, 1.0)
    assert 0 < lazy.planted < lazy.signals and 0 < lazy.winners < lazy.signals
    for row in (lazy, harsh):
        assert not row.is_met(SMALL) and not bar_of("toxic_flow", [row], SMALL).is_met


def test_without_a_plant_a_gate_that_refuses_everything_misses_the_bar_and_cost_is_not_counted() -> None:
    calm, harsh = (_judged_by(answer, "none") for answer in (PASS, BLOCK))
    assert calm.is_met(SMALL) and not harsh.is_met(SMALL)
    assert harsh.gate == "adverse_selection" and harsh.refused_but_cost == 1.0
    assert (harsh.planted, harsh.refused_of_oracle) == (0, None)


def test_the_gate_for_a_harm_does_what_it_is_for_on_a_small_market() -> None:
    heard: list[GateRow] = []
    proof = prove_gates(SMALL, SETTINGS, ("cost_trap", "broken_feed"), heard.append)
    trap, broken = proof.rows
    assert heard == list(proof.rows) and [bar.case for bar in proof.bars] == ["cost_trap", "broken_feed"]
    assert (trap.gate, broken.gate) == ("cost", "engine_health")
    assert proof.is_met, proof.rows
    assert trap.oracle_auc > 0.6 < broken.oracle_auc
    assert proof.to_json()["rows"][0]["refused_of_oracle"] == trap.refused_of_oracle


@pytest.mark.slow
def test_every_gate_does_what_it_is_for_on_one_market_of_each_case() -> None:
    proof = prove_gates(GateProofSettings(markets=1, first_seed=5), SETTINGS)
    assert proof.is_met, proof.rows


def test_the_oracle_ranks_by_the_plant_alone() -> None:
    planted, won = np.array([True, True, False, False]), np.array([False, False, True, True])
    assert oracle_auc(planted, won) == 1.0 and oracle_auc(~planted, won) == 0.0
    assert oracle_auc(np.zeros(4, bool), won) == 0.5 and oracle_auc(planted, np.ones(4, bool)) == 0.5
    # Of the losers a half is planted, of the winners a quarter.
    planted = np.array([True, False, True, False, False, False])
    assert oracle_auc(planted, np.array([False, False, True, True, True, True])) == pytest.approx(0.625)


def _row(case: str, seed: int, recall: float | None, winners: float | None, but_cost: float) -> GateRow:
    return GateRow(case, seed, "cost", 10, 5, 5, 0.7, 0.0, recall, winners, 0.5, but_cost, 0.0)


def test_eighteen_of_twenty_markets_are_enough_and_seventeen_are_not() -> None:
    good, bad = (_row("cost_trap", 1, recall, 0.2, 1.0) for recall in (0.8, 0.79))
    settings = GateProofSettings()
    assert bar_of("cost_trap", [good] * 18 + [bad] * 2, settings).is_met
    assert not bar_of("cost_trap", [good] * 17 + [bad] * 3, settings).is_met
    assert not _row("cost_trap", 1, 0.9, 0.21, 0.0).is_met(settings)
    assert not _row("cost_trap", 1, None, 0.0, 0.0).is_met(settings)
    calm, harsh = _row("none", 1, None, 0.5, 0.05), _row("none", 1, None, 0.0, 0.051)
    assert bar_of("none", [calm] * 18 + [harsh] * 2, settings).value == 0.9
    assert not bar_of("none", [calm] * 17 + [harsh] * 3, settings).is_met


def test_a_proof_of_gates_without_a_market_or_a_past_is_refused() -> None:
    with pytest.raises(InvalidInput):
        GateProofSettings(markets=0)
    with pytest.raises(InvalidInput):
        GateProofSettings(market=PlantedCandlesConfig(days=9))
