"""`huracan up`: the database, Dagster's webserver and its daemon, started and stopped together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

from rich.console import Console

from huracan.errors import InvalidInput
from huracan_assets.resources import Outside
from huracan_console.instance import REPOSITORY, environment, open_instance
from huracan_resources.settings import Settings

_GRACE_SECONDS = 20


def run_servers(settings: Settings, port: int, console: Console, *, as_json: bool) -> int:
    """Run until Ctrl-C (exit code 0) or until one of the servers ends by itself (exit code 1)."""
    _check_port(port)
    outside = Outside(settings)
    outside.database.migrate()
    with open_instance(settings):
        console.print(f"Database: {outside.database.shown_url}")
    variables = os.environ | environment(settings)
    workspace = str(REPOSITORY / "workspace.yaml")
    commands = [
        ["dagster-webserver", "-w", workspace, "-h", "127.0.0.1", "-p", str(port)],
        ["dagster-daemon", "run", "-w", workspace],
    ]
    servers = [_start(command, variables) for command in commands]
    console.print(f"Dagster:  http://127.0.0.1:{port}   (Ctrl-C stops everything)")
    if as_json:
        import json

        import click

        click.echo(json.dumps({"url": f"http://127.0.0.1:{port}", "pids": [s.pid for s in servers]}))
    return _wait(servers, console)


def _start(command: Sequence[str], variables: dict[str, str]) -> subprocess.Popen[bytes]:
    """In a group of its own, so that Ctrl-C reaches us first and each server is stopped once."""
    name, *arguments = command
    program = os.path.join(os.path.dirname(sys.executable), name)  # noqa: PTH118, PTH120
    return subprocess.Popen([program, *arguments], env=variables, start_new_session=True)


def _wait(servers: list[subprocess.Popen[bytes]], console: Console) -> int:
    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    while not stopping and all(server.poll() is None for server in servers):
        time.sleep(0.2)
    ended = [server for server in servers if server.poll() is not None]
    for server in servers:
        if server.poll() is None:
            server.send_signal(signal.SIGINT)
    deadline = time.monotonic() + _GRACE_SECONDS
    for server in servers:
        try:
            server.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            server.wait()
    for server in ended:
        console.print(f"{server.args[0]} ended by itself with code {server.returncode}.")  # type: ignore[index]
    return 1 if ended and not stopping else 0


def _check_port(port: int) -> None:
    import socket

    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise InvalidInput(f"Port {port} of 127.0.0.1 is taken.", "Give another one with --port.")
