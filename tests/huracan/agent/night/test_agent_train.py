"""Does it learn, does it stay out, is it the same every time, and does it survive being killed?"""

import math
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from huracan.agent.config import HealthLimits, PPOConfig, TrainingConfig
from huracan.agent.diagnostics import TrainingStopped
from huracan.agent.night import seed_job
from huracan.agent.night import train as training
from huracan.agent.night.recovery import FileRecovery
from huracan.agent.night.seed_run import SeedJob
from huracan.agent.night.train import TrainedPolicy, judge_learner, train_policy
from huracan.agent.night.training_identity import code_digest, settings_of, training_identity
from huracan.agent.policy.checkpoint import load_policy, read_agreement
from huracan.errors import InputRefused, InvalidInput
from huracan.import_closure import closure
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules
from tests.huracan.agent.night.killed_training import SMALL, Deadly, train

pytestmark = pytest.mark.slow  # policies are trained

ROOT = Path(__file__).parents[4]
RULES, COSTS = TradingRules(), CostAssumptions()
QUICK = TrainingConfig(
    seed_count=1,
    total_steps=600_000,
    lanes=256,
    held_out_days=6,
    device="cpu",
    ppo=PPOConfig(hidden=(32, 32)),
)
Maker = Callable[..., MarketBlock]


@pytest.fixture(scope="module")
def small() -> TrainedPolicy:
    return train(None)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_planted_edge_is_found_and_pays_its_costs_on_days_not_trained_on(
    planted_market: Maker, seed: int
) -> None:
    trained = train_policy(planted_market(seed, days=24), replace(QUICK, seed=seed), RULES, COSTS)
    held_out = trained.report["held_out"]
    assert held_out["trades"] >= 8
    assert held_out["net_usd"] > held_out["do_nothing_net_usd"]
    assert held_out["net_usd"] > held_out["random_net_usd"]
    assert held_out["random_chance"] <= 0.05
    assert judge_learner(trained, HealthLimits()).passed


def test_without_an_edge_it_learns_to_stay_out(planted_market: Maker) -> None:
    block = planted_market(7, days=12, edge=0.0)
    trained = train_policy(block, replace(QUICK, held_out_days=2), RULES, COSTS)
    held_out = trained.report["held_out"]
    # A coin-tossing policy would enter hundreds of times and lose about 24 bps on each.
    assert held_out["trades"] <= 6
    assert judge_learner(trained, HealthLimits()).passed


def test_one_that_rightly_stays_out_of_costs_far_above_any_edge_is_not_called_dead(
    planted_market: Maker,
) -> None:
    block, dear = planted_market(7, days=12, edge=0.0), CostAssumptions(taker_fee_bps=40.0)
    # As many updates as a whole night has in its exploring share.
    watched = replace(
        QUICK, held_out_days=2, cost_ramp_share=0.0, ppo=replace(QUICK.ppo, exploring_share=0.5)
    )
    trained = train_policy(block, watched, RULES, dear)
    exploring = trained.curve["entropy"].to_numpy()[: trained.curve.num_rows // 2]
    assert trained.report["held_out"]["trades"] <= 6
    # It is all but certain, and still well above the floor.
    assert 5e-6 < exploring.min() < 1e-3


def test_costs_are_multiplied_in_training_and_never_where_it_is_judged(planted_market: Maker) -> None:
    block, one = planted_market(7, days=5, day_bars=120), replace(SMALL, seed_count=1)
    trained = train_policy(block, replace(one, cost_multiplier=1.5), RULES, COSTS)
    dearer = train_policy(block, one, RULES, replace(COSTS, multiplier=1.5))
    assert np.array_equal(*(load_policy(each.checkpoint).weights for each in (trained, dearer)))
    judged, judged_dearer = trained.report["held_out"], dearer.report["held_out"]
    assert judged["trades"] == judged_dearer["trades"]
    assert judged["buy_and_hold_net_usd"] > judged_dearer["buy_and_hold_net_usd"]


def test_a_policy_that_tries_nothing_from_the_beginning_is_called_dead(planted_market: Maker) -> None:
    with pytest.raises(TrainingStopped, match="The policy is dead: 8 updates"):
        train_policy(planted_market(7, days=12), replace(QUICK, initial_bias=-40.0), RULES, COSTS)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_same_training_gives_the_same_bytes_with_any_number_of_threads(
    small: TrainedPolicy, threads: int
) -> None:
    again = train(None, replace(SMALL, threads=threads))
    assert again.checkpoint == small.checkpoint
    assert again.curve.equals(small.curve)
    assert again.report == small.report


def test_another_seed_gives_another_policy(small: TrainedPolicy) -> None:
    assert train(None, replace(SMALL, seed=2)).model_id != small.model_id


def test_the_median_of_the_seeds_is_published_and_all_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {}
    real = seed_job.evaluate_policy

    def rigged(block: Any, policy: Any, *rest: Any) -> dict[str, Any]:
        net = (7.0, -3.0, 2.0, 5.0, 9.0)[len(told)]
        told[net] = policy.weights
        return real(block, policy, *rest) | {"net_usd": net}

    monkeypatch.setattr(seed_job, "evaluate_policy", rigged)
    trained = train(None, replace(SMALL, seed_count=5))
    assert np.array_equal(load_policy(trained.checkpoint).weights, told[5.0])
    assert trained.report["seeds"]["published"] == 3
    assert trained.report["training"]["seed_place"] == 3
    assert [row["net_usd"] for row in trained.report["seeds"]["by_seed"]] == list(told)
    assert trained.report["held_out"]["net_usd"] == 5.0
    assert len({weights.tobytes() for weights in told.values()}) == 5
    seeds = [load_policy(each).weights for each in trained.seed_checkpoints]
    assert all(np.array_equal(*pair) for pair in zip(seeds, told.values(), strict=True))
    curves = trained.seed_curves
    assert len(curves) == 5 and curves[3].equals(trained.curve)
    assert not any(curves[0].equals(other) for other in curves[1:])


def test_a_night_of_more_seeds_begins_with_the_same_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    weights: list[bytes] = []
    real = seed_job.evaluate_policy

    def watched(block: Any, policy: Any, *rest: Any) -> dict[str, Any]:
        weights.append(policy.weights.tobytes())
        return real(block, policy, *rest)

    monkeypatch.setattr(seed_job, "evaluate_policy", watched)
    train(None, replace(SMALL, seed_count=2))
    train(None, replace(SMALL, seed_count=3))
    assert weights[:2] == weights[2:4]
    assert len(set(weights)) == 3


def test_the_held_out_days_change_no_seed(planted_market: Maker) -> None:
    block = planted_market(1, days=5, day_bars=120)
    features, close = block.features.copy(), block.close.copy()
    features[:, -240:] = 77.0
    close[:, -240:] *= 3
    alone = replace(SMALL, seed_count=1)
    scrambled = train_policy(replace(block, features=features, close=close), alone, RULES, COSTS)
    assert scrambled.checkpoint == train_policy(block, alone, RULES, COSTS).checkpoint


@pytest.mark.parametrize("saves", [1, 4, 7, 12])
def test_killed_and_resumed_it_gives_the_same_bytes(small: TrainedPolicy, tmp_path: Path, saves: int) -> None:
    path = tmp_path / "state"

    class Stop(BaseException):
        """What no code catches, like a kill."""

    class Broken(Deadly):
        def save(self, state: bytes) -> None:
            self.inner.save(state)
            self.saves -= 1
            if self.saves == 0:
                raise Stop

    with pytest.raises(Stop):
        train(Broken(FileRecovery(path), saves))
    steps: list[tuple[int, int]] = []
    resumed = train_again(path, steps)
    assert resumed.checkpoint == small.checkpoint
    assert resumed.curve.equals(small.curve)
    assert resumed.report == small.report
    assert not path.exists()
    # Six updates a seed; those before the kill are not done again, but told once a seed.
    assert len(steps) == 12 - saves + math.ceil(saves / 6)
    assert steps[0] == (min(1_024 * saves, 6_000), 12_000)
    assert steps[-1] == (12_000, 12_000)


def train_again(path: Path, steps: list[tuple[int, int]]) -> TrainedPolicy:
    from tests.huracan.agent.planted_market import planted_market

    block = planted_market(1, days=5, day_bars=120)
    tell = lambda done, total: steps.append((done, total))  # noqa: E731 - shorter than a function
    return train_policy(block, SMALL, RULES, COSTS, tell, FileRecovery(path))


def test_killed_by_the_system_in_mid_training_and_resumed_it_gives_the_same_bytes(
    small: TrainedPolicy, tmp_path: Path
) -> None:
    path = tmp_path / "state"
    command = [sys.executable, "-m", "tests.huracan.agent.night.killed_training", str(path), "3"]
    ended = subprocess.run(command, cwd=ROOT, check=False, timeout=300)
    assert ended.returncode == -signal.SIGKILL
    recovery = Deadly(FileRecovery(path), -1)
    assert train(recovery).checkpoint == small.checkpoint
    assert recovery.loaded == [True]


def test_a_state_of_another_training_is_ignored(small: TrainedPolicy, tmp_path: Path) -> None:
    path = tmp_path / "state"
    kept: list[bytes] = []

    class Keeping:
        def load(self) -> bytes | None:
            return kept[-1] if kept else None

        def save(self, state: bytes) -> None:
            kept.append(state)

        def clear(self) -> None:
            path.unlink(missing_ok=True)

    train(Keeping(), replace(SMALL, seed=9))  # type: ignore[arg-type]
    assert train(Keeping()).checkpoint == small.checkpoint  # type: ignore[arg-type]


def test_a_state_of_other_code_or_of_another_layout_of_the_lanes_is_of_another_training(
    planted_market: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = planted_market(1, days=5, day_bars=120)
    found = {training_identity(block, SMALL, RULES, COSTS, "cpu")}
    with monkeypatch.context() as patch:
        wider = np.dtype([("more", np.float64), ("bar", np.int32)])
        patch.setattr("huracan.agent.night.training_identity.LANE", wider)
        found.add(training_identity(block, SMALL, RULES, COSTS, "cpu"))
    monkeypatch.setattr("huracan.agent.night.training_identity.code_digest", lambda source: "other")
    found.add(training_identity(block, SMALL, RULES, COSTS, "cpu"))
    assert len(found) == 3


def test_the_digest_of_the_code_follows_every_file_that_a_training_imports(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reached = closure("huracan.agent.night.train")
    names = {module.name.rpartition(".")[2] for module in reached}
    assert {
        "ppo",
        "compiled_engine",
        "torch_engine",
        "kernel_step",
        "training_lanes",
        "seed_process",
    } <= names
    digests = {code_digest("huracan.agent.night.train")}
    code_digest.cache_clear()
    monkeypatch.setattr("huracan.agent.night.training_identity.closure", lambda module: reached[1:])
    digests.add(code_digest("huracan.agent.night.train"))
    code_digest.cache_clear()
    assert len(digests) == 2


def test_a_learner_that_diverges_gives_no_policy(tmp_path: Path) -> None:
    recovery = FileRecovery(tmp_path / "state")
    wild = replace(SMALL.ppo, learning_rate=1.0, maximum_kl=0.05, target_kl=None)
    with pytest.raises(TrainingStopped, match=r"Seed 0 .*Update \d moved the policy"):
        train(recovery, replace(SMALL, ppo=wild))
    assert recovery.load() is None


@pytest.mark.parametrize("threads", [1, 2])
def test_one_diverging_seed_of_several_is_named_with_its_last_good_weights_and_no_state_is_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, threads: int
) -> None:
    recovery = FileRecovery(tmp_path / "state")
    real = training._Night.job

    def wild(night: Any, seed_index: int, normaliser: Any) -> SeedJob:
        job = real(night, seed_index, normaliser)
        ppo = replace(SMALL.ppo, learning_rate=1.0, maximum_kl=0.05, target_kl=None)
        return replace(job, config=replace(job.config, ppo=ppo)) if seed_index == 1 else job

    monkeypatch.setattr(training._Night, "job", wild)
    with pytest.raises(TrainingStopped, match=r"Seed 1 .*Update \d moved the policy") as stopped:
        train(recovery, replace(SMALL, threads=threads))
    assert np.isfinite(stopped.value.last_good["weights"]).all()
    assert recovery.load() is None


def test_the_report_and_the_checkpoint_name_the_days(planted_market: Maker, small: TrainedPolicy) -> None:
    days = [str(day) for day in planted_market(1, days=5, day_bars=120).days]
    told = read_agreement(small.checkpoint)["training"]
    assert (told["first_day"], told["last_day"]) == (days[0], days[2])
    held_out = small.report["held_out"]
    assert (held_out["first_day"], held_out["last_day"]) == (days[4], days[4])
    assert small.curve["steps"].to_pylist()[-1] >= SMALL.total_steps


def test_a_window_with_nothing_to_learn_from_is_refused_before_it_is_trained_on(
    planted_market: Maker,
) -> None:
    block = planted_market(1, days=5, day_bars=120)
    with pytest.raises(InputRefused, match="has 5 days and needs 10"):
        train_policy(block, QUICK, RULES, COSTS)
    still = replace(block, close=np.full_like(block.close, 3.0))
    with pytest.raises(InputRefused, match="The price of S0 is 3"):
        train_policy(still, SMALL, RULES, COSTS)


def test_values_that_explain_nothing_are_healthy_where_there_is_nothing_to_explain(
    small: TrainedPolicy,
) -> None:
    rows = small.curve.num_rows
    for column, value in (("explained_variance", -5.0), ("value_loss", 1e-4)):
        index = small.curve.schema.get_field_index(column)
        small = replace(small, curve=small.curve.set_column(index, column, pa.array(np.full(rows, value))))
    assert judge_learner(small, HealthLimits()).passed


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
    small: TrainedPolicy, column: str, value: float, word: str
) -> None:
    index = small.curve.schema.get_field_index(column)
    rows = np.full(small.curve.num_rows, value)
    sick = replace(small, curve=small.curve.set_column(index, column, pa.array(rows)))
    verdict = judge_learner(sick, HealthLimits())
    assert not verdict.passed
    assert word in verdict.reason


def test_other_limits_judge_otherwise_and_are_no_part_of_what_is_trained(small: TrainedPolicy) -> None:
    strict = HealthLimits(maximum_kl=1e-9)
    assert not judge_learner(small, strict).passed
    assert settings_of(replace(SMALL, health=strict)) == settings_of(SMALL)
    with pytest.raises(InvalidInput, match=r"training.health.maximum_kl was nan"):
        HealthLimits(maximum_kl=math.nan)
