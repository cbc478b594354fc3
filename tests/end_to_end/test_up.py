"""`huracan up`: it starts everything, says where, and leaves nothing behind when it is stopped."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

_ROOT = Path(__file__).resolve().parents[2]
_HURACAN = Path(sys.executable).parent / "huracan"
_START_SECONDS = 60.0


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    # Not below pytest's own directory: its path is too long for a socket.
    with tempfile.TemporaryDirectory(prefix="huracan-up-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def variables(home: Path) -> dict[str, str]:
    instance = home / "dagster"
    instance.mkdir()
    shutil.copy(_ROOT / "dagster_home" / "dagster.yaml", instance)
    return os.environ | {"HURACAN_HOME": str(home), "DAGSTER_HOME": str(instance)}


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def up(variables: dict[str, str], port: int) -> Iterator[subprocess.Popen[str]]:
    command = [str(_HURACAN), "up", "--port", str(port), "--set", "universe.first_day=2025-02-01", "--json"]
    process = subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


@pytest.fixture(scope="module")
def told(up: subprocess.Popen[str]) -> dict[str, Any]:
    """What it says on standard output once the UI answers."""
    assert up.stdout is not None
    said: dict[str, Any] = json.loads(up.stdout.readline())
    return said


def _ask(url: str, query: str) -> Any:
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(f"{url}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["data"]


def _eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.3)
    return False


def _is_alive(process: psutil.Process) -> bool:
    """A dead process whose parent has not asked for its exit code yet is dead."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_the_url_that_is_told_answers(told: dict[str, Any], port: int) -> None:
    assert told["url"] == f"http://127.0.0.1:{port}"
    assert _ask(told["url"], "{version}")["version"]


def test_the_graph_is_loaded_with_the_settings_of_the_command_line(told: dict[str, Any]) -> None:
    query = """{assetNodeOrError(assetKey: {path: ["ohlcv"]}) {... on AssetNode {
        repository {location {name}} partitionKeys}}}"""
    node = _ask(told["url"], query)["assetNodeOrError"]
    assert node["repository"]["location"]["name"] == "huracan"
    assert node["partitionKeys"][0] == "2025-02-01"


def test_every_daemon_beats(told: dict[str, Any]) -> None:
    query = "{instance {daemonHealth {allDaemonStatuses {daemonType healthy lastHeartbeatErrors {message}}}}}"

    def are_healthy() -> bool:
        statuses = _ask(told["url"], query)["instance"]["daemonHealth"]["allDaemonStatuses"]
        assert [each for each in statuses if each["lastHeartbeatErrors"]] == []
        return len(statuses) >= 5 and all(each["healthy"] for each in statuses)

    assert _eventually(are_healthy)


def test_the_schedule_and_the_sensors_are_on_without_a_click(told: dict[str, Any]) -> None:
    query = """{workspaceOrError {... on Workspace {locationEntries {locationOrLoadError {
        ... on RepositoryLocation {repositories {
            schedules {name scheduleState {status}} sensors {name sensorState {status}}}}}}}}}"""
    (location,) = _ask(told["url"], query)["workspaceOrError"]["locationEntries"]
    (repository,) = location["locationOrLoadError"]["repositories"]
    states = {each["name"]: each["scheduleState"]["status"] for each in repository["schedules"]}
    states |= {each["name"]: each["sensorState"]["status"] for each in repository["sensors"]}
    assert {"night", "after_market", "run_failed", "check_failed", "partition_late"} <= set(states)
    assert set(states.values()) == {"RUNNING"}


def test_a_taken_port_is_one_clear_line(told: dict[str, Any], variables: dict[str, str], port: int) -> None:
    second = subprocess.run(
        [str(_HURACAN), "up", "--port", str(port)], env=variables, capture_output=True, text=True, timeout=60
    )
    assert second.returncode == 2
    assert second.stderr == f"huracan: Port {port} of 127.0.0.1 is taken. Give another one with --port.\n"
    assert _ask(told["url"], "{version}")["version"]


def test_ctrl_c_stops_everything_within_seconds(
    up: subprocess.Popen[str], told: dict[str, Any], home: Path
) -> None:
    family = psutil.Process(up.pid).children(recursive=True)
    postgres = psutil.Process(int((home / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0]))
    assert set(told["pids"]) <= {process.pid for process in family}
    up.send_signal(signal.SIGINT)
    assert up.wait(25) == 0
    assert [process for process in (*family, postgres) if _is_alive(process)] == []
