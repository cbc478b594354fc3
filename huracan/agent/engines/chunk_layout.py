"""Where everything lies in the memory of the compiled arithmetic. NumPy alone: no arithmetic and no loss.

Three flat arrays. Packed weights: of every layer W transposed (for the way forward), W (for the way back) and
the bias, rows padded with zeros to whole vectors. Gradients: of every layer W and bias, padded alike. Work:
one chunk of rows on its way through the towers. Rows of work are an odd number of cache lines apart, so that
a column of a matrix does not crowd into a few sets of the first-level cache (128 apart cost a fifth).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from huracan.agent.engines.matrix_kernel import LANES
from huracan.agent.layout import layer_shapes

LINE = 16
"""Numbers of float32 in a cache line of 64 bytes."""

LAYER = np.dtype(
    [
        (name, np.int64)
        for name in (
            "inputs", "outputs", "columns",  # columns: outputs, padded; the row of `ahead`
            "weight", "bias",  # in the flat weights
            "ahead", "back", "back_row", "shift",  # in the packed weights
            "gradient", "gradient_row", "gradient_shift",  # in the gradients
            "cells", "cells_row", "slopes",  # in the work: what leaves the layer, and the gradient on it
        )
    ]
)  # fmt: skip
"""Where one layer lies; starts and distances between rows in numbers of float32."""


class ChunkLayout(NamedTuple):
    """The layers [tower: policy 0, value 1][layer], and how long the arrays are."""

    layers: NDArray[np.void]
    packed_size: int
    gradient_size: int
    record_row: int
    """Distance between rows of records in the work, which begin it."""
    work_size: int


def padded(count: int, multiple: int = LANES) -> int:
    """The next multiple."""
    return -(-count // multiple) * multiple


def odd_lines(count: int) -> int:
    """Numbers in the next odd number of cache lines."""
    return (padded(count, LINE) // LINE | 1) * LINE


def aligned_zeros(*shape: int) -> NDArray[np.float32]:
    """Zeros that begin with a cache line, where the last axis is whole lines every row of them."""
    size = int(np.prod(shape))
    raw = np.zeros(size + LINE, np.float32)
    start = (-raw.ctypes.data % 64) // 4
    return raw[start : start + size].reshape(shape)


def chunk_layout(
    width: int, actions: int, hidden: tuple[int, ...], record: int, chunk_rows: int
) -> ChunkLayout:
    """The layout for chunks of `chunk_rows` rows and records of `record` numbers each."""
    layers = np.zeros((2, len(hidden) + 1), LAYER)
    record_row = odd_lines(record)
    flat = packed = gradient = 0
    work = chunk_rows * record_row
    for tower, outputs in enumerate((actions, 1)):
        for place, (out, into) in enumerate(layer_shapes(width, outputs, hidden)):
            layer, columns, rows = layers[tower, place], padded(out), padded(into)
            layer["inputs"], layer["outputs"], layer["columns"] = into, out, columns
            layer["weight"], layer["bias"] = flat, flat + out * into
            flat += out * into + out
            layer["ahead"] = packed
            layer["back"], layer["back_row"] = packed + padded(into * columns, LINE), rows
            layer["shift"] = layer["back"] + padded(out * rows, LINE)
            packed = int(layer["shift"]) + padded(columns, LINE)
            layer["gradient"], layer["gradient_row"] = gradient, rows
            layer["gradient_shift"] = gradient + padded(columns * rows, LINE)
            gradient = int(layer["gradient_shift"]) + padded(columns, LINE)
    work = _place_cells(layers, work, chunk_rows)
    return ChunkLayout(layers, packed, gradient, record_row, work)


def _place_cells(layers: NDArray[np.void], work: int, chunk_rows: int) -> int:
    # The towers go through one after the other and share this memory; what a layer leaves is needed until
    # its gradient is done, the gradient itself only by the layer before it.
    widest = odd_lines(int(layers["columns"].max()))
    slopes = work
    work += 2 * chunk_rows * widest
    for place in range(layers.shape[1]):
        row = odd_lines(int(layers["columns"][:, place].max()))
        layers["cells"][:, place], layers["cells_row"][:, place] = work, row
        layers["slopes"][:, place] = slopes + (place % 2) * chunk_rows * widest
        work += chunk_rows * row
    return work
