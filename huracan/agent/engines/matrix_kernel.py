"""Matrix products in registers, with what comes before and after them fused in. No network and no loss here.

C = finish(start + A B), all float32, in tiles that stay in vector registers from the first multiply-add to
the last: 4 or 6 rows by 64 columns where there are 32 registers of 16 numbers, by 16 where there are 16 of
8; what is left of the columns goes in narrower strips. A is read one number at a time, so that a transposed A
costs nothing; B and C are read in vectors along their rows. Made for chunks of rows that fit the second-level
cache (figures are in docs/benchmarks.md; a BLAS call copies its operands first). Each element is one chain of
multiply-adds in the order of the depth: its bits depend neither on the tile, nor on the registers' width, nor
on how many rows there are.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from numba import types

from huracan.agent.engines.vector_width import LANES, NARROW, WIDE
from huracan.agent.engines.vectors import (
    INDEX,
    Chains,
    EmittedMatrix,
    constant,
    multiply_add,
    steps,
    unpacked,
    written,
)

COLUMNS = NARROW
"""Columns come in multiples of this."""
TALL = 8
"""Rows come in multiples of this, or there is room for as many. What pads either must be finite."""


class Shape(NamedTuple):
    """Of a product: rows and columns of C, and how many products are summed in each element, at least 1."""

    rows: int
    columns: int
    depth: int


class Tile(NamedTuple):
    """Rows by vectors of so many lanes."""

    rows: int
    tall: int
    """More rows, where what ends the product leaves the registers to the sums."""
    vectors: int
    lanes: int

    def heights(self, builder: Any, rows: Any, *, is_tall: bool) -> list[tuple[int, tuple[Any, Any, int]]]:
        """Heights of the tiles with which to go down so many rows: from, to and by how many."""
        if not is_tall or self.tall == self.rows:
            return [(self.rows, (INDEX(0), rows, self.rows))]
        both = INDEX(math.lcm(self.tall, self.rows))
        turn = builder.mul(builder.sdiv(rows, both), both)
        return [(self.tall, (INDEX(0), turn, self.tall)), (self.rows, (turn, rows, self.rows))]


TILES = {
    NARROW: (Tile(4, 6, 2, NARROW), Tile(8, 8, 1, NARROW)),
    WIDE: (Tile(4, 6, 4, WIDE), Tile(8, 8, 2, WIDE), Tile(8, 8, 1, WIDE), Tile(8, 8, 1, NARROW)),
}
"""By the widest registers: the tile for as many columns as it fits in, then that for what it leaves."""

# tanh(x) = x P(x^2) / Q(x^2) on [-7.6, 7.6], fitted for the least largest error: 6.6e-7 with float32's
# rounding, never beyond 1. Past the ends it stays at their values. Highest power first.
_TANH_END = 7.6
_TANH_ABOVE = (
    -6.514133589314288e-09,
    7.3545059141072264e-06,
    0.002720411102747301,
    0.12735106303002758,
    0.9999993917525586,
)
_TANH_BELOW = (0.00019991928238556882, 0.022950304726556407, 0.4606821087324449, 1.0)


def _polynomial(builder: Any, x: Any, coefficients: tuple[float, ...]) -> Any:
    lanes = x.type.count
    value = constant(coefficients[0], lanes)
    for coefficient in coefficients[1:]:
        value = multiply_add(builder, value, x, constant(coefficient, lanes))
    return value


def _tanh(builder: Any, x: Any) -> Any:
    # In this order of comparison a NaN stays a NaN.
    low, high = (constant(end, x.type.count) for end in (-_TANH_END, _TANH_END))
    x = builder.select(builder.fcmp_ordered("<", high, x), high, x)
    x = builder.select(builder.fcmp_ordered(">", low, x), low, x)
    square = builder.fmul(x, x)
    above = builder.fmul(x, _polynomial(builder, square, _TANH_ABOVE))
    return builder.fdiv(above, _polynomial(builder, square, _TANH_BELOW))


def _slope_of_tanh(builder: Any, value: Any, activation: Any) -> Any:
    """value x (1 - activation^2)"""
    bent = builder.fmul(value, activation)
    return builder.fsub(value, builder.fmul(bent, activation))


@dataclass(frozen=True)
class Product:
    """What to do beside the multiplications: `side` and `c` are matrices of the result's shape."""

    begins_with: str
    """`nothing`, `side` (a bias: its rows lie 0 apart) or `result` (adds to what is there)."""
    ends_with: str
    """`nothing`, `tanh`, or `slope`: times the slope of the tanh whose values are `side`."""
    row_by_row: bool
    """The order of the tiles: along the rows where B is small and stays in the first-level cache (weights),
    else down the columns."""

    def emit(self, builder: Any, matrices: tuple[EmittedMatrix, ...], shape: list[Any], lanes: int) -> None:
        rows, columns, depth = shape
        first = INDEX(0)
        for tile in TILES[lanes]:
            width = tile.vectors * tile.lanes
            last = builder.and_(columns, INDEX(-width))
            across = (first, last, width)
            for height, down in tile.heights(builder, rows, is_tall=self.ends_with != "tanh"):
                outer, inner = (down, across) if self.row_by_row else (across, down)
                with steps(builder, *outer) as (one, _), steps(builder, *inner) as (two, _):
                    corner = (one, two) if self.row_by_row else (two, one)
                    self._tile(builder, matrices, corner, depth, tile._replace(rows=height))
            first = last

    def _tile(
        self,
        builder: Any,
        matrices: tuple[EmittedMatrix, ...],
        corner: tuple[Any, Any],
        depth: Any,
        tile: Tile,
    ) -> None:
        a, b, c, side = matrices
        rows = [builder.add(corner[0], INDEX(down)) for down in range(tile.rows)]
        columns = [builder.add(corner[1], INDEX(tile.lanes * across)) for across in range(tile.vectors)]
        cells = [(row, column) for row in rows for column in columns]
        chains = Chains(builder, [self._begin(c, side, cell, tile.lanes) for cell in cells])
        with chains.along(depth) as (step, sums):
            across = [b.vector(step, column, tile.lanes) for column in columns]
            for number, row in enumerate(rows):
                lone = a.number(row, step, tile.lanes)
                for vector, factor in enumerate(across):
                    at = number * tile.vectors + vector
                    sums[at] = multiply_add(builder, lone, factor, sums[at])
        for cell, value in zip(cells, chains.ended, strict=True):
            c.store(*cell, self._finish(builder, value, side, cell))

    def _begin(self, c: EmittedMatrix, side: EmittedMatrix, cell: tuple[Any, Any], lanes: int) -> Any:
        if self.begins_with == "nothing":
            return constant(0.0, lanes)
        return (side if self.begins_with == "side" else c).vector(*cell, lanes)

    def _finish(self, builder: Any, value: Any, side: EmittedMatrix, cell: tuple[Any, Any]) -> Any:
        if self.ends_with == "tanh":
            return _tanh(builder, value)
        if self.ends_with == "slope":
            return _slope_of_tanh(builder, value, side.vector(*cell, value.type.count))
        return value


def compiled_product(kind: Product, lanes: int = LANES) -> Callable[..., None]:
    """A function for compiled code: (A, B, C, side), four of `vectors.Matrix`, and their Shape."""

    def typed(_: Any, a: Any, b: Any, c: Any, side: Any, shape: Any) -> Any:
        return types.void(a, b, c, side, shape), emitted

    def emitted(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        *matrices, shape = zip(signature.args, given, strict=True)
        kind.emit(
            builder,
            tuple(EmittedMatrix.of(context, builder, *matrix) for matrix in matrices),
            unpacked(builder, shape[1]),
            lanes,
        )
        return context.get_dummy_value()

    return written(typed)


affine = compiled_product(Product("side", "nothing", row_by_row=True))
"""C = side + A B: a layer without a tanh; `side` is its bias, of row 0."""

affine_tanh = compiled_product(Product("side", "tanh", row_by_row=True))
"""C = tanh(side + A B): a hidden layer."""

product_slope = compiled_product(Product("nothing", "slope", row_by_row=True))
"""C = (A B) (1 - side^2): the gradient before a hidden layer's tanh, of which `side` holds the values."""

product_added = compiled_product(Product("result", "nothing", row_by_row=False))
"""C = C + A B, with no `side`: gradients of weights, summed over chunks."""
