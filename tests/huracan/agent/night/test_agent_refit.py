"""The published seed trained again on the whole window: what it saw, what is told of it, killed within."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from huracan.agent.diagnostics import TrainingStopped
from huracan.agent.engines.devices import EngineChoice
from huracan.agent.night import train as training
from huracan.agent.night.recovery import FileRecovery
from huracan.agent.night.recovery_book import RecoveryBook
from huracan.agent.night.seed_run import SeedJob, SeedRun, train_seed
from huracan.agent.night.train import TrainedPolicy, train_policy
from huracan.agent.night.window import fit_normaliser
from huracan.agent.policy.checkpoint import load_policy, read_agreement
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules
from tests.huracan.agent.night.killed_training import SMALL, Deadly, train

pytestmark = pytest.mark.slow  # policies are trained

REFIT = replace(SMALL, refits_whole_window=True, recency_half_life_days=2.0)
RULES, COSTS = TradingRules(), CostAssumptions()
Maker = Callable[..., MarketBlock]


@pytest.fixture(scope="module")
def judged() -> TrainedPolicy:
    return train(None, replace(REFIT, refits_whole_window=False))


@pytest.fixture(scope="module")
def refit() -> TrainedPolicy:
    return train(None, REFIT)


@pytest.fixture(scope="module")
def block(planted_market: Maker) -> MarketBlock:
    return planted_market(1, days=5, day_bars=120)


def test_what_is_published_is_the_chosen_seed_trained_from_scratch_on_the_whole_window(
    refit: TrainedPolicy, block: MarketBlock
) -> None:
    policy = load_policy(refit.checkpoint)
    normaliser = fit_normaliser(block, policy.normaliser.width)
    published = refit.report["seeds"]["published"]
    job = SeedJob(REFIT, RULES, COSTS, published, normaliser, EngineChoice("cpu"))
    by_hand = train_seed(block, job, RecoveryBook(None, ""), lambda steps: None)
    assert np.array_equal(policy.weights, by_hand.policy.weights)
    assert np.array_equal(policy.normaliser.mean, normaliser.mean)
    assert refit.curve["entropy"].to_pylist() == [row.entropy for row in by_hand.curve]


def test_the_held_out_result_stays_that_of_the_judged_twin_and_says_so(
    refit: TrainedPolicy, judged: TrainedPolicy, block: MarketBlock
) -> None:
    days = [str(day) for day in block.days]
    assert refit.report["held_out"] == judged.report["held_out"]
    assert refit.report["seeds"] == judged.report["seeds"]
    for told in (refit.report["training"], read_agreement(refit.checkpoint)["training"]):
        assert told["is_refit"]
        assert (told["first_day"], told["last_day"]) == (days[0], days[4])
    told = refit.report["refit"]
    assert (told["judged_first_day"], told["judged_last_day"]) == (days[0], days[2])
    assert "judged twin" in told["note"]
    assert told["judged_model_id"] not in (refit.model_id, judged.model_id)
    assert not judged.report["training"]["is_refit"]
    assert judged.report["refit"] is None
    assert refit.seed_checkpoints[refit.report["seeds"]["published"]] == refit.checkpoint
    assert not np.array_equal(load_policy(refit.checkpoint).weights, load_policy(judged.checkpoint).weights)


@pytest.mark.parametrize("saves", [12, 14, 18])
def test_killed_in_the_refit_and_resumed_it_gives_the_same_bytes(
    refit: TrainedPolicy, block: MarketBlock, tmp_path: Path, saves: int
) -> None:
    class Stop(BaseException):
        """What no code catches, like a kill."""

    class Broken(Deadly):
        def save(self, state: bytes) -> None:
            self.inner.save(state)
            self.saves -= 1
            if self.saves == 0:
                raise Stop

    recovery, steps = FileRecovery(tmp_path / "state"), list[tuple[int, int]]()
    with pytest.raises(Stop):
        train(Broken(recovery, saves), REFIT)
    tell = lambda done, total: steps.append((done, total))  # noqa: E731 - shorter than a function
    resumed = train_policy(block, replace(REFIT, threads=2), RULES, COSTS, tell, recovery)
    assert resumed.checkpoint == refit.checkpoint
    assert resumed.report == refit.report
    assert resumed.curve.equals(refit.curve)
    assert steps[-1] == (18_000, 18_000)
    # Both seeds and, where it had begun, the refit are told once; then six updates less those done.
    assert len(steps) == 2 + (saves > 12) + 18 - saves
    assert not recovery.path.exists()


def test_a_state_of_a_window_with_another_tail_is_not_gone_on_with(
    refit: TrainedPolicy, block: MarketBlock, tmp_path: Path
) -> None:
    class Keeping(FileRecovery):
        def clear(self) -> None:
            """Keeps the finished state."""

    features = block.features.copy()
    features[:, -1, 0] = 9.0
    other = train_policy(
        replace(block, features=features), REFIT, RULES, COSTS, None, Keeping(tmp_path / "state")
    )
    assert other.model_id != refit.model_id
    assert train(FileRecovery(tmp_path / "state"), REFIT).checkpoint == refit.checkpoint


def test_a_refit_that_diverges_says_so_and_publishes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = training.train_seed

    def wild(block: MarketBlock, job: SeedJob, *rest: Any) -> SeedRun:
        ppo = replace(SMALL.ppo, learning_rate=1.0, maximum_kl=0.05, target_kl=None)
        return real(block, replace(job, config=replace(REFIT, ppo=ppo)) if job.is_refit else job, *rest)

    monkeypatch.setattr(training, "train_seed", wild)
    with pytest.raises(TrainingStopped, match=r"The refit of seed \d .*Update \d moved the policy"):
        train(None, REFIT)
