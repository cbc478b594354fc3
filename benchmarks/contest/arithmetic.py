"""The arithmetic limit: what one core could learn if it did nothing but multiply and add.

Multiply-adds of a step are counted from the layers' shapes; the peak rate is the better of fused
multiply-adds that never leave the registers and of NumPy's matrix products. No network is
built and nothing is learned here.
"""

import itertools
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

_ACCUMULATORS = (8, 9, 10, 12)
"""Independent sums: two units of four cycles' latency want eight, of five cycles' ten; which number keeps
both units busy is the scheduler's secret. Sixteen registers hold them beside the two factors."""
_VECTOR_WIDTHS = (8, 16)
"""Float32 numbers: 256 and 512 bits. A machine without the wider ones takes them in halves."""
_LOOPS = 2_000_000


def multiply_adds_per_step(width: int, actions: int, hidden: Sequence[int], epochs: int) -> int:
    """Of one environment step with its learning: a forward to act, then `epochs` times forward and backward.

    Backward costs every layer its weights' gradient and every layer but the first its inputs' gradient.
    """
    forward = without_first = 0
    for outputs in (actions, 1):
        sizes = [width, *hidden, outputs]
        layers = [below * above for below, above in itertools.pairwise(sizes)]
        forward += sum(layers)
        without_first += sum(layers[1:])
    return forward + epochs * (2 * forward + without_first)


def _register_loop(lanes: int, accumulators: int) -> Callable[[int], float]:
    """Machine code of `loops` rounds of `accumulators` vector multiply-adds; returns their sum."""

    @intrinsic
    def rounds(typing_context: Any, loops: Any) -> Any:  # noqa: ARG001
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
            vector = ir.VectorType(ir.FloatType(), lanes)

            def constant(value: float) -> Any:
                return ir.Constant(vector, [value] * lanes)

            kind = ir.FunctionType(vector, [vector] * 3)
            find: Any = cgutils.get_or_insert_function
            fused = find(builder.module, kind, f"llvm.fma.v{lanes}f32")
            before, inside, after = (builder.append_basic_block(each) for each in ("pre", "loop", "post"))
            builder.branch(before)
            builder.position_at_end(before)
            builder.branch(inside)
            builder.position_at_end(inside)
            counter = builder.phi(ir.IntType(64))
            sums = [builder.phi(vector) for _ in range(accumulators)]
            counter.add_incoming(ir.Constant(ir.IntType(64), 0), before)
            for index, each in enumerate(sums):
                each.add_incoming(constant(0.001 * index), before)
                each.add_incoming(builder.call(fused, [each, constant(0.999), constant(0.25)]), inside)
            following = builder.add(counter, ir.Constant(ir.IntType(64), 1))
            counter.add_incoming(following, inside)
            builder.cbranch(builder.icmp_signed("<", following, arguments[0]), inside, after)
            builder.position_at_end(after)
            total = sums[0]
            for each in sums[1:]:
                total = builder.fadd(total, each)
            return builder.extract_element(total, ir.Constant(ir.IntType(32), 0))

        return types.float32(types.int64), generate

    @numba.njit
    def run(loops: int) -> float:
        return rounds(loops)  # type: ignore[call-arg]  # numba passes the typing context

    compiled: Any = run
    return cast("Callable[[int], float]", compiled)


def peak_in_registers(repeats: int = 5) -> float:
    """Best multiply-adds per CPU-second of one core, factors and sums in registers."""
    best = 0.0
    for lanes, accumulators in itertools.product(_VECTOR_WIDTHS, _ACCUMULATORS):
        run = _register_loop(lanes, accumulators)
        run(1)
        best = max(best, _best_rate(partial(run, _LOOPS), lanes * accumulators * _LOOPS, repeats))
    return best


def peak_of_matrix_products(repeats: int = 5) -> float:
    """Best multiply-adds per CPU-second of NumPy's sgemm over several sizes; its threads are the caller's."""
    generator, best = np.random.default_rng(1), 0.0
    for rows, inner, columns in ((4096, 64, 64), (512, 512, 512), (1024, 1024, 1024), (2048, 2048, 1024)):
        left = generator.random((rows, inner), np.float32)
        right = generator.random((inner, columns), np.float32)
        calls = max(1, int(1e9 / (rows * inner * columns)))

        def multiply(left: Any = left, right: Any = right, calls: int = calls) -> None:
            for _ in range(calls):
                left @ right

        best = max(best, _best_rate(multiply, calls * rows * inner * columns, repeats))
    return best


def _best_rate(work: Callable[[], object], operations: int, repeats: int) -> float:
    seconds = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return operations / min(seconds)
