"""Where everything lies in the memory of the compiled arithmetic. NumPy alone: no arithmetic and no loss.

Three flat arrays. Packed weights: of every layer W transposed (for the way forward), W (for the way back) and
the bias, rows padded with zeros to whole vectors. Gradients: of every layer W transposed and bias, padded
alike: so the outputs, mostly whole vectors, lie along the vectors, and not the inputs. Work:
one chunk of rows on its way through the towers. Rows of work are an odd number of cache lines apart, so that
a column of a matrix does not crowd into a few sets of the first-level cache (128 apart cost a fifth).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from huracan.agent.engines.matrix_kernel import COLUMNS, TALL
from huracan.agent.engines.row_kernel import DOT_COUNT
from huracan.agent.layout import layer_shapes

LINE = 16
"""Numbers of float32 in a cache line of 64 bytes."""

POLICY_TOWER, VALUE_TOWER = 0, 1

LAYER = np.dtype(
    [
        (name, np.int64)
        for name in (
            "inputs", "outputs", "columns",  # columns: outputs, padded; the row of `ahead`
            "weight", "bias",  # in the flat weights
            "ahead", "back", "back_row", "shift",  # in the packed weights
            "gradient", "gradient_row", "gradient_shift",  # in the gradients: rows are inputs
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


class PackedNetwork(NamedTuple):
    """A network as kernels take it."""

    layers: NDArray[np.void]
    packed: NDArray[np.float32]
    """The weights."""
    record_row: int
    chunk_rows: int
    """Rows of a chunk at most."""


class ChunkMemory(NamedTuple):
    """What one thread writes to on a chunk's way."""

    work: NDArray[np.float32]
    scratch: NDArray[np.float32]
    """[2 x actions + SCRATCH_ROWS, chunk rows]"""


def padded(count: int, multiple: int = COLUMNS) -> int:
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
        for index, (out, into) in enumerate(layer_shapes(width, outputs, hidden)):
            layer, columns, rows = layers[tower, index], padded(out), padded(into)
            layer["inputs"], layer["outputs"], layer["columns"] = into, out, columns
            layer["weight"], layer["bias"] = flat, flat + out * into
            flat += out * into + out
            layer["ahead"] = packed
            layer["back"], layer["back_row"] = packed + padded(into * columns, LINE), rows
            layer["shift"] = layer["back"] + padded(out * rows, DOT_COUNT)
            packed = int(layer["shift"]) + padded(columns, LINE)
            # The value's head has one output, whose numbers lie side by side.
            across = 1 if index == len(hidden) and tower == VALUE_TOWER else columns
            layer["gradient"], layer["gradient_row"] = gradient, across
            layer["gradient_shift"] = gradient + padded(padded(into, TALL) * across, LINE)
            gradient = int(layer["gradient_shift"]) + padded(columns, LINE)
    work = _place_cells(layers, work, chunk_rows)
    return ChunkLayout(layers, packed, gradient, record_row, work)


def _place_cells(layers: NDArray[np.void], work: int, chunk_rows: int) -> int:
    # The towers go through one after the other and share this memory; what a layer leaves is needed until
    # its gradient is done, the gradient itself only by the layer before it.
    widths = layers["columns"].max(axis=0)
    # The value's head reads a row of the last hidden cells and 0 after it.
    widths[-2] = padded(int(widths[-2]), DOT_COUNT)
    rows = [odd_lines(int(width)) for width in widths]
    slopes = work
    work += 2 * chunk_rows * max(rows)
    for index, row in enumerate(rows):
        layers["cells"][:, index], layers["cells_row"][:, index] = work, row
        layers["slopes"][:, index] = slopes + (index % 2) * chunk_rows * max(rows)
        work += chunk_rows * row
    return work
