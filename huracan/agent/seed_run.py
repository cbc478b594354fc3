"""One seed of a night: its lanes, its learner and its result. Which seed is published is judged elsewhere."""

import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from threading import Lock
from typing import Any

import numpy as np

from huracan.agent.config import TrainingConfig
from huracan.agent.context_bias import ContextBias
from huracan.agent.diagnostics import UpdateDiagnostics
from huracan.agent.normaliser import Normaliser
from huracan.agent.ppo import Learner
from huracan.agent.recovery import Recovery, pack_state, unpack_state
from huracan.agent.trained_policy import GreedyPolicy
from huracan.market.actions import HOLD, WAIT
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules
from huracan.market.training_lanes import TrainingLanes

_COLUMNS = tuple(field.name for field in fields(UpdateDiagnostics))
_STILL = (WAIT.name, HOLD.name)
_WHOLE = ("update", "steps", "epochs_done")


@dataclass(frozen=True, eq=False)
class SeedRun:
    """What came of a seed."""

    place: int
    """0 for the first seed of the night."""
    policy: GreedyPolicy
    curve: tuple[UpdateDiagnostics, ...]


class RecoveryBook:
    """The states of all seeds, saved together. Any thread may keep its own."""

    def __init__(self, recovery: Recovery | None, identity: str) -> None:
        self._recovery, self._identity, self._lock = recovery, identity, Lock()
        packed = None if recovery is None else recovery.load()
        self._states = {} if packed is None else unpack_state(packed, identity) or {}

    @property
    def is_kept(self) -> bool:
        """Whether anybody keeps the states."""
        return self._recovery is not None

    def found(self, place: int) -> dict[str, Any] | None:
        """The state that a seed was left in, or None."""
        packed = self._states.get(str(place))
        return None if packed is None else unpack_state(packed.tobytes(), self._identity)

    def keep(self, place: int, state: dict[str, Any]) -> None:
        """Saves a seed's state beside those of the others."""
        packed = np.frombuffer(pack_state(state, self._identity), np.uint8)
        with self._lock:
            self._states[str(place)] = packed
            if self._recovery is not None:
                self._recovery.save(pack_state(self._states, self._identity))


def train_seed(
    head: MarketBlock,
    config: TrainingConfig,
    rules: TradingRules,
    costs: CostAssumptions,
    *,
    place: int,
    normaliser: Normaliser,
    device: str,
    engine_threads: int,
    book: RecoveryBook,
    on_steps: Callable[[int], None],
) -> SeedRun:
    """Trains the seed `place` on the head of the window, from where the book left it.

    `on_steps` gets the steps done. The result depends on the arguments alone, whatever runs beside it.
    """
    lanes_seed, learner_seed = seed_sequences(config)[place + 1].spawn(2)
    reward = replace(config.reward, discount=config.ppo.gamma)
    generator = np.random.default_rng(lanes_seed)
    lanes = TrainingLanes(head, rules, costs, config.lanes, generator, reward, config.recency_half_life_days)
    names, actions = lanes.environment.observation_names, lanes.action_names
    bias = ContextBias(names, actions, config.bias) if config.bias.is_on else None
    learner = Learner(
        lanes,
        config.ppo,
        learner_seed,
        normaliser=copy.deepcopy(normaliser),
        bias=bias,
        initial_bias=tuple(0.0 if name in _STILL else config.initial_bias for name in actions),
        device=device,
        threads=engine_threads,
        mixed_precision=config.mixed_precision,
    )
    rows: list[UpdateDiagnostics] = []
    left = book.found(place)
    if left is not None:
        learner.restore(left["learner"])
        rows += _read_rows(left["curve"])

    def keep_row(row: UpdateDiagnostics) -> None:
        rows.append(row)
        on_steps(min(row.steps, config.total_steps))

    def keep_state() -> None:
        is_last = rows[-1].steps >= config.total_steps
        if is_last or learner.updates_done % config.recovery_updates == 0:
            book.keep(place, {"learner": learner.snapshot(), "curve": _write_rows(rows)})

    learner.train(
        config.total_steps,
        keep_row,
        lambda share: lanes.set_progress(share, config.cost_ramp_share),
        keep_state if book.is_kept else None,
    )
    policy = GreedyPolicy(
        learner.engine.state()["weights"],
        config.ppo.hidden,
        learner.normaliser,
        names,
        actions,
        bias,
        learner.return_scale.deviation if config.ppo.scales_rewards else 1.0,
    )
    return SeedRun(place, policy, tuple(rows))


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
