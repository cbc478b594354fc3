"""What narrow heads and biases need beside matrix products: sums along columns and rows. No network here.

Where the order of a sum is free it is fixed here, the same for every width of the registers.
"""

from collections.abc import Iterator
from typing import Any

from llvmlite import ir
from numba import types

from huracan.agent.engines.matrix_kernel import TILES
from huracan.agent.engines.vector_width import LANES, NARROW
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

SUM_VECTORS, SUM_LANES = 4, NARROW
DOT_COUNT = SUM_VECTORS * SUM_LANES
"""`dot` takes multiples of so many numbers, each of which has a chain of its own."""

BLOCK = NARROW
"""Rows and columns that `transposed` turns at a time."""


def _strips(builder: Any, columns: Any) -> Iterator[tuple[list[Any], int]]:
    """The columns of every vector of a strip, strip after strip, and the vectors' lanes."""
    first = INDEX(0)
    for tile in TILES[LANES]:
        width = tile.vectors * tile.lanes
        last = builder.and_(columns, INDEX(-width))
        with steps(builder, first, last, width) as (column, _):
            yield (
                [builder.add(column, INDEX(tile.lanes * across)) for across in range(tile.vectors)],
                tile.lanes,
            )
        first = last


@written
def columns_added(_: Any, matrix: Any, sums: Any, rows: Any, columns: Any) -> Any:
    """Adds every column of `matrix` to its number in `sums`, a Matrix of one row; in the rows' order."""

    def emitted(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        read, total = (EmittedMatrix.of(context, builder, signature.args[at], given[at]) for at in (0, 1))
        for strip, lanes in _strips(builder, given[3]):
            chains = Chains(builder, [total.vector(INDEX(0), column, lanes) for column in strip])
            with chains.along(given[2]) as (row, carried):
                for vector, column in enumerate(strip):
                    carried[vector] = builder.fadd(carried[vector], read.vector(row, column, lanes))
            for column, value in zip(strip, chains.ended, strict=True):
                total.store(INDEX(0), column, value)
        return context.get_dummy_value()

    return types.void(matrix, sums, rows, columns), emitted


@written
def dot(_: Any, left: Any, right: Any, count: Any) -> Any:
    """The sum of left x right over the first `count` numbers of either Matrix, a multiple of DOT_COUNT.

    The chains' vectors are added one after the other, then the upper half of the sum to its lower until one
    number is left.
    """

    def emitted(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        both = [EmittedMatrix.of(context, builder, signature.args[at], given[at]) for at in (0, 1)]
        chains = Chains(builder, [constant(0.0, SUM_LANES)] * SUM_VECTORS)
        with chains.along(builder.sdiv(given[2], INDEX(DOT_COUNT))) as (step, sums):
            first = builder.mul(step, INDEX(DOT_COUNT))
            for vector in range(SUM_VECTORS):
                column = builder.add(first, INDEX(vector * SUM_LANES))
                first_factor, second_factor = (each.vector(INDEX(0), column, SUM_LANES) for each in both)
                sums[vector] = multiply_add(builder, first_factor, second_factor, sums[vector])
        total, *others = chains.ended
        for other in others:
            total = builder.fadd(total, other)
        lanes = SUM_LANES
        while lanes > 1:
            lanes //= 2
            low, high = (
                ir.Constant(ir.VectorType(ir.IntType(32), lanes), list(range(start, start + lanes)))
                for start in (0, lanes)
            )
            total = builder.fadd(
                builder.shuffle_vector(total, total, low), builder.shuffle_vector(total, total, high)
            )
        return builder.extract_element(total, ir.IntType(32)(0))

    return types.float32(left, right, count), emitted


@written
def one_output_backward(
    _: Any, slopes: Any, weights: Any, cells: Any, gradient: Any, into: Any, shape: Any
) -> Any:
    """Backward through a layer of one output over tanh cells, five of `vectors.Matrix`.

    From `slopes` [rows, 1] on its output: adds slope x cell over all rows to `gradient` [1, columns] and
    writes slope x weight x (1 - cell^2) to `into` [rows, columns]. Of the Shape no depth is needed.
    """

    def emitted(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        on_output, weight, cell, total, target = (
            EmittedMatrix.of(context, builder, *each)
            for each in zip(signature.args[:5], given[:5], strict=True)
        )
        rows, columns, _ = unpacked(builder, given[5])
        for strip, lanes in _strips(builder, columns):
            one = constant(1.0, lanes)
            fixed = [weight.vector(INDEX(0), column, lanes) for column in strip]
            chains = Chains(builder, [total.vector(INDEX(0), column, lanes) for column in strip])
            with chains.along(rows) as (row, carried):
                slope = on_output.number(row, INDEX(0), lanes)
                for vector, column in enumerate(strip):
                    value = cell.vector(row, column, lanes)
                    bent = builder.fsub(one, builder.fmul(value, value))
                    carried[vector] = builder.fadd(carried[vector], builder.fmul(slope, value))
                    target.store(row, column, builder.fmul(builder.fmul(slope, fixed[vector]), bent))
            for column, value in zip(strip, chains.ended, strict=True):
                total.store(INDEX(0), column, value)
        return context.get_dummy_value()

    return types.void(slopes, weights, cells, gradient, into, shape), emitted


@written
def transposed(_: Any, source: Any, target: Any, rows: Any, columns: Any) -> Any:
    """Writes the number (r, c) of one Matrix to (c, r) of the other, in blocks of BLOCK by BLOCK.

    Rows and columns are multiples of BLOCK, or there is room for as many in both.
    """

    def emitted(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        read, into = (EmittedMatrix.of(context, builder, signature.args[at], given[at]) for at in (0, 1))
        down, across = ((INDEX(0), stop, BLOCK) for stop in given[2:])
        with steps(builder, *down) as (row, _), steps(builder, *across) as (column, _):
            block = [read.vector(builder.add(row, INDEX(at)), column, BLOCK) for at in range(BLOCK)]
            for _round in range(BLOCK.bit_length() - 1):
                halves = zip(block[: BLOCK // 2], block[BLOCK // 2 :], strict=True)
                block = [mixed for pair in halves for mixed in _interleaved(builder, *pair)]
            for at, vector in enumerate(block):
                into.store(builder.add(column, INDEX(at)), row, vector)
        return context.get_dummy_value()

    return types.void(source, target, rows, columns), emitted


def _interleaved(builder: Any, one: Any, other: Any) -> tuple[Any, Any]:
    """The lower halves of both, number by number in turn, and the upper halves: as often as the block's size
    is halved, this turns rows into columns."""
    order = [index for lane in range(BLOCK) for index in (lane, BLOCK + lane)]
    kind = ir.VectorType(ir.IntType(32), BLOCK)
    low, high = (
        builder.shuffle_vector(one, other, ir.Constant(kind, half)) for half in (order[:BLOCK], order[BLOCK:])
    )
    return low, high
