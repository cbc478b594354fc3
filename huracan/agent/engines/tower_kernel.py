"""One chunk of rows forward and backward through one tanh tower, in compiled code. No loss and no optimiser.

`layers` is one tower of ChunkLayout.layers; `rows` a multiple of TALL within the chunk. The head of the value
tower, one number per row, has loops of its own: a matrix product would spend seven lanes of eight on padding.
"""

import numpy as np
from numpy.typing import NDArray

from huracan.agent.engines.matrix_kernel import affine, affine_tanh, product_added, product_slope
from huracan.compiled import compiled, compiled_fast

Floats32 = NDArray[np.float32]
Layers = NDArray[np.void]


@compiled
def pack_weights(layers: Layers, flat: Floats32, packed: Floats32) -> None:
    """Writes the flat weights of both towers into `packed`, as they are and transposed; padding stays 0."""
    for tower in range(layers.shape[0]):
        for place in range(layers.shape[1]):
            layer = layers[tower, place]
            inputs, outputs = layer.inputs, layer.outputs
            weights = flat[layer.weight : layer.weight + outputs * inputs].reshape(outputs, inputs)
            back = packed[layer.back : layer.back + outputs * layer.back_row].reshape(outputs, layer.back_row)
            ahead = packed[layer.ahead : layer.ahead + inputs * layer.columns].reshape(inputs, layer.columns)
            for out in range(outputs):
                packed[layer.shift + out] = flat[layer.bias + out]
                for into in range(inputs):
                    back[out, into] = weights[out, into]
            for into in range(inputs):
                for out in range(outputs):
                    ahead[into, out] = weights[out, into]


@compiled
def unpack_gradients(layers: Layers, packed: Floats32, flat: Floats32) -> None:
    """Writes gradients laid out as ChunkLayout says into the order of the flat weights."""
    for tower in range(layers.shape[0]):
        for place in range(layers.shape[1]):
            layer = layers[tower, place]
            inputs, outputs, row = layer.inputs, layer.outputs, layer.gradient_row
            target = flat[layer.weight : layer.weight + outputs * inputs].reshape(outputs, inputs)
            source = packed[layer.gradient : layer.gradient + outputs * row].reshape(outputs, row)
            for out in range(outputs):
                flat[layer.bias + out] = packed[layer.gradient_shift + out]
                for into in range(inputs):
                    target[out, into] = source[out, into]


@compiled
def hidden_forward(layers: Layers, packed: Floats32, work: Floats32, record_row: int, rows: int) -> None:
    """Observations, which begin the rows of the work, -> the cells of every hidden layer."""
    start, row = 0, record_row
    for place in range(layers.shape[0] - 1):
        layer = layers[place]
        affine_tanh(
            work, start, row, 1,
            packed, layer.ahead, layer.columns,
            work, layer.cells, layer.cells_row,
            packed, layer.shift, 0,
            rows, layer.columns, layer.inputs,
        )  # fmt: skip
        start, row = layer.cells, layer.cells_row


@compiled
def policy_head(layers: Layers, packed: Floats32, work: Floats32, rows: int) -> None:
    """The last hidden layer's cells -> logits, the cells of the head."""
    before, head = layers[layers.shape[0] - 2], layers[layers.shape[0] - 1]
    affine(
        work, before.cells, before.cells_row, 1,
        packed, head.ahead, head.columns,
        work, head.cells, head.cells_row,
        packed, head.shift, 0,
        rows, head.columns, head.inputs,
    )  # fmt: skip


@compiled_fast
def value_head(layers: Layers, packed: Floats32, work: Floats32, rows: int, values: Floats32) -> None:
    """The last hidden layer's cells -> values [rows]."""
    before, head = layers[layers.shape[0] - 2], layers[layers.shape[0] - 1]
    weights = packed[head.back : head.back + head.back_row]
    for row in range(rows):
        start = before.cells + row * before.cells_row
        cells = work[start : start + head.back_row]
        total = np.float32(0.0)
        for into in range(head.back_row):
            total += cells[into] * weights[into]
        values[row] = total + packed[head.shift]


@compiled
def value_head_backward(
    layers: Layers, packed: Floats32, work: Floats32, rows: int, slopes: Floats32, gradients: Floats32
) -> None:
    """Gradients on the values [rows] -> on the last hidden layer before its tanh, and added to the head's."""
    before, head = layers[layers.shape[0] - 2], layers[layers.shape[0] - 1]
    weights = packed[head.back : head.back + head.back_row]
    gradient = gradients[head.gradient : head.gradient + head.back_row]
    for row in range(rows):
        slope = slopes[row]
        gradients[head.gradient_shift] += slope
        start, target = before.cells + row * before.cells_row, before.slopes + row * before.cells_row
        cells, into_slopes = work[start : start + head.back_row], work[target : target + head.back_row]
        for into in range(head.back_row):
            cell = cells[into]
            gradient[into] += slope * cell
            into_slopes[into] = slope * weights[into] * (np.float32(1.0) - cell * cell)


@compiled
def layers_backward(
    layers: Layers,
    packed: Floats32,
    work: Floats32,
    record_row: int,
    rows: int,
    last: int,
    gradients: Floats32,
) -> None:
    """From the slopes of layer `last` down to the first: adds every layer's weight and bias gradients."""
    for place in range(last, -1, -1):
        layer = layers[place]
        start, row = 0, record_row
        if place > 0:
            start, row = layers[place - 1].cells, layers[place - 1].cells_row
        product_added(
            work, layer.slopes, 1, layer.cells_row,
            work, start, row,
            gradients, layer.gradient, layer.gradient_row,
            work, 0, 0,
            layer.columns, layer.gradient_row, rows,
        )  # fmt: skip
        shift = gradients[layer.gradient_shift : layer.gradient_shift + layer.columns]
        for number in range(rows):
            at = layer.slopes + number * layer.cells_row
            slopes = work[at : at + layer.columns]
            for out in range(layer.columns):
                shift[out] += slopes[out]
        if place > 0:
            product_slope(
                work, layer.slopes, layer.cells_row, 1,
                packed, layer.back, layer.back_row,
                work, layers[place - 1].slopes, row,
                work, start, row,
                rows, layer.back_row, layer.outputs,
            )  # fmt: skip
