"""A night's training: several seeds on the head of a window, judged on its tail, and the median's checkpoint.

What one seed does is in `seed_run`, what the days must be in `window`.
"""

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa

from huracan.agent.checkpoint import FORMAT, model_id_of, save_policy
from huracan.agent.config import TrainingConfig
from huracan.agent.devices import pick_device
from huracan.agent.evaluation import evaluate_policy
from huracan.agent.learner_health import HealthLimits, judge_curve
from huracan.agent.recovery import Recovery
from huracan.agent.seed_choice import dispersion, median_seed
from huracan.agent.seed_run import RecoveryBook, SeedRun, seed_sequences, train_seed
from huracan.agent.window import check_window, digest_block, fit_normaliser, split_window
from huracan.market.actions import ACTION_VERSION
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.observation import OBSERVATION_VERSION, observation_names
from huracan.market.rules import TradingRules
from huracan.verdict import Verdict


@dataclass(frozen=True)
class TrainedPolicy:
    """A night's result."""

    checkpoint: bytes
    model_id: str
    curve: pa.Table
    """One row per update of the published seed, the fields of UpdateDiagnostics."""
    report: dict[str, Any]
    """JSON-able: `training`, `embargo_days`, `seed`, `held_out` of the published seed, and `seeds`, the
    dispersion of all."""


def train_policy(
    block: MarketBlock,
    config: TrainingConfig,
    rules: TradingRules,
    costs: CostAssumptions,
    on_progress: Callable[[int, int], None] | None = None,
    recovery: Recovery | None = None,
) -> TrainedPolicy:
    """Trains on the head of the window and judges on the held-out tail, with an embargo between.

    `on_progress` gets the steps done and the steps in all, of all seeds together. With a `recovery` a killed
    training goes on where it was saved last; a state of other inputs is ignored. The same block, config,
    rules and costs give the same bytes, killed or not, with any number of threads. InputRefused where the
    window is too short or holds nothing to learn from; TrainingStopped where a learner diverges.
    """
    head, tail = split_window(block, config)
    check_window(head)
    device = pick_device(config.device)
    identity = "" if recovery is None else _identity(head, config, rules, costs, device)
    book = RecoveryBook(recovery, identity)
    normaliser = fit_normaliser(head, len(observation_names(head.feature_names)))
    progress = _Progress(config, on_progress)

    def run(place: int) -> tuple[SeedRun, dict[str, Any]]:
        trained = train_seed(
            head, config, rules, costs,
            place=place,
            normaliser=normaliser,
            device=device,
            engine_threads=_engine_threads(config, place),
            book=book,
            on_steps=lambda steps: progress.tell(place, steps),
        )  # fmt: skip
        # The same guesses for every seed: their results differ by the policies alone.
        guesses = np.random.default_rng(seed_sequences(config)[0])
        return trained, evaluate_policy(tail, trained.policy, rules, costs, guesses)

    results = _side_by_side(run, config)
    published = median_seed([held_out["net_usd"] for _, held_out in results])
    trained = _publish(head, config, rules, costs, results, published)
    if recovery is not None:
        recovery.clear()
    return trained


def judge_learner(trained: TrainedPolicy, limits: HealthLimits | None = None) -> Verdict:
    """Rule "learner_health", blocking, on the published seed."""
    return judge_curve(trained.curve, trained.report["held_out"], limits or HealthLimits())


class _Progress:
    """Adds up the steps of seeds that may run side by side."""

    def __init__(self, config: TrainingConfig, tell: Callable[[int, int], None] | None) -> None:
        self._tell, self._lock = tell, Lock()
        self._steps = [0] * config.seed_count
        self._total = config.total_steps * config.seed_count

    def tell(self, place: int, steps: int) -> None:
        with self._lock:
            self._steps[place] = steps
            if self._tell is not None:
                self._tell(sum(self._steps), self._total)


def _side_by_side(
    run: Callable[[int], tuple[SeedRun, dict[str, Any]]], config: TrainingConfig
) -> list[tuple[SeedRun, dict[str, Any]]]:
    if min(config.threads, config.seed_count) == 1:
        return [run(place) for place in range(config.seed_count)]
    # The engines and the market let go of the interpreter's lock while they count.
    pool = ThreadPoolExecutor(min(config.threads, config.seed_count))
    try:
        return list(pool.map(run, range(config.seed_count)))
    finally:
        pool.shutdown(cancel_futures=True)


def _engine_threads(config: TrainingConfig, place: int) -> int:
    """Of a seed: one, unless it is of a last round that leaves threads idle. It changes no bit."""
    left_over = config.seed_count % config.threads
    is_last_round = place >= config.seed_count - left_over
    return config.threads // left_over if left_over and is_last_round else 1


def _publish(
    head: MarketBlock,
    config: TrainingConfig,
    rules: TradingRules,
    costs: CostAssumptions,
    results: list[tuple[SeedRun, dict[str, Any]]],
    published: int,
) -> TrainedPolicy:
    chosen, held_out = results[published]
    training = {
        "config": _settings(config),
        "rules": asdict(rules),
        "costs": asdict(costs),
        "symbols": list(head.symbols),
        "first_day": str(head.days[0]),
        "last_day": str(head.days[-1]),
        "steps": chosen.curve[-1].steps,
        "updates": chosen.curve[-1].update,
        "seed_place": published,
    }
    report = {
        "training": training,
        "embargo_days": config.embargo_days,
        "seed": config.seed,
        "held_out": held_out,
        "seeds": dispersion([judged for _, judged in results], published),
    }
    checkpoint = save_policy(chosen.policy, training)
    curve = pa.Table.from_pylist([asdict(row) for row in chosen.curve])
    return TrainedPolicy(checkpoint, model_id_of(checkpoint), curve, report)


def _settings(config: TrainingConfig) -> dict[str, Any]:
    """Without what is of the machine: it must not change a checkpoint's identity by its metadata."""
    of_machine = ("threads", "device", "mixed_precision", "recovery_updates")
    return {name: value for name, value in asdict(config).items() if name not in of_machine}


def _identity(
    head: MarketBlock, config: TrainingConfig, rules: TradingRules, costs: CostAssumptions, device: str
) -> str:
    """A digest of everything that a seed's course depends on."""
    facts = {
        "block": digest_block(head),
        "config": _settings(config),
        "rules": asdict(rules),
        "costs": asdict(costs),
        "device": [device, config.mixed_precision],
        "versions": [FORMAT, OBSERVATION_VERSION, ACTION_VERSION],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
