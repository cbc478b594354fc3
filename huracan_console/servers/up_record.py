"""What `huracan up` has started, kept in the home, so that the next one ends what a kill has left alive."""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from huracan.errors import InvalidInput

_START_TOLERANCE_SECONDS = 1.0
"""The kernel's ticks and the time of boot, from which a start is reckoned, may be read a little apart."""


@dataclass(frozen=True)
class UpRecord:
    """The file `up.json` of a home, and the lock that one `up` at a time holds."""

    home: Path

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the only `up` of this home until the end; the kernel lets go of it, even after kill -9."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
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

    def left_alive(self) -> set[psutil.Process]:
        """The recorded servers that still run, and whatever runs in their sessions: code servers and runs
        whose parents have died. A number that another program has taken since is left alone."""
        servers: dict[str, float] = self._read().get("servers", {})
        found = set()
        for process in psutil.process_iter():
            with suppress(psutil.Error, ProcessLookupError, PermissionError):
                started = servers.get(str(os.getsid(process.pid)))
                if started is not None and self._is_ours(process, started, str(process.pid) in servers):
                    found.add(process)
        return found

    def _is_ours(self, process: psutil.Process, started: float, is_server: bool) -> bool:
        later = process.create_time() - started
        is_of_then = (abs(later) if is_server else -later) <= _START_TOLERANCE_SECONDS
        return is_of_then and bool(process.environ().get("HURACAN_HOME") == str(self.home))

    @property
    def _path(self) -> Path:
        return self.home / "up.json"

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(self._path.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def _told(self) -> str:
        said = self._read()
        return f" (process {said['up']}, port {said['port']})" if "up" in said else ""


def holder(port: int) -> str:
    """The program that listens on the port, as far as this account may know."""
    with suppress(psutil.Error, PermissionError):
        for socket in psutil.net_connections("tcp"):
            if socket.status == psutil.CONN_LISTEN and socket.laddr.port == port and socket.pid:
                return f" by process {socket.pid} ({psutil.Process(socket.pid).name()})"
    return ""
