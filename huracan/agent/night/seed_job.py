"""One seed's training and its judgement on the held-out tail, wherever they run: in a thread or a process."""

from collections.abc import Callable
from typing import Any

from huracan.agent.night.recovery_book import StateBook
from huracan.agent.night.seed_run import SeedJob, SeedRun, train_seed
from huracan.agent.policy.evaluation import evaluate_policy, judges_generator
from huracan.market.block import MarketBlock


def run_seed_job(
    job: SeedJob,
    head: MarketBlock,
    tail: MarketBlock,
    book: StateBook,
    on_steps: Callable[[int], None],
    is_stopped: Callable[[], bool],
) -> tuple[SeedRun, dict[str, Any]]:
    """The seed, trained on the head, and its numbers on the tail. Raises what `train_seed` raises."""
    trained = train_seed(head, job, book, on_steps, is_stopped)
    # The same guesses for every seed: their results differ by the policies alone.
    guesses = judges_generator(job.config.seed)
    return trained, evaluate_policy(tail, trained.policy, job.rules, job.costs, guesses)
