"""The proof's cases on a market small enough for a test, and how its bars judge rows made by hand."""

import json
import math
from dataclasses import replace

import pytest

from huracan.agent.config import TrainingConfig
from huracan.errors import InvalidInput
from huracan.proof.learner_proof import AFTER, BEFORE, DEFAULT, prove_learner
from huracan.proof.proof_plot import draw_proof
from huracan.proof.proof_settings import CASES, Horizon, ProofSettings, training_at
from huracan.proof.proof_table import (
    LearnerProof,
    ProofRow,
    at_least,
    expected_share_of_best,
    falling_trades,
    share_of_best,
)
from huracan.proof.stopping_program import Grid

pytestmark = pytest.mark.slow  # policies are trained


def _horizon(decisions: str, pays_in: str, window_days: int, exam_days: int) -> Horizon:
    """One seed of few steps on a short window, by the timeframe's own defaults else."""
    training = replace(
        training_at(decisions),
        window_days=window_days,
        held_out_days=2,
        total_steps=20_000,
        lanes=64,
        seed_count=1,
        device="cpu",
    )
    return Horizon(decisions, pays_in, 2.0, 1, exam_days, training)


SMALL = ProofSettings(
    training=TrainingConfig(
        window_days=5,
        held_out_days=1,
        embargo_days=1,
        minimum_training_days=2,
        total_steps=20_000,
        lanes=64,
        seed_count=1,
        device="cpu",
    ),
    seeds=1,
    symbols=2,
    exam_days=2,
    sweep_fees_bps=(2.0, 20.0),
    switch_symbols=1,
    switch_window_days=4,
    grid=Grid(signals=25, places=9, bars=60, nodes=3),
    horizons=(
        _horizon("1m", "2h", 6, 1),
        _horizon("15m", "8h", 20, 5),
        _horizon("1h", "1d", 60, 20),
    ),
    slow_grid=Grid(signals=41, places=9, bars=60, nodes=3),
)
ROW = ProofRow(
    case="costs",
    variant="2 bps",
    seed=1,
    net_bps=80.0,
    best_net_bps=100.0,
    expected_net_bps=90.0,
    best_expected_net_bps=100.0,
    latent_net_bps=120.0,
    trades=5.0,
    best_trades=6.0,
    steps=1,
    model_id="m",
)


@pytest.fixture(scope="module")
def proof() -> LearnerProof:
    return prove_learner(SMALL)


def test_every_case_has_its_rows_and_one_bar(proof: LearnerProof) -> None:
    found = [(row.case, row.variant) for row in proof.rows]
    assert found == [
        ("planted", ""),
        ("weak", ""),
        ("none", ""),
        ("switch", BEFORE),
        ("switch", DEFAULT),
        ("switch", AFTER),
        ("costs", "2 bps"),
        ("costs", "20 bps"),
        ("slow_1m", ""),
        ("slow_15m", ""),
        ("slow_1h", ""),
        ("none_15m", ""),
        ("none_1h", ""),
    ]
    assert [bar.case for bar in proof.bars] == list(CASES)


def test_there_is_something_to_earn_only_where_an_edge_was_planted(proof: LearnerProof) -> None:
    best = {(row.case, row.variant): row.best_expected_net_bps for row in proof.rows}
    assert best["planted", ""] > 10
    assert best["none", ""] == 0.0
    assert abs(best["weak", ""]) < 10
    assert best["costs", "2 bps"] > best["costs", "20 bps"]
    assert best["slow_1m", ""] > 10
    assert best["none_15m", ""] == best["none_1h", ""] == 0.0


def test_a_proof_repeats_to_the_bit_and_is_json(proof: LearnerProof) -> None:
    heard: list[ProofRow] = []
    again = prove_learner(SMALL, ("none",), heard.append)
    assert heard == list(again.rows) == [row for row in proof.rows if row.case == "none"]
    kept = json.loads(json.dumps(proof.to_json()))
    assert len(kept["rows"]) == 13
    assert {"share", "model_id", "best_net_bps"} <= set(kept["rows"][0])


def test_a_proof_is_drawn_as_a_picture_whose_bytes_repeat(proof: LearnerProof) -> None:
    picture = draw_proof(proof)
    assert picture.startswith(b"\x89PNG")
    assert picture == draw_proof(proof)


def test_a_share_is_of_the_best_policys_profit_and_of_nothing_there_is_none() -> None:
    assert ROW.share == pytest.approx(0.8)
    assert ROW.expected_share == pytest.approx(0.9)
    assert replace(ROW, best_net_bps=0.0).share is None
    poor = replace(ROW, net_bps=-10.0, best_net_bps=-5.0)
    assert share_of_best([ROW, replace(ROW, net_bps=40.0)]) == pytest.approx(0.6)
    assert share_of_best([ROW, poor]) == pytest.approx(70.0 / 95.0)
    assert not at_least("planted", "share", share_of_best([replace(ROW, best_net_bps=0.0)]), 0.8).is_met


def test_luck_is_taken_out_of_both_where_bars_are_long() -> None:
    lucky = replace(ROW, net_bps=500.0, expected_net_bps=70.0)
    assert expected_share_of_best([lucky]) == pytest.approx(0.7)
    assert expected_share_of_best([lucky, replace(ROW, expected_net_bps=100.0)]) == pytest.approx(0.85)
    assert math.isnan(expected_share_of_best([replace(ROW, best_expected_net_bps=0.0)]))


def test_a_market_of_a_timeframe_holds_the_minutes_of_its_bars() -> None:
    hours = ProofSettings().horizon("1h")
    config = hours.market(3, has_edge=True)
    assert (config.bar_minutes, config.half_life_bars, config.edge_bps) == (60, 24.0, hours.edge_bps)
    assert config.volatility_bps == pytest.approx(5.0 * 60**0.5)
    assert config.traded_value_usd == 60_000_000.0
    assert config.days == hours.training.window_days + hours.exam_days
    assert hours.market(3, has_edge=False).edge_bps == 0.0
    assert hours.rules.maximum_holding == "3d"
    assert (hours.training.ppo.half_life, hours.training.embargo_days) == ("6d", 3)


def test_a_bar_is_met_at_its_limit_and_not_below() -> None:
    assert at_least("none", "net", -0.5, -0.5).is_met
    assert not at_least("none", "net", -0.51, -0.5).is_met


def test_trades_must_fall_with_the_fee_in_the_mean_of_the_seeds() -> None:
    low, high = [ROW, replace(ROW, trades=3.0)], replace(ROW, variant="9 bps")
    falling = falling_trades("costs", [*low, replace(high, trades=4.5), replace(high, trades=3.0)])
    assert falling.is_met
    assert falling.value == pytest.approx(-0.25)
    assert not falling_trades("costs", [*low, replace(high, trades=5.5), replace(high, trades=3.0)]).is_met
    idle = [replace(row, trades=0.0) for row in (ROW, high)]
    assert not falling_trades("costs", idle).is_met
    assert not falling_trades("costs", []).is_met


def test_a_proof_is_met_where_every_bar_is() -> None:
    met, missed = at_least("none", "net", 0.0, -0.5), at_least("planted", "share", 0.7, 0.8)
    assert LearnerProof((), (met, met)).is_met
    assert not LearnerProof((), (met, missed)).is_met


def test_a_proof_of_no_seed_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no seed"):
        ProofSettings(seeds=0)


def _alone(horizon: Horizon, seed: int) -> ProofSettings:
    """One market of that horizon, and a coarse program behind its ceiling."""
    grid = Grid(signals=31, places=11, bars=100, nodes=3)
    one = replace(horizon, training=replace(horizon.training, seed_count=1, threads=1, device="cpu"))
    return ProofSettings(seeds=1, first_seed=seed, horizons=(one,), slow_grid=grid)


def test_an_edge_of_eight_hours_is_found_by_decisions_of_15_minutes() -> None:
    """Few steps on a short window, so the edge is a strong one."""
    training = replace(training_at("15m"), window_days=45, held_out_days=5, total_steps=300_000, lanes=128)
    settings = _alone(Horizon("15m", "8h", 3.0, 6, 12, training), seed=11)
    (bar,) = prove_learner(settings, ("slow_15m",)).bars
    assert bar.is_met, bar
