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
from huracan.agent.engines.array_checks import check, check_places, checked
from huracan.agent.engines.chunk_layout import LINE, aligned_zeros, chunk_layout, padded
from huracan.agent.engines.minibatch_kernel import decide, evaluate
from huracan.agent.engines.pass_kernel import (
    ROWS_OF_A_SLOT,
    SLOTS,
    Learning,
    PassSettings,
    finish_gradient,
    loss_settings,
    slots_of,
    slots_of_thread,
    step,
)
from huracan.agent.engines.surrogate_kernel import (
    ACTION,
    ADVANTAGE,
    LOG_PROBABILITY,
    RETURN,
    SCRATCH_ROWS,
    SUMS,
    TAKEN,
    VALUE,
)
from huracan.agent.engines.tower_kernel import pack_weights
from huracan.agent.layout import weight_count
from huracan.agent.rollout import Rollout
from huracan.errors import InvalidInput

Floats32 = NDArray[np.float32]

CHUNK_ROWS = 128
"""With towers of 64 x 64, a chunk's numbers and the weights fill about 400 KiB of second-level cache."""

_LEARNED_FROM = {
    "log_probabilities": LOG_PROBABILITY, "values": VALUE, "advantages": ADVANTAGE, "returns": RETURN,
}  # fmt: skip


class CompiledEngine:
    """See `engine.Engine`. Weights are updated in place; `weights` gives the flat ones to look at."""

    def __init__(
        self, width: int, actions: int, config: PPOConfig, weights: Floats32, threads: int = 1
    ) -> None:
        self._width, self._actions, self._config = width, actions, config
        self._record = width + actions + TAKEN
        layout = chunk_layout(width, actions, config.hidden, padded(self._record, LINE), CHUNK_ROWS)
        self._layout, self._layers = layout, layout.layers
        size = weight_count(width, actions, config.hidden)
        self._weights = np.array(weights, np.float32)
        check(self._weights, "weights", size)
        self._gradient, self._mean, self._square = (np.zeros(size, np.float32) for _ in range(3))
        self._steps = np.zeros(1, np.int64)
        self._packed = aligned_zeros(layout.packed_size)
        self._slots = aligned_zeros(SLOTS, layout.gradient_size)
        self._sums = np.zeros((SLOTS, SUMS))
        self._work = [aligned_zeros(layout.work_size) for _ in range(threads)]
        self._scratch = [aligned_zeros(2 * actions + SCRATCH_ROWS, CHUNK_ROWS) for _ in range(threads)]
        self._pool = ThreadPoolExecutor(threads - 1) if threads > 1 else None
        self._records, self._advantages = aligned_zeros(0, LINE), np.zeros(0, np.float32)
        pack_weights(self._layers, self._weights, self._packed)

    @property
    def weights(self) -> Floats32:
        """The flat weights as they are, not a copy."""
        return self._weights

    def act(
        self, observations: Floats32, offsets: Floats32, uniform: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], Floats32, Floats32]:
        count = observations.shape[0]
        observations = checked(observations, "observations", np.float32, count, self._width)
        offsets = checked(offsets, "offsets", np.float32, count, self._actions)
        uniform = checked(uniform, "uniform", np.float64, count)
        logits, values = self._empty(count, self._actions), self._empty(count)
        actions, log_probabilities = np.empty(count, np.int64), self._empty(count)

        def share(thread: int, part: slice) -> None:
            self._evaluate(thread, observations[part], logits[part], values[part])
            decide(
                logits[part], offsets[part], uniform[part], CHUNK_ROWS, self._scratch[thread],
                actions[part], log_probabilities[part],
            )  # fmt: skip

        self._share_rows(count, share)
        return actions, log_probabilities, values

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
            # Whatever is read of a row when learning lies side by side: a gathered row is one stretch.
            self._records = aligned_zeros(rows, padded(self._record, LINE))
        records, taken = self._records, width + actions
        records[:, :width] = checked(rollout.observations, "observations", np.float32, rows, width)
        records[:, width:taken] = checked(rollout.offsets, "offsets", np.float32, rows, actions)
        check_places(rollout.actions, "actions", actions)
        records[:, taken + ACTION] = rollout.actions
        for name, place in _LEARNED_FROM.items():
            records[:, taken + place] = checked(getattr(rollout, name), name, np.float32, rows)
        self._advantages = np.array(rollout.advantages, np.float32)

    def pass_over(
        self, order: NDArray[np.int64], minibatches: int, learning_rate: float, entropy_coefficient: float
    ) -> NDArray[np.float64]:
        check_places(order, "order", self._records.shape[0])
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
        return self._gradient.copy()

    def state(self) -> State:
        return {name: getattr(self, f"_{name}").copy() for name in STATE_NAMES}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        for name in STATE_NAMES:
            mine: NDArray[Any] = getattr(self, f"_{name}")
            mine[:] = checked(state[name], name, mine.dtype, *mine.shape)
        pack_weights(self._layers, self._weights, self._packed)

    def _gradients(self, learning: Learning, settings: PassSettings, order: NDArray[np.int64]) -> int:
        """The gradients of one minibatch, by all threads, into its slots; how many these are."""
        slots, loss = slots_of(order.shape[0]), loss_settings(learning, settings, order)
        threads = min(slots, len(self._work))

        def share(thread: int) -> None:
            work, scratch = self._work[thread], self._scratch[thread]
            slots_of_thread(learning, loss, order, work, scratch, slots, thread, threads)

        self._side_by_side(threads, share)
        return slots

    def _learning(self) -> Learning:
        return Learning(
            self._layers, self._packed, self._records, self._advantages, self._weights, self._gradient,
            self._mean, self._square, self._steps, self._slots, self._sums, self._layout.record_row,
            CHUNK_ROWS,
        )  # fmt: skip

    def _settings(self, learning_rate: float, entropy_coefficient: float) -> PassSettings:
        config = self._config
        return PassSettings(
            clip=config.clip,
            value_clip=math.inf if config.value_clip is None else config.value_clip,
            value_coefficient=config.value_coefficient,
            entropy_coefficient=float(entropy_coefficient),
            maximum_norm=config.maximum_gradient_norm,
            learning_rate=float(learning_rate),
            epsilon=config.adam_epsilon,
        )

    def _evaluate(self, thread: int, observations: Floats32, logits: Floats32, values: Floats32) -> None:
        evaluate(
            self._layers, self._packed, observations, self._layout.record_row, CHUNK_ROWS,
            self._work[thread], self._scratch[thread], logits, values,
        )  # fmt: skip

    def _share_rows(self, rows: int, share: Callable[[int, slice], None]) -> None:
        """Calls share(thread, its rows) for as many threads as the rows are worth."""
        threads = max(1, min(len(self._work), rows // ROWS_OF_A_SLOT))
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
