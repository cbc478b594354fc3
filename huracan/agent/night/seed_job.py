"""One seed's training and its judgement on the held-out tail, wherever they run: in a thread or a process."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from huracan.agent.config import TrainingConfig
from huracan.agent.night.recovery_book import StateBook
from huracan.agent.night.seed_run import SeedRun, seed_sequences, train_seed
from huracan.agent.normaliser import Normaliser
from huracan.agent.policy.evaluation import evaluate_policy
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules


@dataclass(frozen=True)
class SeedJob:
    """What is to be trained on a window that whoever runs it has."""

    config: TrainingConfig
    rules: TradingRules
    costs: CostAssumptions
    place: int
    """0 for the first seed of the night."""
    normaliser: Normaliser
    """Fitted on the head."""
    device: str
    engine_threads: int


def run_seed_job(
    job: SeedJob,
    head: MarketBlock,
    tail: MarketBlock,
    book: StateBook,
    on_steps: Callable[[int], None],
    is_stopped: Callable[[], bool],
) -> tuple[SeedRun, dict[str, Any]]:
    """The seed, trained on the head, and its numbers on the tail. Raises what `train_seed` raises."""
    trained = train_seed(
        head, job.config, job.rules, job.costs,
        place=job.place,
        normaliser=job.normaliser,
        device=job.device,
        engine_threads=job.engine_threads,
        book=book,
        on_steps=on_steps,
        is_stopped=is_stopped,
    )  # fmt: skip
    # The same guesses for every seed: their results differ by the policies alone.
    guesses = np.random.default_rng(seed_sequences(job.config)[0])
    return trained, evaluate_policy(tail, trained.policy, job.rules, job.costs, guesses)
