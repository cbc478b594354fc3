"""A process for every seed of a night, started before the work is known and ended with the night.

Threads would hand the interpreter's lock to each other between compiled calls; processes share nothing but
the pages of the window.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any, Self

import huracan
from huracan.agent.night import seed_process
from huracan.agent.night.recovery_book import RecoveryBook
from huracan.agent.night.seed_messages import Done, Failed, Keep, Start, Steps, Stop
from huracan.agent.night.seed_run import SeedJob, SeedRun
from huracan.agent.night.side_by_side import Halted
from huracan.errors import Unavailable
from huracan.market.block import MarketBlock
from huracan.market.shared_block import BlockLayout, map_block, nameless_file, write_block

_LOOK_SECONDS = 0.2
"""Between two looks whether the others go on, where nothing comes from the process."""
_PATIENCE_SECONDS = 5.0
"""For a process to end by itself once its pipe is closed: an update takes a fraction of a second."""
_ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "NUMBA")}


class SeedProcesses:
    """`count` processes that warm up while the night prepares, each for one seed.

    Used as a context: on leaving it every process is ended. A process whose night was killed ends by itself
    before its next update, because its pipe has ended.
    """

    def __init__(self, count: int) -> None:
        self._file = nameless_file()
        self._pipes: list[Connection] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        self._layout: BlockLayout | None = None
        for _ in range(count):
            self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            if error is not None and not isinstance(error, Exception):
                process.kill()
            try:
                process.wait(_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._file.close()

    def share(self, window: MarketBlock) -> MarketBlock:
        """The whole window, head and tail, as all of them look at it: whoever goes on with it can
        let go of its own."""
        self._layout = write_block(window, self._file)
        return map_block(self._file.fileno(), self._layout)

    def run(
        self, job: SeedJob, book: RecoveryBook, on_steps: Callable[[int], None], stop: Event
    ) -> tuple[SeedRun, dict[str, Any]]:
        """Has the process of the job's seed train it. Raises what it raised; Halted once `stop` is set."""
        assert self._layout is not None, "The window must be shared before a seed is trained on it."
        pipe, name = self._pipes[job.seed_index], str(job.seed_index)
        start = Start(job, self._layout, book.identity, book.found_packed(name), book.is_kept)
        with self._talking_to(job.seed_index):
            pipe.send(start)
        while True:
            with self._talking_to(job.seed_index):
                if stop.is_set():
                    pipe.send(Stop())
                    raise Halted
                if not pipe.poll(_LOOK_SECONDS):
                    continue
                message = pipe.recv()
            match message:
                case Steps(done):
                    on_steps(done)
                case Keep(packed):
                    book.keep_packed(name, packed)
                case Done(run, held_out):
                    return run, held_out
                case Failed(error, traceback):
                    error.add_note(f"In the process of seed {job.seed_index}:\n{traceback}")
                    raise error

    @contextmanager
    def _talking_to(self, seed_index: int) -> Iterator[None]:
        """A pipe that has ended, in the middle of a message too, is a process that has."""
        try:
            yield
        except (EOFError, OSError) as gone:
            raise _lost(seed_index, self._processes[seed_index].wait()) from gone

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        root = str(Path(huracan.__file__).parents[1])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        with theirs:
            descriptors = (theirs.fileno(), self._file.fileno())
            self._processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", seed_process.__name__, *map(str, descriptors)],
                    pass_fds=descriptors,
                    stdin=subprocess.DEVNULL,
                    env=os.environ | _ONE_THREAD | {"PYTHONPATH": path},
                )
            )
        self._pipes.append(Connection(ours.detach()))


def _lost(seed_index: int, code: int) -> Unavailable:
    """What is said of a process that ended with this exit code, a signal's if it is negative."""
    if code == -signal.SIGKILL:
        return Unavailable(
            f"The process of seed {seed_index} was killed (signal 9) before its training was done, most"
            " likely by the system for lack of memory.",
            "Free some memory, or set training.lanes or training.window_days lower, then run again.",
        )
    how = f"by {signal.Signals(-code).name}" if code < 0 else f"with code {code}"
    return Unavailable(
        f"The process of seed {seed_index} ended {how} before its training was done.",
        "Its own messages are above; run again.",
    )
