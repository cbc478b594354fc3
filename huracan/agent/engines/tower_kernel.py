"""One chunk of rows forward and backward through one tanh tower, in compiled code. No loss and no optimiser.

`layers` is one tower of ChunkLayout.layers; `rows` a multiple of TALL within the chunk. The head of the value
tower, one number per row, has kernels of its own: a matrix product would spend all lanes but one on padding.
"""

import numpy as np
from numpy.typing import NDArray

from huracan.agent.engines.matrix_kernel import Shape, affine, affine_tanh, product_added, product_slope
from huracan.agent.engines.row_kernel import DOT_COUNT, columns_added, dot, one_output_backward
from huracan.agent.engines.vectors import Matrix
from huracan.compiled import compiled

Floats32 = NDArray[np.float32]
Layers = NDArray[np.void]


@compiled
def pack_weights(layers: Layers, flat: Floats32, packed: Floats32) -> None:
    """Writes the flat weights of both towers into `packed`, as they are and transposed; padding stays 0."""
    for tower in range(layers.shape[0]):
        for index in range(layers.shape[1]):
            layer = layers[tower, index]
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
        for index in range(layers.shape[1]):
            layer = layers[tower, index]
            inputs, outputs, row = layer.inputs, layer.outputs, layer.gradient_row
            target = flat[layer.weight : layer.weight + outputs * inputs].reshape(outputs, inputs)
            source = packed[layer.gradient : layer.gradient + inputs * row].reshape(inputs, row)
            for out in range(outputs):
                flat[layer.bias + out] = packed[layer.gradient_shift + out]
                for into in range(inputs):
                    target[out, into] = source[into, out]


@compiled
def hidden_forward(layers: Layers, packed: Floats32, work: Floats32, record_row: int, rows: int) -> None:
    """Observations, which begin the rows of the work, -> the cells of every hidden layer."""
    seen = Matrix(work, 0, record_row, 1)
    for index in range(layers.shape[0] - 1):
        layer = layers[index]
        cells = Matrix(work, layer.cells, layer.cells_row, 1)
        affine_tanh(
            seen,
            Matrix(packed, layer.ahead, layer.columns, 1),
            cells,
            Matrix(packed, layer.shift, 0, 1),
            Shape(rows, layer.columns, layer.inputs),
        )
        seen = cells


@compiled
def policy_head(layers: Layers, packed: Floats32, work: Floats32, rows: int) -> None:
    """The last hidden layer's cells -> logits, the cells of the head."""
    before, head = layers[layers.shape[0] - 2], layers[layers.shape[0] - 1]
    affine(
        Matrix(work, before.cells, before.cells_row, 1),
        Matrix(packed, head.ahead, head.columns, 1),
        Matrix(work, head.cells, head.cells_row, 1),
        Matrix(packed, head.shift, 0, 1),
        Shape(rows, head.columns, head.inputs),
    )


@compiled
def value_head(layers: Layers, packed: Floats32, work: Floats32, rows: int, values: Floats32) -> None:
    """The last hidden layer's cells -> values [rows]."""
    before, head = layers[layers.shape[0] - 2], layers[layers.shape[0] - 1]
    # What pads both is 0.
    count = -(-head.inputs // DOT_COUNT) * DOT_COUNT
    for row in range(rows):
        cells = Matrix(work, before.cells + row * before.cells_row, 0, 1)
        values[row] = dot(cells, Matrix(packed, head.back, 0, 1), count) + packed[head.shift]


@compiled
def value_head_backward(
    layers: Layers, packed: Floats32, work: Floats32, rows: int, slopes: Floats32, gradients: Floats32
) -> None:
    """Gradients on the values [rows] -> on the last hidden layer before its tanh, and added to the head's."""
    before, head = layers[layers.shape[0] - 2], layers[layers.shape[0] - 1]
    total = gradients[head.gradient_shift]
    for row in range(rows):
        total += slopes[row]
    gradients[head.gradient_shift] = total
    one_output_backward(
        Matrix(slopes, 0, 1, 1),
        Matrix(packed, head.back, 0, 1),
        Matrix(work, before.cells, before.cells_row, 1),
        Matrix(gradients, head.gradient, 0, 1),
        Matrix(work, before.slopes, before.cells_row, 1),
        Shape(rows, head.back_row, 1),
    )


@compiled
def layers_backward(
    layers: Layers, packed: Floats32, work: Floats32, record_row: int, rows: int, gradients: Floats32
) -> None:
    """From the slopes of the last of the layers down to the first: adds all weight and bias gradients."""
    for index in range(layers.shape[0] - 1, -1, -1):
        layer = layers[index]
        start, row = 0, record_row
        if index > 0:
            start, row = layers[index - 1].cells, layers[index - 1].cells_row
        cells, slopes = Matrix(work, start, row, 1), Matrix(work, layer.slopes, layer.cells_row, 1)
        product_added(
            Matrix(work, start, 1, row),
            slopes,
            Matrix(gradients, layer.gradient, layer.gradient_row, 1),
            cells,
            Shape(layer.inputs, layer.columns, rows),
        )
        columns_added(slopes, Matrix(gradients, layer.gradient_shift, 0, 1), rows, layer.columns)
        if index > 0:
            product_slope(
                slopes,
                Matrix(packed, layer.back, layer.back_row, 1),
                Matrix(work, layers[index - 1].slopes, row, 1),
                cells,
                Shape(rows, layer.back_row, layer.outputs),
            )
