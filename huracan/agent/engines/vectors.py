"""Matrices and vectors of float32 in LLVM's language, for kernels that choose their registers themselves."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

INDEX = ir.IntType(64)
_FLOAT, _LANE = ir.FloatType(), ir.IntType(32)


class Matrix(NamedTuple):
    """A matrix within a flat array: the number at (r, c) lies at start + r x row + c x column."""

    data: NDArray[np.float32]
    start: int
    row: int
    column: int
    """1, but of a matrix that is read number by number: rows and columns may then change places."""


def vector_type(lanes: int) -> Any:
    return ir.VectorType(_FLOAT, lanes)


def constant(value: float, lanes: int) -> Any:
    """`value` in every lane."""
    return ir.Constant(vector_type(lanes), [value] * lanes)


def multiply_add(builder: Any, left: Any, right: Any, addend: Any) -> Any:
    """left x right + addend, rounded once where the processor can."""
    kind = left.type
    declared: Any = cgutils.get_or_insert_function
    name = f"llvm.fmuladd.v{kind.count}f32"
    return builder.call(
        declared(builder.module, ir.FunctionType(kind, [kind] * 3), name), [left, right, addend]
    )


def steps(builder: Any, start: Any, stop: Any, step: int) -> AbstractContextManager[Any]:
    """The body of a loop from `start` on while below `stop`."""
    return cgutils.for_range_slice(builder, start, stop, INDEX(step), inc=True)


def unpacked(builder: Any, given: Any) -> list[Any]:
    """The values of an argument that is a tuple."""
    values: list[Any] = cgutils.unpack_tuple(builder, given)  # type: ignore[no-untyped-call]
    return values


def written(typed: Callable[..., Any]) -> Callable[..., Any]:
    """A function for compiled code whose body `typed`, after its types, writes in LLVM's language."""
    made: Callable[..., Any] = intrinsic(typed)
    return made


@dataclass(frozen=True)
class EmittedMatrix:
    """A `Matrix` in a function that is being written."""

    builder: Any
    data: Any
    start: Any
    row: Any
    column: Any

    @staticmethod
    def of(context: Any, builder: Any, kind: Any, given: Any) -> "EmittedMatrix":
        """Of an argument `given` whose numba type is `kind`, that of a Matrix."""
        array, start, row, column = unpacked(builder, given)
        data = context.make_array(kind.types[0])(context, builder, array).data
        return EmittedMatrix(builder, data, start, row, column)

    def number(self, row: Any, column: Any, lanes: int) -> Any:
        """The number at (row, column), in every lane."""
        unset = ir.Constant(vector_type(lanes), ir.Undefined)
        first, to_all = _LANE(0), ir.Constant(ir.VectorType(_LANE, lanes), [0] * lanes)
        lone = self.builder.load(self._address(row, column))
        return self.builder.shuffle_vector(self.builder.insert_element(unset, lone, first), unset, to_all)

    def vector(self, row: Any, column: Any, lanes: int) -> Any:
        """The numbers at (row, column) and after it in the row."""
        return self.builder.load(self._vector_address(row, column, lanes), align=4)

    def store(self, row: Any, column: Any, value: Any) -> None:
        self.builder.store(value, self._vector_address(row, column, value.type.count), align=4)

    def _vector_address(self, row: Any, column: Any, lanes: int) -> Any:
        return self.builder.bitcast(self._address(row, column), vector_type(lanes).as_pointer())

    def _address(self, row: Any, column: Any) -> Any:
        down, across = self.builder.mul(row, self.row), self.builder.mul(column, self.column)
        return self.builder.gep(self.data, [self.builder.add(self.start, self.builder.add(down, across))])


class Chains:
    """Sums that a loop carries in registers."""

    def __init__(self, builder: Any, begun: list[Any]) -> None:
        self._builder, self._begun = builder, begun
        self.ended = list(begun)

    @contextmanager
    def along(self, depth: Any) -> Iterator[tuple[Any, list[Any]]]:
        """The body of a loop over `depth`, at least 1: the step, and the sums so far; sets `ended`."""
        builder = self._builder
        entry, loop, done = builder.block, *(builder.append_basic_block(name) for name in ("along", "done"))
        builder.branch(loop)
        builder.position_at_end(loop)
        step = builder.phi(INDEX)
        carried = [builder.phi(value.type) for value in self._begun]
        self.ended = list(carried)
        yield step, self.ended
        following = builder.add(step, INDEX(1))
        for phi, first, then in zip(
            [step, *carried], [INDEX(0), *self._begun], [following, *self.ended], strict=True
        ):
            phi.add_incoming(first, entry)
            phi.add_incoming(then, builder.block)
        builder.cbranch(builder.icmp_signed("<", following, depth), loop, done)
        builder.position_at_end(done)
