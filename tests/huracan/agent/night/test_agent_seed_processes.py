"""Seeds in processes of their own: the bytes of one process, and no process that outlives its night."""

import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from huracan.agent.diagnostics import TrainingStopped
from huracan.agent.night import train as training
from huracan.agent.night.recovery import FileRecovery
from huracan.agent.night.seed_run import SeedJob
from huracan.agent.night.train import TrainedPolicy, train_policy
from huracan.agent.normaliser import Normaliser
from huracan.errors import HuracanError, InputRefused, InvalidInput, Unavailable
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules
from tests.huracan.agent.night.killed_training import SMALL
from tests.huracan.agent.planted_market import planted_market

pytestmark = pytest.mark.slow  # policies are trained in processes of their own

ROOT = Path(__file__).parents[4]
LONG = replace(SMALL, threads=2, total_steps=1_024_000)
"""A thousand updates a seed: nobody waits for their end."""


@pytest.fixture(scope="module")
def block() -> MarketBlock:
    return planted_market(1, days=5, day_bars=120)


def train(
    block: MarketBlock, config: Any, tell: Callable[[int, int], None] | None = None, **options: Any
) -> TrainedPolicy:
    return train_policy(block, config, TradingRules(), CostAssumptions(), tell, **options)


def seed_processes() -> list[psutil.Process]:
    return [each for each in psutil.Process().children() if _trains(each)]


def _trains(process: psutil.Process) -> bool:
    try:
        return "huracan.agent.night.seed_process" in process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


@dataclass
class Watched:
    """A training in two processes, and what was told and seen while it ran."""

    trained: TrainedPolicy
    told: list[tuple[int, int]]
    pids: set[int]


@pytest.fixture(scope="module")
def beside(block: MarketBlock) -> Watched:
    told: list[tuple[int, int]] = []
    pids: set[int] = set()

    def tell(done: int, total: int) -> None:
        told.append((done, total))
        pids.update(process.pid for process in seed_processes())

    return Watched(train(block, replace(SMALL, threads=2), tell), told, pids)


def test_processes_give_the_bytes_of_one_seed_after_the_other(block: MarketBlock, tmp_path: Path) -> None:
    three = replace(SMALL, seed_count=3)
    alone = train(block, three)
    for threads in (2, 64):
        beside = train(block, replace(three, threads=threads), recovery=FileRecovery(tmp_path / "state"))
        assert beside.checkpoint == alone.checkpoint
        assert beside.report == alone.report
        assert beside.curve.equals(alone.curve)
    assert not seed_processes()


def test_the_seeds_really_run_in_processes_of_their_own(beside: Watched) -> None:
    assert len(beside.pids) == 2


def test_progress_grows_to_the_budget_of_all_seeds(beside: Watched) -> None:
    assert beside.told[-1] == (12_000, 12_000)
    assert [done for done, _ in beside.told] == sorted(done for done, _ in beside.told)


def test_a_seed_stops_soon_once_another_has_failed(
    block: MarketBlock, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = training._Night.job

    def wild(night: Any, seed_index: int, normaliser: Normaliser) -> SeedJob:
        job = real(night, seed_index, normaliser)
        ppo = replace(job.config.ppo, learning_rate=1.0, maximum_kl=0.05, target_kl=None)
        return replace(job, config=replace(job.config, ppo=ppo)) if seed_index == 0 else job

    told: list[int] = []
    monkeypatch.setattr(training._Night, "job", wild)
    with pytest.raises(TrainingStopped, match="Seed 0 ") as stopped:
        train(block, LONG, lambda done, total: told.append(done))
    assert "In the process of seed 0" in stopped.value.__notes__[0]
    assert max(told, default=0) < 1_000_000
    assert not seed_processes()


def test_an_error_of_a_seed_arrives_as_what_it_is(
    block: MarketBlock, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = training._Night.job

    def misfit(night: Any, seed_index: int, normaliser: Normaliser) -> SeedJob:
        return replace(real(night, seed_index, normaliser), costs=None)  # type: ignore[arg-type]

    monkeypatch.setattr(training._Night, "job", misfit)
    with pytest.raises(AttributeError, match="'NoneType' object has no attribute") as raised:
        train(block, replace(SMALL, threads=2))
    assert "In the process of seed " in raised.value.__notes__[0]


@pytest.mark.parametrize("kind", [InvalidInput, InputRefused, Unavailable])
def test_an_error_keeps_its_remedy_on_the_way_between_processes(kind: type[HuracanError]) -> None:
    found = pickle.loads(pickle.dumps(kind("The lake is dry.", "Wait for rain.")))
    assert (type(found), found.what, found.remedy) == (kind, "The lake is dry.", "Wait for rain.")


def test_a_seed_whose_process_is_killed_is_named_and_the_other_ends(block: MarketBlock) -> None:
    killed: list[psutil.Process] = []

    def kill_one(done: int, total: int) -> None:
        if done > 20_000 and not killed:
            killed.append(seed_processes()[0])
            killed[0].kill()

    with pytest.raises(Unavailable, match=r"The process of seed \d was killed .*for lack of memory") as told:
        train(block, LONG, kill_one)
    assert "training.lanes" in told.value.remedy
    assert not seed_processes()


def test_a_seed_whose_process_ends_by_a_fault_of_its_own_is_told_by_the_signal(block: MarketBlock) -> None:
    hit: list[psutil.Process] = []

    def hit_one(done: int, total: int) -> None:
        if done > 20_000 and not hit:
            hit.append(seed_processes()[0])
            hit[0].send_signal(signal.SIGSEGV)

    with pytest.raises(Unavailable, match=r"The process of seed \d ended by SIGSEGV before"):
        train(block, LONG, hit_one)


def test_whatever_ends_the_night_ends_its_processes(block: MarketBlock) -> None:
    class Stop(BaseException):
        """What no code catches."""

    def stop(done: int, total: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        train(block, LONG, stop)
    assert not seed_processes()


def test_a_night_killed_by_the_system_leaves_no_process_and_is_resumed_to_the_same_bytes(
    block: MarketBlock, beside: Watched, tmp_path: Path
) -> None:
    path = tmp_path / "state"
    command = [sys.executable, "-m", "tests.huracan.agent.night.killed_training", str(path), "5", "2"]
    ended = subprocess.run(command, cwd=ROOT, check=False, timeout=300, capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    orphans = [int(pid) for pid in ended.stdout.split()]
    assert len(orphans) == 2
    living = [psutil.Process(pid) for pid in orphans if psutil.pid_exists(pid)]
    assert not psutil.wait_procs(living, timeout=30)[1]
    steps: list[int] = []
    recovery = FileRecovery(path)
    resumed = train(
        block, replace(SMALL, threads=2), lambda done, total: steps.append(done), recovery=recovery
    )
    assert resumed.checkpoint == beside.trained.checkpoint
    # Five of twelve updates were kept: they are told of once a seed, and not done again.
    assert len(steps) < 12


@pytest.mark.parametrize(
    ("threads", "cores", "at_once", "engine_threads"),
    [
        (1, 2, 1, [1, 1, 1]),
        (2, 2, 3, [1, 1, 1]),  # the system shares two cores out among three
        (2, 8, 2, [1, 1, 2]),  # two cores of eight and no more: the last seed has both
        (6, 8, 3, [2, 2, 2]),
    ],
)
def test_the_seeds_use_the_cores_that_the_training_may_have(
    monkeypatch: pytest.MonkeyPatch, threads: int, cores: int, at_once: int, engine_threads: list[int]
) -> None:
    monkeypatch.setattr(training, "pick_threads", lambda asked: asked or cores)
    config = replace(SMALL, seed_count=3, threads=threads)
    assert training._at_once(config) == at_once
    assert [training._engine_threads(config, seed_index) for seed_index in range(3)] == engine_threads
