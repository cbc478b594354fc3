"""Run as a program: a small training that ends itself by SIGKILL after its state was saved a few times.

python -m tests.huracan.agent.night.killed_training STATE_FILE SAVES [THREADS]

Before it ends itself it prints the processes that it had started.
"""

import os
import signal
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from huracan.agent.config import PPOConfig, TrainingConfig
from huracan.agent.night.recovery import FileRecovery
from huracan.agent.night.train import TrainedPolicy, train_policy
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules
from tests.huracan.agent.planted_market import planted_market

SMALL = TrainingConfig(
    seed_count=2,
    total_steps=6_000,
    lanes=64,
    held_out_days=1,
    embargo_days=1,
    threads=1,
    device="cpu",
    recovery_updates=1,
    ppo=PPOConfig(rollout_steps=16, hidden=(16,), minibatches=4),
)


@dataclass
class Deadly:
    """Keeps states in a file, and kills its own process once it kept `saves` of them."""

    inner: FileRecovery
    saves: int
    loaded: list[bool] = field(default_factory=list)

    def load(self) -> bytes | None:
        found = self.inner.load()
        self.loaded.append(found is not None)
        return found

    def save(self, state: bytes) -> None:
        self.inner.save(state)
        self.saves -= 1
        if self.saves == 0:
            print(*(child.pid for child in psutil.Process().children()), flush=True)  # noqa: T201 - its answer
            os.kill(os.getpid(), signal.SIGKILL)

    def clear(self) -> None:
        self.inner.clear()


def train(recovery: Deadly | FileRecovery | None, config: TrainingConfig = SMALL) -> TrainedPolicy:
    """The training, with or without a place for its state."""
    block = planted_market(1, days=5, day_bars=120)
    return train_policy(block, config, TradingRules(), CostAssumptions(), recovery=recovery)


if __name__ == "__main__":
    asked = replace(SMALL, threads=int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    train(Deadly(FileRecovery(Path(sys.argv[1])), int(sys.argv[2])), asked)
