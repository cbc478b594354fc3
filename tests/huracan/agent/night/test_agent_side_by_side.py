"""Runs in threads: the results by index, and a failure or an interrupt that ends them all."""

import signal
import threading
import time
from collections.abc import Iterator

import pytest

from huracan.agent.night.side_by_side import Halted, run_side_by_side


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_results_are_by_place(threads: int) -> None:
    assert run_side_by_side(lambda index, stop: index * index, 4, threads) == [0, 1, 4, 9]


def _until_stopped(stop: threading.Event) -> None:
    assert stop.wait(30), "nobody told it to stop"
    raise Halted


@pytest.mark.parametrize("failing", [0, 2])
def test_a_failure_stops_the_others_and_is_what_is_raised(failing: int) -> None:
    def run(index: int, stop: threading.Event) -> None:
        if index == failing:
            raise ValueError(f"{index} failed")
        _until_stopped(stop)

    with pytest.raises(ValueError, match=f"{failing} failed"):
        run_side_by_side(run, 3, 3)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A process that was started in the background ignores SIGINT from its birth."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_of_the_caller_stops_them_and_is_raised() -> None:
    caller = threading.main_thread().ident
    assert caller is not None

    def run(index: int, stop: threading.Event) -> None:
        if index == 0:
            time.sleep(0.2)
            signal.pthread_kill(caller, signal.SIGINT)
        _until_stopped(stop)

    with pytest.raises(KeyboardInterrupt):
        run_side_by_side(run, 2, 2)
