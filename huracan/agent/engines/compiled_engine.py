"""The engine on the processor: hand-written gradients in compiled code, on one thread or several.

How the work is laid out: `pass_kernel` (minibatches and threads), `minibatch_kernel` (chunks of rows that
stay in the cache), `matrix_kernel` (products in registers), `chunk_layout` (where what lies).
"""

import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.agent.config import PPOConfig
from huracan.agent.engine import STATE_NAMES, UPDATE_COLUMNS, State
from huracan.agent.engines.adam_kernel import AdamSettings, AdamState
from huracan.agent.engines.array_checks import check, check_indices, checked
from huracan.agent.engines.chunk_layout import (
    LINE,
    ChunkMemory,
    PackedNetwork,
    aligned_zeros,
    chunk_layout,
    padded,
)
from huracan.agent.engines.minibatch_kernel import Decided, Seen, decide, evaluate
from huracan.agent.engines.pass_kernel import (
    ROWS_OF_A_SLOT,
    SLOTS,
    Learning,
    PassSettings,
    ThreadShare,
    finish_gradient,
    loss_settings,
    slots_of,
    slots_of_thread,
    step,
)
from huracan.agent.engines.records import TAKEN, Experience, write_records
from huracan.agent.engines.surrogate_kernel import SCRATCH_ROWS, SUMS
from huracan.agent.engines.tower_kernel import pack_weights
from huracan.agent.layout import weight_count
from huracan.agent.rollout import Rollout
from huracan.compiled import prepared
from huracan.errors import InvalidInput

Floats32 = NDArray[np.float32]

CHUNK_ROWS = 128
"""With towers of 64 x 64, a chunk's numbers and the weights fill about 400 KiB of second-level cache."""


class CompiledEngine:
    """See `engine.Engine`. Weights are updated in place; `weights` gives the flat ones to look at."""

    def __init__(
        self, width: int, actions: int, config: PPOConfig, weights: Floats32, threads: int = 1
    ) -> None:
        self._width, self._actions, self._config = width, actions, config
        self._record = padded(width + actions + TAKEN, LINE)
        layout = chunk_layout(width, actions, config.hidden, self._record, CHUNK_ROWS)
        size = weight_count(width, actions, config.hidden)
        check(weights, "weights", size)
        mean, square, gradient = (np.zeros(size, np.float32) for _ in range(3))
        self._network = PackedNetwork(
            layers=layout.layers,
            packed=aligned_zeros(layout.packed_size),
            record_row=layout.record_row,
            chunk_rows=CHUNK_ROWS,
        )
        self._adam = AdamState(
            weights=np.array(weights, np.float32),
            gradient=gradient,
            mean=mean,
            square=square,
            steps=np.zeros(1, np.int64),
        )
        self._slots = aligned_zeros(SLOTS, layout.gradient_size)
        self._sums = np.zeros((SLOTS, SUMS))
        self._memory = [
            ChunkMemory(
                work=aligned_zeros(layout.work_size),
                scratch=aligned_zeros(2 * actions + SCRATCH_ROWS, CHUNK_ROWS),
            )
            for _ in range(threads)
        ]
        self._decide = prepared(decide)
        self._pool = ThreadPoolExecutor(threads - 1) if threads > 1 else None
        self._records, self._advantages = aligned_zeros(0, LINE), np.zeros(0, np.float32)
        self._pack()

    @property
    def weights(self) -> Floats32:
        """The flat weights as they are, not a copy."""
        return self._adam.weights

    def act(
        self, observations: Floats32, offsets: Floats32, uniform: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], Floats32, Floats32]:
        count = observations.shape[0]
        observations = checked(observations, "observations", np.float32, count, self._width)
        offsets = checked(offsets, "offsets", np.float32, count, self._actions)
        uniform = checked(uniform, "uniform", np.float64, count)
        decided = Decided(np.empty(count, np.int64), self._empty(count), self._empty(count))

        def share(thread: int, part: slice) -> None:
            seen = Seen(observations[part], offsets[part], uniform[part])
            told = Decided(decided.actions[part], decided.log_probabilities[part], decided.values[part])
            self._decide(self._network, self._memory[thread], seen, told)

        self._share_rows(count, share)
        return decided

    def logits(self, observations: Floats32) -> tuple[Floats32, Floats32]:
        count = observations.shape[0]
        observations = checked(observations, "observations", np.float32, count, self._width)
        logits, values = self._empty(count, self._actions), self._empty(count)
        self._share_rows(
            count,
            lambda thread, part: self._evaluate(thread, observations[part], logits[part], values[part]),
        )
        return logits, values

    def values(self, observations: Floats32) -> Floats32:
        count = observations.shape[0]
        observations = checked(observations, "observations", np.float32, count, self._width)
        values, none = self._empty(count), self._empty(0, self._actions)
        self._share_rows(
            count,
            lambda thread, part: self._evaluate(thread, observations[part], none, values[part]),
        )
        return values

    def begin_update(self, rollout: Rollout) -> None:
        rows, width, actions = rollout.actions.shape[0], self._width, self._actions
        if self._records.shape[0] != rows:
            self._records = aligned_zeros(rows, self._record)
        check_indices(rollout.actions, "actions", actions)
        floats, names = np.float32, ("log_probabilities", "values", "advantages", "returns")
        experience = Experience(
            checked(rollout.observations, "observations", floats, rows, width),
            checked(rollout.offsets, "offsets", floats, rows, actions),
            checked(rollout.actions, "actions", np.int64, rows),
            *(checked(getattr(rollout, name), name, floats, rows) for name in names),
        )
        write_records(experience, self._records)
        self._advantages = experience.advantages.copy()

    def pass_over(
        self, order: NDArray[np.int64], minibatches: int, learning_rate: float, entropy_coefficient: float
    ) -> NDArray[np.float64]:
        check_indices(order, "order", self._records.shape[0])
        if order.shape[0] < 2 * minibatches:
            raise InvalidInput(
                f"{order.shape[0]} rows were to be learned from in {minibatches} minibatches.",
                "Give every minibatch two rows or more: of one there is no standard deviation.",
            )
        told = np.full((minibatches, len(UPDATE_COLUMNS)), np.nan)
        learning, settings = self._learning(), self._settings(learning_rate, entropy_coefficient)
        for number, part in enumerate(np.array_split(np.ascontiguousarray(order, np.int64), minibatches)):
            slots = self._gradients(learning, settings, part)
            if not step(learning, settings, part.shape[0], slots, told[number]):
                break
        return told

    def gradient(self, rollout: Rollout, entropy_coefficient: float) -> Floats32:
        """The flat gradient of the loss over all rows of a flat rollout, unclipped; nothing moves."""
        self.begin_update(rollout)
        learning, settings = self._learning(), self._settings(0.0, entropy_coefficient)
        rows = rollout.actions.shape[0]
        slots = self._gradients(learning, settings, np.arange(rows))
        finish_gradient(learning, settings, rows, slots, np.zeros(len(UPDATE_COLUMNS)))
        return self._adam.gradient.copy()

    def state(self) -> State:
        return {name: getattr(self._adam, name).copy() for name in STATE_NAMES}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        for name in STATE_NAMES:
            mine: NDArray[Any] = getattr(self._adam, name)
            mine[:] = checked(state[name], name, mine.dtype, *mine.shape)
        self._pack()

    def _pack(self) -> None:
        pack_weights(self._network.layers, self._adam.weights, self._network.packed)

    def _gradients(self, learning: Learning, settings: PassSettings, order: NDArray[np.int64]) -> int:
        """The gradients of one minibatch, by all threads, into its slots; how many these are."""
        slots, loss = slots_of(order.shape[0]), loss_settings(learning, settings, order)
        threads = min(slots, len(self._memory))

        def share(thread: int) -> None:
            own = ThreadShare(thread, threads, slots)
            slots_of_thread(learning, loss, order, self._memory[thread], own)

        self._side_by_side(threads, share)
        return slots

    def _learning(self) -> Learning:
        return Learning(
            network=self._network,
            records=self._records,
            advantages=self._advantages,
            adam=self._adam,
            slots=self._slots,
            sums=self._sums,
        )

    def _settings(self, learning_rate: float, entropy_coefficient: float) -> PassSettings:
        config = self._config
        return PassSettings(
            clip=config.clip,
            value_clip=math.inf if config.value_clip is None else config.value_clip,
            value_coefficient=config.value_coefficient,
            entropy_coefficient=float(entropy_coefficient),
            adam=AdamSettings(
                maximum_norm=config.maximum_gradient_norm,
                learning_rate=float(learning_rate),
                epsilon=config.adam_epsilon,
            ),
        )

    def _evaluate(self, thread: int, observations: Floats32, logits: Floats32, values: Floats32) -> None:
        evaluate(self._network, self._memory[thread], observations, logits, values)

    def _share_rows(self, rows: int, share: Callable[[int, slice], None]) -> None:
        """Calls share(thread, its rows) for as many threads as the rows are worth."""
        threads = max(1, min(len(self._memory), rows // ROWS_OF_A_SLOT))
        bounds = [rows * thread // threads for thread in range(threads + 1)]
        self._side_by_side(threads, lambda thread: share(thread, slice(*bounds[thread : thread + 2])))

    def _side_by_side(self, threads: int, share: Callable[[int], None]) -> None:
        waiting = [self._pool.submit(share, thread) for thread in range(1, threads)] if self._pool else []
        share(0)
        for each in waiting:
            each.result()

    @staticmethod
    def _empty(*shape: int) -> Floats32:
        return np.empty(shape, np.float32)
