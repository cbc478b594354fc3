"""Matrix products in registers, with what comes before and after them fused in. No network and no loss here.

C = finish(start + A B), all float32, in tiles of 4 rows by 16 columns (8 by 8 for a last narrow strip) that
stay in vector registers from the first multiply-add to the last. A is read one number at a time, with any
strides, so a transposed A costs nothing; B and C are read in vectors along their rows. Made for chunks of
rows that fit the second-level cache, where it reaches the machine's peak rate (46 to 49 of 50 thousand
million multiply-adds a second measured; a BLAS call, which copies its operands first, 30 to 39). Each element
is one chain of multiply-adds in the order of the depth: its bits depend neither on its place in the chunk nor
on how many rows there are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 8
"""Columns come in multiples of this."""
TALL = 8
"""Rows come in multiples of this. What pads either must be finite."""
WIDE = 2 * LANES

_FLOAT, _INDEX = ir.FloatType(), ir.IntType(64)
_VECTOR = ir.VectorType(_FLOAT, LANES)
_UNSET = ir.Constant(_VECTOR, ir.Undefined)
_FIRST = ir.Constant(ir.IntType(32), 0)
_TO_ALL = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)

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


@dataclass(frozen=True)
class _Matrix:
    """A matrix within a flat array: the number at (r, c) lies at start + r x row + c x column."""

    builder: Any
    data: Any
    start: Any
    row: Any
    column: Any

    def number(self, row: Any, column: Any) -> Any:
        """The number at (row, column), in every lane."""
        lone = self.builder.load(self._place(row, column))
        return self.builder.shuffle_vector(self.builder.insert_element(_UNSET, lone, _FIRST), _UNSET, _TO_ALL)

    def vector(self, row: Any, column: Any) -> Any:
        return self.builder.load(self._vector_place(row, column), align=4)

    def store(self, row: Any, column: Any, value: Any) -> None:
        self.builder.store(value, self._vector_place(row, column), align=4)

    def _vector_place(self, row: Any, column: Any) -> Any:
        return self.builder.bitcast(self._place(row, column), _VECTOR.as_pointer())

    def _place(self, row: Any, column: Any) -> Any:
        down, across = self.builder.mul(row, self.row), self.builder.mul(column, self.column)
        return self.builder.gep(self.data, [self.builder.add(self.start, self.builder.add(down, across))])


def _constant(value: float) -> Any:
    return ir.Constant(_VECTOR, [value] * LANES)


def _multiply_add(builder: Any, left: Any, right: Any, addend: Any) -> Any:
    declared: Any = cgutils.get_or_insert_function
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
    return builder.call(declared(builder.module, kind, f"llvm.fmuladd.v{LANES}f32"), [left, right, addend])


def _polynomial(builder: Any, x: Any, coefficients: tuple[float, ...]) -> Any:
    value = _constant(coefficients[0])
    for coefficient in coefficients[1:]:
        value = _multiply_add(builder, value, x, _constant(coefficient))
    return value


def _tanh(builder: Any, x: Any) -> Any:
    # In this order of comparison a NaN stays a NaN.
    low, high = _constant(-_TANH_END), _constant(_TANH_END)
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
class _Product:
    """What to do beside the multiplications: `side` and `c` are matrices of the result's shape."""

    begins_with: str
    """`nothing`, `side` (a bias: its rows lie 0 apart) or `result` (adds to what is there)."""
    ends_with: str
    """`nothing`, `tanh`, or `slope`: times the slope of the tanh whose values are `side`."""
    row_by_row: bool
    """The order of the tiles: along the rows where B is small and stays in the first-level cache (weights),
    else down the columns."""

    def emit(self, builder: Any, matrices: tuple[_Matrix, ...], rows: Any, columns: Any, depth: Any) -> None:
        wide = builder.and_(columns, _INDEX(-WIDE))
        for first, last, height, width in ((_INDEX(0), wide, 4, WIDE), (wide, columns, TALL, LANES)):
            down, across = (_INDEX(0), rows, height), (first, last, width)
            outer, inner = (down, across) if self.row_by_row else (across, down)
            with _steps(builder, *outer) as (one, _), _steps(builder, *inner) as (two, _):
                row, column = (one, two) if self.row_by_row else (two, one)
                places = [
                    (builder.add(row, _INDEX(r)), builder.add(column, _INDEX(c)))
                    for r in range(height)
                    for c in range(0, width, LANES)
                ]
                self._tile(builder, matrices, places, depth, width // LANES)

    def _tile(
        self, builder: Any, matrices: tuple[_Matrix, ...], places: list[Any], depth: Any, vectors: int
    ) -> None:
        a, b, c, side = matrices
        begins = {"nothing": lambda *_: _constant(0.0), "side": side.vector, "result": c.vector}
        begun = [begins[self.begins_with](*place) for place in places]
        entry, loop, done = builder.block, *(builder.append_basic_block(name) for name in ("depth", "done"))
        builder.branch(loop)
        builder.position_at_end(loop)
        step = builder.phi(_INDEX)
        sums = [builder.phi(_VECTOR) for _ in places]
        across = [b.vector(step, column) for _, column in places[:vectors]]
        added = []
        for number, (total, (row, _)) in enumerate(zip(sums, places, strict=True)):
            if number % vectors == 0:
                lone = a.number(row, step)
            added.append(_multiply_add(builder, lone, across[number % vectors], total))
        following = builder.add(step, _INDEX(1))
        for phi, first, then in zip([step, *sums], [_INDEX(0), *begun], [following, *added], strict=True):
            phi.add_incoming(first, entry)
            phi.add_incoming(then, loop)
        builder.cbranch(builder.icmp_signed("<", following, depth), loop, done)
        builder.position_at_end(done)
        for place, value in zip(places, added, strict=True):
            c.store(place[0], place[1], self._finish(builder, value, side, place))

    def _finish(self, builder: Any, value: Any, side: _Matrix, place: tuple[Any, Any]) -> Any:
        if self.ends_with == "tanh":
            return _tanh(builder, value)
        if self.ends_with == "slope":
            return _slope_of_tanh(builder, value, side.vector(*place))
        return value


def _steps(builder: Any, start: Any, stop: Any, step: int) -> Any:
    return cgutils.for_range_slice(builder, start, stop, _INDEX(step), inc=True)


def _compiled_product(kind: _Product) -> Callable[..., None]:
    """A function for compiled code. The four matrices are flat float32 arrays, the rest int64.

    The result's rows and columns are multiples of TALL and LANES, or are padded to them; depth is at least 1.
    """

    def typed(
        _: Any,
        a: Any, a_start: Any, a_row: Any, a_column: Any,
        b: Any, b_start: Any, b_row: Any,
        c: Any, c_start: Any, c_row: Any,
        side: Any, side_start: Any, side_row: Any,
        rows: Any, columns: Any, depth: Any,
    ) -> Any:  # fmt: skip
        places = (a_start, a_row, a_column, b, b_start, b_row, c, c_start, c_row, side, side_start, side_row)
        return types.void(a, *places, rows, columns, depth), emitted

    def emitted(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        def data(place: int) -> Any:
            return context.make_array(signature.args[place])(context, builder, given[place]).data

        one = _INDEX(1)
        matrices = (
            _Matrix(builder, data(0), *given[1:4]),
            *(_Matrix(builder, data(at), given[at + 1], given[at + 2], one) for at in (4, 7, 10)),
        )
        kind.emit(builder, matrices, *given[13:16])
        return context.get_dummy_value()

    made: Callable[..., None] = intrinsic(typed)
    return made


affine = _compiled_product(_Product("side", "nothing", row_by_row=True))
"""C = side + A B: a layer without a tanh; `side` is its bias, of row 0."""

affine_tanh = _compiled_product(_Product("side", "tanh", row_by_row=True))
"""C = tanh(side + A B): a hidden layer."""

product_slope = _compiled_product(_Product("nothing", "slope", row_by_row=True))
"""C = (A B) (1 - side^2): the gradient before a hidden layer's tanh, of which `side` holds the values."""

product_added = _compiled_product(_Product("result", "nothing", row_by_row=False))
"""C = C + A B, with no `side`: gradients of weights, summed over chunks."""
