"""What the compiled engine does with rows, chunk by chunk: gradients of a slot of rows, and decisions.

Of a minibatch every thread works on slots of rows, and of a slot on one chunk at a time: it is gathered, goes
forward and backward through both towers and leaves its gradients, all within the second-level cache.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from huracan.agent.engines.chunk_layout import POLICY_TOWER, VALUE_TOWER, ChunkMemory, PackedNetwork
from huracan.agent.engines.matrix_kernel import TALL
from huracan.agent.engines.records import Batch, gather
from huracan.agent.engines.softmax_kernel import draw_actions, log_softmax
from huracan.agent.engines.surrogate_kernel import LossSettings, policy_loss, value_loss
from huracan.agent.engines.tower_kernel import (
    hidden_forward,
    layers_backward,
    policy_head,
    value_head,
    value_head_backward,
)
from huracan.compiled import compiled

Floats32 = NDArray[np.float32]


class Slot(NamedTuple):
    """What the rows of a slot add up to."""

    gradients: Floats32
    """As ChunkLayout lays them out."""
    sums: NDArray[np.float64]
    """Terms of the loss [SUMS]."""


class Seen(NamedTuple):
    """What decisions are made from."""

    observations: Floats32
    offsets: Floats32
    uniform: NDArray[np.float64]


class Decided(NamedTuple):
    """Decisions, to be written [n]."""

    actions: NDArray[np.int64]
    log_probabilities: Floats32
    values: Floats32


@compiled
def chunk_rows_of(rows: int, longest: int) -> int:
    """Rows of every chunk but the last: `rows` in as few chunks as `longest` allows, all about as long."""
    chunks = max(1, -(-rows // longest))
    return max(TALL, -(-rows // (chunks * TALL)) * TALL)


@compiled
def slot_gradients(
    network: PackedNetwork,
    records: Floats32,
    order: NDArray[np.int64],
    settings: LossSettings,
    memory: ChunkMemory,
    slot: Slot,
) -> None:
    """Sets the slot to the sums over the rows `order` of the records."""
    slot.gradients[:] = np.float32(0.0)
    slot.sums[:] = 0.0
    layers, packed, record_row, work = network.layers, network.packed, network.record_row, memory.work
    last = layers.shape[1] - 1
    head = layers[POLICY_TOWER, last]
    step = chunk_rows_of(order.shape[0], network.chunk_rows)
    values, slopes = memory.scratch[0], memory.scratch[1]
    for first in range(0, order.shape[0], step):
        count = min(step, order.shape[0] - first)
        rows = -(-count // TALL) * TALL
        seen = work[: rows * record_row].reshape(rows, record_row)
        gather(records, order[first : first + count], seen)
        batch = Batch(seen, layers[POLICY_TOWER, 0].inputs, head.outputs, count)
        hidden_forward(layers[VALUE_TOWER], packed, work, record_row, rows)
        value_head(layers[VALUE_TOWER], packed, work, rows, values)
        value_loss(batch, values, slopes, settings, slot.sums)
        value_head_backward(layers[VALUE_TOWER], packed, work, rows, slopes, slot.gradients)
        layers_backward(layers[VALUE_TOWER, :last], packed, work, record_row, rows, slot.gradients)
        hidden_forward(layers[POLICY_TOWER], packed, work, record_row, rows)
        policy_head(layers[POLICY_TOWER], packed, work, rows)
        size = rows * head.cells_row
        logits = work[head.cells : head.cells + size].reshape(rows, head.cells_row)
        on_logits = work[head.slopes : head.slopes + size].reshape(rows, head.cells_row)
        policy_loss(batch, logits, on_logits, memory.scratch, settings, slot.sums)
        layers_backward(layers[POLICY_TOWER], packed, work, record_row, rows, slot.gradients)


@compiled
def evaluate(
    network: PackedNetwork, memory: ChunkMemory, observations: Floats32, logits: Floats32, values: Floats32
) -> None:
    """Observations [n, width] -> values [n]; logits [n, actions] too, unless `logits` has no rows."""
    count = observations.shape[0]
    step = chunk_rows_of(count, network.chunk_rows)
    for first in range(0, count, step):
        stop = min(first + step, count)
        _value_chunk(network, memory, observations[first:stop], values[first:stop])
        if logits.shape[0] > 0:
            found = _logits_of_chunk(network, memory, stop - first)
            for row in range(stop - first):
                for action in range(logits.shape[1]):
                    logits[first + row, action] = found[row, action]


@compiled
def decide(network: PackedNetwork, memory: ChunkMemory, seen: Seen, decided: Decided) -> None:
    """Draws an action for every row."""
    count, choices = seen.offsets.shape
    logs, probabilities = memory.scratch[:choices], memory.scratch[choices : 2 * choices]
    free = memory.scratch[2 * choices :]
    step = chunk_rows_of(count, network.chunk_rows)
    for first in range(0, count, step):
        stop = min(first + step, count)
        rows = stop - first
        _value_chunk(network, memory, seen.observations[first:stop], decided.values[first:stop])
        logits = _logits_of_chunk(network, memory, rows)
        for action in range(choices):
            for row in range(rows):
                logs[action, row] = logits[row, action] + seen.offsets[first + row, action]
        log_softmax(logs, probabilities, free[0], free[1], rows)
        chosen = decided.actions[first:stop]
        draw_actions(probabilities, seen.uniform[first:stop], rows, chosen)
        for row in range(rows):
            decided.log_probabilities[first + row] = logs[chosen[row], row]


@compiled
def _value_chunk(
    network: PackedNetwork, memory: ChunkMemory, observations: Floats32, values: Floats32
) -> None:
    """Puts a chunk of observations into the work and values them."""
    count, width = observations.shape
    rows = -(-count // TALL) * TALL
    seen = memory.work[: rows * network.record_row].reshape(rows, network.record_row)
    for row in range(count):
        for column in range(width):
            seen[row, column] = observations[row, column]
    for row in range(count, rows):
        for column in range(width):
            seen[row, column] = np.float32(0.0)
    layers = network.layers[VALUE_TOWER]
    hidden_forward(layers, network.packed, memory.work, network.record_row, rows)
    value_head(layers, network.packed, memory.work, count, values)


@compiled
def _logits_of_chunk(network: PackedNetwork, memory: ChunkMemory, count: int) -> Floats32:
    """The logits [rows, >= actions] of the chunk that lies in the work."""
    rows = -(-count // TALL) * TALL
    layers = network.layers[POLICY_TOWER]
    hidden_forward(layers, network.packed, memory.work, network.record_row, rows)
    policy_head(layers, network.packed, memory.work, rows)
    head = layers[layers.shape[0] - 1]
    return memory.work[head.cells : head.cells + rows * head.cells_row].reshape(rows, head.cells_row)
