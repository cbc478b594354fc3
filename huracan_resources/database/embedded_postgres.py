"""The PostgreSQL that starts by itself below the home directory: no container, no root, no preparation.

It runs while any process that asked for it lives; the last one to leave stops it. How a server is made and
started is in `cluster`, tables and queries in `database`.
"""

import atexit
import fcntl
import os
import shlex
import shutil
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from huracan.errors import InvalidInput
from huracan_resources.database.cluster import (
    check_owner,
    cluster_url,
    make_cluster,
    postmaster,
    start_cluster,
    stop_cluster,
)
from huracan_resources.folders import make_folder

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
        make_folder(home)
        with _exclusive(home):
            _register(home)
            return _running_url(home)
    except OSError as error:
        raise InvalidInput(
            f"The embedded PostgreSQL cannot live in {home} ({error.strerror}).",
            "Point HURACAN_HOME at a directory that you own and may write.",
        ) from error


def running_url(home: Path) -> str | None:
    """The URL of the server in `home` if one runs now. It may be gone a moment later: nobody keeps it."""
    folder = home.expanduser().resolve() / "postgres"
    try:
        return None if postmaster(folder) is None else cluster_url(folder)
    except (OSError, IndexError):
        return None


def stop_embedded(home: Path) -> bool:
    """Stop the server in `home`, whoever uses it; True if one was running.

    No command does: it is for programs that make a home, measure or test in it, and remove it before they
    end.
    """
    home = home.expanduser().resolve()
    if not (home / "postgres" / "PG_VERSION").exists():
        return False
    with _exclusive(home):
        _leave(home)
        return stop_cluster(home / "postgres")


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
            stop_cluster(home / "postgres")


@contextmanager
def _exclusive(home: Path) -> Iterator[None]:
    """One thread of one process at a time starts or stops the server of `home`."""
    with _threads, (home / "postgres.lock").open("ab") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _running_url(home: Path) -> str:
    folder = home / "postgres"
    if postmaster(folder) is None:
        is_closed = folder.exists() and not os.access(folder, os.X_OK)
        if is_closed or (folder / "PG_VERSION").exists():
            check_owner(folder)
        # Of a server that is gone. After a reboot, in a new container or in a copy of the home its process id
        # may be another program's, and PostgreSQL would refuse to start.
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            (folder / name).unlink(missing_ok=True)
        if not (folder / "PG_VERSION").exists():
            _make(folder)
        _configure(folder)
        start_cluster(folder)
    return cluster_url(folder)


def _make(folder: Path) -> None:
    """Make the cluster aside and move it into place: a kill in the middle leaves nothing half made."""
    if folder.is_dir() and any(folder.iterdir()):
        raise InvalidInput(
            f"{folder} holds files, but no PostgreSQL.",
            f"Move it away: {shlex.join(('mv', str(folder), str(folder.with_name('postgres.old'))))}",
        )
    aside = folder.with_name("postgres.new")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(mode=0o700)
    make_cluster(aside)
    aside.rename(folder)


def _configure(folder: Path) -> None:
    """A home that an older version made gets today's settings when its server next starts, and is closed to
    other accounts, to which that version had opened it."""
    file = folder / "postgresql.conf"
    if _SETTINGS not in file.read_text():
        # In place: the file belongs to the account that the server runs as.
        with file.open("a") as opened:
            opened.write(_SETTINGS)
    of_older = folder.with_name("pgserver.lock")
    if of_older.exists():
        if not folder.parent.stat().st_mode & stat.S_ISVTX:  # such as /tmp
            folder.parent.chmod(0o700)
        of_older.unlink()
