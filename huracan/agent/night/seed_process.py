"""The program that trains one seed in a process of its own. `seed_processes` starts it and talks to it.

python -m huracan.agent.night.seed_process PIPE BLOCK_FILE   (two descriptors that it is born with)
"""

import gc
import pickle
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from huracan.agent.night.recovery import pack_state, unpack_state
from huracan.agent.night.seed_job import run_seed_job
from huracan.agent.night.seed_messages import Done, Failed, Keep, Start, Steps
from huracan.agent.night.side_by_side import Halted
from huracan.agent.night.window import split_window
from huracan.agent.normaliser import Normaliser
from huracan.market.shared_block import map_block


class SentBook:
    """A `StateBook` that finds what the night has sent, and sends it what is to be kept."""

    def __init__(self, pipe: Connection, start: Start) -> None:
        self._pipe, self._start = pipe, start

    @property
    def is_kept(self) -> bool:
        return self._start.is_kept

    def found(self, name: str) -> dict[str, Any] | None:  # noqa: ARG002 - there is one seed here
        left = self._start.left
        return None if left is None else unpack_state(left, self._start.identity)

    def keep(self, name: str, state: dict[str, Any]) -> None:  # noqa: ARG002 - there is one seed here
        self._pipe.send(Keep(pack_state(state, self._start.identity)))


def serve(pipe: Connection, block_file: int) -> None:
    """Trains the one job that comes through the pipe, and answers. Ends silently where the night has gone."""
    try:
        start: Start = pipe.recv()
        head, tail = split_window(map_block(block_file, start.layout), start.job.config)
        run, held_out = run_seed_job(
            start.job, head, tail, SentBook(pipe, start), lambda done: pipe.send(Steps(done)), pipe.poll
        )
        pipe.send(Done(run, held_out))
    except (Halted, EOFError, BrokenPipeError, ConnectionResetError):
        return
    except Exception as error:  # noqa: BLE001 - the night raises it
        pipe.send(Failed(_sendable(error), traceback.format_exc()))


def warm_up() -> None:
    """Loads the compiled loops' runtime, half a second, while the night still looks through its window."""
    Normaliser(1).update(np.zeros((2, 1), np.float32))


def _sendable(error: Exception) -> Exception:
    """The error, or its words where it cannot travel."""
    try:
        pickle.loads(pickle.dumps(error))
    except (pickle.PicklingError, TypeError, AttributeError):
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


if __name__ == "__main__":
    # An interrupt goes to the night as well, which tells its processes.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warm_up()
    # What was loaded stays: no collection need look through it again.
    gc.freeze()
    serve(Connection(int(sys.argv[1])), int(sys.argv[2]))
