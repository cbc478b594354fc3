"""One minibatch in compiled code: the gradients of its slots, their sum, the step of Adam.

A minibatch is cut into slots of rows by its length alone. Threads share the slots out and their gradients are
summed in the slots' order, so that the number of threads changes no bit. Every number runs the same
machine code: pasted into another caller, sums that may be reordered come out with other bits.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from huracan.agent.engines.adam_kernel import adam_step, gradient_norm, sum_slots
from huracan.agent.engines.minibatch_kernel import slot_gradients
from huracan.agent.engines.surrogate_kernel import (
    APPROX_KL,
    CLIP_FRACTION,
    ENTROPY,
    POLICY_LOSS,
    VALUE_LOSS,
    LossSettings,
)
from huracan.agent.engines.tower_kernel import pack_weights, unpack_gradients
from huracan.compiled import compiled, compiled_fast

Floats32 = NDArray[np.float32]

SLOTS = 8
ROWS_OF_A_SLOT = 256
"""Fewer rows are not worth a slot of their own."""


class Learning(NamedTuple):
    """What passes read and write."""

    layers: NDArray[np.void]
    packed: Floats32
    records: Floats32
    advantages: Floats32
    weights: Floats32
    gradient: Floats32
    mean: Floats32
    square: Floats32
    steps: NDArray[np.int64]
    slots: Floats32
    """Gradients of every slot [SLOTS, ...]."""
    sums: NDArray[np.float64]
    """Terms of the loss of every slot [SLOTS, SUMS]."""
    record_row: int
    chunk_rows: int


class PassSettings(NamedTuple):
    """The numbers of one pass, all float64."""

    clip: float
    value_clip: float
    value_coefficient: float
    entropy_coefficient: float
    maximum_norm: float
    learning_rate: float
    epsilon: float


def slots_of(rows: int) -> int:
    """Slots of a minibatch of `rows` rows."""
    return max(1, min(SLOTS, rows // ROWS_OF_A_SLOT))


@compiled
def loss_settings(learning: Learning, settings: PassSettings, order: NDArray[np.int64]) -> LossSettings:
    """The loss's numbers for the minibatch of the rows `order`."""
    mean, deviation = _advantage_moments(learning.advantages, order)
    return LossSettings(
        np.float32(settings.clip),
        np.float32(settings.value_clip),
        np.float32(settings.value_coefficient),
        np.float32(settings.entropy_coefficient),
        np.float32(mean),
        np.float32(1.0 / (deviation + 1e-8)),
        np.float32(1.0 / order.shape[0]),
    )


@compiled_fast
def _advantage_moments(advantages: Floats32, order: NDArray[np.int64]) -> tuple[float, float]:
    """Mean and unbiased standard deviation, summed in float64."""
    count = order.shape[0]
    total = 0.0
    for place in range(count):
        total += np.float64(advantages[order[place]])
    mean, squares = total / count, 0.0
    for place in range(count):
        away = np.float64(advantages[order[place]]) - mean
        squares += away * away
    return mean, math.sqrt(squares / (count - 1))


@compiled
def slots_of_thread(
    learning: Learning,
    settings: LossSettings,
    order: NDArray[np.int64],
    work: Floats32,
    scratch: Floats32,
    slots: int,
    thread: int,
    threads: int,
) -> None:
    """Gradients and sums of every `threads`-th slot from `thread` on."""
    rows = order.shape[0]
    for slot in range(thread, slots, threads):
        slot_gradients(
            learning.layers, learning.packed, learning.records,
            order[rows * slot // slots : rows * (slot + 1) // slots],
            learning.record_row, learning.chunk_rows, settings, work, scratch,
            learning.slots[slot], learning.sums[slot],
        )  # fmt: skip


@compiled
def finish_gradient(
    learning: Learning, settings: PassSettings, rows: int, slots: int, told: NDArray[np.float64]
) -> None:
    """Sums the slots into the flat gradient and into `told`, one row of UPDATE_COLUMNS."""
    sum_slots(learning.slots, slots)
    unpack_gradients(learning.layers, learning.slots[0], learning.gradient)
    for column, place in enumerate((POLICY_LOSS, VALUE_LOSS, ENTROPY, APPROX_KL, CLIP_FRACTION)):
        told[column] = 0.0
        for slot in range(slots):
            told[column] += learning.sums[slot, place] / rows
    told[5] = gradient_norm(learning.gradient)
    told[6] = told[0] + settings.value_coefficient * told[1] - settings.entropy_coefficient * told[2]


@compiled
def step(
    learning: Learning, settings: PassSettings, rows: int, slots: int, told: NDArray[np.float64]
) -> bool:
    """After `slots_of_thread` of all: tells of the minibatch and moves the weights, unless not finite."""
    finish_gradient(learning, settings, rows, slots, told)
    if not (math.isfinite(told[5]) and math.isfinite(told[6])):
        return False
    adam_step(
        learning.weights, learning.gradient, learning.mean, learning.square, learning.steps, told[5],
        settings.maximum_norm, settings.learning_rate, settings.epsilon,
    )  # fmt: skip
    pack_weights(learning.layers, learning.weights, learning.packed)
    return True
