"""`huracan up`: it starts everything, says where, and leaves nothing behind when it is stopped."""

import http.client
import json
import os
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

_HURACAN = Path(sys.executable).parent / "huracan"
_START_SECONDS = 60.0


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    # Not below pytest's own directory: its path is too long for a socket.
    with tempfile.TemporaryDirectory(prefix="huracan-up-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def variables(home: Path) -> dict[str, str]:
    ours = ("HURACAN", "DAGSTER", "DATABASE_URL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"HURACAN_HOME": str(home)}


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def up(variables: dict[str, str], port: int) -> Iterator[subprocess.Popen[str]]:
    command = [str(_HURACAN), "up", "--port", str(port), "--set", "universe.first_day=2025-02-01", "--json"]
    command += ["--set", "web.allowed_hosts=['*.example.com']"]
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


def test_status_says_who_keeps_the_schedule_and_what_the_database_knows(
    told: dict[str, Any], up: subprocess.Popen[str], variables: dict[str, str], port: int
) -> None:
    asked = subprocess.run(
        [str(_HURACAN), "status", "--json"], env=variables, capture_output=True, check=True
    )
    found = json.loads(asked.stdout)
    assert found["up"] == {"process": up.pid, "port": port}
    assert found["database"] == {"incidents": [], "open_incidents": 0, "runs": []}
    assert found["night"] is None


def _refused(variables: dict[str, str], port: int) -> str:
    second = subprocess.run(
        [str(_HURACAN), "up", "--port", str(port)], env=variables, capture_output=True, text=True, timeout=60
    )
    assert second.returncode == 2 and second.stderr.count("\n") == 1, second.stderr
    return second.stderr


def test_a_taken_port_is_one_clear_line_that_names_who_holds_it(
    told: dict[str, Any], variables: dict[str, str], port: int, tmp_path: Path
) -> None:
    said = _refused(variables | {"HURACAN_HOME": str(tmp_path)}, port)
    assert any(
        said.startswith(f"huracan: Port {port} of 127.0.0.1 is taken by process {pid} (")
        for pid in told["pids"]
    )
    assert said.endswith("Give another one with --port.\n")


def test_webserver_and_daemon_share_one_code_server(told: dict[str, Any], up: subprocess.Popen[str]) -> None:
    family = [" ".join(each.cmdline()) for each in psutil.Process(up.pid).children(recursive=True)]
    assert sum("dagster code-server start" in each for each in family) == 1
    assert sum("dagster api grpc" in each for each in family) == 1


def test_a_run_that_the_ui_launches_comes_to_its_end(told: dict[str, Any]) -> None:
    launch = """mutation {launchRun(executionParams: {selector: {
        repositoryLocationName: "huracan", repositoryName: "__repository__", pipelineName: "market"},
        runConfigData: {}, mode: "default", executionMetadata: {tags: [
        {key: "dagster/partition", value: "2025-02-01"}]}}) {... on LaunchRunSuccess {run {runId}}}}"""
    run_id = _ask(told["url"], launch)["launchRun"]["run"]["runId"]

    def has_succeeded() -> bool:
        run = _ask(told["url"], f'{{runOrError(runId: "{run_id}") {{... on Run {{status}}}}}}')
        assert run["runOrError"]["status"] not in ("FAILURE", "CANCELED")
        return bool(run["runOrError"]["status"] == "SUCCESS")

    assert _eventually(has_succeeded)


def test_a_second_one_on_the_same_home_is_refused(
    told: dict[str, Any], up: subprocess.Popen[str], variables: dict[str, str], home: Path, port: int
) -> None:
    said = _refused(variables, port + 1)
    assert f"huracan up runs on {home} already (process {up.pid}, port {port})." in said
    assert _ask(told["url"], "{version}")["version"]


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("127.0.0.1", 200),
        ("localhost:3000", 200),
        ("LOCALHOST", 200),
        ("box.example.com", 200),
        ("evil.example", 400),
        ("localhost.evil.example", 400),
        ("evil.example:3000", 400),
        ("127.0.0.1@evil.example", 400),
        ("example.com", 400),
        ("", 400),
    ],
)
def test_the_ui_answers_to_allowed_hosts_only(told: dict[str, Any], port: int, host: str, code: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for method, path in (("GET", "/server_info"), ("POST", "/graphql")):
        body = json.dumps({"query": "{version}"}) if method == "POST" else None
        connection.request(method, path, body, {"Host": host, "Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read().decode()
        assert answer.status == code, text
        assert ("web.allowed_hosts" in text) == (code == 400)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Origin": "http://127.0.0.1:3000"}, 200),
        ({"Origin": "https://box.example.com"}, 200),
        ({"Origin": "https://evil.example"}, 400),
        ({"Origin": "http://localhost.evil.example"}, 400),
        ({"Origin": "null"}, 400),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 400),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}, 200),
    ],
)
def test_a_page_of_another_host_asks_for_nothing(
    told: dict[str, Any], port: int, headers: dict[str, str], code: int
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for method in ("GET", "POST"):
        connection.request(method, "/graphql?query=%7Bversion%7D", headers=headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == code


def test_a_websocket_of_another_host_or_page_is_refused(told: dict[str, Any], port: int) -> None:
    def shake(host: str, origin: str = "http://localhost") -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
            line.sendall(
                f"GET /graphql HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n"
                "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Protocol: graphql-ws\r\n\r\n".encode()
            )
            return line.recv(64)

    assert shake("localhost").startswith(b"HTTP/1.1 101")
    assert not shake("evil.example").startswith(b"HTTP/1.1 101")
    assert not shake("localhost", "https://evil.example").startswith(b"HTTP/1.1 101")


def test_ctrl_c_stops_everything_within_seconds(
    up: subprocess.Popen[str], told: dict[str, Any], home: Path
) -> None:
    family = psutil.Process(up.pid).children(recursive=True)
    postgres = psutil.Process(int((home / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0]))
    assert set(told["pids"]) <= {process.pid for process in family}
    up.send_signal(signal.SIGINT)
    assert up.wait(25) == 130
    assert [process for process in (*family, postgres) if _is_alive(process)] == []


def test_what_a_killed_one_has_left_is_ended_by_the_next(
    variables: dict[str, str], home: Path, port: int
) -> None:
    command = [str(_HURACAN), "up", "--port", str(port), "--json"]

    def start() -> tuple[subprocess.Popen[str], dict[str, Any]]:
        process = subprocess.Popen(
            command, env=variables, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert process.stdout is not None
        return process, json.loads(process.stdout.readline())

    first, _ = start()
    left = [each for each in psutil.Process(first.pid).children(recursive=True) if each.name() != "postgres"]
    first.kill()
    first.wait(10)
    assert sum(_is_alive(process) for process in left) >= 2, "a kill leaves them alive"
    second, told = start()
    still = [process for process in left if _is_alive(process)]
    for process in still:
        process.kill()
    try:
        assert still == []
        assert _ask(told["url"], "{version}")["version"]
    finally:
        second.send_signal(signal.SIGTERM)
        assert second.wait(30) == 0
    assert not (home / "up.json").exists()
