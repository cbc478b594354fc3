"""Does it learn, does it stay out, and is it the same every time?"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from huracan.agent.checkpoint import load_policy, read_agreement
from huracan.agent.config import PPOConfig, TrainingConfig
from huracan.agent.train import TrainedPolicy, judge_learner, split_window, train_policy
from huracan.errors import InputRefused
from huracan.market.block import MarketBlock
from huracan.market.conservation import judge_ledger
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules
from huracan.market.session import trade_session
from huracan.market.trade_log import Provenance

RULES, COSTS = TradingRules(), CostAssumptions()
QUICK = TrainingConfig(
    total_steps=200_000,
    lanes=256,
    held_out_days=6,
    threads=1,
    device="cpu",
    ppo=PPOConfig(hidden=(32, 32)),
)
TINY = replace(QUICK, total_steps=20_000)
Maker = Callable[..., MarketBlock]


@pytest.fixture(scope="module")
def tiny(planted_market: Maker) -> TrainedPolicy:
    return train_policy(planted_market(1, days=5, day_bars=240), _short(TINY), RULES, COSTS)


def _short(config: TrainingConfig) -> TrainingConfig:
    return replace(config, held_out_days=1, embargo_days=1)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_planted_edge_is_found_and_pays_its_costs_on_days_not_trained_on(
    planted_market: Maker, seed: int
) -> None:
    trained = train_policy(planted_market(seed, days=24), replace(QUICK, seed=seed), RULES, COSTS)
    held_out = trained.report["held_out"]
    assert held_out["trades"] >= 8
    assert held_out["net_usd"] > held_out["do_nothing_net_usd"]
    assert held_out["net_bps_per_trade"] > held_out["random_net_bps_per_trade"] + 10
    assert held_out["random_share_below"] > 0.95
    assert judge_learner(trained).passed


def test_without_an_edge_it_learns_to_stay_out(planted_market: Maker) -> None:
    block = planted_market(7, days=12, edge=0.0)
    trained = train_policy(block, replace(QUICK, held_out_days=2), RULES, COSTS)
    held_out = trained.report["held_out"]
    # A coin-tossing policy would enter hundreds of times and lose about 24 bps on each.
    assert held_out["trades"] <= 6
    assert judge_learner(trained).passed


def test_twice_the_same_training_gives_the_same_bytes(planted_market: Maker, tiny: TrainedPolicy) -> None:
    again = train_policy(planted_market(1, days=5, day_bars=240), _short(TINY), RULES, COSTS)
    assert again.checkpoint == tiny.checkpoint
    assert again.curve.equals(tiny.curve)
    assert again.report == tiny.report
    other = replace(_short(TINY), seed=2)
    block = planted_market(1, days=5, day_bars=240)
    assert train_policy(block, other, RULES, COSTS).model_id != tiny.model_id


def test_the_held_out_days_change_nothing_in_the_checkpoint(
    planted_market: Maker, tiny: TrainedPolicy
) -> None:
    block = planted_market(1, days=5, day_bars=240)
    features = block.features.copy()
    features[:, -480:] = 77.0
    close = block.close.copy()
    close[:, -480:] *= 3
    scrambled = replace(block, features=features, close=close)
    assert train_policy(scrambled, _short(TINY), RULES, COSTS).checkpoint == tiny.checkpoint


def test_a_training_trades_a_session_whose_ledger_is_conserved(
    planted_market: Maker, tiny: TrainedPolicy
) -> None:
    block = planted_market(4, days=1, day_bars=240)
    policy = load_policy(tiny.checkpoint)
    where_from = Provenance(tiny.model_id, "data", "config", True, block.feature_names)
    session = trade_session(block, policy, RULES, COSTS, where_from)
    assert judge_ledger(session, RULES).passed
    assert session.bars.num_rows == 3 * 240
    with pytest.raises(InputRefused, match="other features"):
        trade_session(block, policy, RULES, COSTS, replace(where_from, feature_names=("x",)))


def test_the_report_and_the_checkpoint_name_the_days(planted_market: Maker, tiny: TrainedPolicy) -> None:
    days = [str(day) for day in planted_market(1, days=5, day_bars=240).days]
    training = read_agreement(tiny.checkpoint)["training"]
    assert (training["first_day"], training["last_day"]) == (days[0], days[2])
    assert (tiny.report["held_out"]["first_day"], tiny.report["held_out"]["last_day"]) == (days[4], days[4])
    assert tiny.curve["steps"].to_pylist()[-1] >= TINY.total_steps


def test_head_and_tail_do_not_touch(planted_market: Maker) -> None:
    block = planted_market(1, days=12, day_bars=60)
    head, tail = split_window(block, replace(TINY, held_out_days=3, embargo_days=2))
    assert head.days == block.days[:7]
    assert tail.days == block.days[9:]


def test_a_window_too_short_is_refused_with_the_days_it_needs(planted_market: Maker) -> None:
    with pytest.raises(InputRefused, match="has 5 days and needs 10"):
        train_policy(planted_market(1, days=5, day_bars=60), TINY, RULES, COSTS)


def test_progress_ends_at_the_budget(planted_market: Maker) -> None:
    seen: list[tuple[int, int]] = []
    train_policy(
        planted_market(1, days=5, day_bars=240),
        _short(TINY),
        RULES,
        COSTS,
        lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (20_000, 20_000)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


@pytest.mark.parametrize(
    ("column", "value", "word"),
    [
        ("approx_kl", 3.0, "jumps"),
        ("explained_variance", -5.0, "explains"),
        ("entropy", 0.0, "certain"),
        ("value_loss", math.nan, "finite"),
    ],
)
def test_a_sick_learning_curve_fails_with_its_reason(
    tiny: TrainedPolicy, column: str, value: float, word: str
) -> None:
    place = tiny.curve.schema.get_field_index(column)
    rows = np.full(tiny.curve.num_rows, value)
    sick = replace(tiny, curve=tiny.curve.set_column(place, column, pa.array(rows)))
    verdict = judge_learner(sick)
    assert not verdict.passed
    assert word in verdict.reason
