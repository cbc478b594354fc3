"""What `huracan up` has started, kept in the home, so that the next one ends what a kill has left alive."""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from huracan.errors import InvalidInput
from huracan_resources.folders import make_folder

_START_TOLERANCE_SECONDS = 1.0
"""The kernel's ticks and the time of boot, from which a start is reckoned, may be read a little apart."""


@dataclass(frozen=True)
class _Written:
    """The content of the file: the ids of processes, and each server's start in seconds since 1970."""

    up: int
    port: int
    servers: dict[int, float]


@dataclass(frozen=True)
class RunningUp:
    """Its process and the port of its UI."""

    process: int
    port: int


@dataclass(frozen=True)
class UpRecord:
    """The file `up.json` of a home, and the lock that one `up` at a time holds."""

    home: Path

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the only `up` of this home until the end; the kernel lets go of it, even after kill -9."""
        try:
            make_folder(self.home)
            lock = (self.home / "up.lock").open("ab")
        except OSError as error:
            raise InvalidInput(
                f"{self.home} cannot be written ({error.strerror}).",
                "Point HURACAN_HOME at a directory you may write.",
            ) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InvalidInput(
                    f"huracan up runs on {self.home} already{self._told()}.",
                    "Use that one, or stop it first (Ctrl-C there).",
                ) from error
            yield

    def write(self, port: int, servers: Iterable[psutil.Process]) -> None:
        """Remember this process and its servers, each by its id and its start."""
        started = {str(server.pid): server.create_time() for server in servers}
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps({"up": os.getpid(), "port": port, "servers": started}))
        draft.replace(self._path)

    def forget(self) -> None:
        """The servers have ended."""
        self._path.unlink(missing_ok=True)

    def running(self) -> RunningUp | None:
        """The `up` that runs on this home now, with its servers."""
        written = self._read()
        for server, started in (written.servers if written else {}).items():
            with suppress(psutil.Error):
                process = psutil.Process(server)
                is_of_then = abs(process.create_time() - started) <= _START_TOLERANCE_SECONDS
                if written and is_of_then and process.ppid() == written.up:
                    return RunningUp(written.up, written.port)
        return None

    def left_alive(self) -> set[psutil.Process]:
        """The recorded servers that still run, and whatever runs in their sessions: code servers and runs
        whose parents have died. A number that another program has taken since is left alone."""
        written = self._read()
        servers = written.servers if written else {}
        found = set()
        for process in psutil.process_iter():
            with suppress(psutil.Error, ProcessLookupError, PermissionError):
                server = os.getsid(process.pid)
                if server in servers and self._is_ours(process, server, servers[server]):
                    found.add(process)
        return found

    def _is_ours(self, process: psutil.Process, server: int, started: float) -> bool:
        # The kernel gives no number away while a session of that number lasts: a server that is gone
        # has left its own session.
        if psutil.pid_exists(server):
            later = psutil.Process(server).create_time() - started
            is_of_then = abs(later) <= _START_TOLERANCE_SECONDS
        else:
            is_of_then = process.create_time() - started >= -_START_TOLERANCE_SECONDS
        return is_of_then and bool(process.environ().get("HURACAN_HOME") == str(self.home))

    @property
    def _path(self) -> Path:
        return self.home / "up.json"

    def _read(self) -> _Written | None:
        """None where nothing was written, or where the file holds anything else."""
        try:
            content = json.loads(self._path.read_text())
            servers = {int(number): float(started) for number, started in content["servers"].items()}
            return _Written(int(content["up"]), int(content["port"]), servers)
        except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
            return None

    def _told(self) -> str:
        written = self._read()
        return f" (process {written.up}, port {written.port})" if written else ""


def holder(port: int) -> str:
    """The program that listens on the port, as far as this account may know."""
    with suppress(psutil.Error, PermissionError):
        for socket in psutil.net_connections("tcp"):
            if socket.status == psutil.CONN_LISTEN and socket.laddr.port == port and socket.pid:
                return f" by process {socket.pid} ({psutil.Process(socket.pid).name()})"
    return ""
