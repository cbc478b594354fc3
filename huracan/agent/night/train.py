"""A night's training: several seeds on the head of a window, judged on its tail, and the median's checkpoint.

What one seed does is in `seed_job` and `seed_run`, what the days must be in `window`.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from threading import Event, Lock
from typing import Any

import pyarrow as pa

from huracan.agent.config import HealthLimits, TrainingConfig
from huracan.agent.diagnostics import CURVE_COLUMNS, TrainingStopped
from huracan.agent.engines.devices import EngineChoice, pick_device, pick_threads
from huracan.agent.night.learner_health import judge_curve
from huracan.agent.night.recovery import Recovery
from huracan.agent.night.recovery_book import RecoveryBook
from huracan.agent.night.seed_choice import dispersion, median_seed
from huracan.agent.night.seed_job import run_seed_job
from huracan.agent.night.seed_processes import SeedProcesses
from huracan.agent.night.seed_run import SeedJob, SeedRun, train_seed
from huracan.agent.night.side_by_side import run_side_by_side
from huracan.agent.night.training_identity import settings_of, training_identity
from huracan.agent.night.window import check_window, fit_normaliser, split_window
from huracan.agent.normaliser import Normaliser
from huracan.agent.policy.checkpoint import model_id_of, save_policy
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.observation import observation_names
from huracan.market.rules import TradingRules
from huracan.tables import arrow_schema
from huracan.verdict import Verdict

_TWIN = (
    "held_out and seeds are of the judged twin: the published seed as it was trained without the embargo and"
    " the held-out days. The published weights saw these days and were judged on none."
)


@dataclass(frozen=True)
class TrainedPolicy:
    """A night's result."""

    checkpoint: bytes
    model_id: str
    curve: pa.Table
    """One row per update of what is published, the fields of UpdateDiagnostics."""
    seed_curves: tuple[pa.Table, ...]
    """The same of every seed, in their order, as it was trained to be judged."""
    seed_checkpoints: tuple[bytes, ...]
    """Of every seed, in their order: the published one as it is published, the others as they were judged."""
    report: dict[str, Any]
    """JSON-able: `training` of what is published, `embargo_days`, `seed`, `held_out` of the published seed,
    `seeds`, the dispersion of all, and `refit`: None, or whose `held_out` it is where what is published was
    trained again on the whole window."""


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
    training goes on where it was saved last; a state of other inputs or other code is ignored. The same
    block, config, rules and costs give the same bytes, killed or not, with any number of threads.
    InputRefused where the window is too short or holds nothing to learn from; TrainingStopped where a learner
    diverges: one bad seed of several is reason enough to publish none. A block that the caller does not hold
    itself is let go of as soon as the seeds' processes share it.
    """
    config.check_holding(rules.maximum_holding)
    config = replace(config, threads=pick_threads(config.threads))
    split_window(block, config)  # refuses before anything is started
    device = pick_device(config.device)
    with ExitStack() as ending:
        # Early: they warm up while the window is looked through.
        started = SeedProcesses(config.seed_count) if _forks(config, device) else None
        processes = None if started is None else ending.enter_context(started)
        if processes is not None:
            block = processes.share(block)
        head, tail = split_window(block, config)
        seen = block if config.refits_whole_window else head
        for window in (head, seen):
            check_window(window)
        identity = "" if recovery is None else training_identity(seen, config, rules, costs, device)
        book = RecoveryBook(recovery, identity)
        night = _Night(config, rules, costs, device, book, _Progress(config, on_progress))
        try:
            results = night.train_seeds(head, tail, processes)
            published = median_seed([held_out["net_usd"] for _, held_out in results])
            refit = night.refit(seen, published) if seen is block else None
        except TrainingStopped:
            # Gone on from its last state, it would come to the same update and fail again.
            book.forget()
            raise
    trained = _publish(head, block, night, results, published, refit)
    book.forget()
    return trained


def judge_learner(trained: TrainedPolicy, limits: HealthLimits) -> Verdict:
    """Check `learner_health`, blocking, on the published seed."""
    return judge_curve(trained.curve, trained.report["held_out"], limits)


class _Progress:
    """Adds up the steps of trainings that may run side by side."""

    def __init__(self, config: TrainingConfig, tell: Callable[[int, int], None] | None) -> None:
        self._tell, self._lock = tell, Lock()
        # The refit comes after the seeds.
        self._steps = [0] * (config.seed_count + config.refits_whole_window)
        self._total = config.total_steps * len(self._steps)

    def tell(self, training: int, steps: int) -> None:
        with self._lock:
            self._steps[training] = steps
            if self._tell is not None:
                self._tell(sum(self._steps), self._total)


@dataclass(frozen=True)
class _Night:
    """What all trainings of a night have in common."""

    config: TrainingConfig
    rules: TradingRules
    costs: CostAssumptions
    device: str
    book: RecoveryBook
    progress: _Progress

    def train_seeds(
        self, head: MarketBlock, tail: MarketBlock, processes: SeedProcesses | None
    ) -> list[tuple[SeedRun, dict[str, Any]]]:
        """Every seed, trained on the head, with its numbers on the tail."""
        normaliser = _normaliser(head)

        def run(seed_index: int, stop: Event) -> tuple[SeedRun, dict[str, Any]]:
            job = self.job(seed_index, normaliser)
            tell = lambda steps: self.progress.tell(seed_index, steps)  # noqa: E731 - shorter than a function
            if processes is not None:
                return processes.run(job, self.book, tell, stop)
            return run_seed_job(job, head, tail, self.book, tell, stop.is_set)

        return run_side_by_side(run, self.config.seed_count, _at_once(self.config))

    def job(self, seed_index: int, normaliser: Normaliser) -> SeedJob:
        """The training of one seed of the night."""
        engine = self.engine(_engine_threads(self.config, seed_index))
        return SeedJob(self.config, self.rules, self.costs, seed_index, normaliser, engine)

    def refit(self, window: MarketBlock, seed_index: int) -> SeedRun:
        """The chosen seed once more, from scratch or from where the book left it, on all days."""
        job = self.job(seed_index, _normaliser(window))
        job = replace(job, engine=self.engine(self.config.threads), is_refit=True)
        tell = lambda steps: self.progress.tell(self.config.seed_count, steps)  # noqa: E731 - shorter than a function
        return train_seed(window, job, self.book, tell)

    def engine(self, threads: int) -> EngineChoice:
        """Where every network of the night is computed."""
        return EngineChoice(self.device, threads, self.config.mixed_precision)


def _normaliser(window: MarketBlock) -> Normaliser:
    return fit_normaliser(window, len(observation_names(window.feature_names)))


def _forks(config: TrainingConfig, device: str) -> bool:
    """Whether the seeds get processes of their own: a GPU is one, and one seed at a time needs none."""
    return device == "cpu" and _at_once(config) > 1


def _at_once(config: TrainingConfig) -> int:
    """How many seeds run at a time: all where the training may have every core, which the system then shares
    out evenly, so that none stands idle in a last round."""
    takes_all = 1 < config.threads >= pick_threads(0)
    return config.seed_count if takes_all else min(config.threads, config.seed_count)


def _engine_threads(config: TrainingConfig, seed_index: int) -> int:
    """Of a seed: one, unless it is of a last round that leaves threads idle. It changes no bit."""
    if config.seed_count > config.threads and _at_once(config) == config.seed_count:
        return 1
    left_over = config.seed_count % config.threads
    is_last_round = seed_index >= config.seed_count - left_over
    return config.threads // left_over if left_over and is_last_round else 1


def _publish(
    head: MarketBlock,
    block: MarketBlock,
    night: _Night,
    results: list[tuple[SeedRun, dict[str, Any]]],
    published: int,
    refit: SeedRun | None,
) -> TrainedPolicy:
    judged, held_out = results[published]
    told = None
    if refit is not None:
        twin = _facts(head, night, judged, is_refit=False)
        told = {
            "note": _TWIN,
            "judged_model_id": model_id_of(save_policy(judged.policy, twin)),
            "judged_first_day": twin["first_day"],
            "judged_last_day": twin["last_day"],
        }
    chosen, window = (judged, head) if refit is None else (refit, block)
    training = _facts(window, night, chosen, is_refit=refit is not None)
    report = {
        "training": training,
        "embargo_days": night.config.embargo_days,
        "seed": night.config.seed,
        "held_out": held_out,
        "seeds": dispersion([numbers for _, numbers in results], published),
        "refit": told,
    }
    checkpoint = save_policy(chosen.policy, training)
    return TrainedPolicy(
        checkpoint=checkpoint,
        model_id=model_id_of(checkpoint),
        curve=_curve(chosen),
        seed_curves=tuple(_curve(run) for run, _ in results),
        seed_checkpoints=tuple(
            checkpoint
            if place == published
            else save_policy(run.policy, _facts(head, night, run, is_refit=False))
            for place, (run, _) in enumerate(results)
        ),
        report=report,
    )


def _curve(run: SeedRun) -> pa.Table:
    return pa.Table.from_pylist([asdict(row) for row in run.curve], schema=arrow_schema(CURVE_COLUMNS))


def _facts(window: MarketBlock, night: _Night, run: SeedRun, *, is_refit: bool) -> dict[str, Any]:
    return {
        "config": settings_of(night.config),
        "rules": asdict(night.rules),
        "costs": asdict(night.costs),
        "symbols": list(window.symbols),
        "first_day": str(window.days[0]),
        "last_day": str(window.days[-1]),
        "decision_minutes": window.decision_bars * window.bar_minutes,
        "steps": run.curve[-1].steps,
        "updates": run.curve[-1].update,
        "seed_place": run.seed_index,
        "is_refit": is_refit,
    }
