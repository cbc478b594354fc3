"""One minibatch in compiled code: the gradients of its slots, their sum, the step of Adam.

A minibatch is cut into slots of rows by its length alone. Threads share the slots out and their gradients are
summed in the slots' order, so that the number of threads changes no bit.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from huracan.agent.engines.adam_kernel import AdamSettings, AdamState, adam_step, gradient_norm, sum_slots
from huracan.agent.engines.chunk_layout import ChunkMemory, PackedNetwork
from huracan.agent.engines.fixed_sums import PARTS, sum_of_parts
from huracan.agent.engines.minibatch_kernel import Slot, slot_gradients
from huracan.agent.engines.surrogate_kernel import (
    APPROX_KL,
    CLIP_FRACTION,
    ENTROPY,
    POLICY_LOSS,
    VALUE_LOSS,
    LossSettings,
)
from huracan.agent.engines.tower_kernel import pack_weights, unpack_gradients
from huracan.compiled import compiled

Floats32 = NDArray[np.float32]

SLOTS = 8
ROWS_OF_A_SLOT = 256
"""Fewer rows are not worth a slot of their own."""


class Learning(NamedTuple):
    """What passes read and write."""

    network: PackedNetwork
    records: Floats32
    advantages: Floats32
    adam: AdamState
    slots: Floats32
    """Gradients of every slot [SLOTS, ...]."""
    sums: NDArray[np.float64]
    """Terms of the loss of every slot [SLOTS, SUMS]."""


class PassSettings(NamedTuple):
    """The numbers of one pass, all float64."""

    clip: float
    value_clip: float
    value_coefficient: float
    entropy_coefficient: float
    adam: AdamSettings


class ThreadShare(NamedTuple):
    """The slots of one thread: from `thread` on every `threads`-th of `slots`."""

    thread: int
    threads: int
    slots: int


def slots_of(rows: int) -> int:
    """Slots of a minibatch of `rows` rows."""
    return max(1, min(SLOTS, rows // ROWS_OF_A_SLOT))


@compiled
def loss_settings(learning: Learning, settings: PassSettings, order: NDArray[np.int64]) -> LossSettings:
    """The loss's numbers for the minibatch of the rows `order`."""
    mean, deviation = _advantage_moments(learning.advantages, order)
    return LossSettings(
        clip=float(np.float32(settings.clip)),
        value_clip=float(np.float32(settings.value_clip)),
        value_coefficient=float(np.float32(settings.value_coefficient)),
        entropy_coefficient=float(np.float32(settings.entropy_coefficient)),
        mean=float(np.float32(mean)),
        inverse_deviation=float(np.float32(1.0 / (deviation + 1e-8))),
        share=float(np.float32(1.0 / order.shape[0])),
    )


@compiled
def _advantage_moments(advantages: Floats32, order: NDArray[np.int64]) -> tuple[float, float]:
    """Mean and unbiased standard deviation, summed in float64."""
    count = order.shape[0]
    whole = count - count % PARTS
    parts = np.zeros(PARTS)
    for first in range(0, whole, PARTS):
        for part in range(PARTS):
            parts[part] += np.float64(advantages[order[first + part]])
    total = sum_of_parts(parts)
    for index in range(whole, count):
        total += np.float64(advantages[order[index]])
    mean = total / count
    parts[:] = 0.0
    for first in range(0, whole, PARTS):
        for part in range(PARTS):
            away = np.float64(advantages[order[first + part]]) - mean
            parts[part] += away * away
    squares = sum_of_parts(parts)
    for index in range(whole, count):
        away = np.float64(advantages[order[index]]) - mean
        squares += away * away
    return mean, math.sqrt(squares / (count - 1))


@compiled
def slots_of_thread(
    learning: Learning,
    settings: LossSettings,
    order: NDArray[np.int64],
    memory: ChunkMemory,
    share: ThreadShare,
) -> None:
    """Gradients and sums of the thread's slots."""
    rows, slots = order.shape[0], share.slots
    for slot in range(share.thread, slots, share.threads):
        slot_gradients(
            learning.network,
            learning.records,
            order[rows * slot // slots : rows * (slot + 1) // slots],
            settings,
            memory,
            Slot(learning.slots[slot], learning.sums[slot]),
        )


@compiled
def finish_gradient(
    learning: Learning, settings: PassSettings, rows: int, slots: int, told: NDArray[np.float64]
) -> None:
    """Sums the slots into the flat gradient and into `told`, one row of UPDATE_COLUMNS."""
    sum_slots(learning.slots, slots)
    gradient = learning.adam.gradient
    unpack_gradients(learning.network.layers, learning.slots[0], gradient)
    for column, term in enumerate((POLICY_LOSS, VALUE_LOSS, ENTROPY, APPROX_KL, CLIP_FRACTION)):
        told[column] = 0.0
        for slot in range(slots):
            told[column] += learning.sums[slot, term] / rows
    told[5] = gradient_norm(gradient)
    told[6] = told[0] + settings.value_coefficient * told[1] - settings.entropy_coefficient * told[2]


@compiled
def step(
    learning: Learning, settings: PassSettings, rows: int, slots: int, told: NDArray[np.float64]
) -> bool:
    """After `slots_of_thread` of all: tells of the minibatch and moves the weights, unless not finite."""
    finish_gradient(learning, settings, rows, slots, told)
    if not (math.isfinite(told[5]) and math.isfinite(told[6])):
        return False
    adam_step(learning.adam, settings.adam, told[5])
    pack_weights(learning.network.layers, learning.adam.weights, learning.network.packed)
    return True
