"""`huracan up`: the database, Dagster's webserver and its daemon, started and stopped together."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

import click
import psutil
import yaml
from rich.console import Console

from huracan.errors import InvalidInput
from huracan_console.answering.answers import DONE, FAILED
from huracan_console.instance import environment, open_instance
from huracan_console.runs import LOCATION, reap
from huracan_console.servers.up_record import UpRecord, holder
from huracan_resources.home_source import refuse_another_source
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import Settings

CODE_SERVER = "code server"
_ADDRESS = "127.0.0.1"
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SERVER_SECONDS, _REST_SECONDS = 8.0, 4.0
"""How long a server may take to stop by itself, and what is left of its processes after that."""


class _StopSignal:
    """Remembers that a signal has asked us to stop."""

    def __init__(self) -> None:
        self.number = 0
        for number in _STOPPING:
            signal.signal(number, self._ask)

    @property
    def is_asked(self) -> bool:
        return self.number != 0

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        self.number = number


def run_servers(settings: Settings, port: int, console: Console, *, as_json: bool) -> int:
    """Run until somebody stops it (exit code 0; by Ctrl-C `KeyboardInterrupt`) or until one of the servers
    ends by itself (exit code 1)."""
    resources = Resources(settings)
    if settings.schedule.is_enabled:  # else it only looks, at what may be another machine's
        refuse_another_source(resources)
    record = UpRecord(settings.storage.home)
    with record.held():
        left = record.left_alive()
        if left:
            console.print(f"Ending {len(left)} processes that a killed huracan up has left.", highlight=False)
            _end(left)
        _check_port(port)
        stop = _StopSignal()
        resources.database.migrate()
        with open_instance(settings) as instance:
            reap(instance, is_daemon_gone=bool(left))
            console.print(f"Database: {resources.database.shown_url}", highlight=False, soft_wrap=True)
        variables = os.environ | environment(settings)
        servers: dict[str, subprocess.Popen[bytes]] = {}
        console.print("Starting Dagster's code server, webserver and daemon ...")
        with tempfile.TemporaryDirectory(prefix="huracan-up-") as folder:
            try:
                for name, words in _commands(port, Path(folder)).items():
                    servers[name] = _start(words, variables)
                    record.write(port, [psutil.Process(server.pid) for server in servers.values()])
                    if name == CODE_SERVER:
                        _await_socket(_socket_in(Path(folder)), servers[name], stop)
                _wait(list(servers.values()), stop, port, console, as_json=as_json)
                ended = {name: server.poll() for name, server in servers.items()}
            finally:
                _stop(list(servers.values()))
                record.forget()
    codes = {name: code for name, code in ended.items() if code is not None}
    for name, code in codes.items():
        click.echo(f"huracan: {name} ended by itself with code {code}.", err=True)
    if stop.number == signal.SIGINT:
        raise KeyboardInterrupt
    return FAILED if codes and not stop.is_asked else DONE


def _commands(port: int, folder: Path) -> dict[str, list[str]]:
    """In the order of their start. They only speak up from warnings on; what happens in a run is in its log
    in the UI. Webserver and daemon share one code server, on a socket in `folder`, which is nobody else's."""
    workspace = str(folder / "workspace.yaml")
    server = {"socket": str(_socket_in(folder)), "location_name": LOCATION}
    Path(workspace).write_text(yaml.safe_dump({"load_from": [{"grpc_server": server}]}))
    quiet = ["--log-level", "warning"]
    return {
        CODE_SERVER: [
            *("-m", "dagster", "code-server", "start", "-m", "huracan_assets.definitions"),
            *("--socket", server["socket"], "--location-name", LOCATION, *quiet),
        ],
        "dagster-webserver": [
            *("-m", "huracan_console.servers.webserver", "-w", workspace, "-h", _ADDRESS, "-p", str(port)),
            *("--dagster-log-level", "warning", *quiet),
        ],
        "dagster-daemon": [
            *("-m", "dagster._daemon", "run", "-w", workspace, *quiet),
        ],
    }


def _socket_in(folder: Path) -> Path:
    return folder / "code.sock"


def _await_socket(path: Path, server: subprocess.Popen[bytes], stop: _StopSignal) -> None:
    """Until the server listens: whoever asks it sooner shows its failure until somebody reloads."""
    while not stop.is_asked and server.poll() is None:
        with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
            probe.connect(str(path))
            return
        time.sleep(0.1)


def _start(words: Sequence[str], variables: dict[str, str]) -> subprocess.Popen[bytes]:
    """Python with these words, in a session of its own: Ctrl-C reaches us first, each is stopped once.

    What servers and runs say goes to standard error, so that standard output stays clean for scripts.
    """
    return subprocess.Popen(
        [sys.executable, *words], env=variables, stdout=sys.stderr.fileno(), start_new_session=True
    )


def _wait(
    servers: list[subprocess.Popen[bytes]], stop: _StopSignal, port: int, console: Console, *, as_json: bool
) -> None:
    """Until somebody asks us to stop or a server ends; says where the UI is as soon as it answers."""
    url, is_told = f"http://{_ADDRESS}:{port}", False
    while not stop.is_asked and all(server.poll() is None for server in servers):
        if not is_told and _is_answering(port):
            is_told = True
            console.print(f"Dagster:  {url}   (Ctrl-C stops everything)", highlight=False)
            if as_json:
                click.echo(json.dumps({"url": url, "pids": [server.pid for server in servers]}))
        time.sleep(0.2)


def _stop(servers: list[subprocess.Popen[bytes]]) -> None:
    """Ask the servers to stop, then whatever they started: code servers, and the runs under way.

    A run that is stopped here is marked as failed by its own process; the next start takes it up again.
    """
    family = _family(servers)
    for server in servers:
        if server.poll() is None:
            server.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + _SERVER_SECONDS
    for server in servers:
        with suppress(subprocess.TimeoutExpired):
            server.wait(max(0.1, deadline - time.monotonic()))
    _end(family | _family(servers))
    for server in servers:
        server.wait()


def _end(family: set[psutil.Process]) -> None:
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal_number)
        _, alive = psutil.wait_procs(family, timeout=_REST_SECONDS)
        family = set(alive)


def _family(servers: list[subprocess.Popen[bytes]]) -> set[psutil.Process]:
    found: set[psutil.Process] = set()
    for server in servers:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(server.pid)
            found |= {process, *process.children(recursive=True)}
    return found


def _check_port(port: int) -> None:
    """`InvalidInput` where the webserver could not listen on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_ADDRESS, port))
        except OSError as error:
            why = f"taken{holder(port)}" if error.errno == errno.EADDRINUSE else f"refused ({error.strerror})"
            raise InvalidInput(
                f"Port {port} of {_ADDRESS} is {why}.", "Give another one with --port."
            ) from error


def _is_answering(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((_ADDRESS, port)) == 0
