"""One seed of a night: its lanes, its learner and its result. Which seed is published is judged elsewhere."""

import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from huracan.agent.config import TrainingConfig
from huracan.agent.diagnostics import TrainingStopped, UpdateDiagnostics
from huracan.agent.engines.devices import EngineChoice
from huracan.agent.layout import spread_weights
from huracan.agent.night.recovery_book import StateBook
from huracan.agent.night.side_by_side import Halted
from huracan.agent.normaliser import Normaliser
from huracan.agent.policy.bias_kernel import CompiledBias
from huracan.agent.policy.context_bias import ContextBias
from huracan.agent.policy.greedy_policy import GreedyPolicy
from huracan.agent.ppo import Learner, Perception
from huracan.market.actions import HOLD, WAIT
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.training_lanes import LaneStarts, TrainingLanes
from huracan.market.rules import TradingRules

_COLUMNS = tuple(field.name for field in fields(UpdateDiagnostics))
_STILL = (WAIT.name, HOLD.name)
_WHOLE = ("update", "steps", "epochs_done")


@dataclass(frozen=True)
class SeedJob:
    """What is to be trained on a window that whoever runs it has."""

    config: TrainingConfig
    rules: TradingRules
    costs: CostAssumptions
    seed_index: int
    """0 for the first seed of the night."""
    normaliser: Normaliser
    """Fitted on the window."""
    engine: EngineChoice
    is_refit: bool = False


@dataclass(frozen=True, eq=False)
class SeedRun:
    """What came of a seed."""

    seed_index: int
    """0 for the first seed of the night."""
    policy: GreedyPolicy
    curve: tuple[UpdateDiagnostics, ...]


def train_seed(
    window: MarketBlock,
    job: SeedJob,
    book: StateBook,
    on_steps: Callable[[int], None],
    is_stopped: Callable[[], bool] = lambda: False,
) -> SeedRun:
    """Trains the job's seed on the window, from where the book left it.

    `on_steps` gets the steps done. The result depends on window and job alone, whatever runs beside it.
    TrainingStopped, which names the seed, where it diverges; Halted once `is_stopped` says so.
    """
    config, learner, lanes = job.config, *make_learner(window, job)
    name = "refit" if job.is_refit else str(job.seed_index)
    rows: list[UpdateDiagnostics] = []
    left = book.found(name)
    if left is not None:
        learner.restore(left["learner"])
        rows += _read_rows(left["curve"])
        on_steps(min(rows[-1].steps, config.total_steps))

    def prepare(share: float) -> None:
        if is_stopped():
            raise Halted
        lanes.set_progress(share, config.cost_ramp_share)

    def keep_row(row: UpdateDiagnostics) -> None:
        rows.append(row)
        on_steps(min(row.steps, config.total_steps))

    def keep_state() -> None:
        is_last = rows[-1].steps >= config.total_steps
        if is_last or learner.updates_done % config.recovery_updates == 0:
            book.keep(name, {"learner": learner.snapshot(), "curve": _write_rows(rows)})

    try:
        learner.train(config.total_steps, keep_row, prepare, keep_state if book.is_kept else None)
    except TrainingStopped as stopped:
        who = f"{'The refit of seed' if job.is_refit else 'Seed'} {job.seed_index} (the first one is 0)"
        raise TrainingStopped(f"{who} was stopped. {stopped.what}", stopped.last_good) from stopped
    return SeedRun(job.seed_index, policy_of(learner, lanes, config), tuple(rows))


def make_learner(window: MarketBlock, job: SeedJob) -> tuple[Learner, TrainingLanes]:
    """The job's learner before its first update, and the lanes that it steps."""
    config = job.config
    lanes_seed, learner_seed = seed_sequences(config)[job.seed_index + 1].spawn(2)
    ppo = config.ppo.at(window.decision_bars * window.bar_minutes)
    reward = replace(config.reward, discount=ppo.discount)
    starts = LaneStarts(np.random.default_rng(lanes_seed), config.episode, config.recency_half_life_days)
    costs = replace(job.costs, multiplier=job.costs.multiplier * config.cost_multiplier)
    lanes = TrainingLanes(window, job.rules, costs, config.lanes, starts, reward)
    names, actions = lanes.observation_names, lanes.action_names
    bias = ContextBias(names, actions, config.bias) if config.bias.is_on else None
    learner = Learner(
        lanes,
        ppo,
        learner_seed,
        perception=Perception(
            normaliser=copy.deepcopy(job.normaliser),
            bias=None if bias is None else CompiledBias(bias),
        ),
        initial_bias=tuple(0.0 if name in _STILL else config.initial_bias for name in actions),
        engine=job.engine,
    )
    return learner, lanes


def policy_of(learner: Learner, lanes: TrainingLanes, config: TrainingConfig) -> GreedyPolicy:
    """What the learner has learned so far, frozen."""
    names, actions = lanes.observation_names, lanes.action_names
    return GreedyPolicy(
        weights=spread_weights(
            learner.engine.state()["weights"], learner.columns, len(names), len(actions), config.ppo.hidden
        ),
        hidden=config.ppo.hidden,
        normaliser=learner.normaliser,
        observation_names=names,
        action_names=actions,
        bias=ContextBias(names, actions, config.bias) if config.bias.is_on else None,
        value_scale=learner.return_scale.deviation if config.ppo.scales_rewards else 1.0,
    )


def seed_sequences(config: TrainingConfig) -> list[np.random.SeedSequence]:
    """The judge's, then one per seed: a night of more seeds begins with the same ones."""
    return np.random.SeedSequence(config.seed).spawn(1 + config.seed_count)


def _write_rows(rows: list[UpdateDiagnostics]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([tuple(asdict(row).values()) for row in rows], np.float64)


def _read_rows(table: np.ndarray[Any, np.dtype[np.float64]]) -> list[UpdateDiagnostics]:
    found = []
    for line in table.tolist():
        values = dict(zip(_COLUMNS, line, strict=True))
        found.append(UpdateDiagnostics(**{**values, **{name: int(values[name]) for name in _WHOLE}}))
    return found
