"""What `huracan up` has started is known again by the next one, and nothing else is taken for it."""

import json
import os
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from huracan.errors import InvalidInput
from huracan_console.servers.up_record import UpRecord


def test_a_home_that_up_makes_first_is_closed_to_other_accounts(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"
    with UpRecord(home).held():
        assert [stat.S_IMODE(each.stat().st_mode) for each in (home, home.parent)] == [0o700, 0o700]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[psutil.Process]:
    """Leads a session of its own, in which a program runs that it has started."""
    command = ["sh", "-c", "sleep 60 & wait"]
    variables = os.environ | {"HURACAN_HOME": str(tmp_path)}
    with subprocess.Popen(command, start_new_session=True, env=variables) as started:
        process = psutil.Process(started.pid)
        # The kernel shows the environment of a program a moment after the program has begun.
        while not any(each.name() == "sleep" and each.environ() for each in process.children()):
            time.sleep(0.01)
        yield process
        os.killpg(started.pid, signal.SIGKILL)


def test_the_recorded_servers_and_what_runs_in_their_sessions_are_ours(
    tmp_path: Path, server: psutil.Process
) -> None:
    record, children = UpRecord(tmp_path), set(server.children())
    record.write(3000, [server])
    assert record.left_alive() == {server, *children}
    server.kill()
    server.wait()
    assert record.left_alive() == children


def test_a_recorded_number_that_another_program_has_taken_is_left_alone_with_what_it_started(
    tmp_path: Path, server: psutil.Process
) -> None:
    def found(started: float) -> set[psutil.Process]:
        (tmp_path / "up.json").write_text(json.dumps({"up": 1, "port": 2, "servers": {server.pid: started}}))
        return UpRecord(tmp_path).left_alive()

    started = server.create_time()
    assert found(started - 500.0) == found(started + 500.0) == set()
    server.kill()
    server.wait()
    assert found(started + 500.0) == set() != found(started)


@pytest.mark.parametrize(
    "content",
    [
        *("not JSON", "[1]", "{}", '{"up": 1, "servers": {"1": 0}}'),
        *('{"up": 1, "port": 2, "servers": [1]}', '{"up": 1, "port": 2, "servers": {"1": null}}'),
        *('{"up": 1, "port": 2, "servers": {"a": 0}}', '{"up": 1, "port": Infinity, "servers": {}}'),
    ],
)
def test_a_damaged_record_names_nothing_and_hinders_no_start(tmp_path: Path, content: str) -> None:
    record = UpRecord(tmp_path)
    (tmp_path / "up.json").write_text(content)
    with record.held():
        assert record.left_alive() == set()
        with pytest.raises(InvalidInput, match=r"already\."), record.held():
            pass
