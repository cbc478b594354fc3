"""Runs the seeds of a night in threads; when one fails, the others stop soon. Nothing is trained here."""

from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from threading import Event
from typing import TypeVar

Result = TypeVar("Result")


class Halted(Exception):
    """Raised by a run that was told to stop. Whoever started it hears the reason instead."""


def run_side_by_side(run: Callable[[int, Event], Result], count: int, threads: int) -> list[Result]:
    """run(index, stop) for every index below `count`, in `threads` threads; the results by index.

    Where one of them fails, or the caller is interrupted, `stop` is set: a run that looks at it raises Halted
    and ends. Raises what the first index raised that failed of itself.
    """
    stop = Event()
    if min(threads, count) == 1:
        return [run(index, stop) for index in range(count)]
    # The engines and the market let go of the interpreter's lock while they count.
    pool = ThreadPoolExecutor(min(threads, count))
    waiting = [pool.submit(run, index, stop) for index in range(count)]
    try:
        wait(waiting, return_when=FIRST_EXCEPTION)
    finally:
        if not all(future.done() and future.exception() is None for future in waiting):
            stop.set()
        pool.shutdown(cancel_futures=True)
    for future in waiting:
        error = None if future.cancelled() else future.exception()
        if error is not None and not isinstance(error, Halted):
            raise error
    return [future.result() for future in waiting]
